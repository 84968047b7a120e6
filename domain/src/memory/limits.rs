//! Limits in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::ports::{self, Decision, LimitKey, Rate, StoreError, Taken};

/// Limits in memory; clones share them. It is bounded: beyond 10 000 buckets the full ones are forgotten, and then those
/// that will be full soonest, so whoever makes many buckets gets nothing back that they took long to refill.
#[derive(Clone)]
pub struct Limits {
    /// When each will be full, in microseconds since 1970.
    buckets: Arc<Mutex<BTreeMap<LimitKey, i64>>>,
    most: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self::with_room_for(10_000)
    }
}

impl Limits {
    /// With room for so many buckets.
    #[must_use]
    pub fn with_room_for(most: usize) -> Self {
        Self { buckets: Arc::default(), most: most.max(1) }
    }

    /// How many buckets there are that somebody took from.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nobody took from any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<LimitKey, i64>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_full(buckets: &mut BTreeMap<LimitKey, i64>, now: i64) -> usize {
    let before = buckets.len();
    buckets.retain(|_, full| *full > now);
    before - buckets.len()
}

#[async_trait]
impl ports::Limits for Limits {
    async fn take(&self, key: &LimitKey, rate: Rate, now: Timestamp) -> Result<Taken, StoreError> {
        if rate.is_off() {
            return Ok(Taken::Yes);
        }
        let (mut buckets, now) = (self.lock(), now.as_microsecond());
        let full = buckets.get(key).copied().unwrap_or(now);
        let full = match rate.take(full, now) {
            Decision::Wait(time, corrected) => {
                if let Some(full) = corrected {
                    buckets.insert(key.clone(), full);
                }
                return Ok(Taken::Later(time));
            }
            Decision::Full(full) => full,
        };
        if buckets.len() >= self.most && !buckets.contains_key(key) {
            forget_full(&mut buckets, now);
            let soonest = buckets.iter().min_by_key(|(_, full)| **full).map(|(key, _)| key.clone());
            if let Some(soonest) = soonest.filter(|_| buckets.len() >= self.most) {
                buckets.remove(&soonest);
            }
        }
        buckets.insert(key.clone(), full);
        Ok(Taken::Yes)
    }

    async fn give_back(&self, key: &LimitKey, rate: Rate, now: Timestamp) -> Result<(), StoreError> {
        let mut buckets = self.lock();
        if let Some(full) = buckets.get_mut(key).filter(|full| !rate.is_off() && **full > now.as_microsecond()) {
            *full -= rate.step();
        }
        Ok(())
    }

    async fn prune(&self, now: Timestamp) -> Result<usize, StoreError> {
        Ok(forget_full(&mut self.lock(), now.as_microsecond()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    use super::*;
    use crate::{ports::Limits as _, testing};

    #[tokio::test]
    async fn keep_the_contract() {
        let limits = Limits::default();
        testing::limits::suite(&limits).await;
        testing::limits::race(&limits, &limits.clone()).await;
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let (limits, now) = (Limits::with_room_for(3), Timestamp::UNIX_EPOCH);
        let rate: Rate = "2 per 10s".parse().unwrap();
        let victim = LimitKey::new("x", "victim");
        for _ in 0..2 {
            assert_eq!(limits.take(&victim, rate, now).await.unwrap(), Taken::Yes);
        }
        for stranger in 0..100 {
            let key = LimitKey::new("x", &stranger.to_string());
            assert_eq!(limits.take(&key, rate, now).await.unwrap(), Taken::Yes);
            assert!(limits.len() <= 3);
        }
        let again = limits.take(&victim, rate, now).await.unwrap();
        assert_eq!(again, Taken::Later(Duration::from_secs(5)), "what is emptiest is kept");
    }

    /// A bucket as one would explain it: so many places, one more with every step.
    struct Model {
        /// Microseconds' worth of places.
        level: i64,
        seen: i64,
    }

    impl Model {
        fn fill(&mut self, rate: Rate, now: i64) {
            self.level = (self.level + (now - self.seen)).min(rate.whole());
            self.seen = now;
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_what_one_would_explain(
            burst in 1_u32..6,
            per in 1_u64..2_000_000,
            moves in prop::collection::vec((0_i64..1_500_000, 0_u8..4), 1..60),
        ) {
            let rate = Rate { burst, per: Duration::from_micros(per) };
            let (limits, key) = (Limits::default(), LimitKey::total("x"));
            let mut model = Model { level: rate.whole(), seen: 0 };
            let mut now = 0;
            for (pause, what) in moves {
                now += pause;
                let time = Timestamp::from_microsecond(now).unwrap();
                model.fill(rate, now);
                match what {
                    0 => {
                        limits.give_back(&key, rate, time).now_or_never().unwrap().unwrap();
                        model.level = (model.level + rate.step()).min(rate.whole());
                    }
                    1 => drop(limits.prune(time).now_or_never().unwrap().unwrap()),
                    _ => {
                        let taken = limits.take(&key, rate, time).now_or_never().unwrap().unwrap();
                        let lacks = rate.step() - model.level;
                        let expected = if lacks > 0 {
                            Taken::Later(Duration::from_micros(lacks.unsigned_abs()))
                        } else {
                            model.level -= rate.step();
                            Taken::Yes
                        };
                        prop_assert_eq!(taken, expected);
                    }
                }
            }
        }

        /// Whatever a clock does, no more are let through than the whole way it went allows.
        #[test]
        fn a_wrong_clock_lets_no_more_through(
            burst in 1_u32..6,
            times in prop::collection::vec(0_i64..200_000_000, 1..80),
        ) {
            let rate = Rate { burst, per: Duration::from_secs(10) };
            let (limits, key) = (Limits::default(), LimitKey::total("x"));
            let mut let_through = 0;
            for now in &times {
                let time = Timestamp::from_microsecond(*now).unwrap();
                let taken = limits.take(&key, rate, time).now_or_never().unwrap().unwrap();
                let_through += i64::from(taken == Taken::Yes);
            }
            let latest = times.iter().max().unwrap() - times[0];
            prop_assert!(let_through <= i64::from(burst) + latest / rate.step());
        }
    }
}
