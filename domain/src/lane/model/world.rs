//! The world of the [model](super): what there is, what may happen in it, and how it comes to rest.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;
use jiff::Timestamp;

use super::{
    Dice, Rule,
    devices::Device,
    gates::Gate,
    handlers::{Database, Task},
};
use crate::{
    buffer::{Batch, Bounds, Came, Drain, Identity, Opening, Said, Standing},
    gate::Asked,
    identity::UserId,
    memory,
    ports::Buffer as _,
    subject::Subject,
};

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// Too large: it is refused.
    Large,
    /// Whoever handles it dies.
    Deadly,
}

/// What was accepted into a Buffer.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    pub(super) kind: Kind,
    /// What somebody did that takes it along: it may have an effect or none.
    pub(super) excused: bool,
    pub(super) discarded: bool,
    /// Another file has it too.
    pub(super) shared: bool,
}

#[derive(Clone)]
pub(super) enum Packet {
    Request { id: u64, device: usize, lane: Subject, asked: Vec<(Asked, usize)> },
    Answer { id: u64, device: usize, came: Came },
}

/// Whose lane it is.
pub(super) type Lane = (UserId, &'static str, Subject);

/// A message in the stream.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) place: u64,
    pub(super) lane: Lane,
    pub(super) identity: Identity,
    pub(super) after: Option<Identity>,
    pub(super) truth: usize,
    pub(super) void: bool,
    /// The number of a replay, of a dead letter.
    pub(super) replay: Option<u64>,
    pub(super) deliveries: u32,
}

/// How often what has happened.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<&'static str, u64>);

impl Told {
    pub(super) fn note(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// Whether all that is meant to happen has happened, and not just once.
    pub(super) fn is_rich(&self) -> bool {
        const ALL: [&str; 24] = [
            "saved",
            "discarded",
            "crashed",
            "restored",
            "copied",
            "lost",
            "doubled",
            "late",
            "batch",
            "split",
            "full",
            "unconfirmed",
            "forgotten",
            "duplicate",
            "gap waited",
            "gap over",
            "raced",
            "refused",
            "dead",
            "purged",
            "older database",
            "handled",
            "replayed",
            "replay was late",
        ];
        ALL.iter().all(|what| self.0.get(what).is_some_and(|count| *count > 20))
    }
}

pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) without: Option<Rule>,
    pub(super) calm: bool,
    pub(super) told: Told,
    pub(super) now: Timestamp,
    pub(super) openings: BTreeMap<UserId, u8>,
    pub(super) next: u64,
    pub(super) truth: Vec<Truth>,
    pub(super) devices: Vec<Device>,
    pub(super) packets: Vec<Packet>,
    pub(super) gates: [Gate; 2],
    pub(super) stream: Vec<Stored>,
    pub(super) seen: BTreeSet<String>,
    pub(super) database: Database,
    pub(super) older: Option<Database>,
    pub(super) handlers: [Option<Task>; 2],
    pub(super) out: BTreeMap<(UserId, &'static str), Vec<(Identity, Standing)>>,
}

/// The fakes answer at once.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("it is in memory")
}

impl World {
    pub(super) fn new(seed: u64, without: Option<Rule>) -> Self {
        let mut world = Self {
            dice: Dice(seed),
            without,
            calm: false,
            told: Told::default(),
            now: Timestamp::UNIX_EPOCH,
            openings: BTreeMap::new(),
            next: 0,
            truth: Vec::new(),
            devices: Vec::new(),
            packets: Vec::new(),
            gates: Default::default(),
            stream: Vec::new(),
            seen: BTreeSet::new(),
            database: Database::default(),
            older: None,
            handlers: [None, None],
            out: BTreeMap::new(),
        };
        for (user, name) in [("ada", "phone"), ("eve", "desk"), ("ada", "plain")] {
            let (user, file) = (user.parse::<UserId>().expect("a user id"), memory::BufferFile::default());
            let buffer = world.open(&user, &file);
            world.devices.push(Device {
                user,
                name,
                file,
                buffer,
                drain: Drain::default(),
                asked: BTreeMap::new(),
                heard: 0,
                history: BTreeMap::new(),
                backup: None,
                tries: 0,
                plain: (name == "plain").then(BTreeMap::new),
            });
        }
        world
    }

    pub(super) fn has(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    pub(super) fn faults(&mut self, times: usize) -> bool {
        !self.calm && self.dice.once_in(times)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn told(self) -> Told {
        self.told
    }

    /// Two users draw the same openings: nothing keeps a stranger from it.
    pub(super) fn open(&mut self, user: &UserId, file: &memory::BufferFile) -> memory::Buffer {
        let number = self.openings.entry(user.clone()).or_default();
        *number += 1;
        let opening = Opening([if self.without == Some(Rule::Opening) { 1 } else { *number }; 16]);
        file.open(opening, Bounds::default())
    }

    /// One thing happens.
    pub(super) fn step(&mut self) {
        self.now += std::time::Duration::from_millis(self.dice.roll(400) as u64);
        let device = self.dice.roll(self.devices.len());
        match self.dice.roll(100) {
            0..14 => self.save(device),
            14..32 => self.drain(device),
            32..36 => self.give_up(device),
            36..52 => self.deliver(),
            52..66 => self.gate_works(),
            66..90 => self.handler_works(),
            90..92 => self.hear(device),
            92 => self.replay(),
            93 => self.crash(device),
            94 => self.discard(device),
            95 => {
                self.told.note("forgotten");
                self.seen.clear();
            }
            96 => self.back_up(device),
            97 => self.restore_or_copy(device),
            98 if self.dice.once_in(6) => self.purge(),
            99 if self.dice.once_in(3) => self.database_goes_back(),
            _ => {}
        }
    }

    fn deliver(&mut self) {
        if self.packets.is_empty() {
            return;
        }
        let at = self.dice.roll(self.packets.len());
        if at > 0 {
            self.told.note("late");
        }
        if self.faults(8) {
            self.told.note("doubled");
            let again = self.packets[at].clone();
            self.packets.push(again);
        }
        let packet = self.packets.swap_remove(at);
        if self.faults(8) {
            self.told.note("lost");
            return;
        }
        self.arrive(packet);
    }

    fn arrive(&mut self, packet: Packet) {
        match packet {
            Packet::Request { id, device, lane, asked } => {
                let gate = self.dice.roll(2);
                self.gates[gate].inbox.push((id, device, lane, asked));
            }
            Packet::Answer { id, device, came } => {
                let marks = self.has(Rule::SentOnDisk);
                let rng = memory::Rng::seeded(self.dice.roll(1_000) as u64);
                let own = &mut self.devices[device];
                // An answer to what nobody waits for any more.
                let Some((lane, asked)) = own.asked.remove(&id) else { return };
                if let Some(plain) = &mut own.plain {
                    if came == Came::Answered(vec![Said::Stored], None) {
                        plain.remove(&lane);
                    }
                    return;
                }
                let news = own.drain.came(&lane, &asked, came, self.now, &rng);
                if !marks {
                    let _ = at_once(own.buffer.take(&lane, Batch { entries: news.len().max(1), bytes: u64::MAX }));
                }
                at_once(own.buffer.note(news)).expect("memory");
            }
        }
    }

    fn purge(&mut self) {
        self.told.note("purged");
        for stored in std::mem::take(&mut self.stream) {
            self.truth[stored.truth].excused = true;
        }
    }

    fn database_goes_back(&mut self) {
        let Some(older) = self.older.take() else { return };
        self.told.note("older database");
        // What was done since then is gone with it, and no longer in the stream.
        for truth in self.database.told_since(&older) {
            self.truth[truth].excused = true;
        }
        self.database = older.at_another_version(&self.database);
    }

    /// All faults end, and what is under way comes to its end.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.calm = true;
        for _ in 0..400 {
            self.now += std::time::Duration::from_secs(60);
            let mut is_busy = false;
            for device in 0..self.devices.len() {
                self.hear(device);
                let plain: Vec<_> = self.devices[device].plain.iter().flat_map(BTreeMap::keys).cloned().collect();
                for lane in plain {
                    is_busy = true;
                    self.ask_plainly(device, &lane);
                }
                let lanes = at_once(self.devices[device].buffer.lanes(None, 9)).expect("memory");
                for lane in lanes {
                    is_busy = true;
                    self.send(device, &lane.subject, 3);
                }
            }
            for packet in std::mem::take(&mut self.packets) {
                is_busy = true;
                self.arrive(packet);
            }
            for at in 0..self.gates.len() {
                while self.gate_step(at) {
                    is_busy = true;
                }
            }
            is_busy |= !self.packets.is_empty() || !self.stream.is_empty();
            for _ in 0..60 {
                self.handler_works();
            }
            // Whoever was lost on the way is not waited for.
            for device in 0..self.devices.len() {
                if self.packets.is_empty() {
                    self.give_up(device);
                }
            }
            if !is_busy && self.handlers.iter().all(Option::is_none) {
                (0..self.devices.len()).for_each(|device| self.hear(device));
                return Ok(());
            }
        }
        let waiting: u64 = self.devices.iter().map(|own| at_once(own.buffer.count()).expect("memory").entries).sum();
        Err(format!("stuck: {waiting} wait on devices, {} in the stream", self.stream.len()))
    }
}
