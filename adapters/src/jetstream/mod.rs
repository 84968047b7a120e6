//! JetStream over the port [`Bus`](relais_domain::ports::Bus): the [`Cache`] in a key-value bucket that all instances of a
//! service share, and the [`Provisioner`] that makes the bucket.
//!
//! JetStream is spoken to by core NATS: a put is a request to the key's subject, a get one to `DIRECT.GET`, a bucket a
//! piece of JSON. So it runs on the connection that a service has anyway, with its refusals and its time limits, and no
//! second client is linked (docs/adr/0010). Any client of NATS KV reads the bucket (ADR-8).
//!
//! ```text
//! $KV.{service}_cache.{key}   value; headers  Relais-Until  when it is over, in µs since 1970, by the instance that put it
//!                                             Nats-TTL      the same in whole seconds, rounded up, for the broker
//! ```
//!
//! `Relais-Until` decides what is found, to the microsecond; `Nats-TTL` (NATS ADR-43) is what frees the space, up to a second
//! or two later. A service may do this and no more with its bucket: see `relais_domain::credentials::permissions`.

mod api;
mod bucket;
mod cache;
mod provisioner;
mod rest;

#[cfg(test)]
mod tests;

pub use bucket::Difference;
pub use cache::{Cache, OpenError};
pub use provisioner::{Bucket, ProvisionError, Provisioned, Provisioner};
