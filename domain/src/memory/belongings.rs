//! Belongings in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{identity::UserId, ports::Cause};

/// Named things of users, gone with the value.
#[derive(Default)]
pub struct Belongings {
    things: Mutex<BTreeMap<UserId, BTreeSet<String>>>,
    away: Mutex<bool>,
}

impl Belongings {
    /// Gives a user something.
    pub fn give(&self, user: &UserId, name: &str) {
        self.lock().entry(user.clone()).or_default().insert(name.to_owned());
    }

    /// What a user has.
    #[must_use]
    pub fn of(&self, user: &UserId) -> Vec<String> {
        self.lock().get(user).into_iter().flatten().cloned().collect()
    }

    /// Whether nothing can be taken away for now.
    pub fn set_away(&self, away: bool) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = away;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<UserId, BTreeSet<String>>> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl crate::ports::Belongings for Belongings {
    async fn take_away(&self, user: &UserId) -> Result<(), Cause> {
        if *self.away.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err("what users have cannot be reached".into());
        }
        self.lock().remove(user);
        Ok(())
    }
}
