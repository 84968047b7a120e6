//! How long to wait before the broker is started again.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);
/// Who has run this long was well: the next death starts from [`FIRST`] again.
const WELL: Duration = Duration::from_secs(60);

/// 250 ms, doubling to 30 s, from the start again after a run of a minute.
///
/// No jitter: there is one broker, so there is no herd.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The broker died after having run for `up`.
    pub(super) fn died_after(&mut self, up: Duration) {
        if up >= WELL {
            self.next = FIRST;
        }
    }

    /// How long to wait now.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = LONGEST.min(wait * 2);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_thirty_seconds_and_starts_again_after_a_good_minute() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> = (0..9).map(|_| backoff.wait().as_millis()).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        backoff.died_after(Duration::from_secs(59));
        assert_eq!(backoff.wait(), LONGEST);
        backoff.died_after(WELL);
        assert_eq!(backoff.wait(), FIRST);
    }
}
