//! What NATS believes: nkeys, claims, permissions, creds.
//!
//! NATS trusts a chain of JWTs, one signed by a key of the one above: the **operator** signs **accounts**, an account
//! (or its signing key) signs **users**; a user proves with its own key that a JWT is about it. Here are the claims
//! of all three ([`OperatorClaims`], [`AccountClaims`], [`UserClaims`]; `github.com/nats-io/jwt/v2`), [`encode`] and
//! [`decode`], the [`creds`] file, and what Relais puts into them: [`permissions`], [`setup`], [`streams`] and
//! [`sign_user`], the one function that makes a user JWT.
//!
//! Signatures are the business of [`crate::ports::KeyPairs`], the store of keys that of an adapter.

mod account;
mod claims;
pub mod creds;
mod grantee;
mod issue;
mod keys;
mod operator;
pub mod permissions;
mod scopes;
pub mod setup;
mod sharing;
pub mod streams;
mod token;
mod user;

pub use account::*;
pub use claims::{Body, Claims, Generic, Open, Unknown};
pub use grantee::*;
pub use issue::*;
pub use keys::*;
pub use operator::*;
pub use scopes::*;
pub use setup::Trust;
pub use sharing::*;
pub use token::*;
pub use user::*;
