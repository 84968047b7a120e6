//! A cache in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::ports::{self, CacheError, CacheKey, Clock};

/// A cache in memory, of this process alone. It is bounded: what has not been used for longest makes room.
pub struct Cache {
    clock: Arc<dyn Clock>,
    entries: usize,
    bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    values: BTreeMap<CacheKey, Entry>,
    /// By when they were last used.
    uses: BTreeMap<u64, CacheKey>,
    next_use: u64,
    bytes: usize,
}

struct Entry {
    value: Bytes,
    /// On the clock's count.
    end: Duration,
    used: u64,
}

impl Cache {
    /// At most so many entries of so many bytes in all. One value may take a quarter of the bytes.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, entries: usize, bytes: usize) -> Self {
        Self { clock, entries, bytes, kept: Mutex::default() }
    }

    /// 10 000 entries of 64 MiB in all.
    #[must_use]
    pub fn with_defaults(clock: Arc<dyn Clock>) -> Self {
        Self::new(clock, 10_000, 64 * 1024 * 1024)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, key: &CacheKey) {
        if let Some(gone) = self.values.remove(key) {
            self.uses.remove(&gone.used);
            self.bytes -= gone.value.len();
        }
    }

    /// Makes room: first what is over, then what has not been used for longest.
    fn shrink(&mut self, now: Duration, entries: usize, bytes: usize) {
        if self.values.len() <= entries && self.bytes <= bytes {
            return;
        }
        let over: Vec<_> = self.values.iter().filter(|(_, own)| own.end <= now).map(|(key, _)| key.clone()).collect();
        over.iter().for_each(|key| self.remove(key));
        while self.values.len() > entries || self.bytes > bytes {
            let Some((_, oldest)) = self.uses.pop_first() else { return };
            self.remove(&oldest);
        }
    }
}

#[async_trait]
impl ports::Cache for Cache {
    async fn get(&self, key: &CacheKey) -> Result<Option<Bytes>, CacheError> {
        let now = self.clock.elapsed();
        let mut kept = self.lock();
        let kept = &mut *kept;
        let Some(own) = kept.values.get_mut(key) else { return Ok(None) };
        if own.end <= now {
            kept.remove(key);
            return Ok(None);
        }
        kept.next_use += 1;
        kept.uses.remove(&own.used);
        own.used = kept.next_use;
        kept.uses.insert(own.used, key.clone());
        Ok(Some(own.value.clone()))
    }

    async fn put(&self, key: &CacheKey, value: Bytes, ttl: Duration) -> Result<(), CacheError> {
        if ttl.is_zero() {
            return Err(CacheError::Ttl);
        }
        let (size, limit) = (value.len(), self.bytes / 4);
        if size > limit {
            return Err(CacheError::TooLarge { size, limit });
        }
        let now = self.clock.elapsed();
        let mut kept = self.lock();
        kept.remove(key);
        kept.next_use += 1;
        let used = kept.next_use;
        kept.uses.insert(used, key.clone());
        // A copy of its own: a slice would keep the whole buffer it came in.
        let value = Bytes::copy_from_slice(&value);
        kept.values.insert(key.clone(), Entry { value, end: now.saturating_add(ttl), used });
        kept.bytes += size;
        kept.shrink(now, self.entries, self.bytes);
        Ok(())
    }

    async fn delete(&self, key: &CacheKey) -> Result<(), CacheError> {
        self.lock().remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory, ports::Cache as _};

    fn key(name: &str) -> CacheKey {
        CacheKey::of([name])
    }

    #[tokio::test]
    async fn what_has_not_been_used_for_longest_makes_room() {
        let clock = memory::Clock::default();
        let cache = Cache::new(Arc::new(clock.clone()), 3, 100);
        let minute = Duration::from_secs(60);
        for name in ["a", "b", "c"] {
            cache.put(&key(name), name.to_owned().into(), minute).await.unwrap();
        }
        cache.get(&key("a")).await.unwrap();
        cache.put(&key("d"), "d".into(), minute).await.unwrap();
        assert_eq!(cache.get(&key("b")).await.unwrap(), None);
        for name in ["a", "c", "d"] {
            assert_eq!(cache.get(&key(name)).await.unwrap().unwrap(), name);
        }
        for name in ["e", "f", "g", "h", "i"] {
            cache.put(&key(name), vec![0; 25].into(), minute).await.unwrap();
            let kept = cache.lock();
            assert!(kept.bytes <= 100 && kept.values.len() <= 3 && kept.uses.len() == kept.values.len());
        }
        let large = cache.put(&key("x"), vec![0; 26].into(), minute).await;
        assert!(matches!(large, Err(CacheError::TooLarge { size: 26, limit: 25 })));
    }

    #[tokio::test]
    async fn what_is_over_makes_room_before_what_is_not() {
        let clock = memory::Clock::default();
        let cache = Cache::new(Arc::new(clock.clone()), 2, 100);
        cache.put(&key("long"), "long".into(), Duration::from_secs(60)).await.unwrap();
        cache.put(&key("short"), "short".into(), Duration::from_secs(1)).await.unwrap();
        clock.advance(Duration::from_secs(2));
        cache.put(&key("new"), "new".into(), Duration::from_secs(60)).await.unwrap();
        assert_eq!(cache.get(&key("long")).await.unwrap().unwrap(), "long");
    }
}
