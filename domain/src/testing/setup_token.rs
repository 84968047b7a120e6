//! The contract of [`crate::ports::SetupToken`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use futures_util::future::join_all;

use crate::{ports::SetupToken, secret::Secret};

/// Panics where `place`, which holds `token`, does not keep its contract.
pub async fn suite(place: &dyn SetupToken, token: &Secret) {
    let text = token.expose();
    for wrong in ["", " ", "x", &text[1..], &text[..text.len() - 1], &format!("{text}x"), &text.to_uppercase()] {
        if wrong != text {
            assert!(!place.is(&wrong.into()).await.unwrap(), "{} characters of a guess", wrong.len());
            assert!(!place.take(&wrong.into()).await.unwrap(), "{} characters of a guess", wrong.len());
        }
    }
    assert!(place.is(token).await.unwrap() && place.is(token).await.unwrap(), "being asked for, it stays");
    let race = join_all((0..8).map(|_| place.take(token))).await;
    assert_eq!(race.iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1, "of eight one takes it");
    assert!(!place.take(token).await.unwrap() && !place.is(token).await.unwrap(), "it is gone");
    place.put_back(token).await.unwrap();
    assert!(place.take(token).await.unwrap(), "what was put back can be taken");
    assert!(!place.take(token).await.unwrap());
}

#[cfg(test)]
mod tests {
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        super::suite(&memory::SetupToken::new("t0ken"), &"t0ken".into()).await;
    }
}
