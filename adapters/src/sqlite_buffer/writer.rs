//! The one thread that has the file, and how many share a commit.
//!
//! ```text
//! ask ─► queue ─► thread: begin, all that is there, commit (fsync) ─► answers
//!                 ▲────────── what came meanwhile ◄─┘
//! ```
//!
//! Those who were answered together come back together, a little apart. So the thread waits for as many as there were in the group
//! before, but no longer than a part of what the commit before has taken: one who is alone waits for nobody.
//!
//! When something fails the whole group is rolled back, and each is tried again by itself: one that cannot be done does not take
//! the others with it.

use std::{
    fs::File,
    io,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use relais_domain::ports::BufferError;
use tokio::sync::{mpsc, oneshot};

use super::store::Store;

/// The most that share one commit.
const GROUP: usize = 1_024;

/// Which part of the time of a commit is waited for others.
const PATIENCE: u32 = 3;

/// What somebody wants done.
trait Job: Send {
    /// Does it, in a transaction; again, when that was rolled back.
    fn run(&mut self, store: &mut Store) -> rusqlite::Result<()>;
    /// Says what came of it.
    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>);
}

struct Ask<W, T> {
    work: W,
    done: Option<T>,
    answer: oneshot::Sender<Result<T, Arc<rusqlite::Error>>>,
}

impl<T: Send, W: FnMut(&mut Store) -> rusqlite::Result<T> + Send> Job for Ask<W, T> {
    fn run(&mut self, store: &mut Store) -> rusqlite::Result<()> {
        self.done = None;
        self.done = Some((self.work)(store)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>) {
        let told = match (committed, self.done) {
            (Ok(()), Some(done)) => Ok(done),
            (Err(error), _) => Err(error),
            // It is run before it is answered.
            (Ok(()), None) => return,
        };
        // Whoever went away does not want to know.
        let _ = self.answer.send(told);
    }
}

/// The thread, and the way to it.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts it. The lock is let go when the file is closed.
    pub(super) fn start(store: Store, lock: File) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel(GROUP);
        let thread = std::thread::Builder::new().name("buffer".to_owned()).spawn(move || {
            work(store, queue);
            drop(lock);
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Has something done in the next commit; on disk when this returns.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, BufferError> {
        let closed = || BufferError::Unavailable("the Buffer's thread has ended".into());
        let (answer, told) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or_else(closed)?;
        jobs.send(Box::new(Ask { work, done: None, answer })).await.map_err(|_| closed())?;
        told.await.map_err(|_| closed())?.map_err(|error| BufferError::Unavailable(error.into()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

fn work(mut store: Store, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let (mut group, mut before, mut took) = (Vec::new(), 0, Duration::ZERO);
    while let Some(first) = queue.blocking_recv() {
        group.push(first);
        let begun = Instant::now();
        while group.len() < GROUP {
            match queue.try_recv() {
                Ok(next) => group.push(next),
                Err(_) if group.len() >= before || begun.elapsed() >= took / PATIENCE => break,
                Err(_) => std::thread::yield_now(),
            }
        }
        before = group.len();
        let begun = Instant::now();
        let done = store.transaction(|store| group.iter_mut().try_for_each(|job| job.run(store)));
        took = begun.elapsed();
        if done.is_ok() {
            group.drain(..).for_each(|job| job.answer(Ok(())));
            continue;
        }
        for mut job in group.drain(..) {
            let committed = store.transaction(|store| job.run(store));
            job.answer(committed.map_err(Arc::new));
        }
    }
}
