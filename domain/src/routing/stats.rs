//! What is counted of each route.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::Fault;

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters of one route.
        #[derive(Debug, Default)]
        pub struct RouteStats {
            $(pub(super) $name: AtomicU64,)*
            pub(super) in_flight: AtomicUsize,
            pub(super) waiting: AtomicUsize,
            times: Times,
            last_error: Mutex<Option<String>>,
            left_behind: AtomicUsize,
        }

        /// The counters of one route at a moment. Counts are never reset while the service runs.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct StatsSnapshot {
            $($(#[$doc])* pub $name: u64,)*
            /// Handlers at work now.
            pub in_flight: usize,
            /// Messages waiting for a handler now.
            pub waiting: usize,
            /// How long handlers took.
            pub times: TimesSnapshot,
            /// The last fault or panic, in words.
            pub last_error: Option<String>,
        }

        impl RouteStats {
            /// The counters now.
            #[must_use]
            pub fn snapshot(&self) -> StatsSnapshot {
                StatsSnapshot {
                    $($name: self.$name.load(Ordering::Relaxed),)*
                    in_flight: self.in_flight.load(Ordering::Relaxed),
                    waiting: self.waiting.load(Ordering::Relaxed),
                    times: self.times.snapshot(),
                    last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
                }
            }
        }
    };
}

stats! {
    /// Messages whose handler ran to its end, or whose payload could not be taken.
    handled,
    /// Faults told, of whatever reason.
    faults,
    /// Answers that nobody awaited.
    unanswered,
    /// Answers that the bus would not take.
    unsent,
    /// Many answers that were ended because nobody listened any more.
    abandoned,
    /// Handlers that panicked.
    panics,
    /// Handlers that took too long.
    timeouts,
    /// Messages turned away because too many were waiting (503).
    overloads,
    /// Messages turned away because their caller sent too many (429), or may not call ([`super::Route::authenticate`]).
    turned_away,
    /// Messages dropped before a handler: see [`super::Refusal`].
    refused,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl RouteStats {
    /// Counts a fault and keeps its words.
    pub(super) fn fault(&self, fault: &Fault) {
        count(&self.faults);
        self.error(fault.to_string());
    }

    /// Keeps the words of the last error.
    pub(super) fn error(&self, words: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
    }

    /// Counts how long a handler took.
    pub(super) fn took(&self, time: Duration) {
        self.times.add(time);
    }

    /// How many messages were given up when the service had to end.
    pub(super) fn left_behind(&self) -> usize {
        self.left_behind.load(Ordering::Relaxed)
    }

    pub(super) fn set_left_behind(&self, messages: usize) {
        self.left_behind.store(messages, Ordering::Relaxed);
    }
}

/// Bits of a time that are kept behind its highest: a bucket is an eighth of a power of two wide.
const DETAIL: u32 = 3;
const BUCKETS: usize = (64 - DETAIL as usize + 1) << DETAIL;

/// How long handlers took: counts in buckets that grow with the time, so that a quantile is right within an eighth.
struct Times {
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// How long handlers took, from taking a message to having its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimesSnapshot {
    /// Of all handlers together.
    pub sum: Duration,
    /// How many.
    pub count: u64,
    /// Upper edges of the buckets that hold any, in nanoseconds, and how many they hold.
    buckets: Vec<(u64, u64)>,
}

impl std::fmt::Debug for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.snapshot().fmt(f)
    }
}

impl Default for Times {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < 1 << DETAIL {
        return usize::try_from(nanos).unwrap_or(0);
    }
    let power = 63 - nanos.leading_zeros();
    let detail = (nanos >> (power - DETAIL)) & ((1 << DETAIL) - 1);
    (((power - DETAIL + 1) as usize) << DETAIL) + usize::try_from(detail).unwrap_or(0)
}

/// The largest time of a bucket.
fn upper_edge(index: usize) -> u64 {
    if index < 1 << DETAIL {
        return index as u64;
    }
    let power = (index >> DETAIL) as u32 + DETAIL - 1;
    let detail = (index & ((1 << DETAIL) - 1)) as u64;
    let width = 1_u64 << (power - DETAIL);
    (1_u64 << power) + detail * width + (width - 1)
}

impl Times {
    fn add(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    fn snapshot(&self) -> TimesSnapshot {
        let held = |(index, count): (usize, &AtomicU64)| {
            let count = count.load(Ordering::Relaxed);
            (count > 0).then(|| (upper_edge(index), count))
        };
        let buckets: Vec<_> = self.buckets.iter().enumerate().filter_map(held).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        TimesSnapshot { sum: Duration::from_nanos(self.sum.load(Ordering::Relaxed)), count, buckets }
    }
}

impl TimesSnapshot {
    /// The time within which this share of handlers was done, such as 0.99; at most an eighth too long. `None` when none
    /// has been.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let rank = ((self.count as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0;
        let reaches = |(edge, count): &(u64, u64)| {
            seen += count;
            (seen >= rank).then(|| Duration::from_nanos(*edge))
        };
        self.buckets.iter().find_map(reaches)
    }

    /// The mean; `None` when none has been done.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let nanos = self.sum.as_nanos().checked_div(u128::from(self.count))?;
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// How many took at most `limit`, give or take a bucket.
    #[must_use]
    pub fn within(&self, limit: Duration) -> u64 {
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.buckets.iter().filter(|(edge, _)| *edge <= limit).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_falls_into_a_bucket_that_is_an_eighth_wide() {
        let powers = (0..64).flat_map(|power| {
            let at = 1_u64 << power;
            [at - 1, at, at + at / 3, at.saturating_add(at - 1)]
        });
        for nanos in powers.chain([u64::MAX]) {
            let index = bucket(nanos);
            let edge = upper_edge(index);
            assert!(edge >= nanos && edge - nanos <= nanos / 8, "{nanos} → {index} up to {edge}");
            assert!(index == 0 || upper_edge(index - 1) < nanos, "{nanos}");
        }
    }

    #[test]
    fn quantiles_are_right_within_an_eighth() {
        let times = Times::default();
        assert_eq!(times.snapshot().quantile(0.5), None);
        (1..=1_000).for_each(|micros| times.add(Duration::from_micros(micros)));
        let now = times.snapshot();
        for (share, expected) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1_000.0), (0.0, 1.0)] {
            let found = now.quantile(share).unwrap().as_secs_f64() * 1e6;
            assert!(found >= expected && found <= expected * 1.126, "{share}: {found}");
        }
        assert_eq!(now.mean(), Some(Duration::from_nanos(500_500)));
        assert_eq!(now.count, 1_000);
        assert!((438..=500).contains(&now.within(Duration::from_micros(500))));
    }
}
