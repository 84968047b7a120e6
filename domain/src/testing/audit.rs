//! The contract of [`crate::ports::Audit`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use std::time::Duration;

use crate::{
    audit::{Action, Actor, Entry, Outcome},
    memory,
    ports::{Audit, StoreError},
};

/// Panics where `audit`, empty at first, does not keep its contract.
pub async fn suite(audit: &dyn Audit) {
    let (clock, rng) = (memory::Clock::default(), memory::Rng::default());
    assert_eq!(audit.list(None, 10).await.unwrap(), []);
    let mut entries = Vec::new();
    for (number, action) in Action::ALL.iter().enumerate() {
        clock.advance(Duration::from_millis(7));
        let actor = match number % 3 {
            0 => Actor::User(format!("u-{number}").parse().unwrap()),
            1 => Actor::Command("root".to_owned()),
            _ => Actor::Relais,
        };
        let outcome = Outcome::ALL[number % Outcome::ALL.len()];
        let entry = Entry::new(actor, *action, "täg '%_", (outcome, "why; \"so\""), &clock, &rng);
        audit.record(entry.clone()).await.unwrap();
        entries.insert(0, entry);
    }
    assert_eq!(audit.list(None, 100).await.unwrap(), entries, "newest first, as recorded");
    assert!(matches!(audit.record(entries[0].clone()).await, Err(StoreError::Taken)), "an id is there once");
    let page = audit.list(None, 2).await.unwrap();
    assert_eq!(page, entries[..2]);
    assert_eq!(audit.list(Some(page[1].id.clone()), 3).await.unwrap(), entries[2..5], "and on from there");
    assert!(audit.list(entries.last().map(|own| own.id.clone()), 3).await.unwrap().is_empty());
    assert_eq!(audit.forget_before(entries[2].at).await.unwrap(), entries.len() - 3, "what is older goes");
    assert_eq!(audit.forget_before(entries[2].at).await.unwrap(), 0);
    assert_eq!(audit.list(None, 100).await.unwrap(), entries[..3]);
}

#[cfg(test)]
mod tests {
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        super::suite(&memory::Audit::default()).await;
    }
}
