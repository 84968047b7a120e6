//! The contract of [`crate::ports::Belongings`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use crate::{identity::UserId, ports::Belongings};

/// Panics where `belongings` does not keep its contract. `give` gives a user something, `has` says whether it has anything.
pub async fn suite(belongings: &dyn Belongings, give: impl AsyncFn(&UserId), has: impl AsyncFn(&UserId) -> bool) {
    let [ada, bob, nobody]: [UserId; 3] = ["ada", "bob", "nobody"].map(|id| id.parse().expect("a user id"));
    for _ in 0..3 {
        give(&ada).await;
    }
    give(&bob).await;
    assert!(has(&ada).await && has(&bob).await);
    for _ in 0..2 {
        belongings.take_away(&ada).await.unwrap();
        assert!(!has(&ada).await, "all of it is gone, and a repeat does nothing");
    }
    assert!(has(&bob).await, "nobody else has lost anything");
    belongings.take_away(&nobody).await.unwrap();
}

#[cfg(test)]
mod tests {
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        let belongings = memory::Belongings::default();
        let give = async |user: &_| belongings.give(user, &format!("thing {}", belongings.of(user).len()));
        super::suite(&belongings, give, async |user: &_| !belongings.of(user).is_empty()).await;
    }
}
