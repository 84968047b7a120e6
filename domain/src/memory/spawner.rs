//! A scheduler without threads.

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::oneshot;

/// A scheduler without threads: its tasks run while somebody waits in [`Spawner::drive`], all on that thread.
#[derive(Clone, Default)]
pub struct Spawner {
    arrivals: Arc<Mutex<Arrivals>>,
}

#[derive(Default)]
struct Arrivals {
    tasks: Vec<BoxFuture<'static, ()>>,
    driver: Option<Waker>,
}

impl Spawner {
    /// Waits for `main`, running every task spawned here meanwhile. Tasks that have not ended by then are dropped.
    pub async fn drive<F: Future>(&self, main: F) -> F::Output {
        let mut tasks = FuturesUnordered::new();
        futures_util::pin_mut!(main);
        poll_fn(|context| {
            if let Poll::Ready(output) = main.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            loop {
                let arrived = {
                    let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
                    arrivals.driver = Some(context.waker().clone());
                    std::mem::take(&mut arrivals.tasks)
                };
                tasks.extend(arrived);
                if !matches!(tasks.poll_next_unpin(context), Poll::Ready(Some(()))) {
                    return Poll::Pending;
                }
            }
        })
        .await
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
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.tasks.push(task.boxed());
        if let Some(driver) = arrivals.driver.take() {
            driver.wake();
        }
        async move {
            let _ = end.await;
        }
        .boxed()
    }
}
