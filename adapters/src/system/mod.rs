//! Time, chance and the scheduler of this machine: the system's clock, the operating system's random numbers, and tokio; and the
//! file with the set-up token.

mod setup_token;

pub use setup_token::SetupToken;

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use relais_domain::ports;

/// What [`ports::Clock::elapsed`] counts from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock;

#[async_trait]
impl ports::Clock for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        START.elapsed()
    }

    async fn sleep_until(&self, at: Timestamp) {
        // The system's clock may be set while we sleep, and a timer may fire a hair early by it.
        loop {
            let left = at.duration_since(Timestamp::now());
            if left.is_negative() || left.is_zero() {
                return;
            }
            tokio::time::sleep(Duration::try_from(left).unwrap_or_default() + Duration::from_micros(1)).await;
        }
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rng;

impl ports::Rng for Rng {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("an operating system without random numbers is no place for keys");
    }
}

/// The tokio runtime it was made in.
#[derive(Debug, Clone)]
pub struct Spawner(tokio::runtime::Handle);

impl Spawner {
    /// Spawns on the runtime that this is called in.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn current() -> Self {
        Self(tokio::runtime::Handle::current())
    }
}

impl ports::Spawner for Spawner {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let end = self.0.spawn(task);
        async move {
            // An error says that it panicked, which tokio has reported, or that the runtime is gone.
            let _ = end.await;
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use relais_domain::testing;

    use super::*;

    #[tokio::test]
    async fn the_contracts_are_kept() {
        testing::clock::suite(&Clock, &|_| {}).await;
        testing::rng::suite(&Rng);
        testing::spawner::suite(&Spawner::current()).await;
    }
}
