//! How often may be pushed.

use std::{collections::VecDeque, time::Duration};

/// The most pushes that begin within any second. Each makes every broker look at every connection of the account.
pub const PUSHES_A_SECOND: usize = 5;

/// When pushes have begun lately, by [`crate::ports::Clock::elapsed`].
#[derive(Debug, Default)]
pub struct Pace {
    begun: VecDeque<Duration>,
}

impl Pace {
    /// How long the next push has to wait.
    #[must_use]
    pub fn wait(&self, now: Duration) -> Duration {
        let Some(first) = self.begun.iter().rev().nth(PUSHES_A_SECOND - 1) else { return Duration::ZERO };
        (*first + Duration::from_secs(1)).saturating_sub(now)
    }

    /// A push begins.
    pub fn begin(&mut self, now: Duration) {
        self.begun.push_back(now);
        while self.begun.len() > PUSHES_A_SECOND {
            self.begun.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_than_five() {
        let (mut pace, mut now, mut begun) = (Pace::default(), Duration::from_secs(7), Vec::new());
        for number in 0..100_u64 {
            // Now in a burst, now with pauses in between.
            now += pace.wait(now) + Duration::from_millis(number * 37 % 11 * if number % 13 == 0 { 100 } else { 1 });
            pace.begin(now);
            begun.push(now);
        }
        for window in begun.windows(PUSHES_A_SECOND + 1) {
            assert!(window[PUSHES_A_SECOND] - window[0] >= Duration::from_secs(1), "{window:?}");
        }
    }

    #[test]
    fn the_first_five_do_not_wait() {
        let mut pace = Pace::default();
        for _ in 0..PUSHES_A_SECOND {
            assert_eq!(pace.wait(Duration::ZERO), Duration::ZERO);
            pace.begin(Duration::ZERO);
        }
        assert_eq!(pace.wait(Duration::ZERO), Duration::from_secs(1));
        assert_eq!(pace.wait(Duration::from_millis(999)), Duration::from_millis(1));
        assert_eq!(pace.wait(Duration::from_secs(1)), Duration::ZERO);
    }
}
