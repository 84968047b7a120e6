//! What is counted of each route.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters of one route.
        #[derive(Debug, Default)]
        pub struct RouteStats {
            $(pub(super) $name: AtomicU64,)*
            left_behind: AtomicUsize,
        }

        /// The counters of one route at a moment. Never reset while the service runs.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct StatsSnapshot {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl RouteStats {
            /// The counters now.
            #[must_use]
            pub fn snapshot(&self) -> StatsSnapshot {
                StatsSnapshot { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

stats! {
    /// Messages whose handler ran to its end, or whose payload could not be taken.
    handled,
    /// Faults among them.
    faults,
    /// Answers that nobody awaited.
    unanswered,
    /// Answers that the bus would not take.
    unsent,
    /// Handlers that panicked.
    panics,
    /// Handlers that took too long.
    timeouts,
    /// Messages turned away because too many were waiting.
    overloads,
    /// Messages dropped before a handler: see [`super::Refusal`].
    refused,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl RouteStats {
    /// How many messages were given up when the service had to end.
    pub(super) fn left_behind(&self) -> usize {
        self.left_behind.load(Ordering::Relaxed)
    }

    pub(super) fn set_left_behind(&self, messages: usize) {
        self.left_behind.store(messages, Ordering::Relaxed);
    }
}
