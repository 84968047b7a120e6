//! A dead letter, and when handling it again is what somebody has asked for: [`DeadLetter`].

/// A message that failed for good, in a row of the service's database. It is replayed as message number `n` of a lane of its own, `n` being
/// how often somebody has asked for it: only the last one counts, and what it does goes with the row in one transaction. So two replays do
/// not do it twice, and one that was lost on the way can be asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeadLetter {
    /// How often a replay was asked for.
    pub replays: u64,
}

impl DeadLetter {
    /// The row when a replay was asked for once more; its number goes with the message.
    #[must_use]
    pub fn asked_again(self) -> Self {
        Self { replays: self.replays + 1 }
    }

    /// Whether a replay of this number is handled, by the row as it is; `None` where it is gone. With what it does the row is deleted, if it
    /// is still this one.
    #[must_use]
    pub fn applies(row: Option<Self>, number: u64) -> bool {
        row.is_some_and(|row| row.replays == number && number > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_that_was_asked_for_counts() {
        let row = DeadLetter::default();
        assert!(!DeadLetter::applies(Some(row), 0), "nobody has asked for it");
        let once = row.asked_again();
        assert!(DeadLetter::applies(Some(once), 1) && !DeadLetter::applies(Some(row), 1));
        let twice = once.asked_again();
        assert!(DeadLetter::applies(Some(twice), 2) && !DeadLetter::applies(Some(twice), 1), "the first is late");
        assert!(!DeadLetter::applies(None, 2), "it was handled");
    }
}
