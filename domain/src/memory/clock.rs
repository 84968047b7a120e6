//! A clock that is moved by hand.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

/// A clock that stands still until it is told to go on. It begins at 2026-01-01T00:00:00Z.
#[derive(Debug, Clone)]
pub struct Clock {
    now: watch::Sender<Timestamp>,
}

impl Clock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now: watch::Sender::new(now) }
    }

    /// Goes on by `step`; whoever sleeps until then wakes.
    pub fn advance(&self, step: Duration) {
        let step = jiff::SignedDuration::try_from(step).unwrap_or(jiff::SignedDuration::MAX);
        self.now.send_modify(|now| *now = now.saturating_add(step).unwrap_or(Timestamp::MAX));
    }

    /// Shows `now` from here on, which may be earlier than before, as when a system's clock is set.
    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::at(Timestamp::from_second(1_767_225_600).expect("a time within range"))
    }
}

#[async_trait]
impl crate::ports::Clock for Clock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.now.subscribe();
        // Fails only when the sender is gone, and `self` holds it.
        let _ = now.wait_for(|now| *now >= at).await;
    }
}
