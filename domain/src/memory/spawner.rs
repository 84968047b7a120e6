//! A scheduler without threads.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::oneshot;

use crate::give_way::give_way;

/// A scheduler without threads: its tasks run while somebody waits in [`Spawner::drive`], or in [`Spawner::settle`], all on
/// that thread. They are dropped with the last clone of it.
#[derive(Clone, Default)]
pub struct Spawner {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    tasks: FuturesUnordered<BoxFuture<'static, ()>>,
    arrivals: Vec<BoxFuture<'static, ()>>,
    drivers: BTreeMap<u64, Waker>,
    next: u64,
}

/// One who drives; when it stops, the others must look.
struct Driver<'a> {
    spawner: &'a Spawner,
    number: u64,
}

impl Drop for Driver<'_> {
    fn drop(&mut self) {
        let mut state = self.spawner.lock();
        state.drivers.remove(&self.number);
        state.drivers.values().for_each(Waker::wake_by_ref);
    }
}

/// Remembers that it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Spawner {
    /// Waits for `main`, running every task spawned here meanwhile. Several may drive at a time.
    pub async fn drive<F: Future>(&self, main: F) -> F::Output {
        let number = {
            let mut state = self.lock();
            state.next += 1;
            state.next
        };
        let driver = Driver { spawner: self, number };
        futures_util::pin_mut!(main);
        poll_fn(|context| {
            if let Poll::Ready(output) = main.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            driver.spawner.lock().drivers.insert(driver.number, context.waker().clone());
            driver.spawner.run(context);
            Poll::Pending
        })
        .await
    }

    /// Runs until no task can go on by itself: each waits for something that is not there.
    pub async fn settle(&self) {
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            self.run(&mut Context::from_waker(&waker));
            if woken.0.swap(false, Ordering::AcqRel) {
                continue;
            }
            // Some runtimes wake who has had a long turn only when everybody else has had one.
            give_way().await;
            if !woken.0.swap(false, Ordering::AcqRel) {
                break;
            }
        }
        // The tasks will wake who polled them last, which was this.
        self.lock().drivers.values().for_each(Waker::wake_by_ref);
    }

    /// Polls what is ready, without holding the lock: a task may spawn another.
    fn run(&self, context: &mut Context<'_>) {
        let mut tasks = std::mem::take(&mut self.lock().tasks);
        loop {
            tasks.extend(std::mem::take(&mut self.lock().arrivals));
            let ended = matches!(tasks.poll_next_unpin(context), Poll::Ready(Some(())));
            if !ended && self.lock().arrivals.is_empty() {
                break;
            }
        }
        self.lock().tasks = tasks;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl crate::ports::Spawner for Spawner {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let (ended, end) = oneshot::channel::<()>();
        let task = async move {
            // A panic ends the task, and with it `ended`, as on a real scheduler.
            let _ = AssertUnwindSafe(task).catch_unwind().await;
            drop(ended);
        };
        let mut state = self.lock();
        state.arrivals.push(task.boxed());
        state.drivers.values().for_each(Waker::wake_by_ref);
        drop(state);
        async move {
            let _ = end.await;
        }
        .boxed()
    }
}
