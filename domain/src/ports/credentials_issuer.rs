//! The port to what signs and revokes credentials.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    credentials::{
        Grantee, MAX_USER_JWT, PublicKey, UserJwt,
        permissions::{NotARoute, Permissions},
    },
    ports::Cause,
};

/// Makes and takes back what NATS believes. Two engines stand behind it: the native one and the real `nsc`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CredentialsIssuer: Send + Sync {
    /// Signs a user JWT for `grant`. What the holder may do follows from the grantee alone:
    /// [`crate::credentials::permissions`]. A repeat signs another JWT, with the time of that moment.
    ///
    /// # Errors
    /// [`IssueError::Revoked`] for a key that was ever revoked, [`IssueError::WrongKey`] for one that is no user key,
    /// [`IssueError::NotGranted`] for a service with a route that no service may have, [`IssueError::TooLong`] for more
    /// than a broker reads, [`IssueError::Store`] when the store cannot be read.
    async fn issue(&self, grant: Grant) -> Result<UserJwt, IssueError>;

    /// As [`CredentialsIssuer::issue`], and the JWT is kept in the store by its name, in place of the one before: for services and
    /// persons, whose credentials live for years and are looked after by name.
    ///
    /// # Errors
    /// As [`CredentialsIssuer::issue`]; [`IssueError::Store`] also when it cannot be kept.
    async fn issue_kept(&self, grant: Grant) -> Result<UserJwt, IssueError>;

    /// What `grantee` may publish and listen to now: for members of a role, what the role says for them; nothing where there is no such
    /// role.
    ///
    /// # Errors
    /// [`IssueError::Store`].
    async fn permissions(&self, grantee: &Grantee) -> Result<Permissions, IssueError>;

    /// Revokes a key for good: every JWT for it, of the past and the future, is refused, and live connections are
    /// closed. When this returns it is durable, and every broker has confirmed it. Many at once share their pushes. A repeat
    /// pushes it again.
    ///
    /// # Errors
    /// [`IssueError::NotPushed`] when it is stored but not every broker has confirmed it (it is pushed again within a minute,
    /// at the next start and the next revocation); [`IssueError::Store`] when nothing is stored.
    async fn revoke(&self, account: AccountRole, key: &PublicKey) -> Result<(), IssueError>;

    /// Forgets that these keys of the application's account are revoked. Only for keys of which every JWT has ended, by somebody
    /// who keeps them from coming back. A repeat does nothing.
    ///
    /// # Errors
    /// As [`CredentialsIssuer::revoke`].
    async fn prune(&self, keys: &[PublicKey]) -> Result<(), IssueError>;

    /// The public keys in use.
    ///
    /// # Errors
    /// [`IssueError::Store`].
    async fn info(&self) -> Result<CredentialsInfo, IssueError>;
}

/// A wish for a user JWT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who it is for, from which follow account, signing key and permissions.
    pub grantee: Grantee,
    /// The holder's public key (`U…`).
    pub key: PublicKey,
    /// When it ends; `None` is never.
    pub expires_at: Option<Timestamp>,
}

/// The three accounts of an installation, by what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountRole {
    /// The application's: users and services.
    Application,
    /// `OPS`: persons who look.
    Operations,
    /// The system account.
    System,
}

/// Names and public keys of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsInfo {
    /// The operator's name and identity key.
    pub operator: (String, PublicKey),
    /// Each account's role, name and identity key.
    pub accounts: Vec<(AccountRole, String, PublicKey)>,
}

/// What can go wrong when issuing or revoking.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The key was revoked; only a new key helps.
    #[error("the key {0} has been revoked for good; make a new one")]
    Revoked(PublicKey),
    /// Not a user key.
    #[error("{0} is not a user key (one beginning with U)")]
    WrongKey(PublicKey),
    /// Nobody may have what was asked for.
    #[error("these credentials are not given out")]
    NotGranted(#[source] NotARoute),
    /// What it may do takes more room than a broker reads when it connects ([`MAX_USER_JWT`]).
    #[error(
        "the JWT of {grantee} would have {length} bytes, and brokers read no JWT of more than {MAX_USER_JWT} when somebody \
         connects; ask for fewer subjects, or for one that takes in many (orders.> at its end)"
    )]
    TooLong {
        /// Whose it would be.
        grantee: String,
        /// How long, in bytes.
        length: usize,
    },
    /// Stored, but not confirmed by every broker.
    #[error("the change is stored but not every broker has confirmed it; it is pushed again within a minute")]
    NotPushed(#[source] Cause),
    /// The store of keys and JWTs cannot be read or written.
    #[error("the store of keys and JWTs cannot be used")]
    Store(#[source] Cause),
}
