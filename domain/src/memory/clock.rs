//! A clock that is moved by hand.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

/// A clock that stands still until it is told to go on. It begins at 2026-01-01T00:00:00Z.
#[derive(Debug, Clone)]
pub struct Clock {
    time: watch::Sender<Time>,
}

#[derive(Debug, Clone, Copy)]
struct Time {
    now: Timestamp,
    elapsed: Duration,
}

impl Clock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { time: watch::Sender::new(Time { now, elapsed: Duration::ZERO }) }
    }

    /// Goes on by `step`; whoever sleeps until then wakes.
    pub fn advance(&self, step: Duration) {
        let signed = jiff::SignedDuration::try_from(step).unwrap_or(jiff::SignedDuration::MAX);
        self.time.send_modify(|time| {
            time.now = time.now.saturating_add(signed).unwrap_or(Timestamp::MAX);
            time.elapsed = time.elapsed.saturating_add(step);
        });
    }

    /// Shows `now` from here on, which may be earlier than before, as when a system's clock is set.
    pub fn set(&self, now: Timestamp) {
        self.time.send_modify(|time| time.now = now);
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
        self.time.borrow().now
    }

    fn elapsed(&self) -> Duration {
        self.time.borrow().elapsed
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut time = self.time.subscribe();
        // Fails only when the sender is gone, and `self` holds it.
        let _ = time.wait_for(|time| time.now >= at).await;
    }

    async fn sleep(&self, wait: Duration) {
        let mut time = self.time.subscribe();
        let end = time.borrow().elapsed.saturating_add(wait);
        let _ = time.wait_for(|time| time.elapsed >= end).await;
    }
}
