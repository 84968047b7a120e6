//! The broker as a supervised child: `nats-server`, found, configured, started, watched, restarted, ended with us.
//!
//! For a laptop and for tests, so that `relais up` needs no broker of its own; production points `nats.url` at a
//! cluster and never comes here.
//!
//! - [`find`] looks for a binary that is new enough.
//! - [`Config`] says what it is to serve; the adapter writes the file (operator mode, full resolver, JetStream that
//!   syncs every write, WebSocket, monitoring).
//! - [`Server::start`] is done when the broker answers. From then on it is restarted when it dies, on the same ports.
//!
//! **It ends with us, however we end.** Stopped, it gets SIGTERM and 10 s; dropped, SIGKILL; and when this process is
//! killed the kernel kills it (Linux: parent-death signal) or a watcher does (other systems: a pipe that closes). It
//! has a process group of its own, so Ctrl-C at a terminal does not reach it before handlers have drained.
//!
//! **One broker a folder.** A lock on `broker.lock` is inherited by the child and so lives exactly as long as it: a
//! predecessor that is still dying is waited for, one that lives is named.
//!
//! Unix only: there is no parent-death story for Windows here.

mod backoff;
mod binary;
mod config;
mod error;
mod launch;
mod log;
mod quote;
mod server;
mod supervisor;
mod unix;

#[cfg(test)]
mod tests;

pub use binary::{Binary, FindError, Version, find};
pub use config::{Cluster, Config, Limits, Tls};
pub use error::StartError;
pub use server::{Options, Reload, Running, Server, State};
