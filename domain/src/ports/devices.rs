//! The port to where devices are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    auth::ClientKind,
    credentials::{PublicKey, UserJwt},
    identity::{DeviceId, UserId},
    ports::StoreError,
};

/// Where devices are kept: one a login, each with an nkey of its own.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Devices: Send + Sync {
    /// Adds a device, if its user has fewer than `limit` that have not ended ([`Device::has_ended`]) at `device.created_at`;
    /// those that have are removed in the same step. Where there is no place left, of the browsers whose credentials have ended by
    /// then the one gives way that was not seen for longest: people leave them behind. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the key (or id) belongs to a device already; [`StoreError::Full`] with the number of
    /// devices there are. Nothing is changed then.
    async fn insert(&self, device: Device, limit: usize) -> Result<(), StoreError>;

    /// Begins anew with the device with this key, if it belongs to `user`: another session in place of the one before, whose
    /// tokens are worth nothing from then on. The device as it is then; `None` when it does not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn renew(&self, user: &UserId, key: &PublicKey, renewal: &Renewal) -> Result<Option<Device>, StoreError>;

    /// The device that has this session, or `None`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn of_session(&self, session: &SessionId) -> Result<Option<Device>, StoreError>;

    /// Goes on with a session, if its token still is `expected` and nobody has ended it: of several at once one does. The device
    /// as it is then; `None` when another was quicker, or it has ended. `renewal.session` has the same id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn rotate(
        &self,
        expected: &TokenHash,
        renewal: &Renewal,
        jwt: &UserJwt,
    ) -> Result<Option<Device>, StoreError>;

    /// Ends a session, if it is there: no token of it is worth anything from then on. A repeat does nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn end_session(&self, session: &SessionId) -> Result<(), StoreError>;

    /// At most `limit` devices whose session was ended ([`Devices::end_session`]), which are still to be revoked and removed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn to_be_removed(&self, limit: usize) -> Result<Vec<Device>, StoreError>;

    /// The devices of a user, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn of_user(&self, user: &UserId) -> Result<Vec<Device>, StoreError>;

    /// Keeps the JWT that a device of `user` has got, in place of the one before, if it is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn keep_jwt(&self, user: &UserId, key: &PublicKey, jwt: &UserJwt) -> Result<(), StoreError>;

    /// At most `limit` devices of all users, by id, beginning behind `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn all(&self, after: Option<DeviceId>, limit: usize) -> Result<Vec<Device>, StoreError>;

    /// Forgets devices that have ended by `now` ([`Device::has_ended`]); how many. Their keys are not banned: who has one logs in
    /// again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn forget_ended(&self, now: Timestamp) -> Result<usize, StoreError>;

    /// Whether a device with this key was removed ([`Devices::remove`]): such a key never comes back.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn was_removed(&self, key: &PublicKey) -> Result<bool, StoreError>;

    /// At most `limit` keys of removed devices whose JWTs, all that were ever made, had ended by `now`, and that
    /// [`Devices::pruned`] has not been told of.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn prunable(&self, now: Timestamp, limit: usize) -> Result<Vec<PublicKey>, StoreError>;

    /// Notes that these keys of removed devices are no longer in the list of revocations. They stay removed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn pruned(&self, keys: &[PublicKey]) -> Result<(), StoreError>;

    /// Removes a device of `user` and returns it; its key is remembered for good ([`Devices::was_removed`]); `None` when the
    /// user has no such device (a repeat, for one).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn remove(&self, user: &UserId, device: &DeviceId) -> Result<Option<Device>, StoreError>;
}

/// A device, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Made by the server.
    pub id: DeviceId,
    /// Whose it is.
    pub user: UserId,
    /// What its user calls it; at most 64 characters.
    pub name: String,
    /// Its nkey.
    pub key: PublicKey,
    /// First login, to the millisecond.
    pub created_at: Timestamp,
    /// Newest login or refresh, to the millisecond.
    pub seen_at: Timestamp,
    /// When its credentials end; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Its newest JWT; `None` when none was kept.
    pub jwt: Option<UserJwt>,
    /// What renews its credentials without a password; `None` for devices from before there were sessions.
    pub session: Option<Session>,
}

/// The session of a device: one chain of refresh tokens, of which the newest is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The same for all tokens of the chain.
    pub id: SessionId,
    /// What the good token hashes to.
    pub token: TokenHash,
    /// The token before it; `None` for the first.
    pub replaced: Option<Replaced>,
    /// When it ends, unless it is used before; to the millisecond.
    pub until: Timestamp,
    /// What kind of program has it.
    pub client: ClientKind,
    /// Whether it was ended: its device is to be removed.
    pub ended: bool,
}

/// The token before the good one, and what leads from it to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// What it hashes to.
    pub token: TokenHash,
    /// When it was replaced, to the millisecond.
    pub at: Timestamp,
    /// Who has the token and this makes the one that has replaced it.
    pub salt: [u8; 32],
}

/// What is set when a device goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Now.
    pub seen_at: Timestamp,
    /// When the credentials end; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Its session from now on.
    pub session: Session,
}

/// The id of a session: 128 random bits. It is known to who has a token of it, and to nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

/// The SHA-256 of a refresh token's 256 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl Device {
    /// Whether neither its credentials nor its session hold any more: nobody can do anything as this device. One whose session
    /// was ended on purpose is no such: its key is still to be revoked.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        let held = self.session.as_ref().is_some_and(|session| session.ended || session.until > now);
        !held && self.expires_at.is_some_and(|end| end <= now)
    }
}
