//! The ports of `relais-domain` on real systems.
//!
//! One module and one feature a vendor; none names another. What two of them need stands in the domain, or, where it is
//! about files or TLS, in [`files`] and [`tls`].

pub mod files;
#[cfg(any(feature = "http", feature = "http-client", feature = "nats"))]
pub mod tls;

#[cfg(feature = "argon2")]
pub mod argon2;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "http-client")]
pub mod http_client;
#[cfg(feature = "jetstream")]
pub mod jetstream;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "mail")]
pub mod mail;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "nats-server")]
pub mod nats_server;
#[cfg(feature = "nkeys")]
pub mod nkeys;
#[cfg(feature = "nsc")]
pub mod nsc;
#[cfg(feature = "reflect")]
pub mod reflect;
#[cfg(feature = "sql")]
pub mod sql;
#[cfg(feature = "sqlite-buffer")]
pub mod sqlite_buffer;
#[cfg(feature = "system")]
pub mod system;
