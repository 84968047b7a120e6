//! The port to what belongs to users elsewhere.

use async_trait::async_trait;

use crate::{identity::UserId, ports::Cause};

/// What belongs to users outside of the database: stored files, for one.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Belongings: Send + Sync {
    /// Takes away everything that a user who leaves has here. A repeat does nothing; a user who never had anything is no error.
    ///
    /// # Errors
    /// When not all of it is gone; a repeat goes on.
    async fn take_away(&self, user: &UserId) -> Result<(), Cause>;
}
