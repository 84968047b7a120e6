//! The port `Buffer` in a file of SQLite.
//!
//! - **On disk.** WAL with `synchronous=FULL` (on Apple's systems `fullfsync` too), set and read back: a file that cannot promise
//!   it is not opened. One thread writes. What is asked of it while a commit is under way goes into the next one, all together: many
//!   who save at once share one fsync (`writer`).
//! - **One process.** A lock beside the file is held as long as it is open, and let go by the system when the process ends.
//! - **One user.** Who opens it says whose it is; another's is not opened.
//! - **Damaged.** A file that SQLite cannot read is set aside under another name, and an empty one takes its place ([`Opened`]).
//! - **Sealed.** With a [`Key`], headers and payloads are encrypted (XChaCha20-Poly1305), bound to their place and subject. Subjects,
//!   types and times are not.
//!
//! Identities cost nothing: messages are numbered through the whole life of a file, an opening notes at which number it began, and
//! the number in the opening is what lies between.

mod file;
mod rows;
mod seal;
mod state;
mod store;
mod verify;
mod writer;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use relais_domain::{
    buffer::{Batch, Bounds, Count, Discarded, Draft, Entry, Identity, Lane, Standing},
    identity::UserId,
    ports::{BufferError, Rng},
    subject::Subject,
};

pub use file::OpenError;
pub use seal::Key;
pub use verify::Verified;

use writer::Writer;

/// How a Buffer is opened.
#[derive(Clone)]
pub struct Options {
    /// Where it lies. Folders that are missing are made; beside it lie `….lock`, and while it is open `…-wal` and `…-shm`.
    pub path: PathBuf,
    /// Whose it is.
    pub user: UserId,
    /// How much it keeps.
    pub bounds: Bounds,
    /// What it is sealed with, if it is.
    pub key: Option<Key>,
    /// Draws openings and nonces.
    pub rng: Arc<dyn Rng>,
}

/// A Buffer that was opened.
pub struct Opened {
    /// The Buffer.
    pub buffer: Buffer,
    /// Where the file lies that was here before and could not be read: what waited in it is in there, as far as it can be rescued.
    pub set_aside: Option<PathBuf>,
}

/// A Buffer in a file of SQLite. When it is dropped, what was asked of it is done, and the file may be opened by others.
pub struct Buffer {
    writer: Writer,
}

impl Buffer {
    /// Opens a file, or makes it. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: &Options) -> Result<Opened, OpenError> {
        let (store, lock, set_aside) = file::open(options)?;
        let writer = Writer::start(store, lock).map_err(OpenError::Thread)?;
        Ok(Opened { buffer: Self { writer }, set_aside })
    }

    /// Looks through the whole file for what should not be there.
    ///
    /// # Errors
    /// [`BufferError::Unavailable`].
    pub async fn verify(&self) -> Result<Verified, BufferError> {
        self.writer.ask(verify::verify).await
    }
}

#[async_trait]
impl relais_domain::ports::Buffer for Buffer {
    async fn save(&self, draft: Draft, now: Timestamp) -> Result<Identity, BufferError> {
        Ok(self.writer.ask(move |store| store.save(&draft, now)).await??)
    }

    async fn lanes(&self, after: Option<Subject>, most: usize) -> Result<Vec<Lane>, BufferError> {
        self.writer.ask(move |store| store.lanes(after.as_ref(), most)).await
    }

    async fn oldest(&self, lane: &Subject, batch: Batch) -> Result<Vec<Entry>, BufferError> {
        let lane = lane.clone();
        self.writer.ask(move |store| store.oldest(&lane, batch)).await
    }

    async fn take(&self, lane: &Subject, batch: Batch) -> Result<Vec<Entry>, BufferError> {
        let lane = lane.clone();
        self.writer.ask(move |store| store.take(&lane, batch)).await
    }

    async fn note(&self, news: Vec<(Identity, Standing)>) -> Result<usize, BufferError> {
        self.writer.ask(move |store| store.note(&news)).await
    }

    async fn find(&self, identity: Identity) -> Result<Option<Entry>, BufferError> {
        self.writer.ask(move |store| store.find(identity)).await
    }

    async fn list(&self, after: u64, most: usize) -> Result<Vec<Entry>, BufferError> {
        self.writer.ask(move |store| store.list(after, most)).await
    }

    async fn discard(&self, identity: Identity) -> Result<Discarded, BufferError> {
        self.writer.ask(move |store| store.discard(identity)).await
    }

    async fn discard_newest(&self, lane: Option<Subject>) -> Result<Option<Identity>, BufferError> {
        self.writer.ask(move |store| store.discard_newest(lane.as_ref())).await
    }

    async fn count(&self) -> Result<Count, BufferError> {
        self.writer.ask(|store| Ok(store.count())).await
    }

    async fn purge(&self, why: &str) -> Result<Count, BufferError> {
        let why = why.to_owned();
        self.writer.ask(move |store| store.purge(&why)).await
    }

    async fn forget(&self, before: Timestamp) -> Result<usize, BufferError> {
        self.writer.ask(move |store| store.forget(before)).await
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
