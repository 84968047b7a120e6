//! Gates and stream of the [model](super).

use std::collections::BTreeMap;

use super::{
    Rule,
    world::{Lane, Packet, Stored, World},
};
use crate::{
    buffer::Came,
    gate::{Asked, Group, Limits, Outcome, Record, Storing},
    subject::Subject,
};

/// The most unhandled messages of a lane in the stream.
pub(super) const LANE: usize = 6;

/// The largest payload that is taken.
pub(super) const PAYLOAD: usize = 100;

/// A gate with what has come to it, and what it is at.
#[derive(Default)]
pub(super) struct Gate {
    pub(super) inbox: Vec<Inbound>,
    pub(super) at: Option<Working>,
}

/// A request that has come to a gate: its number, the device, the lane, and what is asked for.
pub(super) type Inbound = (u64, usize, Subject, Vec<(Asked, usize)>);

pub(super) struct Working {
    pub(super) group: Group,
    /// Request, device, and how many parts of the group are its.
    pub(super) requests: Vec<(u64, usize, usize)>,
    /// By the name that the gate gives.
    pub(super) known: BTreeMap<String, (Lane, usize)>,
}

impl World {
    pub(super) fn gate_works(&mut self) {
        let at = self.dice.roll(2);
        if self.faults(40) {
            // It dies, with what it is at; nobody is answered.
            self.gates[at] = Gate::default();
            return;
        }
        self.gate_step(at);
    }

    /// Whether there was something to do.
    pub(super) fn gate_step(&mut self, at: usize) -> bool {
        if self.gates[at].at.is_none() {
            let inbox = std::mem::take(&mut self.gates[at].inbox);
            if inbox.is_empty() {
                return false;
            }
            self.gates[at].at = Some(self.working(inbox));
        }
        let Some(mut working) = self.gates[at].at.take() else { return false };
        let Some(attempt) = working.group.attempt() else {
            self.answer(working);
            return true;
        };
        let outcome = self.store(&attempt.records, &working.known);
        if outcome == Outcome::Refused && attempt.records.len() > 1 {
            self.told.note("split");
        }
        working.group.came(outcome);
        self.gates[at].at = Some(working);
        true
    }

    pub(super) fn working(&self, inbox: Vec<Inbound>) -> Working {
        let limits = Limits { payload: PAYLOAD, headers: 0 };
        let (mut lanes, mut requests, mut known) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (id, device, lane, asked) in inbox {
            let own = &self.devices[device];
            let whole: Vec<_> = asked.iter().map(|(asked, _)| asked.clone()).collect();
            // A rule that is switched off: each message goes its own way.
            let parts: Vec<_> =
                if self.has(Rule::StopAtFirstWait) { vec![&whole[..]] } else { whole.chunks(1).collect() };
            requests.push((id, device, parts.len()));
            for part in parts {
                let storing = Storing::new(own.user.clone(), own.name, &lane, part, limits);
                for record in storing.left() {
                    let (_, truth) = asked.iter().find(|(asked, _)| asked.identity == record.identity).expect("asked");
                    known.insert(record.message_id.clone(), ((own.user.clone(), own.name, lane.clone()), *truth));
                }
                lanes.push(storing);
            }
        }
        Working { group: Group::new(lanes), requests, known }
    }

    pub(super) fn answer(&mut self, working: Working) {
        let mut ends = working.group.end().into_iter();
        for (id, device, parts) in working.requests {
            let (mut all, mut wait) = (Vec::new(), None);
            for end in ends.by_ref().take(parts) {
                if let Came::Answered(said, at_least) = end.answer() {
                    all.extend(said);
                    wait = wait.max(at_least);
                }
            }
            self.packets.push(Packet::Answer { id, device, came: Came::Answered(all, wait) });
        }
    }

    /// What the broker does with a batch, or with one message.
    pub(super) fn store(&mut self, records: &[&Record], known: &BTreeMap<String, (Lane, usize)>) -> Outcome {
        if self.faults(14) {
            return Outcome::Busy(None);
        }
        if self.faults(16) {
            return Outcome::Lost;
        }
        let own_id = self.has(Rule::GatesMessageId);
        let names: Vec<_> = records
            .iter()
            .map(|record| if own_id { record.message_id.clone() } else { record.identity.to_string() })
            .collect();
        let is_seen = names.iter().any(|name| self.seen.contains(name));
        if let ([_], true) = (records, is_seen) {
            return Outcome::Stored;
        }
        let new: Vec<_> = records.iter().map(|record| &known[&record.message_id]).collect();
        let there = |lane: &Lane| self.stream.iter().filter(|stored| stored.lane == *lane).count();
        let is_full =
            new.iter().any(|(lane, _)| there(lane) + new.iter().filter(|(own, _)| own == lane).count() > LANE);
        if is_full {
            self.told.note("full");
        }
        if records.len() > 1 && (is_seen || self.faults(20)) || is_full {
            return Outcome::Refused;
        }
        if records.len() > 1 {
            self.told.note("batch");
        }
        for ((record, name), (lane, truth)) in records.iter().zip(names).zip(new) {
            self.seen.insert(name);
            if record.void.is_some() && !self.has(Rule::Void) {
                continue;
            }
            let (lane, truth) = (lane.clone(), *truth);
            let (identity, after, void) = (record.identity, record.after, record.void.is_some());
            let place = self.number();
            self.stream.push(Stored { place, lane, identity, after, truth, void, replay: None, deliveries: 0 });
        }
        if self.faults(16) {
            self.told.note("unconfirmed");
            return Outcome::Lost;
        }
        Outcome::Stored
    }
}
