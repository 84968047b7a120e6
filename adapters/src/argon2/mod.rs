//! Passwords hashed with Argon2id (RFC 9106).
//!
//! - The parameters are those of the OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane, a salt of 16 bytes.
//!   A stored hash bears its own, so they can be raised: older hashes are then [`Verdict::RightButWeak`].
//! - A wrong password for a hash of a lower cost is as much work as one for nobody: what it lacks in memory times passes is made up.
//!   For one of a higher cost, which is there only after the settings were lowered, it is more.
//! - A hash is 19 MiB and some 20 ms of a core. So no more run at once than cores are given, a short line waits, and
//!   who comes beyond it is told [`HashError::Busy`] at once: memory and time to wait stay bounded whatever arrives.
//! - Memory goes from one hash to the next, and back to the system when nobody is in the line (`line`).
//! - A caller who goes away frees the place in the line; a hash that runs already keeps its core until it is done.

mod line;
mod memory;
mod recipe;

use std::sync::Arc;

use argon2::Params;
use async_trait::async_trait;
use relais_domain::{
    auth::PasswordHash,
    ports::{HashError, Rng, Verdict},
    secret::Secret,
};

use self::{
    line::Line,
    memory::Memory,
    recipe::{Recipe, Stored},
};

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
    today: Recipe,
    rng: Arc<dyn Rng>,
    line: Arc<Line>,
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
        Ok(Self { line: Line::new(load, params.block_count()), today: Recipe::new(params), rng })
    }

    /// Runs `work` when its turn comes, in memory of at least so many blocks.
    async fn in_turn<T: Send + 'static>(
        &self,
        blocks: usize,
        work: impl FnOnce(&mut Memory) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = self.line.place().ok_or(HashError::Busy)?;
        let mut turn = place.turn().await.ok_or(HashError::Busy)?;
        // Memory is short where there is none.
        let task = tokio::task::spawn_blocking(move || work(turn.memory(blocks).ok_or(HashError::Busy)?));
        // It neither panics nor is aborted, except by a runtime that ends.
        task.await.map_err(|_| HashError::Busy)?
    }
}

fn believed(params: &Params) -> bool {
    params.m_cost() <= BELIEVED.0 && params.t_cost() <= BELIEVED.1 && params.p_cost() <= 16
}

#[async_trait]
impl relais_domain::ports::PasswordHasher for PasswordHasher {
    async fn hash(&self, password: &Secret) -> Result<PasswordHash, HashError> {
        let mut salt = [0_u8; SALT];
        self.rng.fill(&mut salt);
        let (password, today) = (password.clone(), self.today.clone());
        let hash = self.in_turn(today.blocks(), move |memory| today.hash(&password, &salt, memory)).await?;
        Ok(PasswordHash::from_text(hash))
    }

    async fn verify<'a>(&self, password: &Secret, hash: Option<&'a PasswordHash>) -> Result<Verdict, HashError> {
        let Some(hash) = hash else {
            self.hash(password).await?;
            return Ok(Verdict::Wrong);
        };
        let stored = Stored::parse(hash.expose())?;
        let right = if stored.is_weaker_than(&self.today) { Verdict::RightButWeak } else { Verdict::Right };
        let (password, today) = (password.clone(), self.today.clone());
        let is_right = self.in_turn(stored.blocks(), move |memory| stored.is_of(&password, &today, memory)).await?;
        Ok(if is_right { right } else { Verdict::Wrong })
    }
}

#[cfg(test)]
mod tests;
