//! The port to where users are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    auth::{Email, PasswordHash},
    identity::UserId,
    ports::Cause,
};

/// Where users are kept.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the email (or, never by chance, the id) is there already; nothing is changed then.
    async fn insert(&self, user: User) -> Result<(), StoreError>;

    /// The user with this email, or `None`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// The user with this id, or `None`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError>;
}

/// A user, as stored.
#[derive(Clone)]
pub struct User {
    /// Made by the server.
    pub id: UserId,
    /// Normalised and unique.
    pub email: Email,
    /// What a password is checked against.
    pub password: PasswordHash,
    /// When they registered, to the millisecond.
    pub created_at: Timestamp,
}

/// What can go wrong in a store of users or devices.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is there already.
    #[error("it is taken")]
    Taken,
    /// No more of these are allowed.
    #[error("there are {0} already, and no more are allowed")]
    Full(usize),
    /// The database cannot be reached, or says no; trying again later may help.
    #[error("the database is not available")]
    Unavailable(#[source] Cause),
}
