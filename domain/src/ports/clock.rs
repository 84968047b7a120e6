//! The port to time.

use async_trait::async_trait;
use jiff::Timestamp;

/// Time.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Clock: Send + Sync {
    /// What time it is. May go backwards when the system's clock is set.
    fn now(&self) -> Timestamp;

    /// Returns once [`Clock::now`] has reached `at`; at once when it has already.
    async fn sleep_until(&self, at: Timestamp);
}
