//! The messages of a route that wait for a handler.
//!
//! They wait in lanes: a lane a caller, so that one who floods the route waits behind himself and the others take turns;
//! on an ordered route a lane a key, of which one message at a time is let out. When the line is full, a newcomer whose lane
//! has its share already is turned away; otherwise the newest of the longest lane is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use crate::routing::Request;

/// The name of a lane.
pub(in crate::routing) type Key = Bytes;

/// The messages of a route that wait for a handler.
pub(in crate::routing) struct Line {
    lanes: BTreeMap<Key, VecDeque<Request>>,
    /// The lanes whose turn will come; on an ordered route those that are busy are not among them.
    turns: VecDeque<Key>,
    busy: BTreeSet<Key>,
    ordered: bool,
    waiting: usize,
    bytes: usize,
    longest: usize,
    most_bytes: usize,
}

impl Line {
    /// At most so many messages of so many bytes in all.
    pub(in crate::routing) fn new(ordered: bool, longest: usize, most_bytes: usize) -> Self {
        let (lanes, turns, busy) = (BTreeMap::new(), VecDeque::new(), BTreeSet::new());
        Self { lanes, turns, busy, ordered, waiting: 0, bytes: 0, longest, most_bytes }
    }

    /// How many wait.
    pub(in crate::routing) fn len(&self) -> usize {
        self.waiting
    }

    /// Whether a message of this lane need not wait, if a handler is free.
    pub(in crate::routing) fn lets_pass(&self, key: &Key) -> bool {
        // While a handler is free only lanes wait whose turn has not come.
        !self.busy.contains(key)
    }

    /// A message of this lane begins to be handled.
    pub(in crate::routing) fn occupy(&mut self, key: &Key) {
        if self.ordered {
            self.busy.insert(key.clone());
        }
    }

    /// A message of this lane has been handled.
    pub(in crate::routing) fn release(&mut self, key: &Key) {
        if self.ordered && self.busy.remove(key) && self.lanes.contains_key(key) {
            self.turns.push_back(key.clone());
        }
    }

    /// Takes in a message; gives out those that must be turned away instead, the newcomer perhaps.
    pub(in crate::routing) fn push(&mut self, key: Key, request: Request) -> Vec<Request> {
        let mut turned_away = Vec::new();
        while self.waiting >= self.longest || self.bytes + size(&request) > self.most_bytes {
            let own = self.lanes.get(&key).map_or(0, VecDeque::len);
            if self.has_its_share(own) {
                turned_away.push(request);
                return turned_away;
            }
            let longest =
                self.lanes.iter().map(|(key, lane)| (lane.len(), key)).max().map(|(len, key)| (len, key.clone()));
            match longest {
                // Only who has more than the newcomer would have gives way.
                Some((length, key)) if length > own + 1 => turned_away.extend(self.take_newest(&key)),
                _ => {
                    turned_away.push(request);
                    return turned_away;
                }
            }
        }
        self.append(key, request);
        turned_away
    }

    /// The next whose turn it is.
    pub(in crate::routing) fn pop(&mut self) -> Option<(Key, Request)> {
        let key = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let request = lane.pop_front()?;
        if lane.is_empty() {
            self.lanes.remove(&key);
        } else if !self.ordered {
            self.turns.push_back(key.clone());
        }
        self.waiting -= 1;
        self.bytes -= size(&request);
        Some((key, request))
    }

    /// Whether a lane with so many has its share of the line: then a newcomer to it is turned away, without a search for the
    /// longest lane.
    fn has_its_share(&self, own: usize) -> bool {
        own * self.lanes.len() >= self.waiting
    }

    fn take_newest(&mut self, key: &Key) -> Option<Request> {
        let lane = self.lanes.get_mut(key)?;
        // It has at least two, so it stays a lane and keeps its turn.
        let request = lane.pop_back()?;
        self.waiting -= 1;
        self.bytes -= size(&request);
        Some(request)
    }

    fn append(&mut self, key: Key, request: Request) {
        self.waiting += 1;
        self.bytes += size(&request);
        let lane = self.lanes.entry(key.clone()).or_default();
        lane.push_back(request);
        if lane.len() == 1 && !self.busy.contains(&key) {
            self.turns.push_back(key);
        }
    }
}

fn size(request: &Request) -> usize {
    request.message().payload.len() + request.message().headers.size() + request.message().subject.as_bytes().len()
}
