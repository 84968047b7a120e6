//! The port to time.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Time.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Clock: Send + Sync {
    /// What time it is. May go backwards when the system's clock is set.
    fn now(&self) -> Timestamp;

    /// How long it has been since some moment that stays the same. Never goes backwards and is not moved when the
    /// system's clock is set: for measuring, and for limits of time.
    fn elapsed(&self) -> Duration;

    /// Returns once [`Clock::now`] has reached `at`; at once when it has already.
    async fn sleep_until(&self, at: Timestamp);

    /// Returns once [`Clock::elapsed`] has grown by `wait`.
    async fn sleep(&self, wait: Duration);
}
