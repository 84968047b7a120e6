//! Leaves who does not answer alone for a while.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How long it is left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// Whether to ask: not for a while after it did not answer, and then one asks before all do. So an outage costs one wait in
/// [`PAUSE`], and not one a request.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Until when, in µs of the clock's count; 0 while all is well.
    until: AtomicU64,
}

impl Rest {
    /// Who is told yes asks, and says how it went.
    ///
    /// # Errors
    /// How long it is left alone yet.
    pub(super) fn may_ask(&self, now: Duration) -> Result<(), Duration> {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return Ok(());
        }
        let left = Duration::from_micros(until).saturating_sub(now);
        if !left.is_zero() {
            return Err(left);
        }
        // One of those who come now; the others find it resting again.
        let next = micros(now + PAUSE);
        self.until.compare_exchange(until, next, Ordering::AcqRel, Ordering::Acquire).map(drop).map_err(|_| PAUSE)
    }

    /// It has answered.
    pub(super) fn answered(&self) {
        if self.until.load(Ordering::Relaxed) != 0 {
            self.until.store(0, Ordering::Release);
        }
    }

    /// It has not.
    pub(super) fn silent(&self, now: Duration) {
        self.until.store(micros(now + PAUSE), Ordering::Release);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_asks_after_the_pause_and_all_do_once_it_has_answered() {
        let rest = Rest::default();
        let at = Duration::from_millis;
        assert_eq!(rest.may_ask(at(0)), Ok(()));
        rest.silent(at(10));
        assert_eq!(rest.may_ask(at(1_010)), Err(at(1_000)));
        assert_eq!(rest.may_ask(at(2_010)), Ok(()), "one");
        assert!(rest.may_ask(at(2_010)).is_err(), "and no other");
        rest.answered();
        assert_eq!(rest.may_ask(at(2_011)), Ok(()));
    }
}
