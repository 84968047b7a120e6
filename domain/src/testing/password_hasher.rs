//! The contract of [`crate::ports::PasswordHasher`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use crate::{
    auth::PasswordHash,
    ports::{HashError, PasswordHasher, Verdict},
    secret::Secret,
};

/// Panics where `hasher` does not keep its contract. `stronger` is one of the same kind with more costly parameters.
pub async fn suite(hasher: &dyn PasswordHasher, stronger: &dyn PasswordHasher) {
    let password = Secret::from("open sesame");
    let hash = hasher.hash(&password).await.unwrap();
    assert!(!hash.expose().contains("sesame"), "a hash does not tell the password");
    assert!(hash.expose().starts_with('$') && hash.expose().len() <= 255, "a PHC string of moderate length");
    let again = hasher.hash(&password).await.unwrap();
    assert_ne!(hash.expose(), again.expose(), "each hash has a salt of its own");

    for hash in [&hash, &again] {
        assert_eq!(hasher.verify(&password, Some(hash)).await.unwrap(), Verdict::Right);
    }
    for wrong in ["open sesam", "open sesame ", "Open sesame", "open sesame\0", ""] {
        assert_eq!(hasher.verify(&wrong.into(), Some(&hash)).await.unwrap(), Verdict::Wrong, "{wrong:?}");
    }
    assert_eq!(hasher.verify(&password, None).await.unwrap(), Verdict::Wrong, "nobody's password is wrong");

    assert_eq!(stronger.verify(&password, Some(&hash)).await.unwrap(), Verdict::RightButWeak);
    assert_eq!(stronger.verify(&"wrong".into(), Some(&hash)).await.unwrap(), Verdict::Wrong);
    let strong = stronger.hash(&password).await.unwrap();
    assert_eq!(hasher.verify(&password, Some(&strong)).await.unwrap(), Verdict::Right, "stronger is not weak");

    let long = Secret::from("🦀".repeat(256));
    let hash = hasher.hash(&long).await.unwrap();
    assert_eq!(hasher.verify(&long, Some(&hash)).await.unwrap(), Verdict::Right);
    let cut = Secret::from("🦀".repeat(255));
    assert_eq!(hasher.verify(&cut, Some(&hash)).await.unwrap(), Verdict::Wrong, "every character counts");

    for garbage in ["", "$", "secret", "$1$salt$hash", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ", "$memory$0$0$"] {
        let hash = PasswordHash::from_text(garbage.to_owned());
        let answer = hasher.verify(&password, Some(&hash)).await;
        assert!(matches!(answer, Err(HashError::Unreadable(_))), "{garbage:?}: {answer:?}");
    }
}

#[cfg(test)]
mod tests {
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        super::suite(&memory::PasswordHasher::default(), &memory::PasswordHasher::with_strength(1)).await;
    }
}
