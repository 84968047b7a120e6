//! The contract of [`crate::ports::Limits`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::ports::{LimitKey, Limits, Rate, SKEW, StoreError, Taken};

/// Five at once, and one more every twelve seconds.
const FIVE: Rate = Rate { burst: 5, per: Duration::from_secs(12) };

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_800_000_000 + seconds)
}

fn later(seconds: u64) -> Taken {
    Taken::Later(Duration::from_secs(seconds))
}

/// Panics where `limits`, empty at first, does not keep its contract.
pub async fn suite(limits: &dyn Limits) {
    places(limits).await;
    returns(limits).await;
    clocks(limits).await;
    forgetting(limits).await;
}

async fn take(limits: &dyn Limits, key: &LimitKey, now: Timestamp) -> Taken {
    limits.take(key, FIVE, now).await.unwrap()
}

async fn empty(limits: &dyn Limits, key: &LimitKey, now: Timestamp) {
    for place in 0..5 {
        assert_eq!(take(limits, key, now).await, Taken::Yes, "place {place}");
    }
}

async fn places(limits: &dyn Limits) {
    let (ada, bob) = (LimitKey::new("places", "ada"), LimitKey::new("places", "bob"));
    empty(limits, &ada, at(0)).await;
    for _ in 0..3 {
        assert_eq!(take(limits, &ada, at(0)).await, later(12), "nothing is taken by those who must wait");
    }
    assert_eq!(take(limits, &bob, at(0)).await, Taken::Yes, "each has a bucket of their own");
    assert_eq!(take(limits, &ada, at(11)).await, later(1));
    assert_eq!(take(limits, &ada, at(12)).await, Taken::Yes, "one more with every step");
    assert_eq!(take(limits, &ada, at(12)).await, later(12));
    assert_eq!(take(limits, &ada, at(36)).await, Taken::Yes);
    assert_eq!(take(limits, &ada, at(36)).await, Taken::Yes, "they add up");
    empty(limits, &ada, at(10_000)).await;
    assert_eq!(take(limits, &ada, at(10_000)).await, later(12), "to no more than the burst");
    for _ in 0..20 {
        assert_eq!(limits.take(&ada, Rate::OFF, at(10_000)).await.unwrap(), Taken::Yes, "off is off");
    }
    let longest = LimitKey::new("a_kind_of_sixty_characters_which_is_as_long_as_kinds_may_bex", "x");
    assert_eq!(longest.as_str().len(), 60 + 1 + 32);
    assert_eq!(take(limits, &longest, at(0)).await, Taken::Yes, "the longest key fits");
}

async fn returns(limits: &dyn Limits) {
    let (ada, nobody) = (LimitKey::new("returns", "ada"), LimitKey::new("returns", "nobody"));
    empty(limits, &ada, at(0)).await;
    limits.give_back(&ada, FIVE, at(0)).await.unwrap();
    assert_eq!(take(limits, &ada, at(0)).await, Taken::Yes, "what was given back can be taken");
    assert_eq!(take(limits, &ada, at(0)).await, later(12), "once");
    for key in [&ada, &nobody] {
        for _ in 0..9 {
            limits.give_back(key, FIVE, at(1_000)).await.unwrap();
        }
        empty(limits, key, at(1_000)).await;
        assert_eq!(take(limits, key, at(1_000)).await, later(12), "a bucket gets no more than full");
    }
    limits.give_back(&ada, Rate::OFF, at(1_000)).await.unwrap();
    assert_eq!(take(limits, &ada, at(1_000)).await, later(12), "what is off gives nothing back");
}

async fn clocks(limits: &dyn Limits) {
    let (near, far) = (LimitKey::new("clocks", "near"), LimitKey::new("clocks", "far"));
    let skew = i64::try_from(SKEW.as_secs()).unwrap();
    empty(limits, &near, at(skew)).await;
    assert_eq!(take(limits, &near, at(0)).await, later(SKEW.as_secs() + 12), "another's clock may be ahead");
    assert_eq!(take(limits, &near, at(skew)).await, later(12), "and gives nobody more for it");
    empty(limits, &far, at(1_000_000)).await;
    assert_eq!(take(limits, &far, at(0)).await, later(12), "a clock that was wrong shuts nobody out");
    assert_eq!(take(limits, &far, at(12)).await, Taken::Yes);
    assert_eq!(take(limits, &far, at(12)).await, later(12), "nor does it let more through");
}

async fn forgetting(limits: &dyn Limits) {
    limits.prune(at(10_000_000)).await.unwrap();
    let (ada, bob) = (LimitKey::new("forgetting", "ada"), LimitKey::new("forgetting", "bob"));
    assert_eq!(take(limits, &ada, at(0)).await, Taken::Yes);
    empty(limits, &bob, at(0)).await;
    assert_eq!(limits.prune(at(11)).await.unwrap(), 0, "none is full");
    assert_eq!(limits.prune(at(12)).await.unwrap(), 1, "one is");
    assert_eq!(take(limits, &bob, at(11)).await, later(1), "the other is as it was");
    empty(limits, &ada, at(12)).await;
    assert_eq!(limits.prune(at(72)).await.unwrap(), 2);
    assert_eq!(limits.prune(at(72)).await.unwrap(), 0);
}

/// Panics unless two instances at the same buckets share them: of many who take at a time, as many get a place as there are.
pub async fn race(one: &dyn Limits, other: &dyn Limits) {
    for round in 0..10 {
        let key = LimitKey::new("race", &round.to_string());
        let takes = (0..16).map(|turn| if turn % 2 == 0 { one } else { other }.take(&key, FIVE, at(0)));
        let taken: Result<Vec<Taken>, StoreError> = join_all(takes).await.into_iter().collect();
        let taken = taken.unwrap();
        assert_eq!(taken.iter().filter(|taken| **taken == Taken::Yes).count(), 5, "{taken:?}");
        assert_eq!(take(other, &key, at(12)).await, Taken::Yes);
        assert_eq!(take(one, &key, at(12)).await, later(12));
    }
}
