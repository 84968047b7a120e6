//! The port to where devices are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    credentials::PublicKey,
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

    /// Removes a device of `user` and returns it; `None` when the user has no such device (a repeat, for one).
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
}
