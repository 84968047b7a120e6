//! The port to slow hashing.

use async_trait::async_trait;

use crate::{auth::PasswordHash, ports::Cause, secret::Secret};

/// Slow hashing of passwords.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// The salted hash of a password, different each time.
    ///
    /// # Errors
    /// [`HashError::Busy`] when too many hashes wait already.
    async fn hash(&self, password: &Secret) -> Result<PasswordHash, HashError>;

    /// Whether this is the password behind `hash`. With `None` (there is no such user) it hashes all the same, and answers
    /// [`Verdict::Wrong`]. For a wrong password it works as much with a hash as without, so that the time does not tell whether
    /// there is one; only a hash that costs more than one made now is its own work.
    ///
    /// # Errors
    /// [`HashError::Busy`]; [`HashError::Unreadable`] when `hash` is none of this hasher's.
    async fn verify<'a>(&self, password: &Secret, hash: Option<&'a PasswordHash>) -> Result<Verdict, HashError>;
}

/// What a check of a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the password.
    Wrong,
    /// It is.
    Right,
    /// It is, and the hash was made with weaker parameters than are set now: hash it anew.
    RightButWeak,
}

/// What can go wrong when hashing.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many wait already; try again in a second.
    #[error("too many logins at once; try again in a second")]
    Busy,
    /// A stored hash cannot be read.
    #[error("a stored password hash cannot be read")]
    Unreadable(#[source] Cause),
}
