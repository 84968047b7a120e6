//! The port to where devices are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    credentials::{PublicKey, UserJwt},
    identity::{DeviceId, UserId},
    ports::StoreError,
};

/// Where devices are kept: one a login, each with an nkey of its own.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Devices: Send + Sync {
    /// Adds a device, if its user has fewer than `limit` whose credentials hold at `device.created_at`; those whose
    /// credentials have ended by then are removed in the same step. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the key (or id) belongs to a device already; [`StoreError::Full`] with the number of
    /// devices there are. Nothing is changed then.
    async fn insert(&self, device: Device, limit: usize) -> Result<(), StoreError>;

    /// Sets `seen_at` and `expires_at` of the device with this key, if it belongs to `user`, and returns it as it is then;
    /// `None` when it does not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn renew(
        &self,
        user: &UserId,
        key: &PublicKey,
        seen_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<Option<Device>, StoreError>;

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

    /// Forgets devices whose credentials have ended by `now`; how many. Their keys are not banned: who has one logs in again.
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

    /// Removes a device of `user` and returns it; its key is remembered for good ([`Devices::was_removed`]); `None` when the user has no such device (a repeat, for one).
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
    /// Newest login, to the millisecond.
    pub seen_at: Timestamp,
    /// When its credentials end; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Its newest JWT; `None` when none was kept.
    pub jwt: Option<UserJwt>,
}
