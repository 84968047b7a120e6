//! The port to where the token that makes the first admin lies.

use async_trait::async_trait;

use crate::{ports::Cause, secret::Secret};

/// The one-time token that makes the first admin (`data/setup-token`).
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SetupToken: Send + Sync {
    /// Takes the token away, if it is `given`; whether it was. Of several who take it at once one does. Comparing takes as
    /// long for a guess that is nearly right.
    ///
    /// # Errors
    /// When the place cannot be read or written; the token is there then.
    async fn take(&self, given: &Secret) -> Result<bool, Cause>;

    /// Whether `given` is the token, which stays.
    ///
    /// # Errors
    /// When the place cannot be read.
    async fn is(&self, given: &Secret) -> Result<bool, Cause>;

    /// Brings a token back that was taken and was of no use.
    ///
    /// # Errors
    /// When the place cannot be written.
    async fn put_back(&self, taken: &Secret) -> Result<(), Cause>;
}
