//! The handlers of the [model](super), and their database.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Rule,
    world::{Kind, Lane, Stored, World},
};
use crate::{
    buffer::{Identity, Standing},
    lane::{Before, DeadLetter, Rows, Step},
};

/// How often a message is tried.
const ATTEMPTS: u32 = 3;

/// What the handlers' database holds.
#[derive(Clone, Default)]
pub(super) struct Database {
    lanes: BTreeMap<Lane, (Rows, u64)>,
    /// Each effect, in order: whose lane, and which message.
    pub(super) effects: Vec<(Lane, usize)>,
    verdicts: BTreeMap<(Lane, Identity), (Standing, usize)>,
    attempts: BTreeMap<(Lane, Identity), u32>,
    dead: BTreeMap<(Lane, Identity), (DeadLetter, usize)>,
}

impl Database {
    /// Messages with an end here that have none in an older one.
    pub(super) fn told_since(&self, older: &Self) -> Vec<usize> {
        let before: BTreeSet<_> = older.verdicts.values().map(|(_, truth)| *truth).collect();
        let effects: BTreeSet<_> = older.effects.iter().map(|(_, truth)| *truth).collect();
        let told = self.verdicts.values().map(|(_, truth)| *truth).filter(|truth| !before.contains(truth));
        told.chain(self.effects.iter().map(|(_, truth)| *truth).filter(|truth| !effects.contains(truth))).collect()
    }

    /// Whether this message failed for good: it was deadly, or whoever was at it died too often of something else.
    pub(super) fn was_dead(&self, truth: usize) -> bool {
        self.verdicts.values().any(|(end, own)| *own == truth && matches!(end, Standing::Dead(_)))
    }

    /// Whether somebody had it handled after all: it is no dead letter any more.
    pub(super) fn was_replayed(&self, truth: usize) -> bool {
        self.was_dead(truth) && !self.dead.values().any(|(_, own)| *own == truth)
    }

    /// Restored: no transaction that was begun before ends in it.
    pub(super) fn at_another_version(mut self, newer: &Self) -> Self {
        for (lane, (_, version)) in &newer.lanes {
            self.lanes.entry(lane.clone()).or_default().1 = version + 1_000;
        }
        self
    }
}

/// A handler at a message.
pub(super) struct Task {
    stored: Stored,
    phase: Phase,
}

enum Phase {
    Look,
    /// The rows were read at a version.
    Run {
        rows: Rows,
        version: u64,
        over: Option<Identity>,
    },
    Commit {
        rows: Rows,
        version: u64,
        over: Option<Identity>,
        end: Standing,
    },
    /// What was asked for once more is done, in a transaction that is not committed yet.
    Replay,
    Publish(Vec<(Identity, Standing)>),
    Acknowledge,
}

impl World {
    pub(super) fn handler_works(&mut self) {
        let at = self.dice.roll(2);
        let Some(task) = self.handlers[at].take() else {
            self.handlers[at] = self.delivered();
            return;
        };
        if self.faults(15) {
            // It dies; the message comes again.
            return;
        }
        self.handlers[at] = self.goes_on(task);
    }

    /// The broker gives a message that nobody has acknowledged: now and then one that another is at.
    fn delivered(&mut self) -> Option<Task> {
        let near = self.stream.len().min(4);
        if near == 0 {
            return None;
        }
        let at = self.dice.roll(near);
        let place = self.stream[at].place;
        let is_taken = self.handlers.iter().flatten().any(|task| task.stored.place == place);
        if is_taken && (self.calm || !self.dice.once_in(4)) {
            return None;
        }
        self.stream[at].deliveries += 1;
        Some(Task { stored: self.stream[at].clone(), phase: Phase::Look })
    }

    fn goes_on(&mut self, task: Task) -> Option<Task> {
        let Task { stored, phase } = task;
        let phase = match phase {
            Phase::Look if stored.replay.is_some() => self.look_at_replay(&stored),
            Phase::Look => self.look(&stored)?,
            Phase::Replay => self.commit_replay(&stored),
            Phase::Run { rows, version, over } => self.runs(&stored, rows, version, over)?,
            Phase::Commit { rows, version, over, end } => self.commit(&stored, &rows, version, over, end),
            Phase::Publish(news) => {
                let (user, device, _) = &stored.lane;
                self.out.entry((user.clone(), device)).or_default().extend(news);
                Phase::Acknowledge
            }
            Phase::Acknowledge => {
                self.stream.retain(|own| own.place != stored.place);
                return None;
            }
        };
        Some(Task { stored, phase })
    }

    /// Whoever operates asks for a dead letter once more: what killed is mended.
    pub(super) fn replay(&mut self) {
        if self.database.dead.is_empty() {
            return;
        }
        let at = self.dice.roll(self.database.dead.len());
        let Some(((lane, identity), (row, truth))) = self.database.dead.iter_mut().nth(at) else { return };
        *row = row.asked_again();
        let (lane, identity, truth, replay) = (lane.clone(), *identity, *truth, Some(row.replays));
        self.told.note("replayed");
        // Lost between the row and the stream, it is asked for again.
        if self.faults(5) {
            return;
        }
        let place = self.number();
        let stored = Stored { place, lane, identity, after: None, truth, void: false, replay, deliveries: 0 };
        self.stream.push(stored);
    }

    fn replay_applies(&mut self, stored: &Stored) -> bool {
        let row = self.database.dead.get(&(stored.lane.clone(), stored.identity)).map(|(row, _)| *row);
        let applies = DeadLetter::applies(row, stored.replay.unwrap_or_default());
        if !applies {
            self.told.note("replay was late");
        }
        applies || !self.has(Rule::ReplayNumber)
    }

    fn look_at_replay(&mut self, stored: &Stored) -> Phase {
        if self.replay_applies(stored) { Phase::Replay } else { Phase::Acknowledge }
    }

    fn commit_replay(&mut self, stored: &Stored) -> Phase {
        if self.replay_applies(stored) {
            self.database.dead.remove(&(stored.lane.clone(), stored.identity));
            self.database.effects.push((stored.lane.clone(), stored.truth));
        }
        Phase::Acknowledge
    }

    fn look(&mut self, stored: &Stored) -> Option<Phase> {
        let (rows, version) = self.database.lanes.get(&stored.lane).cloned().unwrap_or_default();
        let lags = self.faults(6);
        let earlier =
            self.stream.iter().any(|own| own.lane == stored.lane && own.place < stored.place && own.replay.is_none());
        let before = match (lags, earlier) {
            (true, _) if self.has(Rule::LookFindsItself) => Before::Unknown,
            (true, _) => Before::Nothing,
            (false, true) => Before::Something,
            (false, false) => Before::Nothing,
        };
        let step = match rows.step(stored.identity, stored.after, before) {
            Step::Wait if !self.has(Rule::GapWaits) => Step::Run { over: stored.after },
            Step::Run { over: Some(_) } if !self.has(Rule::GapEnds) => Step::Wait,
            step => step,
        };
        match step {
            Step::Duplicate => {
                self.told.note("duplicate");
                let recorded = self.database.verdicts.get(&(stored.lane.clone(), stored.identity));
                let recorded = recorded.filter(|_| self.has(Rule::VerdictRows));
                Some(Phase::Publish(recorded.map(|(end, _)| (stored.identity, end.clone())).into_iter().collect()))
            }
            Step::Wait => {
                self.told.note("gap waited");
                None
            }
            Step::TooOld => Some(Phase::Publish(vec![(stored.identity, Standing::Dead("too old".to_owned()))])),
            Step::Run { over } => {
                if over.is_some() {
                    self.told.note("gap over");
                }
                Some(Phase::Run { rows, version, over })
            }
        }
    }

    /// The handler runs, in a transaction that is not committed yet; `None` when it takes its process with it.
    fn runs(&mut self, stored: &Stored, rows: Rows, version: u64, over: Option<Identity>) -> Option<Phase> {
        let deadly = self.truth[stored.truth].kind == Kind::Deadly && !stored.void;
        let end = if stored.void {
            Standing::Refused("void".to_owned())
        } else if stored.deliveries > 1 && self.counted(stored) > ATTEMPTS {
            Standing::Dead("tried often".to_owned())
        } else if deadly {
            return None;
        } else {
            Standing::Handled(bytes::Bytes::new())
        };
        Some(Phase::Commit { rows, version, over, end })
    }

    /// Counts an attempt, before it is made.
    fn counted(&mut self, stored: &Stored) -> u32 {
        if !self.has(Rule::AttemptBeforeRun) {
            // In memory, which goes with the process.
            return 1;
        }
        let attempts = self.database.attempts.entry((stored.lane.clone(), stored.identity)).or_default();
        *attempts += 1;
        *attempts
    }

    fn commit(&mut self, stored: &Stored, rows: &Rows, version: u64, over: Option<Identity>, end: Standing) -> Phase {
        let now = self.database.lanes.get(&stored.lane).map_or(0, |(_, version)| *version);
        if now != version && self.has(Rule::CompareAndSet) {
            self.told.note("raced");
            return Phase::Look;
        }
        self.told.note(match &end {
            Standing::Handled(_) => "handled",
            Standing::Refused(_) => "refused",
            _ => "dead",
        });
        let lane = &stored.lane;
        if lane.1 != "plain" || self.has(Rule::PlainRecord) {
            self.database.lanes.insert(lane.clone(), (rows.advanced(stored.identity), version + 1));
        }
        if matches!(end, Standing::Dead(_)) {
            self.database.dead.insert((lane.clone(), stored.identity), (DeadLetter::default(), stored.truth));
        }
        if matches!(end, Standing::Handled(_)) {
            self.database.effects.push((lane.clone(), stored.truth));
        }
        self.database.verdicts.insert((lane.clone(), stored.identity), (end.clone(), stored.truth));
        let gone = over.map(|over| (over, Standing::Unknown("a gap went over it".to_owned())));
        Phase::Publish(gone.into_iter().chain([(stored.identity, end)]).collect())
    }
}
