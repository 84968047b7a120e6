//! How a hash is made, what a stored one says, and the work of checking a password against it.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::phc::{self, Output, ParamsString, Salt},
};
use relais_domain::{
    ports::{Cause, HashError},
    secret::Secret,
};

use super::{believed, memory::Memory};

/// How a hash is made.
#[derive(Clone)]
pub(super) struct Recipe {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

/// A stored hash, checked before a thread is taken for it.
pub(super) struct Stored {
    recipe: Recipe,
    salt: Salt,
    output: Output,
}

fn unreadable(why: impl Into<Cause>) -> HashError {
    HashError::Unreadable(why.into())
}

impl Recipe {
    /// That of today.
    pub(super) fn new(params: Params) -> Self {
        Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, params }
    }

    /// Blocks of memory that it takes.
    pub(super) fn blocks(&self) -> usize {
        self.params.block_count()
    }

    /// Blocks times passes: not more than 2²⁶ of what is [`believed`].
    fn work(&self) -> u32 {
        self.params.m_cost() * self.params.t_cost()
    }

    fn output(&self, password: &Secret, salt: &[u8], memory: &mut Memory) -> Result<Output, HashError> {
        let mut buffer = [0; Output::MAX_LENGTH];
        let length = self.params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let out = buffer.get_mut(..length).ok_or_else(|| unreadable("it claims to be longer than any"))?;
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        argon2
            .hash_password_into_with_memory(password.expose().as_bytes(), salt, out, memory.blocks())
            .map_err(unreadable)?;
        memory.written += self.work();
        Output::new(out).map_err(unreadable)
    }

    /// A hash as it is stored.
    pub(super) fn hash(&self, password: &Secret, salt: &[u8], memory: &mut Memory) -> Result<String, HashError> {
        let hash = phc::PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(self.version.into()),
            params: ParamsString::try_from(&self.params).map_err(unreadable)?,
            salt: Some(Salt::new(salt).map_err(unreadable)?),
            hash: Some(self.output(password, salt, memory)?),
        };
        Ok(hash.to_string())
    }

    /// Does what this one takes beyond the work that was done in this memory: in passes over all of it, and one over a part.
    fn make_up(&self, password: &Secret, salt: &[u8], memory: &mut Memory) -> Result<(), HashError> {
        let left = self.work().saturating_sub(memory.written);
        let all = self.params.m_cost();
        for (blocks, passes) in [(all, left / all), (left % all, 1)] {
            // None are left, or less than the 8 blocks that Argon2 begins with, which nobody can tell.
            let Ok(params) = Params::new(blocks, passes, 1, None) else { continue };
            Self::new(params).output(password, salt, memory)?;
        }
        Ok(())
    }
}

impl Stored {
    pub(super) fn parse(text: &str) -> Result<Self, HashError> {
        let hash = phc::PasswordHash::new(text).map_err(unreadable)?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| unreadable("it is not of Argon2"))?;
        // Version 1.0 came before hashes told theirs.
        let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from).map_err(unreadable)?;
        let params = Params::try_from(&hash).map_err(unreadable)?;
        if !believed(&params) {
            return Err(unreadable("it claims a cost beyond all reason"));
        }
        let salt = hash.salt.ok_or_else(|| unreadable("it has no salt"))?;
        let output = hash.hash.ok_or_else(|| unreadable("it has no hash"))?;
        Ok(Self { recipe: Recipe { algorithm, version, params }, salt, output })
    }

    /// Blocks of memory that it takes.
    pub(super) fn blocks(&self) -> usize {
        self.recipe.blocks()
    }

    pub(super) fn is_weaker_than(&self, today: &Recipe) -> bool {
        let (own, set) = (&self.recipe, today);
        let alike = own.algorithm == set.algorithm && own.version == set.version;
        !alike || own.params.m_cost() < set.params.m_cost() || own.params.t_cost() < set.params.t_cost()
    }

    /// Whether it is of this password. After a wrong one today's work was done, as for somebody whom nobody knows; or this hash's own,
    /// where that is more.
    ///
    /// Comparing [`Output`]s takes the same time wherever they differ.
    pub(super) fn is_of(&self, password: &Secret, today: &Recipe, memory: &mut Memory) -> Result<bool, HashError> {
        let is_right = self.recipe.output(password, &self.salt, memory)? == self.output;
        if !is_right {
            today.make_up(password, &self.salt, memory)?;
        }
        Ok(is_right)
    }
}
