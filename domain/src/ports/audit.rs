//! The port to where it is kept who did what.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    audit::{Entry, EntryId},
    ports::StoreError,
};

/// Who did what to whom when, of everything that administers users, accounts and keys.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Audit: Send + Sync {
    /// Keeps an entry. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Taken`] for an id that is there; [`StoreError::Unavailable`].
    async fn record(&self, entry: Entry) -> Result<(), StoreError>;

    /// At most `limit` entries, newest first, beginning with the one before `before`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn list(&self, before: Option<EntryId>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Forgets entries of before `time`; how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn forget_before(&self, time: Timestamp) -> Result<usize, StoreError>;
}
