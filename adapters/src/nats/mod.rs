//! Core NATS through async-nats: [`Bus`] and the account [`Resolver`].
//!
//! What async-nats tells only on the connection (a denied publish or subscription) is told here to the very call that
//! caused it. nats-server answers in order, so a request that nobody answers (a *probe*) comes back behind every refusal
//! of what was sent before it; that is how a flush and a subscription know they were not refused.

mod bus;
mod connect;
mod convert;
mod resolver;
mod subscription;
mod violation;

pub use bus::Bus;
pub use connect::{ConnectError, ConnectOptions};
pub use resolver::Resolver;
