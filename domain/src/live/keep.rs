//! When brokers are compared with what we have.

use std::time::Duration;

use futures_util::{
    StreamExt as _,
    future::{BoxFuture, Either, select},
    stream::BoxStream,
};

use crate::ports::Clock;

/// How long a broker may serve something else than ours, at most, before it is noticed.
pub const EVERY: Duration = Duration::from_secs(60);

/// Runs `round` [`EVERY`] minute, and at once when `again` says that a broker has come back; ends with `again`.
pub async fn keep<'a>(
    clock: &dyn Clock,
    mut again: BoxStream<'a, ()>,
    mut round: impl FnMut() -> BoxFuture<'a, ()> + Send,
) {
    loop {
        match select(again.next(), clock.sleep(EVERY)).await {
            Either::Left((None, _)) => return,
            Either::Left((Some(()), _)) | Either::Right(_) => round().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use futures_util::{FutureExt as _, stream};
    use tokio::sync::Notify;

    use super::*;
    use crate::{memory, ports::Spawner as _};

    #[tokio::test]
    async fn a_round_is_run_every_minute_and_when_a_broker_is_back_until_the_end() {
        let (clock, spawner) = (memory::Clock::default(), memory::Spawner::default());
        let (rounds, back) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counted, rings, own) = (Arc::clone(&rounds), Arc::clone(&back), clock.clone());
        let ended = spawner.spawn(
            async move {
                // Two reconnections, then the end of the connection.
                let again = stream::unfold((0, rings), |(times, rings)| async move {
                    rings.notified().await;
                    (times < 2).then_some(((), (times + 1, rings)))
                });
                let round = || {
                    counted.fetch_add(1, Ordering::SeqCst);
                    async {}.boxed()
                };
                keep(&own, again.boxed(), round).await;
            }
            .boxed(),
        );
        let after = async |what: &str, expected: usize| {
            spawner.settle().await;
            assert_eq!(rounds.load(Ordering::SeqCst), expected, "{what}");
        };
        after("nothing has happened", 0).await;
        clock.advance(EVERY - Duration::from_millis(1));
        after("just before a minute", 0).await;
        clock.advance(Duration::from_millis(1));
        after("a minute", 1).await;
        back.notify_one();
        after("a broker is back", 2).await;
        clock.advance(EVERY);
        after("another minute", 3).await;
        back.notify_one();
        after("it is back again", 4).await;
        back.notify_one();
        spawner.drive(ended).await;
        clock.advance(EVERY);
        after("the connection has ended", 4).await;
    }
}
