//! What runs where.

use std::{net::SocketAddr, path::PathBuf};

use serde::Serialize;

/// What `relais up` says when everything is ready. As JSON it is one line, for scripts.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Always `true`: it is told once everything is.
    pub ready: bool,
    /// The HTTP API, for clients.
    pub http: String,
    /// Where it listens, whatever clients are told.
    pub http_listen: SocketAddr,
    /// The broker, for clients.
    pub nats: String,
    /// The broker, for browsers; absent when an external one does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websocket: Option<String>,
    /// The broker's monitoring; absent for an external one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<String>,
    /// The folder in which everything is kept.
    pub data: PathBuf,
    /// This process.
    pub pid: u32,
    /// The broker's version and path; absent for an external one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    /// The file with the one-time token that makes the first admin; absent when there is an admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_token: Option<PathBuf>,
    /// Where the mails are that were caught instead of sent; absent when mails go out, or nobody sends any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// The service's name and routes.
    pub service: String,
    /// Its patterns.
    pub routes: Vec<String>,
}
