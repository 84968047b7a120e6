//! The file, inside a transaction: what each method of the port does to its rows.
//!
//! ```text
//! about     one row: whose · whose key · how much waits · the last place
//! openings  base pk · name           the opening began behind this place
//! lanes     lane pk · subject unique · waiting · last (place of the last that was sent)
//! entries   place pk · lane · kind · version · body · size · saved_at · after · standing · said
//! ```

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
    state::State,
};

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
    pub(super) state: State,
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
        self.connection
            .execute("DELETE FROM lanes WHERE waiting = 0 AND lane NOT IN (SELECT lane FROM entries)", [])?;
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

pub(super) fn subject(text: &str) -> rusqlite::Result<Subject> {
    text.parse().map_err(|_| unreadable("its subject is none"))
}
