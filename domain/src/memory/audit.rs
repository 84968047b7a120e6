//! Who did what, in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    audit::{Entry, EntryId},
    ports::StoreError,
};

/// Entries in memory, gone with the value.
#[derive(Default)]
pub struct Audit {
    entries: Mutex<Vec<Entry>>,
}

impl Audit {
    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl crate::ports::Audit for Audit {
    async fn record(&self, entry: Entry) -> Result<(), StoreError> {
        let mut entries = self.lock();
        if entries.iter().any(|own| own.id == entry.id) {
            return Err(StoreError::Taken);
        }
        entries.push(entry);
        Ok(())
    }

    async fn list(&self, before: Option<EntryId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut entries: Vec<_> =
            self.lock().iter().filter(|own| before.as_ref().is_none_or(|before| own.id < *before)).cloned().collect();
        entries.sort_by(|a, b| b.id.cmp(&a.id));
        entries.truncate(limit);
        Ok(entries)
    }

    async fn forget_before(&self, time: Timestamp) -> Result<usize, StoreError> {
        let mut entries = self.lock();
        let before = entries.len();
        entries.retain(|own| own.at >= time);
        Ok(before - entries.len())
    }
}
