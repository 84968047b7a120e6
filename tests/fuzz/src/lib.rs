//! What the fuzz targets check, one module a target: `check(data)` panics when a property does not hold.
//!
//! `./x fuzz` builds and runs them (tools/fuzz says how). None asks only that nothing panics: each compares with the same
//! thing done by hand, in the simplest way, or with a way back. What is private is reached as its users reach it, through a
//! [`relais_domain::routing::Service`] on a bus of the test's own ([`app`]); the wire alone has a door,
//! [`relais_adapters::nats::testing`].

pub mod captures;
pub mod credentials;
pub mod envelope;
pub mod headers;
pub mod subjects;

mod app;
mod by_hand;
mod wire;
