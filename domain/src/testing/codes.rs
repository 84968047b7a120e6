//! The contract of [`crate::ports::Codes`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::{
    auth::Email,
    ports::{CodeHash, Codes, PendingCode},
};

fn code(email: &Email, number: u8, ends_at: Timestamp) -> PendingCode {
    PendingCode { email: email.clone(), hash: CodeHash([number; 32]), ends_at }
}

/// Panics where `codes`, empty at first, does not keep its contract.
pub async fn suite(codes: &dyn Codes) {
    let (ada, bob): (Email, Email) = ("ada@example.org".parse().unwrap(), "bob@example.org".parse().unwrap());
    let now = Timestamp::from_millisecond(1_767_225_600_123).unwrap();
    let end = now + Duration::from_secs(900);
    let just_before = end - Duration::from_millis(1);

    assert!(!codes.redeem(&ada, &CodeHash([1; 32]), now).await.unwrap(), "what was never kept is worth nothing");
    for number in [1, 2, 2] {
        codes.keep(code(&ada, number, end)).await.unwrap();
    }
    codes.keep(code(&bob, 3, end)).await.unwrap();
    assert!(!codes.redeem(&ada, &CodeHash([3; 32]), now).await.unwrap(), "another's code is none");
    assert!(!codes.redeem(&bob, &CodeHash([1; 32]), now).await.unwrap(), "another's code is none");
    assert!(!codes.redeem(&ada, &CodeHash([1; 32]), end).await.unwrap(), "it ends");
    assert!(codes.redeem(&ada, &CodeHash([1; 32]), just_before).await.unwrap(), "a wrong one before changes nothing");
    for used in [1, 2] {
        let again = codes.redeem(&ada, &CodeHash([used; 32]), now).await.unwrap();
        assert!(!again, "a code is good once, and the others of its address end with it");
    }
    assert!(codes.redeem(&bob, &CodeHash([3; 32]), now).await.unwrap(), "those of others do not");

    codes.keep(code(&ada, 4, end)).await.unwrap();
    codes.keep(code(&ada, 5, end)).await.unwrap();
    let race = join_all((0..8).map(|_| codes.redeem(&ada, &CodeHash([4; 32]), now))).await;
    assert_eq!(
        race.iter().filter(|used| matches!(used, Ok(true))).count(),
        1,
        "of eight at once one is told so: {race:?}"
    );

    codes.keep(code(&ada, 6, end)).await.unwrap();
    codes.keep(code(&bob, 7, end + Duration::from_millis(1))).await.unwrap();
    assert_eq!(codes.forget_ended(just_before).await.unwrap(), 0);
    assert_eq!(codes.forget_ended(end).await.unwrap(), 1, "what has ended is forgotten");
    assert!(codes.redeem(&bob, &CodeHash([7; 32]), end).await.unwrap(), "and nothing else");
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn memory_keeps_it() {
        super::suite(&crate::memory::Codes::default()).await;
    }
}
