//! Devices of the [model](super): what they save, send and hear, and what happens to their files.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Rule,
    gates::PAYLOAD,
    world::{Kind, Packet, Truth, World, at_once},
};
use crate::{
    buffer::{Batch, Came, Discarded, Draft, Drain, Entry, Identity, Opening, link},
    gate::Asked,
    identity::UserId,
    memory,
    message::Headers,
    ports::Buffer as _,
    subject::Subject,
};

/// A process with a Buffer.
pub(super) struct Device {
    pub(super) user: UserId,
    pub(super) name: &'static str,
    pub(super) file: memory::BufferFile,
    pub(super) buffer: memory::Buffer,
    pub(super) drain: Drain,
    pub(super) asked: BTreeMap<u64, (Subject, Vec<Identity>)>,
    pub(super) heard: usize,
    /// What it has saved, and those before it in its file, of each lane.
    pub(super) history: BTreeMap<Subject, Vec<(Identity, usize)>>,
    pub(super) backup: Option<Backup>,
    pub(super) tries: u64,
    /// Of a client without a Buffer, which asks until it is answered: what was not, each in a lane of its own.
    pub(super) plain: Option<BTreeMap<Subject, (Identity, usize)>>,
}

pub(super) struct Backup {
    pub(super) file: memory::BufferFile,
    pub(super) heard: usize,
    pub(super) history: BTreeMap<Subject, Vec<(Identity, usize)>>,
}

impl World {
    pub(super) fn save(&mut self, device: usize) {
        let kind = match self.dice.roll(12) {
            0 => Kind::Large,
            1 => Kind::Deadly,
            _ => Kind::Plain,
        };
        let number = self.number();
        let own = &mut self.devices[device];
        if let Some(plain) = &mut own.plain {
            let lane: Subject = format!("from.{}.plain.{number}", own.user).parse().expect("a subject");
            let mut id = [0; 16];
            id[..8].copy_from_slice(&number.to_be_bytes());
            let identity = Identity { opening: Opening(id), sequence: 1 };
            plain.insert(lane, (identity, self.truth.len()));
            self.truth.push(Truth { kind, excused: false, discarded: false, shared: true });
            return;
        }
        let lane: Subject = format!("from.{}.{}", own.user, ["a", "b"][self.dice.roll(2)]).parse().expect("a subject");
        let truth = self.truth.len();
        let draft = Draft {
            subject: lane.clone(),
            kind: String::new(),
            version: 1,
            headers: Headers::default(),
            payload: truth.to_string().into(),
        };
        let identity = at_once(own.buffer.save(draft, self.now)).expect("there is room");
        own.history.entry(lane).or_default().push((identity, truth));
        self.truth.push(Truth { kind, excused: false, discarded: false, shared: false });
        self.told.note("saved");
    }

    pub(super) fn drain(&mut self, device: usize) {
        let most = 1 + self.dice.roll(4);
        if let Some(plain) = &self.devices[device].plain {
            let lane = plain.keys().nth(self.dice.roll(plain.len().max(1))).cloned();
            lane.iter().for_each(|lane| self.ask_plainly(device, lane));
            return;
        }
        let lanes = at_once(self.devices[device].buffer.lanes(None, 9)).expect("memory");
        if lanes.is_empty() {
            return;
        }
        let lane = lanes[self.dice.roll(lanes.len())].subject.clone();
        self.send(device, &lane, most);
    }

    /// A request with an id, to whoever answers; asked again as often as its client likes.
    pub(super) fn ask_plainly(&mut self, device: usize, lane: &Subject) {
        let id = self.number();
        let own = &mut self.devices[device];
        let Some((identity, truth)) = own.plain.as_ref().and_then(|plain| plain.get(lane)).copied() else { return };
        own.asked.insert(id, (lane.clone(), vec![identity]));
        let payload = if self.truth[truth].kind == Kind::Large { PAYLOAD + 1 } else { PAYLOAD };
        let asked = vec![(Asked { identity, after: None, headers: 0, payload }, truth)];
        self.packets.push(Packet::Request { id, device, lane: lane.clone(), asked });
    }

    pub(super) fn send(&mut self, device: usize, lane: &Subject, most: usize) {
        let (marks, renames, links) = (self.has(Rule::SentOnDisk), !self.has(Rule::NamedAtSave), self.has(Rule::Link));
        let one_request = self.has(Rule::OneRequest);
        let id = self.number();
        let own = &mut self.devices[device];
        if !own.drain.begin(lane, self.now) && one_request {
            return;
        }
        // A rule that is switched off: what is under way is not waited for.
        let under_way: Vec<_> =
            own.asked.values().filter(|(own, _)| own == lane).flat_map(|(_, ids)| ids.clone()).collect();
        let batch = Batch { entries: most + under_way.len(), bytes: u64::MAX };
        let mut entries = if marks {
            at_once(own.buffer.take(lane, batch)).expect("memory")
        } else {
            linked_in_memory(own, lane, batch)
        };
        entries.retain(|entry| !under_way.contains(&entry.identity));
        entries.truncate(most);
        own.asked.insert(id, (lane.clone(), entries.iter().map(|entry| entry.identity).collect()));
        own.tries += 1;
        let asked = |entry: &Entry| {
            let truth: usize = String::from_utf8_lossy(&entry.draft.payload).parse().expect("a number");
            let mut identity = entry.identity;
            if renames {
                identity.sequence += 1_000 * own.tries;
            }
            let payload = if self.truth[truth].kind == Kind::Large { PAYLOAD + 1 } else { PAYLOAD };
            (Asked { identity, after: entry.after.filter(|_| links), headers: 0, payload }, truth)
        };
        let asked = entries.iter().map(asked).collect();
        self.packets.push(Packet::Request { id, device, lane: lane.clone(), asked });
    }

    /// Nobody waits any longer for an answer.
    pub(super) fn give_up(&mut self, device: usize) {
        let rng = memory::Rng::seeded(self.dice.roll(1_000) as u64);
        let own = &mut self.devices[device];
        if let Some((_, (lane, asked))) = own.asked.pop_first() {
            let none = own.drain.came(&lane, &asked, Came::Nothing, self.now, &rng);
            assert_eq!(none, [], "nothing is known");
        }
    }

    /// A device hears what became of its messages.
    pub(super) fn hear(&mut self, device: usize) {
        let own = &mut self.devices[device];
        let news = self.out.get(&(own.user.clone(), own.name)).map(|out| out[own.heard..].to_vec()).unwrap_or_default();
        own.heard += news.len();
        at_once(own.buffer.note(news)).expect("memory");
    }

    pub(super) fn crash(&mut self, device: usize) {
        // A client without a Buffer forgets what it has asked for, done or not.
        if let Some(plain) = &mut self.devices[device].plain {
            for (_, truth) in std::mem::take(plain).into_values() {
                self.truth[truth].excused = true;
            }
            self.devices[device].asked.clear();
            return;
        }
        self.told.note("crashed");
        let (user, file) = (self.devices[device].user.clone(), self.devices[device].file.clone());
        let buffer = self.open(&user, &file);
        let own = &mut self.devices[device];
        (own.buffer, own.drain) = (buffer, Drain::default());
        own.asked.clear();
    }

    pub(super) fn discard(&mut self, device: usize) {
        let own = &self.devices[device];
        let newest = own.history.values().flatten().max_by_key(|(_, truth)| *truth).copied();
        let Some((identity, truth)) = newest.filter(|(_, truth)| !self.truth[*truth].shared) else { return };
        if at_once(own.buffer.discard(identity)).expect("memory") == Discarded::Done {
            self.told.note("discarded");
            self.truth[truth].discarded = true;
        }
    }

    pub(super) fn shares(&mut self, device: usize) {
        for (_, truth) in self.devices[device].history.values().flatten() {
            self.truth[*truth].shared = true;
        }
    }

    pub(super) fn back_up(&mut self, device: usize) {
        self.shares(device);
        let own = &mut self.devices[device];
        own.backup = Some(Backup { file: own.file.copy(), heard: own.heard, history: own.history.clone() });
        if self.dice.once_in(3) {
            self.older = Some(self.database.clone());
        }
    }

    pub(super) fn restore_or_copy(&mut self, device: usize) {
        if self.devices[device].plain.is_some() {
            return;
        }
        if self.dice.once_in(2) && self.devices.len() < 5 {
            self.told.note("copied");
            self.shares(device);
            let (user, name) = (self.devices[device].user.clone(), self.devices[device].name);
            let (file, heard) = (self.devices[device].file.copy(), self.devices[device].heard);
            let history = self.devices[device].history.clone();
            let buffer = self.open(&user, &file);
            let (drain, asked) = (Drain::default(), BTreeMap::new());
            self.devices.push(Device {
                user,
                name,
                file,
                buffer,
                drain,
                asked,
                heard,
                history,
                backup: None,
                tries: 500,
                plain: None,
            });
            return;
        }
        let Some(Backup { file, heard, history }) = self.devices[device].backup.take() else { return };
        self.told.note("restored");
        // What was saved since then is gone with the file.
        let kept: BTreeSet<_> = history.values().flatten().map(|(_, truth)| *truth).collect();
        for (_, truth) in self.devices[device].history.values().flatten() {
            self.truth[*truth].excused |= !kept.contains(truth);
        }
        let own = &mut self.devices[device];
        (own.file, own.heard, own.history) = (file, heard, history);
        self.crash(device);
    }
}

/// A rule that is switched off: nothing says on disk that it was sent.
fn linked_in_memory(own: &Device, lane: &Subject, batch: Batch) -> Vec<Entry> {
    let mut entries = at_once(own.buffer.oldest(lane, batch)).expect("memory");
    let before = own.history.get(lane).and_then(|all| {
        let first = entries.first().map(|entry| entry.identity);
        let at = all.iter().position(|(identity, _)| Some(*identity) == first)?;
        all[..at].last().map(|(identity, _)| *identity)
    });
    link(&mut entries, before);
    entries
}
