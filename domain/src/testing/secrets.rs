//! The contract of [`crate::ports::Secrets`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use futures_util::future::join_all;

use crate::ports::Secrets;

/// Panics where `secrets`, empty at first, does not keep its contract.
pub async fn suite(secrets: &dyn Secrets) {
    assert_eq!(secrets.get_or_keep("one", [1; 32]).await.unwrap(), [1; 32], "the first is kept");
    assert_eq!(secrets.get_or_keep("one", [2; 32]).await.unwrap(), [1; 32], "and stays");
    assert_eq!(secrets.get_or_keep("two", [2; 32]).await.unwrap(), [2; 32], "each name has its own");
    assert_eq!(secrets.get_or_keep(&"x".repeat(64), [0xff; 32]).await.unwrap(), [0xff; 32]);

    let many = join_all((0..16_u8).map(|byte| secrets.get_or_keep("raced", [byte; 32]))).await;
    let first = *many[0].as_ref().unwrap();
    assert!(many.iter().all(|one| *one.as_ref().unwrap() == first), "who ask at a time get the same one");
    assert_eq!(secrets.get_or_keep("raced", [99; 32]).await.unwrap(), first);
}
