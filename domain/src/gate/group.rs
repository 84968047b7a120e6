//! What is stored together: [`Group`].

use std::time::Duration;

use super::{Record, Storing};

/// The most messages of one atomic batch of nats-server.
pub(super) const BATCH: usize = 1_000;

/// The lanes of all users that have come within a moment, on their way into the stream.
///
/// First all of it in atomic batches; what the broker refuses is tried again by user, and what it refuses of one user message by message,
/// each when the one before it was confirmed. Whoever drives it asks for [`Group::attempt`], stores that as one batch (or, when it is one
/// message, plainly), and says what came of it, until there is nothing more.
#[derive(Debug)]
pub struct Group {
    lanes: Vec<Storing>,
    /// Lanes whose messages are not stored together with those of other users.
    apart: Vec<Apart>,
    now: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Apart {
    Together,
    ByUser,
    Single,
}

/// What is stored next: of each lane so many, in this order.
#[derive(Debug, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// The messages.
    pub records: Vec<&'a Record>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is stored, now or since before.
    Stored,
    /// Nothing of it is: the broker has refused it for one of its messages (10201, 10077), or takes no batches.
    Refused,
    /// Not now: there is no room, or too many ask; at least for so long when that is known.
    Busy(Option<Duration>),
    /// No confirmation came: it may be stored, or not.
    Lost,
}

impl Group {
    /// The requests that go together; those of one lane not twice.
    #[must_use]
    pub fn new(lanes: Vec<Storing>) -> Self {
        Self { apart: vec![Apart::Together; lanes.len()], lanes, now: Vec::new() }
    }

    /// What is stored next; `None` when all lanes have come to their end.
    pub fn attempt(&mut self) -> Option<Attempt<'_>> {
        self.now.clear();
        let first =
            (0..self.lanes.len()).filter(|at| !self.lanes[*at].left().is_empty()).min_by_key(|at| self.apart[*at])?;
        let (apart, mut room) = (self.apart[first], if self.apart[first] == Apart::Single { 1 } else { BATCH });
        for at in first..self.lanes.len() {
            let goes_with = match apart {
                Apart::Together => self.apart[at] == Apart::Together,
                Apart::ByUser => self.apart[at] == apart && self.lanes[at].caller() == self.lanes[first].caller(),
                Apart::Single => at == first,
            };
            let count = self.lanes[at].left().len().min(room);
            if goes_with && count > 0 {
                self.now.push((at, count));
                room -= count;
            }
        }
        let records = self.now.iter().flat_map(|(at, count)| &self.lanes[*at].left()[..*count]).collect();
        Some(Attempt { records })
    }

    /// What came of what [`Group::attempt`] said last.
    pub fn came(&mut self, outcome: Outcome) {
        let is_single = matches!(self.now[..], [(_, 1)]);
        for (at, count) in std::mem::take(&mut self.now) {
            let lane = &mut self.lanes[at];
            match outcome {
                Outcome::Stored => lane.stored(count),
                Outcome::Refused if !is_single => {
                    self.apart[at] = if self.apart[at] == Apart::Together { Apart::ByUser } else { Apart::Single };
                }
                Outcome::Refused | Outcome::Lost => lane.stop(None),
                Outcome::Busy(at_least) => lane.stop(at_least),
            }
        }
    }

    /// The requests, with their answers.
    #[must_use]
    pub fn end(self) -> Vec<Storing> {
        self.lanes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        buffer::{Came, Identity, Opening, Said},
        gate::{Asked, Limits},
    };

    fn lane(caller: &str, number: u8, count: u64) -> Storing {
        let id = |sequence| Identity { opening: Opening([number; 16]), sequence };
        let asked = |sequence| Asked { identity: id(sequence), after: None, headers: 0, payload: 1 };
        let asked: Vec<_> = (1..=count).map(asked).collect();
        let subject = format!("from.{caller}.lane{number}").parse().unwrap();
        Storing::new(caller.parse().unwrap(), "phone", &subject, &asked, Limits::default())
    }

    fn names(attempt: &Attempt<'_>) -> Vec<(u8, u64)> {
        attempt.records.iter().map(|record| (record.identity.opening.0[0], record.identity.sequence)).collect()
    }

    fn stored(storing: &Storing) -> usize {
        let Came::Answered(said, _) = storing.answer() else { panic!("no answer") };
        let stored = said.iter().take_while(|said| **said == Said::Stored).count();
        assert!(said[stored..].iter().all(|said| *said == Said::Wait));
        stored
    }

    #[test]
    fn all_users_share_a_batch() {
        let mut group = Group::new(vec![lane("ada", 1, 2), lane("bob", 2, 1), lane("ada", 3, 1)]);
        assert_eq!(names(&group.attempt().unwrap()), [(1, 1), (1, 2), (2, 1), (3, 1)]);
        group.came(Outcome::Stored);
        assert!(group.attempt().is_none());
        assert_eq!(group.end().iter().map(stored).collect::<Vec<_>>(), [2, 1, 1]);
        let mut group = Group::new(vec![lane("ada", 1, 1_500), lane("bob", 2, 1)]);
        assert_eq!(group.attempt().unwrap().records.len(), BATCH);
        group.came(Outcome::Stored);
        assert_eq!(group.attempt().unwrap().records.len(), 501);
    }

    /// Whatever the broker refuses, whoever has nothing to do with it is stored; and a lane never goes over what it stopped at.
    #[test]
    fn nobody_stands_in_anothers_way() {
        let mut group = Group::new(vec![lane("ada", 1, 3), lane("bob", 2, 2), lane("ada", 3, 2), lane("eve", 4, 1)]);
        let is_full = |name: &(u8, u64)| *name == (1, 2);
        let mut attempts = Vec::new();
        while let Some(attempt) = group.attempt() {
            let names = names(&attempt);
            let refused = names.iter().any(is_full);
            group.came(if refused { Outcome::Refused } else { Outcome::Stored });
            attempts.push((names, refused));
        }
        let told: Vec<_> = attempts.iter().map(|(names, refused)| (&names[..], *refused)).collect();
        assert_eq!(
            told,
            [
                (&[(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1)][..], true),
                (&[(1, 1), (1, 2), (1, 3), (3, 1), (3, 2)], true),
                (&[(2, 1), (2, 2)], false),
                (&[(4, 1)], false),
                (&[(1, 1)], false),
                (&[(1, 2)], true),
                (&[(3, 1)], false),
                (&[(3, 2)], false),
            ]
        );
        assert_eq!(group.end().iter().map(stored).collect::<Vec<_>>(), [1, 2, 2, 1]);
    }

    #[test]
    fn what_is_lost_or_busy_waits() {
        for (outcome, expected) in [(Outcome::Lost, None), (Outcome::Busy(Some(Duration::from_secs(3))), Some(3))] {
            let mut group = Group::new(vec![lane("ada", 1, 2), lane("bob", 2, 1)]);
            group.attempt().unwrap();
            group.came(outcome);
            assert!(group.attempt().is_none());
            for lane in group.end() {
                let Came::Answered(said, wait) = lane.answer() else { panic!("no answer") };
                assert!(said.iter().all(|said| *said == Said::Wait));
                assert_eq!(wait, expected.map(Duration::from_secs));
            }
        }
    }

    #[test]
    fn what_is_refused_for_good_is_stored_without_a_body() {
        let limits = Limits { payload: 10, headers: 5 };
        let id = |sequence| Identity { opening: Opening([1; 16]), sequence };
        let asked = [(0, 10), (0, 11), (6, 1)].map(|(headers, payload)| Asked {
            identity: id(1),
            after: None,
            headers,
            payload,
        });
        let storing = Storing::new("ada".parse().unwrap(), "phone", &"from.ada.a".parse().unwrap(), &asked, limits);
        let voids: Vec<_> = storing.left().iter().map(|record| record.void).collect();
        assert_eq!(voids, [None, Some(Void::Payload(11, 10)), Some(Void::Headers(6, 5))]);
    }

    use crate::gate::Void;
}
