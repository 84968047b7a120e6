//! The lane row: what a service remembers of a lane so that each message has its effect once, in order.
//!
//! A lane is a device's messages on a subject. For each [`Opening`] in it a row says up to which sequence was applied ([`Rows`]). It is
//! read before a handler runs, and *compared and set* in the transaction of the handler's effect: of two instances that run the same
//! message one commits, and the other looks again.
//!
//! ```text
//! at or before its row ─────────────────────► Duplicate: publish what is recorded, acknowledge
//! comes behind what its row covers, or first ► Apply
//! otherwise ────────────────────────────────► Gap: wait while an earlier one of the lane is there, else go over it, and tell
//! its opening was let go ───────────────────► TooOld: a dead letter
//! ```
//!
//! A plain request of any NATS client, with an id of its own, is a lane of one message. A dead letter that is replayed has its row
//! ([`DeadLetter`]) in place of one of a lane.

mod dead;

use std::collections::VecDeque;

pub use dead::DeadLetter;

use crate::buffer::{Identity, Opening};

/// The openings of a lane of which a row is kept; the oldest goes when another comes.
pub const OPENINGS: usize = 64;
/// The openings of which it is remembered that their row is gone.
pub const CLOSED: usize = 1_024;

/// What is remembered of a lane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// The openings, with the last sequence that was applied; the one that came last stands last.
    rows: VecDeque<(Opening, u64)>,
    /// Those whose rows are gone, the newest last.
    closed: VecDeque<Opening>,
}

/// What is to be done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It was applied: what is recorded of it is told again.
    Duplicate,
    /// It is the next.
    Apply,
    /// One that comes before it has not been applied.
    Gap,
    /// Whether it was applied is not known any more.
    TooOld,
}

/// Where a message of a lane stands in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// An earlier one of its lane is there.
    Something,
    /// It is the first of its lane, as the look that found nothing before it has found it itself: no replica that lags behind says so.
    Nothing,
    /// The look has not found the message itself, so it says nothing.
    Unknown,
}

/// What is done with a message, all things considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What is recorded of it is told again, and it is acknowledged.
    Duplicate,
    /// Its handler runs; with its effect the rows are set.
    Run {
        /// What it should have come behind and never will, which is told.
        over: Option<Identity>,
    },
    /// It comes later.
    Wait,
    /// It is a dead letter, and acknowledged.
    TooOld,
}

impl Rows {
    /// The rows as they are stored: openings with the last sequence applied, the newest last; and those whose rows are gone.
    #[must_use]
    pub fn new(rows: Vec<(Opening, u64)>, closed: Vec<Opening>) -> Self {
        Self { rows: rows.into(), closed: closed.into() }
    }

    /// What stands in the rows, as [`Rows::new`] takes it.
    pub fn rows(&self) -> impl Iterator<Item = (Opening, u64)> {
        self.rows.iter().copied()
    }

    /// Openings whose rows are gone.
    pub fn closed(&self) -> impl Iterator<Item = Opening> {
        self.closed.iter().copied()
    }

    fn applied(&self, opening: Opening) -> Option<u64> {
        self.rows.iter().find(|(own, _)| *own == opening).map(|(_, applied)| *applied)
    }

    fn covers(&self, identity: Identity) -> bool {
        self.applied(identity.opening).is_some_and(|applied| identity.sequence <= applied)
    }

    /// What is to be done with a message, by the rows alone.
    #[must_use]
    pub fn judge(&self, identity: Identity, after: Option<Identity>) -> Judged {
        if self.covers(identity) {
            return Judged::Duplicate;
        }
        if self.closed.contains(&identity.opening) {
            return Judged::TooOld;
        }
        // What it comes behind was applied in an opening that was let go: everything there was before.
        let follows = after.is_none_or(|after| self.covers(after) || self.closed.contains(&after.opening));
        if follows { Judged::Apply } else { Judged::Gap }
    }

    /// What is done with a message.
    #[must_use]
    pub fn step(&self, identity: Identity, after: Option<Identity>, before: Before) -> Step {
        match (self.judge(identity, after), before) {
            (Judged::Duplicate, _) => Step::Duplicate,
            (Judged::TooOld, _) => Step::TooOld,
            (Judged::Apply, _) => Step::Run { over: None },
            (Judged::Gap, Before::Nothing) => Step::Run { over: after },
            (Judged::Gap, Before::Something | Before::Unknown) => Step::Wait,
        }
    }

    /// The rows when the message was applied. They are set only where they are still what [`Rows::judge`] was asked of.
    #[must_use]
    pub fn advanced(&self, identity: Identity) -> Self {
        let mut next = self.clone();
        next.rows.retain(|(own, _)| *own != identity.opening);
        next.rows.push_back((identity.opening, identity.sequence));
        while next.rows.len() > OPENINGS {
            next.closed.extend(next.rows.pop_front().map(|(opening, _)| opening));
        }
        while next.closed.len() > CLOSED {
            next.closed.pop_front();
        }
        next
    }
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(opening: u8, sequence: u64) -> Identity {
        Identity { opening: Opening([opening; 16]), sequence }
    }

    #[test]
    fn each_is_applied_once_and_behind_the_one_before() {
        let rows = Rows::default();
        assert_eq!(rows.judge(id(1, 3), None), Judged::Apply, "the first of a lane has no link, and any number");
        let rows = rows.advanced(id(1, 3));
        assert_eq!(rows.judge(id(1, 3), None), Judged::Duplicate);
        assert_eq!(rows.judge(id(1, 2), None), Judged::Duplicate, "numbers rise");
        assert_eq!(rows.judge(id(1, 7), Some(id(1, 3))), Judged::Apply, "and leave gaps");
        assert_eq!(rows.judge(id(1, 8), Some(id(1, 7))), Judged::Gap);
        assert_eq!(rows.judge(id(2, 1), Some(id(1, 3))), Judged::Apply, "across openings");
        assert_eq!(rows.judge(id(2, 1), Some(id(1, 4))), Judged::Gap);
        assert_eq!(rows.judge(id(2, 1), Some(id(9, 1))), Judged::Gap);
        let rows = rows.advanced(id(2, 1));
        assert_eq!(rows.judge(id(1, 3), None), Judged::Duplicate, "each opening has its row");
    }

    #[test]
    fn a_gap_is_gone_over_when_nothing_is_before_it() {
        let rows = Rows::default().advanced(id(1, 1));
        let step = |before| rows.step(id(1, 3), Some(id(1, 2)), before);
        assert_eq!(step(Before::Something), Step::Wait);
        assert_eq!(step(Before::Unknown), Step::Wait, "a look that has not found the message itself");
        assert_eq!(step(Before::Nothing), Step::Run { over: Some(id(1, 2)) });
        assert_eq!(rows.step(id(1, 2), Some(id(1, 1)), Before::Something), Step::Run { over: None });
        assert_eq!(rows.step(id(1, 1), None, Before::Nothing), Step::Duplicate);
    }

    #[test]
    fn an_opening_that_was_let_go_is_never_applied_again() {
        let mut rows = Rows::default();
        let all = OPENINGS + 3;
        for opening in 0..u8::try_from(all).unwrap() {
            rows = rows.advanced(id(opening, 5));
        }
        assert_eq!((rows.rows().count(), rows.closed().count()), (OPENINGS, 3));
        for opening in 0..3 {
            assert_eq!(rows.judge(id(opening, 5), None), Judged::TooOld);
            assert_eq!(rows.step(id(opening, 6), Some(id(opening, 5)), Before::Nothing), Step::TooOld);
            assert_eq!(rows.judge(id(200, 1), Some(id(opening, 5))), Judged::Apply, "what comes behind it follows");
        }
        assert_eq!(rows.judge(id(3, 5), None), Judged::Duplicate);
        // One that is still in use stays.
        let rows = rows.advanced(id(3, 6)).advanced(id(100, 1)).advanced(id(101, 1));
        assert_eq!(rows.judge(id(3, 7), Some(id(3, 6))), Judged::Apply);
        let again = Rows::new(rows.rows().collect(), rows.closed().collect());
        assert_eq!(again, rows);
    }
}
