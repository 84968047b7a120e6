//! The port to where users are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    auth::{Email, PasswordHash},
    identity::{RoleName, UserId},
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

    /// At most `limit` users, by id, beginning behind `after`; only those whose email address holds `part`, when it is given.
    /// `part` is no pattern, and small letters are meant, as addresses are kept.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn list<'a>(
        &self,
        after: Option<UserId>,
        limit: usize,
        part: Option<&'a str>,
    ) -> Result<Vec<User>, StoreError>;

    /// Gives a user another role; how the user is then, or `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn set_role(&self, id: &UserId, role: &RoleName) -> Result<Option<User>, StoreError>;

    /// Makes a user an admin, or takes that away; how the user is then, or `None` when there is none. The last admin who is
    /// active stays one: of two who are taken away at once, one is refused.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when it is the last admin; [`StoreError::Unavailable`].
    async fn set_admin(&self, id: &UserId, admin: bool) -> Result<Option<User>, StoreError>;

    /// Lets a user in, or keeps it out; how the user is then, or `None` when there is none. Who is leaving goes on to leave.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when no active admin would be left; [`StoreError::Unavailable`].
    async fn set_standing(&self, id: &UserId, standing: Standing) -> Result<Option<User>, StoreError>;

    /// Puts another password in place of `expected`; whether it was still that. Without `expected`, in place of any.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn set_password<'a>(
        &self,
        id: &UserId,
        expected: Option<&'a PasswordHash>,
        password: &PasswordHash,
    ) -> Result<bool, StoreError>;

    /// Notes that the user has proven to have the mailbox of the address; how the user is then, or `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn set_verified(&self, id: &UserId) -> Result<Option<User>, StoreError>;

    /// Forgets the user `old`, if it is there, as [`Users::remove`] does, and adds `user`, in one step: an address that both have
    /// belongs to nobody else between.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when somebody else has the address; nothing is changed then. [`StoreError::Unavailable`].
    async fn replace(&self, old: &UserId, user: User) -> Result<(), StoreError>;

    /// At most `limit` users who are leaving.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn leaving(&self, limit: usize) -> Result<Vec<User>, StoreError>;

    /// Forgets a user and the devices of it, whose keys are not banned by that; whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn remove(&self, id: &UserId) -> Result<bool, StoreError>;

    /// How many active admins there are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn admins(&self) -> Result<usize, StoreError>;
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
    /// What the user may do on NATS; that of ordinary ones is `user`.
    pub role: RoleName,
    /// Whether the user may administer users, accounts and keys over HTTP.
    pub admin: bool,
    /// Whether the user is let in.
    pub standing: Standing,
    /// Whether the user has proven that the mailbox of the address is theirs.
    pub verified: bool,
}

/// Whether a user is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Active,
    /// Not until an admin says so.
    Disabled,
    /// Never again: it is being removed, with all that it has.
    Leaving,
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
