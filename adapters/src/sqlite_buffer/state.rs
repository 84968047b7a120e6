//! What is remembered between two transactions: how much waits, and the lanes.
//!
//! Counts are not written with each message, which would be a third of what goes to the disk: a transaction that only saves writes
//! the messages, and `about` says up to which place it counts. What lies behind that is counted when the file is opened; it is never
//! more than [`UNCOUNTED`] messages, all of which wait and were never sent.

use std::collections::HashMap;

use relais_domain::{
    buffer::{Count, Entry},
    subject::Subject,
};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{
    rows::{signed, unreadable, unsigned},
    store::{Store, subject},
};

/// The most lanes that are remembered between two transactions.
const LANES: usize = 10_000;

/// The most messages that are saved before counts are written.
const UNCOUNTED: u64 = 1_024;

/// What would be read in each transaction.
#[derive(Default)]
pub(super) struct State {
    pub(super) there: Count,
    pub(super) place: u64,
    pub(super) lanes: HashMap<Subject, Known>,
    /// Up to which place the counts are written.
    pub(super) counted: u64,
    /// Whether something has changed that opening the file would not find.
    pub(super) is_due: bool,
}

/// A lane that is known.
pub(super) struct Known {
    pub(super) lane: i64,
    pub(super) waiting: u64,
    pub(super) last: Option<u64>,
    pub(super) changed: bool,
}

impl Store {
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

    pub(super) fn is_due(&self) -> bool {
        let state = &self.state;
        state.is_due || state.place - state.counted >= UNCOUNTED || state.lanes.len() > LANES
    }

    pub(super) fn read_state(&mut self) -> rusqlite::Result<()> {
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
    pub(super) fn uncounted(&self) -> rusqlite::Result<Vec<(u64, Subject, u64)>> {
        let read =
            |row: &Row<'_>| Ok((unsigned(row.get(0)?)?, subject(row.get_ref(1)?.as_str()?)?, unsigned(row.get(2)?)?));
        let text = "SELECT e.place, l.subject, e.size FROM entries e JOIN lanes l USING (lane) WHERE e.place > ?1 ORDER BY e.place";
        self.connection.prepare(text)?.query_map([signed(self.state.counted)?], read)?.collect()
    }

    /// One more waits.
    pub(super) fn counts(&mut self, subject: &Subject, size: u64) -> rusqlite::Result<i64> {
        let there = &mut self.state.there;
        *there = Count { entries: there.entries + 1, bytes: there.bytes.saturating_add(size) };
        let known = self.lane(subject)?;
        known.waiting += 1;
        Ok(known.lane)
    }

    pub(super) fn write_state(&mut self) -> rusqlite::Result<()> {
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
    pub(super) fn lane(&mut self, subject: &Subject) -> rusqlite::Result<&mut Known> {
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

    pub(super) fn find_lane(&self, subject: &Subject) -> rusqlite::Result<Option<Known>> {
        let mut find = self.connection.prepare_cached("SELECT lane, waiting, last FROM lanes WHERE subject = ?1")?;
        let read = |row: &Row<'_>| {
            let last = row.get::<_, Option<i64>>(2)?.map(unsigned).transpose()?;
            Ok(Known { lane: row.get(0)?, waiting: unsigned(row.get(1)?)?, last, changed: false })
        };
        find.query_row([subject.as_str()], read).optional()
    }

    pub(super) fn waits_no_more(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        self.state.there = self.state.there.without(entry.draft.size());
        self.state.is_due = true;
        let known = self.lane(&entry.draft.subject)?;
        known.waiting = known.waiting.saturating_sub(1);
        Ok(())
    }
}
