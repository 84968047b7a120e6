//! The port to where secrets of an installation are kept.

use async_trait::async_trait;

use super::StoreError;

/// Where secrets that all instances of an installation share are kept.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret under `name`. When there is none yet, `fresh` is kept, durably, and returned; of several who ask at a
    /// time all get the same one. A name has 1 to 64 characters of ASCII.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn get_or_keep(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;
}
