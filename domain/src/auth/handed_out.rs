//! What a login hands out besides the JWT: the creds text, and what the credential may do.

use serde::Serialize;

use crate::{credentials::UserJwt, identity::UserId, secret::Secret};

/// Where a credential may publish and what it may listen to, as NATS filters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// Filters of subjects it may publish to.
    pub publish: Vec<String>,
    /// Filters it may listen to.
    pub subscribe: Vec<String>,
}

/// The permissions of every device of `user` (DESIGN §4, first row).
pub(super) fn permissions_of(user: &UserId) -> Permissions {
    Permissions {
        publish: vec![format!("from.{user}.>")],
        subscribe: vec![format!("to.{user}.>"), format!("_INBOX.{user}.>")],
    }
}

/// The creds file of a user (`nats-io/jwt` v2, `creds_utils.go`, `FormatUserConfig`), byte for byte.
pub(super) fn creds(jwt: &UserJwt, seed: &Secret) -> Secret {
    let (jwt, seed) = (jwt.as_str(), seed.expose());
    Secret::from(format!(
        "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
         ************************* IMPORTANT *************************\n\
         NKEY Seed printed below can be used to sign and prove identity.\n\
         NKEYs are sensitive and should be treated as secrets.\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n\n\
         *************************************************************\n"
    ))
}
