//! The file, inside a transaction: what each method of the port does to its rows.
//!
//! ```text
//! about     one row: whose · whose key · how much waits · the last place
//! openings  base pk · name           the opening began behind this place
//! lanes     lane pk · subject unique · waiting · last (place of the last that was sent)
//! entries   place pk · lane · kind · version · body · size · saved_at · after · standing · said
//! ```
//!
//! Counts are not written with each message, which would be a third of what goes to the disk: a transaction that only saves writes
//! the messages, and `about` says up to which place it counts. What lies behind that is counted when the file is opened; it is never
//! more than [`UNCOUNTED`] messages, all of which wait and were never sent.

use std::collections::HashMap;

use jiff::Timestamp;
use relais_domain::{
    buffer::{Batch, Bounds, Count, Discarded, Draft, Entry, Full, Identity, Lane, Opening, Standing, link},
    ports::Rng,
    subject::Subject,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    rows::{self, QUEUED, SENT, STORED, signed, unreadable, unsigned},
    seal::Key,
};

/// The most lanes that are remembered between two transactions.
const LANES: usize = 10_000;

/// The most messages that are saved before counts are written.
const UNCOUNTED: u64 = 1_024;

/// The columns that [`Store::read`] reads.
const COLUMNS: &str = "SELECT e.place, l.subject, e.kind, e.version, e.body, e.saved_at, e.after, e.standing, e.said \
                       FROM entries e JOIN lanes l USING (lane)";

/// A file that is open.
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) bounds: Bounds,
    pub(super) key: Option<Key>,
    pub(super) rng: std::sync::Arc<dyn Rng>,
    /// All openings there were, by the place behind which they began.
    pub(super) openings: Vec<(u64, Opening)>,
    state: State,
}

/// What would be read in each transaction.
#[derive(Default)]
struct State {
    there: Count,
    place: u64,
    lanes: HashMap<Subject, Known>,
    /// Up to which place the counts are written.
    counted: u64,
    /// Whether something has changed that opening the file would not find.
    is_due: bool,
}

/// A lane that is known.
struct Known {
    lane: i64,
    waiting: u64,
    last: Option<u64>,
    changed: bool,
}

impl Store {
    pub(super) fn new(
        connection: Connection,
        bounds: Bounds,
        key: Option<Key>,
        rng: std::sync::Arc<dyn Rng>,
        openings: Vec<(u64, Opening)>,
    ) -> rusqlite::Result<Self> {
        let mut store = Self { connection, bounds, key, rng, openings, state: State::default() };
        store.read_state()?;
        Ok(store)
    }

    /// Begins an opening, behind all that is there. One in which nothing was is replaced.
    pub(super) fn begin(&mut self, opening: Opening) -> rusqlite::Result<()> {
        self.transaction(|store| {
            store.state.is_due = true;
            let text = "INSERT OR REPLACE INTO openings (base, name) VALUES (?1, ?2)";
            store.connection.execute(text, params![signed(store.state.place)?, opening.0])?;
            Ok(())
        })?;
        self.openings.retain(|(base, _)| *base < self.state.place);
        self.openings.push((self.state.place, opening));
        Ok(())
    }

    /// Does something whole or not at all; on disk when it returns.
    pub(super) fn transaction(&mut self, work: impl FnOnce(&mut Self) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        let done = self
            .connection
            .execute_batch("BEGIN IMMEDIATE")
            .and_then(|()| work(self))
            .and_then(|()| if self.is_due() { self.write_state() } else { Ok(()) })
            .and_then(|()| self.connection.execute_batch("COMMIT"));
        if done.is_err() {
            // Where SQLite has rolled back by itself there is nothing to roll back.
            let _ = self.connection.execute_batch("ROLLBACK");
            // Counted too much is what is left when it cannot be read; the next opening counts anew.
            let _ = self.read_state();
        } else if self.state.lanes.len() > LANES {
            self.state.lanes.clear();
        }
        done
    }

    fn is_due(&self) -> bool {
        let state = &self.state;
        state.is_due || state.place - state.counted >= UNCOUNTED || state.lanes.len() > LANES
    }

    fn read_state(&mut self) -> rusqlite::Result<()> {
        let read = |row: &Row<'_>| {
            let there = Count { entries: unsigned(row.get(0)?)?, bytes: unsigned(row.get(1)?)? };
            let place = unsigned(row.get(2)?)?;
            Ok(State { there, place, counted: place, ..State::default() })
        };
        self.state = self.connection.query_row("SELECT waiting, bytes, place FROM about", [], read)?;
        for (place, subject, size) in self.uncounted()? {
            self.counts(&subject, size)?;
            self.state.place = place;
        }
        Ok(())
    }

    /// What lies behind the place up to which is counted. It is not looked into: one message that cannot be read must not keep the file
    /// from being opened.
    fn uncounted(&self) -> rusqlite::Result<Vec<(u64, Subject, u64)>> {
        let read =
            |row: &Row<'_>| Ok((unsigned(row.get(0)?)?, subject(row.get_ref(1)?.as_str()?)?, unsigned(row.get(2)?)?));
        let text = "SELECT e.place, l.subject, e.size FROM entries e JOIN lanes l USING (lane) WHERE e.place > ?1 ORDER BY e.place";
        self.connection.prepare(text)?.query_map([signed(self.state.counted)?], read)?.collect()
    }

    /// One more waits.
    fn counts(&mut self, subject: &Subject, size: u64) -> rusqlite::Result<i64> {
        let there = &mut self.state.there;
        *there = Count { entries: there.entries + 1, bytes: there.bytes.saturating_add(size) };
        let known = self.lane(subject)?;
        known.waiting += 1;
        Ok(known.lane)
    }

    fn write_state(&mut self) -> rusqlite::Result<()> {
        let State { there, place, lanes, counted, is_due } = &mut self.state;
        let about = "UPDATE about SET waiting = ?1, bytes = ?2, place = ?3 \
                     WHERE (waiting, bytes, place) IS NOT (?1, ?2, ?3)";
        let numbers = [signed(there.entries)?, signed(there.bytes)?, signed(*place)?];
        self.connection.prepare_cached(about)?.execute(numbers)?;
        let mut lane = self.connection.prepare_cached("UPDATE lanes SET waiting = ?2, last = ?3 WHERE lane = ?1")?;
        for known in lanes.values_mut().filter(|known| known.changed) {
            let last = known.last.map(signed).transpose()?;
            lane.execute(params![known.lane, signed(known.waiting)?, last])?;
            known.changed = false;
        }
        // Rolled back, all of it is read anew.
        (*counted, *is_due) = (*place, false);
        Ok(())
    }

    /// The lane of a subject, made where there is none.
    fn lane(&mut self, subject: &Subject) -> rusqlite::Result<&mut Known> {
        if !self.state.lanes.contains_key(subject) {
            let known = match self.find_lane(subject)? {
                Some(known) => known,
                None => {
                    let make = "INSERT INTO lanes (subject, waiting) VALUES (?1, 0)";
                    self.connection.prepare_cached(make)?.execute([subject.as_str()])?;
                    Known { lane: self.connection.last_insert_rowid(), waiting: 0, last: None, changed: false }
                }
            };
            self.state.lanes.insert(subject.clone(), known);
        }
        let known = self.state.lanes.get_mut(subject).ok_or_else(|| unreadable("a lane is gone"))?;
        known.changed = true;
        Ok(known)
    }

    fn find_lane(&self, subject: &Subject) -> rusqlite::Result<Option<Known>> {
        let mut find = self.connection.prepare_cached("SELECT lane, waiting, last FROM lanes WHERE subject = ?1")?;
        let read = |row: &Row<'_>| {
            let last = row.get::<_, Option<i64>>(2)?.map(unsigned).transpose()?;
            Ok(Known { lane: row.get(0)?, waiting: unsigned(row.get(1)?)?, last, changed: false })
        };
        find.query_row([subject.as_str()], read).optional()
    }

    pub(super) fn count(&self) -> Count {
        self.state.there
    }

    pub(super) fn save(&mut self, draft: &Draft, now: Timestamp) -> rusqlite::Result<Result<Identity, Full>> {
        if let Err(full) = self.bounds.admit(self.state.there, draft.size()) {
            return Ok(Err(full));
        }
        self.state.place += 1;
        let place = self.state.place;
        let body = self.sealed(rows::body(&draft.headers, &draft.payload), place, &draft.subject)?;
        let lane = self.counts(&draft.subject, draft.size())?;
        let insert = "INSERT INTO entries (place, lane, kind, version, body, size, saved_at, standing) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let (at, size, saved_at) = (signed(place)?, signed(draft.size())?, now.as_millisecond());
        let row = params![at, lane, draft.kind, draft.version, body, size, saved_at, QUEUED];
        self.connection.prepare_cached(insert)?.execute(row)?;
        Ok(Ok(self.identity(place)?))
    }

    pub(super) fn lanes(&mut self, after: Option<&Subject>, most: usize) -> rusqlite::Result<Vec<Lane>> {
        self.write_state()?;
        let mut lanes = self.connection.prepare_cached(
            "SELECT subject, waiting FROM lanes WHERE waiting > 0 AND subject > ?1 ORDER BY subject LIMIT ?2",
        )?;
        let read =
            |row: &Row<'_>| Ok(Lane { subject: subject(row.get_ref(0)?.as_str()?)?, entries: unsigned(row.get(1)?)? });
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        lanes.query_map(params![after.map_or("", Subject::as_str), most], read)?.collect()
    }

    pub(super) fn oldest(&self, lane: &Subject, batch: Batch) -> rusqlite::Result<Vec<Entry>> {
        let lane = match self.state.lanes.get(lane) {
            Some(known) => known.lane,
            None => match self.find_lane(lane)? {
                Some(known) => known.lane,
                None => return Ok(Vec::new()),
            },
        };
        let text = format!("{COLUMNS} WHERE e.lane = ?1 AND e.standing < {STORED} ORDER BY e.place");
        let mut oldest = self.connection.prepare_cached(&text)?;
        let (mut rows, mut taken, mut entries) = (oldest.query([lane])?, Count::default(), Vec::new());
        while let Some(row) = rows.next()? {
            let entry = self.read(row)?;
            let size = entry.draft.size();
            if !batch.takes(taken, size) {
                break;
            }
            taken = Count { entries: taken.entries + 1, bytes: taken.bytes.saturating_add(size) };
            entries.push(entry);
        }
        Ok(entries)
    }

    pub(super) fn take(&mut self, lane: &Subject, batch: Batch) -> rusqlite::Result<Vec<Entry>> {
        let mut entries = self.oldest(lane, batch)?;
        if entries.iter().all(|entry| entry.standing == Standing::Sent) {
            return Ok(entries);
        }
        let new: Vec<bool> = entries.iter().map(|entry| entry.standing == Standing::Queued).collect();
        let last = self.lane(lane)?.last;
        let mut before = last;
        link(&mut entries, last.map(|last| self.identity(last)).transpose()?);
        let mut mark =
            self.connection.prepare_cached("UPDATE entries SET after = ?2, standing = ?3 WHERE place = ?1")?;
        for entry in entries.iter().zip(new).filter_map(|(entry, new)| new.then_some(entry)) {
            mark.execute(params![signed(entry.place)?, before.map(signed).transpose()?, SENT])?;
            before = Some(entry.place);
        }
        drop(mark);
        self.lane(lane)?.last = before;
        self.state.is_due = true;
        Ok(entries)
    }

    pub(super) fn note(&mut self, news: &[(Identity, Standing)]) -> rusqlite::Result<usize> {
        let mut noted = 0;
        for (identity, standing) in news {
            let Some(entry) = self.find(*identity)?.filter(|entry| entry.standing.takes(standing)) else { continue };
            self.settle(&entry, standing)?;
            noted += 1;
        }
        Ok(noted)
    }

    /// Notes what has become of a message, and forgets what nobody needs any more of it.
    fn settle(&mut self, entry: &Entry, standing: &Standing) -> rusqlite::Result<()> {
        let (number, said) = rows::standing(standing);
        let text = "UPDATE entries SET standing = ?2, said = ?3, body = NULL WHERE place = ?1";
        self.connection.prepare_cached(text)?.execute(params![signed(entry.place)?, number, said])?;
        self.state.is_due = true;
        if entry.standing.is_waiting() { self.waits_no_more(entry) } else { Ok(()) }
    }

    fn waits_no_more(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        self.state.there = self.state.there.without(entry.draft.size());
        self.state.is_due = true;
        let known = self.lane(&entry.draft.subject)?;
        known.waiting = known.waiting.saturating_sub(1);
        Ok(())
    }

    pub(super) fn find(&self, identity: Identity) -> rusqlite::Result<Option<Entry>> {
        let Some(place) = self.place(identity) else { return Ok(None) };
        self.connection
            .prepare_cached(&format!("{COLUMNS} WHERE e.place = ?1"))?
            .query_row([signed(place)?], |row| self.read(row))
            .optional()
    }

    pub(super) fn list(&self, after: u64, most: usize) -> rusqlite::Result<Vec<Entry>> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(&format!("{COLUMNS} WHERE e.place > ?1 ORDER BY e.place LIMIT ?2"))?
            .query_map([after, most], |row| self.read(row))?
            .collect()
    }

    pub(super) fn discard(&mut self, identity: Identity) -> rusqlite::Result<Discarded> {
        match self.find(identity)? {
            None => Ok(Discarded::Absent),
            Some(entry) if entry.standing == Standing::Queued => {
                self.delete(&entry)?;
                Ok(Discarded::Done)
            }
            Some(_) => Ok(Discarded::Sent),
        }
    }

    pub(super) fn discard_newest(&mut self, lane: Option<&Subject>) -> rusqlite::Result<Option<Identity>> {
        let newest = match lane {
            Some(lane) => {
                let text =
                    format!("{COLUMNS} WHERE l.subject = ?1 AND e.standing < {STORED} ORDER BY e.place DESC LIMIT 1");
                let mut newest = self.connection.prepare_cached(&text)?;
                newest.query_row([lane.as_str()], |row| self.read(row)).optional()?
            }
            None => {
                let text = format!("{COLUMNS} WHERE e.standing < {STORED} ORDER BY e.place DESC LIMIT 1");
                self.connection.prepare_cached(&text)?.query_row([], |row| self.read(row)).optional()?
            }
        };
        let Some(entry) = newest.filter(|entry| entry.standing == Standing::Queued) else { return Ok(None) };
        self.delete(&entry)?;
        Ok(Some(entry.identity))
    }

    fn delete(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM entries WHERE place = ?1")?.execute([signed(entry.place)?])?;
        self.waits_no_more(entry)
    }

    pub(super) fn purge(&mut self, why: &str) -> rusqlite::Result<Count> {
        let there = self.state.there;
        // What is counted belongs in the rows before they are changed past it.
        self.write_state()?;
        self.connection.execute("DELETE FROM entries WHERE standing = ?1", [QUEUED])?;
        let (number, said) = (rows::UNKNOWN, why.as_bytes());
        self.connection.execute(
            "UPDATE entries SET standing = ?1, said = ?2, body = NULL WHERE standing = ?3",
            params![number, said, SENT],
        )?;
        self.connection.execute("UPDATE lanes SET waiting = 0 WHERE waiting > 0", [])?;
        self.state.lanes.clear();
        self.state.there = Count::default();
        self.state.is_due = true;
        Ok(there)
    }

    pub(super) fn forget(&mut self, before: Timestamp) -> rusqlite::Result<usize> {
        let gone = self.connection.execute(
            "DELETE FROM entries WHERE standing >= ?1 AND saved_at < ?2",
            [rows::HANDLED, before.as_millisecond()],
        )?;
        // A lane of which nothing is left, and what comes behind it is known: the next needs no link.
        self.write_state()?;
        self.connection.execute(
            "DELETE FROM lanes WHERE waiting = 0 AND last < (SELECT coalesce(min(place), 9223372036854775807) FROM entries)",
            [],
        )?;
        self.state.lanes.clear();
        Ok(gone)
    }

    fn read(&self, row: &Row<'_>) -> rusqlite::Result<Entry> {
        let place = unsigned(row.get(0)?)?;
        let subject = subject(row.get_ref(1)?.as_str()?)?;
        let (headers, payload) = match row.get::<_, Option<Vec<u8>>>(4)? {
            Some(body) => rows::read_body(self.opened(body, place, &subject)?)?,
            None => Default::default(),
        };
        let after = row.get::<_, Option<i64>>(6)?.map(unsigned).transpose()?;
        Ok(Entry {
            identity: self.identity(place)?,
            place,
            draft: Draft { subject, kind: row.get(2)?, version: row.get(3)?, headers, payload },
            saved_at: Timestamp::from_millisecond(row.get(5)?).map_err(|_| unreadable("its time is none"))?,
            after: after.map(|after| self.identity(after)).transpose()?,
            standing: rows::read_standing(row.get(7)?, row.get(8)?)?,
        })
    }

    /// The name of what stands at a place: its opening is the last that began before it.
    pub(super) fn identity(&self, place: u64) -> rusqlite::Result<Identity> {
        let behind = self.openings.partition_point(|(base, _)| *base < place);
        let (base, opening) = self.openings[..behind].last().ok_or_else(|| unreadable("no opening has it"))?;
        Ok(Identity { opening: *opening, sequence: place - base })
    }

    /// Where what has this name stands; `None` when nothing ever did.
    fn place(&self, identity: Identity) -> Option<u64> {
        let at = self.openings.iter().position(|(_, opening)| *opening == identity.opening)?;
        let place = self.openings[at].0.checked_add(identity.sequence).filter(|_| identity.sequence > 0)?;
        let end = self.openings.get(at + 1).map_or(self.state.place, |(base, _)| *base);
        (place <= end).then_some(place)
    }

    fn sealed(&self, body: Vec<u8>, place: u64, subject: &Subject) -> rusqlite::Result<Vec<u8>> {
        match &self.key {
            Some(key) => {
                key.seal(&body, &belongs(place, subject), &*self.rng).ok_or_else(|| unreadable("it cannot be sealed"))
            }
            None => Ok(body),
        }
    }

    fn opened(&self, body: Vec<u8>, place: u64, subject: &Subject) -> rusqlite::Result<Vec<u8>> {
        match &self.key {
            Some(key) => key
                .open(&body, &belongs(place, subject))
                .ok_or_else(|| unreadable("its seal is broken: it was changed, or put here from elsewhere")),
            None => Ok(body),
        }
    }
}

/// What a sealed message is bound to.
fn belongs(place: u64, subject: &Subject) -> Vec<u8> {
    [&place.to_be_bytes(), subject.as_bytes()].concat()
}

fn subject(text: &str) -> rusqlite::Result<Subject> {
    text.parse().map_err(|_| unreadable("its subject is none"))
}
