//! Why Relais did not start, or could not go on.

use std::{fmt, io, net::SocketAddr, path::PathBuf};

use relais_adapters::{jetstream, nats};
use relais_domain::routing;

use crate::settings::SettingsError;

/// What `relais` returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why Relais did not start, or could not go on. Each text says what happened and, where it helps, what to do; the
/// source says why.
///
/// Its `Debug` is the text and its causes in one line, because that is what a `main` that returns it prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file or folder cannot be used.
    #[error("{what} {} cannot be used", path.display())]
    File {
        /// What it is to us.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process runs on this data folder.
    #[error("another relais runs on the data folder {}; end it, or set `data` to another folder", .0.display())]
    Busy(PathBuf),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({setting})")]
    Listen {
        /// Which setting it comes from.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// No creds to connect with.
    #[error("nats.creds is not set: it names the creds file to connect with; `relais service add NAME` makes one")]
    NoCreds,
    /// A creds file that is none.
    #[error("{} is no creds file of a service; `relais service add NAME` makes one", path.display())]
    Creds {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The settings name one service, the creds another.
    #[error("service.name is {set}, but the creds in {} are those of {own}", path.display())]
    OtherService {
        /// What was set.
        set: String,
        /// What the creds say.
        own: String,
        /// The creds.
        path: PathBuf,
    },
    /// No connection to the broker.
    #[error(transparent)]
    Connect(#[from] nats::ConnectError),
    /// The setting `cache` says jetstream, and nobody has made the bucket.
    #[error(
        "cache is jetstream, but the broker has no bucket {bucket}; `{command}`, run where the data folder is, makes it, or \
         set cache to memory"
    )]
    NoBucket {
        /// Its name.
        bucket: String,
        /// What makes it.
        command: String,
    },
    /// The setting `cache` says jetstream, and its bucket cannot be used.
    #[error("cache is jetstream, which cannot be used")]
    Cache(#[source] jetstream::OpenError),
    /// The router has mistakes, or a route was refused.
    #[error(transparent)]
    Start(#[from] routing::StartError),
    /// The broker ended the connection for good.
    #[error("the broker has ended the connection for good: the credential has expired or was revoked")]
    Ended,
    /// Descriptors of messages cannot be used.
    #[cfg(feature = "asyncapi")]
    #[error(transparent)]
    Descriptors(#[from] relais_adapters::reflect::ReflectError),
    /// A subject that is said to be sent to.
    #[cfg(feature = "asyncapi")]
    #[error("nothing can be sent to {pattern}")]
    Sends {
        /// As it was written.
        pattern: String,
        /// Why not.
        #[source]
        source: relais_domain::subject::InvalidSubject,
    },
    /// A part of the backend.
    #[cfg(feature = "server")]
    #[error("{what}")]
    Part {
        /// What could not be done.
        what: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_main_prints_is_for_people() {
        let source = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let error = Error::File { what: "the creds file", path: "/a.creds".into(), source };
        assert_eq!(format!("{error:?}"), "the creds file /a.creds cannot be used: no such file");
    }
}
