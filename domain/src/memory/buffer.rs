//! A Buffer in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    buffer::{Batch, Bounds, Count, Discarded, Draft, Entry, Identity, Lane, Opening, Standing, link},
    message::Headers,
    ports::BufferError,
    subject::Subject,
};

/// What would lie in a Buffer's file. A clone is the same file; [`BufferFile::copy`] is another one with the same in it.
#[derive(Clone, Default)]
pub struct BufferFile(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    entries: BTreeMap<u64, Entry>,
    /// The last of each lane that was sent.
    last: BTreeMap<Subject, Identity>,
    place: u64,
}

/// A Buffer in memory, over a file that outlives it.
pub struct Buffer {
    file: BufferFile,
    opening: Opening,
    bounds: Bounds,
    sequence: Mutex<u64>,
}

impl BufferFile {
    /// What a backup of it would be.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// Opens it. The opening is given, as it is drawn elsewhere.
    #[must_use]
    pub fn open(&self, opening: Opening, bounds: Bounds) -> Buffer {
        Buffer { file: self.clone(), opening, bounds, sequence: Mutex::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.values().filter(|entry| entry.standing.is_waiting())
    }

    fn count(&self) -> Count {
        let one = |sum: Count, entry: &Entry| Count { entries: sum.entries + 1, bytes: sum.bytes + entry.draft.size() };
        self.waiting().fold(Count::default(), one)
    }

    fn oldest(&self, lane: &Subject, batch: Batch) -> Vec<Entry> {
        let mut taken = Count::default();
        let fits = |entry: &&Entry| {
            let size = entry.draft.size();
            let fits = batch.takes(taken, size);
            taken = Count { entries: taken.entries + 1, bytes: taken.bytes.saturating_add(size) };
            fits
        };
        self.waiting().filter(|entry| entry.draft.subject == *lane).take_while(fits).cloned().collect()
    }

    fn find(&mut self, identity: Identity) -> Option<&mut Entry> {
        self.entries.values_mut().find(|entry| entry.identity == identity)
    }
}

/// Forgets what nobody needs any more of a message that does not wait.
fn settle(entry: &mut Entry, standing: Standing) {
    entry.standing = standing;
    entry.draft.payload.clear();
    entry.draft.headers = Headers::default();
}

#[async_trait]
impl crate::ports::Buffer for Buffer {
    async fn save(&self, draft: Draft, now: Timestamp) -> Result<Identity, BufferError> {
        let mut state = self.file.lock();
        self.bounds.admit(state.count(), draft.size())?;
        let mut sequence = self.sequence.lock().unwrap_or_else(PoisonError::into_inner);
        *sequence += 1;
        state.place += 1;
        let identity = Identity { opening: self.opening, sequence: *sequence };
        let saved_at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let entry = Entry { identity, place: state.place, draft, saved_at, after: None, standing: Standing::Queued };
        state.entries.insert(entry.place, entry);
        Ok(identity)
    }

    async fn lanes(&self, after: Option<Subject>, most: usize) -> Result<Vec<Lane>, BufferError> {
        let mut lanes = BTreeMap::<Subject, u64>::new();
        for entry in self.file.lock().waiting() {
            *lanes.entry(entry.draft.subject.clone()).or_default() += 1;
        }
        let behind = |lane: &Lane| after.as_ref().is_none_or(|after| lane.subject > *after);
        let lanes = lanes.into_iter().map(|(subject, entries)| Lane { subject, entries });
        Ok(lanes.filter(behind).take(most).collect())
    }

    async fn oldest(&self, lane: &Subject, batch: Batch) -> Result<Vec<Entry>, BufferError> {
        Ok(self.file.lock().oldest(lane, batch))
    }

    async fn take(&self, lane: &Subject, batch: Batch) -> Result<Vec<Entry>, BufferError> {
        let mut state = self.file.lock();
        let mut entries = state.oldest(lane, batch);
        if let Some(last) = link(&mut entries, state.last.get(lane).copied()) {
            state.last.insert(lane.clone(), last);
        }
        state.entries.extend(entries.iter().map(|entry| (entry.place, entry.clone())));
        Ok(entries)
    }

    async fn note(&self, news: Vec<(Identity, Standing)>) -> Result<usize, BufferError> {
        let mut state = self.file.lock();
        let mut noted = 0;
        for (identity, standing) in news {
            if let Some(entry) = state.find(identity).filter(|entry| entry.standing.takes(&standing)) {
                settle(entry, standing);
                noted += 1;
            }
        }
        Ok(noted)
    }

    async fn find(&self, identity: Identity) -> Result<Option<Entry>, BufferError> {
        Ok(self.file.lock().find(identity).cloned())
    }

    async fn list(&self, after: u64, most: usize) -> Result<Vec<Entry>, BufferError> {
        Ok(self.file.lock().entries.values().filter(|entry| entry.place > after).take(most).cloned().collect())
    }

    async fn discard(&self, identity: Identity) -> Result<Discarded, BufferError> {
        let mut state = self.file.lock();
        match state.find(identity).map(|entry| (entry.place, entry.standing.clone())) {
            None => Ok(Discarded::Absent),
            Some((place, Standing::Queued)) => {
                state.entries.remove(&place);
                Ok(Discarded::Done)
            }
            Some(_) => Ok(Discarded::Sent),
        }
    }

    async fn discard_newest(&self, lane: Option<Subject>) -> Result<Option<Identity>, BufferError> {
        let mut state = self.file.lock();
        let own = |entry: &&Entry| lane.as_ref().is_none_or(|lane| entry.draft.subject == *lane);
        let newest = state.waiting().rfind(own).filter(|entry| entry.standing == Standing::Queued);
        let newest = newest.map(|entry| (entry.place, entry.identity));
        Ok(newest.map(|(place, identity)| {
            state.entries.remove(&place);
            identity
        }))
    }

    async fn count(&self) -> Result<Count, BufferError> {
        Ok(self.file.lock().count())
    }

    async fn purge(&self, why: &str) -> Result<Count, BufferError> {
        let mut state = self.file.lock();
        let there = state.count();
        state.entries.retain(|_, entry| entry.standing != Standing::Queued);
        for entry in state.entries.values_mut().filter(|entry| entry.standing == Standing::Sent) {
            settle(entry, Standing::Unknown(why.to_owned()));
        }
        Ok(there)
    }

    async fn forget(&self, before: Timestamp) -> Result<usize, BufferError> {
        let mut state = self.file.lock();
        let there = state.entries.len();
        state.entries.retain(|_, entry| !(entry.standing.is_final() && entry.saved_at < before));
        Ok(there - state.entries.len())
    }
}
