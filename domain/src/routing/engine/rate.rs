//! The per-user rate limit.

use std::{collections::BTreeMap, time::Duration};

use crate::identity::UserId;

/// How often a user may call.
///
/// A bucket of `burst` calls that fills again at so many a second. Each instance of a service counts for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How long until one more call is allowed.
    every: Duration,
    /// Calls at once.
    burst: u32,
}

impl RateLimit {
    /// So many calls a second (at least one), and as many at once.
    #[must_use]
    pub fn per_second(calls: u32) -> Self {
        Self { every: Duration::from_secs(1) / calls.max(1), burst: calls.max(1) }
    }

    /// So many calls a minute (at least one), and as many at once.
    #[must_use]
    pub fn per_minute(calls: u32) -> Self {
        Self { every: Duration::from_secs(60) / calls.max(1), burst: calls.max(1) }
    }

    /// So many calls at once (at least one) after a rest.
    #[must_use]
    pub fn burst(mut self, calls: u32) -> Self {
        self.burst = calls.max(1);
        self
    }
}

/// Counts the calls of each user (the generic cell rate algorithm: one moment a user is all there is to keep).
pub(in crate::routing) struct Limiter {
    limit: RateLimit,
    /// When each user's bucket will be full again.
    full_at: BTreeMap<UserId, Duration>,
    swept: usize,
}

impl Limiter {
    pub(in crate::routing) fn new(limit: RateLimit) -> Self {
        Self { limit, full_at: BTreeMap::new(), swept: 0 }
    }

    /// Counts a call of `user` at `now`.
    ///
    /// # Errors
    /// How long to wait, when it is one too many.
    pub(in crate::routing) fn call(&mut self, user: &UserId, now: Duration) -> Result<(), Duration> {
        let full = self.full_at.get(user).copied().unwrap_or(now).max(now);
        let room = self.limit.every.saturating_mul(self.limit.burst - 1);
        let Some(excess) = full.checked_sub(now + room).filter(|excess| !excess.is_zero()) else {
            self.sweep(now);
            self.full_at.insert(user.clone(), full + self.limit.every);
            return Ok(());
        };
        Err(excess)
    }

    /// Forgets those whose buckets are full, each time there are twice as many as after the last sweep.
    fn sweep(&mut self, now: Duration) {
        if self.full_at.len() >= self.swept.saturating_mul(2).max(1_024) {
            self.full_at.retain(|_, full| *full > now);
            self.swept = self.full_at.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_a_bucket_that_fills_again() {
        let (ada, bob): (UserId, UserId) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        let mut limiter = Limiter::new(RateLimit::per_second(10).burst(3));
        let at = Duration::from_millis;
        for _ in 0..3 {
            assert_eq!(limiter.call(&ada, at(1_000)), Ok(()));
        }
        assert_eq!(limiter.call(&ada, at(1_000)), Err(at(100)));
        assert_eq!(limiter.call(&bob, at(1_000)), Ok(()), "one does not spend what is another's");
        assert_eq!(limiter.call(&ada, at(1_099)), Err(at(1)));
        assert_eq!(limiter.call(&ada, at(1_100)), Ok(()));
        assert_eq!(limiter.call(&ada, at(1_100)), Err(at(100)));
        for _ in 0..3 {
            assert_eq!(limiter.call(&ada, at(60_000)), Ok(()), "a rest fills it, and no more than that");
        }
        assert!(limiter.call(&ada, at(60_000)).is_err());
    }

    #[test]
    fn who_rests_is_forgotten() {
        let mut limiter = Limiter::new(RateLimit::per_minute(60));
        for number in 0..100_000_u64 {
            let user = format!("u{number}").parse().unwrap();
            assert!(limiter.call(&user, Duration::from_millis(number)).is_ok());
        }
        assert!(limiter.full_at.len() < 5_000, "{}", limiter.full_at.len());
    }
}
