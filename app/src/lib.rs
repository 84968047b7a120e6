//! A message-based backend for mobile, web and edge apps on NATS.
//!
//! - [`serve`] runs *your* routes as a service against a broker: default features, no HTTP, SQL or S3.
//! - [`Client`] asks, tells and listens for one user.
//! - [`up`](fn@up) (feature `server`) is the whole backend in one process: broker, accounts, HTTP API, application server.
//! - The program `relais` (feature `cli`) is the backend and a command line.
//!
//! A service, whole:
//!
//! ```no_run
//! use relais::prelude::*;
//!
//! async fn echo(Message(req): Message<EchoRequest>, user: CurrentUser) -> Message<EchoResponse> {
//!     Message(EchoResponse { message: format!("echo {} from {}", req.message, user.id()) })
//! }
//!
//! #[tokio::main]
//! async fn main() -> relais::Result<()> {
//!     let router = Router::new().subscribe("from.{user}.echo.identified", echo);
//!     relais::serve(Settings::load()?, router).await
//! }
//! ```
//!
//! How to write routes, from the first one to load and tests, is told in `docs/routers.md`.
//!
//! | feature | gives |
//! |---|---|
//! | `service` (default) | [`serve`] |
//! | `client` (default) | [`connect_client`] |
//! | `login` | `Session`: a login that lasts |
//! | `asyncapi` | `AsyncApi`: routes as an AsyncAPI document |
//! | `server` | `up`: the whole backend |
//! | `cli` | the command line |

pub mod prelude;
pub mod settings;

#[cfg(feature = "asyncapi")]
mod asyncapi;
mod client;
mod error;
mod lifecycle;
mod serve;
mod services;

#[cfg(feature = "server")]
mod engine;
#[cfg(feature = "server")]
mod mail;
#[cfg(feature = "server")]
mod up;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod commands;
#[cfg(feature = "cli")]
pub mod connect;
#[cfg(feature = "cli")]
pub mod exit;
#[cfg(feature = "login")]
pub mod profile;
#[cfg(feature = "login")]
mod session;

#[cfg(feature = "asyncapi")]
pub use asyncapi::AsyncApi;
pub use client::{connect_client, connect_client_with_ca};
#[cfg(feature = "cli")]
pub use commands::main;
pub use error::{Error, Result};
pub use relais_domain::{
    client::{Client, ClientError, Messages, Peer, Received, Replies, TopicClient},
    identity::Topic,
    peers,
    routing::{self, TestApp},
};
pub use serve::serve;
#[cfg(feature = "login")]
pub use session::{Session, SessionError};
pub use settings::Settings;
#[cfg(feature = "server")]
pub use up::{App, Backend, IntoApp, Report, up};

/// The guide to routers; its examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/routers.md")]
struct Routers;

/// The README's programs, compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
