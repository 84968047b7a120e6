//! The port to where one-time codes are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{auth::Email, ports::StoreError};

/// Where one-time codes are kept that were mailed, until they are used or end.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Codes: Send + Sync {
    /// Keeps a code beside the others of its address. Durable when it returns. A repeat changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn keep(&self, code: PendingCode) -> Result<(), StoreError>;

    /// Uses a code: whether it is there for this address and has not ended by `now`. If so, all codes of the address are
    /// forgotten. Of several at once with the same code one is told so.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; whether the code was used is not known then.
    async fn redeem(&self, email: &Email, hash: &CodeHash, now: Timestamp) -> Result<bool, StoreError>;

    /// Forgets codes that have ended by `now`; how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn forget_ended(&self, now: Timestamp) -> Result<usize, StoreError>;
}

/// A code that was mailed, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingCode {
    /// To whom it was mailed.
    pub email: Email,
    /// What is kept of the code.
    pub hash: CodeHash,
    /// When it ends, to the millisecond.
    pub ends_at: Timestamp,
}

/// A keyed hash of an address and a code: who has the database alone cannot try codes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeHash(pub [u8; 32]);
