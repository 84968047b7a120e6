//! Why the broker did not start.

use std::{io, net::SocketAddr, path::PathBuf, process::ExitStatus, time::Duration};

/// Why the broker did not start. Nothing runs when this is returned.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The monitoring address is not on loopback; it asks for no credentials.
    #[error("the broker's monitoring at {0} would be open to everybody: choose an address on loopback")]
    MonitorOffLoopback(SocketAddr),
    /// Another program listens there, or this machine has no such address.
    #[error("{address} is not free for {what}: end the program that listens there or choose another address")]
    Taken {
        /// What was to listen there.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The folder or a file in it cannot be made or written.
    #[error("the broker's folder {} cannot be written: choose a data folder of your own, on a disk with room", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another broker still runs on this folder.
    #[error("another nats-server{} still runs on {}: end it first", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
        /// Its process, when it is known.
        pid: Option<u32>,
    },
    /// The program or a thread for it could not be started.
    #[error("{} cannot be started", path.display())]
    Spawn {
        /// The program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended before it was ready.
    #[error("nats-server ended before it was ready ({status}); it said: {}", said_or_nothing(said))]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The last lines it said.
        said: Vec<String>,
    },
    /// It did not get ready in time, and was killed.
    #[error("nats-server was not ready within {} s and was stopped; it said: {}", within.as_secs(), said_or_nothing(said))]
    Silent {
        /// How long it had.
        within: Duration,
        /// The last lines it said.
        said: Vec<String>,
    },
    /// The start was given up from outside, by dropping it.
    #[error("the broker was stopped while it started")]
    GivenUp,
}

/// What it said, on one line.
pub(super) fn said_or_nothing(said: &[String]) -> String {
    if said.is_empty() { "nothing".to_owned() } else { said.join(" | ") }
}
