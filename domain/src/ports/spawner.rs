//! The port to the scheduler.

use futures_util::future::BoxFuture;

/// The scheduler.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Spawner: Send + Sync {
    /// Runs `task` beside the caller and returns at once. What is returned is ready when the task has ended (also by a
    /// panic, which ends that task alone); dropping it leaves the task running.
    fn spawn(&self, task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()>;
}
