//! The port to what signs access tokens.

use jiff::Timestamp;

use crate::{
    identity::{DeviceId, UserId},
    secret::Secret,
};

/// Short-lived access tokens for the HTTP API.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait TokenIssuer: Send + Sync {
    /// Signs a token.
    fn issue(&self, access: &Access) -> Secret;

    /// What a token says, if it is ours and holds at `now`.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] when it is not ours in any way, [`TokenError::Expired`] when it was.
    fn verify(&self, token: &str, now: Timestamp) -> Result<Access, TokenError>;

    /// The public keys of tokens that may be met at `now` or soon after, as a JSON Web Key Set (RFC 7517 §5): others verify with
    /// these. It holds no secret.
    fn jwks(&self, now: Timestamp) -> String;
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Since when, to the second.
    pub issued_at: Timestamp,
    /// Until when, to the second.
    pub expires_at: Timestamp,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Wrong signature, algorithm, type, issuer, audience, or no token at all.
    #[error("this is no access token of ours")]
    Invalid,
    /// It held once.
    #[error("the access token has expired")]
    Expired,
}
