//! What NATS believes: nkeys, claims, permissions, creds.
//!
//! NATS trusts a chain of JWTs, one signed by a key of the one above: the **operator** signs **accounts**, an account
//! (or its signing key) signs **users**; a user proves with its own key that a JWT is about it. Here are the claims
//! of all three ([`OperatorClaims`], [`AccountClaims`], [`UserClaims`]; `github.com/nats-io/jwt/v2`), those by which one
//! account lets another import ([`ActivationClaims`]), and those by which a broker asks who may connect
//! ([`AuthorizationRequestClaims`], [`AuthorizationResponseClaims`]); [`encode`] and [`decode`], [`Claims::validate`],
//! the [`creds`] file, and what Relais puts into them: [`permissions`], [`setup`], [`apart`], [`streams`] and
//! [`user_to_sign`], which says of every user JWT what it claims. What can be changed about an account says [`Change`]. What
//! others want users to be allowed goes through [`lint`].
//!
//! Signatures are the business of [`crate::ports::KeyPairs`], the store of keys that of an adapter.

mod account;
mod activation;
pub mod apart;
mod authorization;
mod change;
mod claims;
pub mod creds;
mod grantee;
mod issue;
mod keys;
pub mod lint;
mod operator;
pub mod permissions;
mod scopes;
pub mod setup;
mod sharing;
pub mod streams;
mod strict;
#[cfg(test)]
mod tag_tests;
mod token;
mod user;
mod validation;

pub use account::*;
pub use activation::*;
pub use authorization::*;
pub use change::*;
pub use claims::{About, Body, Claims, Generic, Open, Unknown};
pub use grantee::*;
pub use issue::*;
pub use keys::*;
pub use operator::*;
pub use scopes::*;
pub use setup::Trust;
pub use sharing::*;
pub use token::*;
pub use user::*;
pub use validation::{Issue, Issues, KeyUse, Level, Source};
