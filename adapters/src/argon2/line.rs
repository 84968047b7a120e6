//! The line: how many hash at once, how many wait, and the memory that goes from one to the next.
//!
//! ```text
//! a place ─ waits ─ a core ─ memory ─ hashes ─ leaves the memory ─ the core ─ the place, and as the last one all memory
//! ```
//!
//! Memory that is kept and that is hashed in are together never more than cores: only who has a core takes one, who finds one kept
//! makes none, and what is not kept is freed before the core is.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Load,
    memory::{self, Memory},
};

/// How often what is free goes back to the system after somebody was sent away: when the line is empty, while most of the crowd is
/// still connected; and after the next who comes, when those connections have ended.
const TRIMS: usize = 2;

/// The line of one hasher.
pub(super) struct Line {
    length: usize,
    /// Those who hash or wait.
    inside: AtomicUsize,
    /// One for each that hashes.
    cores: Arc<Semaphore>,
    /// Blocks of the memory that is kept.
    blocks: usize,
    kept: Mutex<Vec<Memory>>,
    /// How often what is free shall go back when the line is empty.
    trims: AtomicUsize,
    #[cfg(test)]
    pub(super) seen: Seen,
}

/// A place in the line.
pub(super) struct Place {
    line: Arc<Line>,
}

/// A place whose turn it is.
pub(super) struct Turn {
    memory: Option<Memory>,
    // Fields are dropped in this order.
    _core: OwnedSemaphorePermit,
    place: Place,
}

impl Line {
    /// A line whose hashes usually take so many blocks.
    pub(super) fn new(load: Load, blocks: usize) -> Arc<Self> {
        Arc::new(Self {
            length: load.at_once.saturating_add(load.waiting),
            inside: AtomicUsize::new(0),
            cores: Arc::new(Semaphore::new(load.at_once.clamp(1, Semaphore::MAX_PERMITS))),
            blocks,
            kept: Mutex::default(),
            trims: AtomicUsize::new(0),
            #[cfg(test)]
            seen: Seen::default(),
        })
    }

    /// A place; `None` when all are taken.
    pub(super) fn place(self: &Arc<Self>) -> Option<Place> {
        let one_more = |inside: usize| (inside < self.length).then_some(inside + 1);
        let entered = self.inside.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        if entered.is_err() {
            self.trims.store(TRIMS, Ordering::Relaxed);
            return None;
        }
        Some(Place { line: Arc::clone(self) })
    }

    /// Memory of at least so many blocks, fresh from the system.
    fn make(&self, blocks: usize) -> Option<Memory> {
        let memory = Memory::new(blocks.max(self.blocks))?;
        #[cfg(test)]
        let memory = self.seen.made(memory);
        Some(memory)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits for a core. Who stops waiting frees the place.
    pub(super) async fn turn(self) -> Option<Turn> {
        let core = Arc::clone(&self.line.cores).acquire_owned().await.ok()?;
        Some(Turn { memory: None, _core: core, place: self })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let line = &self.line;
        if line.inside.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        // It is freed before the lock is, so that who has come just now does not make memory beside it.
        line.kept().clear();
        let is_due = line.trims.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |trims| trims.checked_sub(1));
        if is_due.is_ok() {
            memory::give_back_what_is_free();
            #[cfg(test)]
            line.seen.trims.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Turn {
    /// Memory of at least so many blocks, which the next one gets; `None` where it is short.
    pub(super) fn memory(&mut self, blocks: usize) -> Option<&mut Memory> {
        let line = &self.place.line;
        let kept = line.kept().pop();
        // One that is too small is freed before another is made.
        let memory = match kept.filter(|kept| kept.len() >= blocks) {
            Some(kept) => kept,
            None => line.make(blocks)?,
        };
        Some(self.memory.insert(memory))
    }
}

/// Leaves the memory to the next, unless it is larger than what hashes usually take; then frees the core, then the place.
impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut memory) = self.memory.take() else { return };
        let line = &self.place.line;
        #[cfg(test)]
        line.seen.written.fetch_add(memory.written, Ordering::Relaxed);
        memory.written = 0;
        if memory.len() == line.blocks {
            line.kept().push(memory);
        }
    }
}

/// What tests count.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Seen {
    /// How often memory was asked of the system, and how much of it there was at the most.
    pub(super) made: AtomicUsize,
    pub(super) most: AtomicUsize,
    alive: Arc<()>,
    /// Blocks that were written, as often as they were.
    pub(super) written: std::sync::atomic::AtomicU32,
    /// How often what is free went back.
    pub(super) trims: AtomicUsize,
}

#[cfg(test)]
impl Seen {
    fn made(&self, mut memory: Memory) -> Memory {
        self.made.fetch_add(1, Ordering::Relaxed);
        memory._counted = Arc::clone(&self.alive);
        self.most.fetch_max(self.alive(), Ordering::Relaxed);
        memory
    }

    pub(super) fn alive(&self) -> usize {
        Arc::strong_count(&self.alive) - 1
    }
}

#[cfg(test)]
impl Line {
    /// Nobody is inside, and nothing is kept.
    pub(super) fn is_idle(&self) -> bool {
        self.inside.load(Ordering::Acquire) == 0 && self.seen.alive() == 0
    }
}
