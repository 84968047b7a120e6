//! The whole backend in one process: `relais::up`, and what `relais up` and `relais serve` run.
//!
//! [`wiring`] builds every part in a straight line, each from those before it; when one fails, those that run are ended
//! by being dropped, in reverse. [`Backend::stop`] ends them well: no new HTTP requests, no new messages, handlers finish,
//! connections drain, the broker last.

mod addresses;
mod app;
mod certificates;
mod data;
mod mail;
mod people;
pub(crate) mod provision;
mod report;
mod rivals;
mod wiring;

pub use app::{App, IntoApp};
pub use report::Report;
pub use wiring::Backend;

use crate::{error::Result, lifecycle::Signals, settings::Settings};

/// Runs the whole backend with the routes of `app`, a [`Router`](crate::routing::Router) or an [`App`], beside the built-in
/// ones, until Ctrl-C or SIGTERM: the broker as a child (unless `nats.url` names one), accounts and keys, the database, the
/// HTTP API, and the application server.
///
/// # Errors
/// [`crate::Error`]; nothing half-started is left behind.
pub async fn up(settings: Settings, app: impl IntoApp) -> Result<()> {
    let mut signals = signals()?;
    let backend = tokio::select! {
        started = Backend::start(&settings, app) => started?,
        () = signals.next() => return Ok(()),
    };
    tracing::info!(http = %backend.report().http, nats = %backend.report().nats, "ready");
    backend.run_until_end(signals).await
}

pub(crate) fn signals() -> Result<Signals> {
    Signals::listen().map_err(|source| crate::serve::file("the signals of", "this process".as_ref(), source))
}
