//! The port to where a Buffer is kept.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    buffer::{Batch, Count, Discarded, Draft, Entry, Full, Identity, Lane, Standing},
    ports::Cause,
    subject::Subject,
};

/// Where a [Buffer](crate::buffer) is kept: one user's, by one process at a time. Whatever changes is on disk when a method returns
/// (for the fake, in memory), and calls at the same time share the disk.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Buffer: Send + Sync {
    /// Keeps a message, behind all of its lane. A repeat keeps another.
    ///
    /// # Errors
    /// [`BufferError::Full`], [`BufferError::Unavailable`]; after the latter the message may be kept or not.
    async fn save(&self, draft: Draft, now: Timestamp) -> Result<Identity, BufferError>;

    /// The lanes in which messages wait, by subject, behind `after`; at most so many.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    async fn lanes(&self, after: Option<Subject>, most: usize) -> Result<Vec<Lane>, BufferError>;

    /// The oldest messages that wait in a lane, as they are; none when there is none.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    async fn oldest(&self, lane: &Subject, batch: Batch) -> Result<Vec<Entry>, BufferError>;

    /// As [`Buffer::oldest`], linked and marked as sent ([`crate::buffer::link`]). A repeat returns the same, and more where room is.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`]: nothing may be sent then.
    async fn take(&self, lane: &Subject, batch: Batch) -> Result<Vec<Entry>, BufferError>;

    /// Notes what has become of messages, where that means something ([`Standing::takes`]); of others, and of those that are not
    /// there, nothing. How many were noted.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`]; none is noted then, or all are.
    async fn note(&self, news: Vec<(Identity, Standing)>) -> Result<usize, BufferError>;

    /// One message, or `None`.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    async fn find(&self, identity: Identity) -> Result<Option<Entry>, BufferError>;

    /// Messages in the order in which they were saved, those too that do not wait any more, behind the [place](Entry::place) `after`
    /// (0 is before all); at most so many.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    async fn list(&self, after: u64, most: usize) -> Result<Vec<Entry>, BufferError>;

    /// Discards a message that was never sent.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    async fn discard(&self, identity: Identity) -> Result<Discarded, BufferError>;

    /// Discards the newest message that waits, of all or of a lane, if it was never sent; which one, or `None`.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    async fn discard_newest(&self, lane: Option<Subject>) -> Result<Option<Identity>, BufferError>;

    /// How much waits.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    async fn count(&self) -> Result<Count, BufferError>;

    /// Discards all that waits: what was sent becomes [`Standing::Unknown`], with this reason. How much that was.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    async fn purge(&self, why: &str) -> Result<Count, BufferError>;

    /// Forgets messages saved before `before` of which the end is known; how many.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    async fn forget(&self, before: Timestamp) -> Result<usize, BufferError>;
}

/// Why a Buffer did not do something.
#[derive(Debug, thiserror::Error)]
pub enum BufferError {
    /// No more is kept.
    #[error(transparent)]
    Full(#[from] Full),
    /// The disk, or what is on it, cannot be used.
    #[error("the Buffer cannot be used")]
    Unavailable(#[source] Cause),
}
