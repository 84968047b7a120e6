//! TLS, with ring underneath: whose certificates a client believes, and what certificate a server shows.
//!
//! No vendor's module but the ground they share. TLS 1.2 and 1.3, and nothing older.
//!
//! - [`Trust`]: the system's authorities; those and one of your own; or one very certificate, for a broker that is our own
//!   child: we know what it shows, whatever names stand in it.
//! - [`Certificate`]: a pair of PEM files, checked when it is read, and read again while it is shown, because certificates
//!   are renewed every few weeks and nobody wants to restart for it.
//! - `distrust`: why a handshake failed, in words.

#[cfg(feature = "http")]
mod pair;
#[cfg(any(feature = "http-client", feature = "nats"))]
mod trust;
#[cfg(any(feature = "http-client", feature = "nats"))]
mod words;

#[cfg(feature = "http")]
pub use pair::{Certificate, Pair, PairError};
#[cfg(any(feature = "http-client", feature = "nats"))]
pub use trust::Trust;
#[cfg(any(feature = "http-client", feature = "nats"))]
pub(crate) use trust::client_config;
#[cfg(any(feature = "http-client", feature = "nats"))]
pub(crate) use words::distrust;

use std::{io, sync::Arc};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Named explicitly, so that no process-wide choice is needed.
fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificates in a PEM text; at least one.
fn certificates(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(invalid)?;
    if found.is_empty() { Err(invalid("it holds no certificate in PEM")) } else { Ok(found) }
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
