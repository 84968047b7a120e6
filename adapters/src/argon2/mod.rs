//! Passwords hashed with Argon2id (RFC 9106).
//!
//! - The parameters are those of the OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane, a salt of 16 bytes.
//!   A stored hash bears its own, so they can be raised: older hashes are then [`Verdict::RightButWeak`].
//! - A hash is 19 MiB and some 20 ms of a core. So no more run at once than cores are given, a short line waits, and
//!   who comes beyond it is told [`HashError::Busy`] at once: memory and time to wait stay bounded whatever arrives.
//! - A caller who goes away frees the place in the line; a hash that runs already keeps its core until it is done.

mod memory;

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{CustomizedPasswordHasher as _, PasswordHasher as _, phc},
};
use async_trait::async_trait;
use relais_domain::{
    auth::PasswordHash,
    ports::{HashError, Rng, Verdict},
    secret::Secret,
};
use tokio::sync::Semaphore;

const SALT: usize = 16;
/// The costliest stored hash that is believed, in KiB and passes: nobody sets more, and a damaged row that says so
/// shall not take all memory.
const BELIEVED: (u32, u32) = (1024 * 1024, 64);

/// What a hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

/// OWASP's minimum, which is also a good default: 19 MiB, 2 passes.
impl Default for Cost {
    fn default() -> Self {
        Self { memory: 19 * 1024, passes: 2 }
    }
}

/// How much is hashed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Hashes that run at once: as many as cores, say.
    pub at_once: usize,
    /// Callers who wait for one of those to end.
    pub waiting: usize,
}

impl Load {
    /// As many at once as `cores`, and 64 waiting.
    #[must_use]
    pub fn of_cores(cores: usize) -> Self {
        Self { at_once: cores.max(1), waiting: 64 }
    }
}

/// Hashes passwords on the threads that tokio keeps for what blocks.
pub struct PasswordHasher {
    params: Params,
    rng: Arc<dyn Rng>,
    /// One for each hash that runs or waits.
    places: Arc<Semaphore>,
    /// One for each hash that runs.
    cores: Arc<Semaphore>,
}

/// The cost is out of Argon2's range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Argon2 takes 8 to {} KiB of memory and 1 to {} passes", BELIEVED.0, BELIEVED.1)]
pub struct InvalidCost;

impl PasswordHasher {
    /// A hasher of this cost. It is used inside a tokio runtime. The process's allocator is told to give large blocks back
    /// to the system.
    ///
    /// # Errors
    /// [`InvalidCost`].
    pub fn new(cost: Cost, load: Load, rng: Arc<dyn Rng>) -> Result<Self, InvalidCost> {
        let params = Params::new(cost.memory, cost.passes, 1, None).ok().filter(believed).ok_or(InvalidCost)?;
        memory::give_back_large_blocks();
        Ok(Self {
            params,
            rng,
            places: Arc::new(Semaphore::new(load.at_once.saturating_add(load.waiting).min(Semaphore::MAX_PERMITS))),
            cores: Arc::new(Semaphore::new(load.at_once.clamp(1, Semaphore::MAX_PERMITS))),
        })
    }

    /// Runs `work` when its turn comes.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| HashError::Busy)?;
        let core = self.cores.clone().acquire_owned().await.map_err(|_| HashError::Busy)?;
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((core, place));
            done
        });
        // It neither panics nor is aborted, except by a runtime that ends.
        task.await.map_err(|_| HashError::Busy)
    }
}

fn believed(params: &Params) -> bool {
    params.m_cost() <= BELIEVED.0 && params.t_cost() <= BELIEVED.1 && params.p_cost() <= 16
}

fn argon2id(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn unreadable(why: &'static str) -> HashError {
    HashError::Unreadable(why.into())
}

/// What a stored hash says, checked before a thread is taken for it.
struct Stored {
    hash: phc::PasswordHash,
    params: Params,
    salt: phc::Salt,
    output: phc::Output,
}

impl Stored {
    fn parse(text: &str) -> Result<Self, HashError> {
        let hash = phc::PasswordHash::new(text).map_err(|error| HashError::Unreadable(error.into()))?;
        Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| unreadable("it is not of Argon2"))?;
        let params = Params::try_from(&hash).map_err(|error| HashError::Unreadable(error.into()))?;
        if !believed(&params) {
            return Err(unreadable("it claims a cost beyond all reason"));
        }
        let salt = hash.salt.ok_or_else(|| unreadable("it has no salt"))?;
        let output = hash.hash.ok_or_else(|| unreadable("it has no hash"))?;
        Ok(Self { hash, params, salt, output })
    }

    fn is_weaker_than(&self, params: &Params) -> bool {
        let id = Algorithm::Argon2id.ident() == self.hash.algorithm;
        let newest = self.hash.version == Some(Version::V0x13.into());
        !id || !newest || self.params.m_cost() < params.m_cost() || self.params.t_cost() < params.t_cost()
    }

    /// Comparing [`phc::Output`]s takes the same time wherever they differ.
    fn is_of(&self, password: &Secret) -> Result<bool, HashError> {
        let hash = argon2id(self.params.clone()).hash_password_customized(
            password.expose().as_bytes(),
            &self.salt,
            Some(self.hash.algorithm.as_str()),
            self.hash.version,
            self.params.clone(),
        );
        let hash = hash.map_err(|error| HashError::Unreadable(error.into()))?;
        Ok(hash.hash.is_some_and(|output| output == self.output))
    }
}

#[async_trait]
impl relais_domain::ports::PasswordHasher for PasswordHasher {
    async fn hash(&self, password: &Secret) -> Result<PasswordHash, HashError> {
        let mut salt = [0_u8; SALT];
        self.rng.fill(&mut salt);
        let (password, params) = (password.clone(), self.params.clone());
        let hash =
            self.in_turn(move || argon2id(params).hash_password_with_salt(password.expose().as_bytes(), &salt)).await?;
        // The one thing that can be short is memory.
        Ok(PasswordHash::from_text(hash.map_err(|_| HashError::Busy)?.to_string()))
    }

    async fn verify<'a>(&self, password: &Secret, hash: Option<&'a PasswordHash>) -> Result<Verdict, HashError> {
        let Some(hash) = hash else {
            self.hash(password).await?;
            return Ok(Verdict::Wrong);
        };
        let stored = Stored::parse(hash.expose())?;
        let right = if stored.is_weaker_than(&self.params) { Verdict::RightButWeak } else { Verdict::Right };
        let password = password.clone();
        let is_right = self.in_turn(move || stored.is_of(&password)).await??;
        Ok(if is_right { right } else { Verdict::Wrong })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, pin_mut};
    use relais_domain::{memory, ports::PasswordHasher as _, testing};

    use super::*;

    const CHEAP: Cost = Cost { memory: 8, passes: 1 };

    fn hasher(cost: Cost, load: Load) -> PasswordHasher {
        PasswordHasher::new(cost, load, Arc::new(memory::Rng::default())).unwrap()
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let load = Load::of_cores(2);
        testing::password_hasher::suite(&hasher(CHEAP, load), &hasher(Cost { passes: 2, ..CHEAP }, load)).await;
    }

    #[tokio::test]
    async fn the_default_is_owasps() {
        let hash = hasher(Cost::default(), Load::of_cores(1)).hash(&"open sesame".into()).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
    }

    /// `argon2 somesalt -id -t 2 -k 65536 -p 1` of the reference implementation (phc-winner-argon2, test.c).
    #[tokio::test]
    async fn believes_the_reference_implementation() {
        let hash = PasswordHash::from_text(
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc".to_owned(),
        );
        let hasher = hasher(Cost::default(), Load::of_cores(1));
        assert_eq!(hasher.verify(&"password".into(), Some(&hash)).await.unwrap(), Verdict::Right);
        assert_eq!(hasher.verify(&"passwore".into(), Some(&hash)).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn an_older_variant_is_weak() {
        let salted = |algorithm, version| {
            let argon2 = Argon2::new(algorithm, version, Params::new(8, 1, 1, None).unwrap());
            let hash = argon2.hash_password_with_salt(b"open sesame", b"saltsalt").unwrap();
            PasswordHash::from_text(hash.to_string())
        };
        let hasher = hasher(CHEAP, Load::of_cores(1));
        for (algorithm, version, verdict) in [
            (Algorithm::Argon2id, Version::V0x13, Verdict::Right),
            (Algorithm::Argon2i, Version::V0x13, Verdict::RightButWeak),
            (Algorithm::Argon2id, Version::V0x10, Verdict::RightButWeak),
        ] {
            let hash = salted(algorithm, version);
            assert_eq!(hasher.verify(&"open sesame".into(), Some(&hash)).await.unwrap(), verdict, "{}", hash.expose());
        }
    }

    #[tokio::test]
    async fn a_damaged_row_does_not_take_all_memory() {
        let hasher = hasher(CHEAP, Load::of_cores(1));
        for cost in ["m=4294967295,t=1,p=1", "m=8,t=4294967295,p=1", "m=1048576,t=1,p=1024"] {
            let hash = PasswordHash::from_text(format!("$argon2id$v=19${cost}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q"));
            assert!(matches!(hasher.verify(&"x".into(), Some(&hash)).await, Err(HashError::Unreadable(_))), "{cost}");
        }
        assert!(
            PasswordHasher::new(Cost { memory: u32::MAX, passes: 1 }, Load::of_cores(1), hasher.rng.clone()).is_err()
        );
        assert!(PasswordHasher::new(Cost { memory: 8, passes: 0 }, Load::of_cores(1), hasher.rng.clone()).is_err());
    }

    #[tokio::test]
    async fn who_comes_beyond_the_line_is_told_at_once() {
        let hasher = hasher(CHEAP, Load { at_once: 1, waiting: 2 });
        let password = Secret::from("open sesame");
        let running = hasher.cores.clone().acquire_owned().await.unwrap();
        let place = hasher.places.clone().acquire_owned().await.unwrap();
        let first = hasher.hash(&password);
        pin_mut!(first);
        assert!(first.as_mut().now_or_never().is_none());
        {
            let second = hasher.verify(&password, None);
            pin_mut!(second);
            assert!(second.as_mut().now_or_never().is_none());
            for _ in 0..3 {
                assert!(matches!(hasher.hash(&password).await, Err(HashError::Busy)));
                assert!(matches!(hasher.verify(&password, None).await, Err(HashError::Busy)));
            }
        }
        let third = hasher.hash(&password);
        pin_mut!(third);
        assert!(third.as_mut().now_or_never().is_none(), "who goes away frees the place");
        drop((running, place));
        first.await.unwrap();
        third.await.unwrap();
        assert_eq!(hasher.places.available_permits(), 3);
        assert_eq!(hasher.cores.available_permits(), 1);
    }
}
