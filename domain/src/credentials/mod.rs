//! What NATS believes: nkeys, claims, permissions, creds.

mod grantee;
mod keys;
pub mod permissions;

pub use grantee::*;
pub use keys::*;
