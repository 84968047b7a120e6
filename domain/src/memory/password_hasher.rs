//! A password hasher that is quick and not secure.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{
    auth::PasswordHash,
    ports::{HashError, Verdict},
    secret::Secret,
};

/// A quick hasher for tests. **It protects no password**: one round of SHA-256 is guessed in no time.
#[derive(Debug, Default)]
pub struct PasswordHasher {
    strength: u32,
    salt: AtomicU64,
}

impl PasswordHasher {
    /// A hasher that calls the hashes of every hasher with a lower number weak.
    #[must_use]
    pub fn with_strength(strength: u32) -> Self {
        Self { strength, salt: AtomicU64::default() }
    }

    fn digest(password: &Secret, strength: u32, salt: u64) -> String {
        let salted = format!("{strength}${salt}${}", password.expose());
        format!("$memory${strength}${salt}${}", HEXLOWER.encode(&Sha256::digest(salted)))
    }
}

/// Strength and salt of `$memory${strength}${salt}${digest}`.
fn parameters(hash: &str) -> Option<(u32, u64)> {
    let mut parts = hash.strip_prefix("$memory$")?.split('$');
    let parameters = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().filter(|digest| digest.len() == 64)?;
    Some(parameters)
}

#[async_trait]
impl crate::ports::PasswordHasher for PasswordHasher {
    async fn hash(&self, password: &Secret) -> Result<PasswordHash, HashError> {
        let salt = self.salt.fetch_add(1, Ordering::Relaxed);
        Ok(PasswordHash::from_text(Self::digest(password, self.strength, salt)))
    }

    async fn verify<'a>(&self, password: &Secret, hash: Option<&'a PasswordHash>) -> Result<Verdict, HashError> {
        let Some(hash) = hash else { return Ok(Verdict::Wrong) };
        let (strength, salt) =
            parameters(hash.expose()).ok_or_else(|| HashError::Unreadable("it is none of this hasher's".into()))?;
        if Self::digest(password, strength, salt) != hash.expose() {
            return Ok(Verdict::Wrong);
        }
        Ok(if strength < self.strength { Verdict::RightButWeak } else { Verdict::Right })
    }
}
