//! Core NATS on a connection of our own: [`Bus`] and the account [`Resolver`].
//!
//! Why not through async-nats is told in docs/adr/0007: any user can end its connection with a few bytes, and it tells what
//! the broker refuses only beside the call. Here what cannot be read is one malformed message, and a refusal is the error
//! of the very call that caused it: nats-server answers in order, so the answer to a PING stands behind every refusal of
//! what was sent before it.

mod bus;
mod changeover;
mod connect;
mod driver;
mod resolver;
mod state;
mod subscription;
#[cfg(feature = "testing")]
pub mod testing;
mod violation;
mod wire;

pub use bus::{Bus, WeakBus};
pub use connect::{ConnectError, ConnectOptions, Renew, Security};
pub use resolver::Resolver;
