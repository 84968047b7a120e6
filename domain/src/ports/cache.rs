//! The port to a cache.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use super::Cause;

/// A cache: what is put in may be found again until its time is over, or may be gone before.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Cache: Send + Sync {
    /// What was put under `key`; `None` when nothing was, its time is over, or it had to make room.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`].
    async fn get(&self, key: &CacheKey) -> Result<Option<Bytes>, CacheError>;

    /// Puts `value` under `key` for `ttl`, in the place of what is there. From the end of `ttl` on it is not found.
    ///
    /// # Errors
    /// [`CacheError::Ttl`] when `ttl` is zero; [`CacheError::TooLarge`]; [`CacheError::Unavailable`].
    async fn put(&self, key: &CacheKey, value: Bytes, ttl: Duration) -> Result<(), CacheError>;

    /// Forgets what is under `key`; a repeat does nothing.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`].
    async fn delete(&self, key: &CacheKey) -> Result<(), CacheError>;
}

/// Why a cache did not do it.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A time to live of nothing keeps nothing.
    #[error("a value cannot be kept for no time at all; give it a longer time to live")]
    Ttl,
    /// More than the cache takes.
    #[error("the value has {size} bytes, the cache takes {limit}")]
    TooLarge {
        /// Its bytes.
        size: usize,
        /// What is taken.
        limit: usize,
    },
    /// It cannot be reached.
    #[error("the cache cannot be reached")]
    Unavailable(#[source] Cause),
}

/// What a value is kept under: made of parts, each any bytes. Two keys are alike only when their parts are.
///
/// ```
/// use relais_domain::ports::CacheKey;
/// assert_eq!(CacheKey::of(["echo", "ada"]), CacheKey::of([&b"echo"[..], b"ada"]));
/// assert_ne!(CacheKey::of(["ab", "c"]), CacheKey::of(["a", "bc"]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(String);

impl CacheKey {
    /// The key of these parts.
    #[must_use]
    pub fn of<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            let part = part.as_ref();
            // The length first, so that no two lists of parts look alike.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(BASE32_NOPAD.encode(&hash.finalize()))
    }

    /// The key as text of A–Z and 2–7: a key of a NATS bucket, a file name, whatever a cache needs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
