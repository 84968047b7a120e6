//! The contract of [`crate::ports::Clock`].

use std::time::Duration;

use futures_util::FutureExt;

use crate::ports::Clock;

/// Panics where `clock` does not keep its contract. `advance` makes time pass by what it is given: a manual clock is
/// moved, a real one is left alone.
pub async fn suite(clock: &dyn Clock, advance: &(dyn Fn(Duration) + Sync)) {
    let before = clock.now();
    assert!(clock.sleep_until(before).now_or_never().is_some(), "a time that has come is no wait");
    let at = before + Duration::from_millis(5);
    let sleep = clock.sleep_until(at);
    futures_util::pin_mut!(sleep);
    assert!(clock.now() >= at || sleep.as_mut().now_or_never().is_none(), "a time to come is a wait");
    advance(Duration::from_millis(5));
    clock.sleep_until(at).await;
    assert!(clock.now() >= at, "who has slept until a time wakes no earlier");
}

#[cfg(test)]
mod tests {
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        let clock = memory::Clock::default();
        super::suite(&clock, &|step| clock.advance(step)).await;
    }
}
