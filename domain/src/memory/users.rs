//! Users in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{
    auth::Email,
    identity::UserId,
    ports::{StoreError, User},
};

/// Users in memory, gone with the value.
#[derive(Default)]
pub struct Users {
    users: Mutex<Vec<User>>,
}

impl Users {
    fn lock(&self) -> MutexGuard<'_, Vec<User>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl crate::ports::Users for Users {
    async fn insert(&self, user: User) -> Result<(), StoreError> {
        let mut users = self.lock();
        if users.iter().any(|own| own.email == user.email || own.id == user.id) {
            return Err(StoreError::Taken);
        }
        users.push(user);
        Ok(())
    }

    async fn by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        Ok(self.lock().iter().find(|user| user.email == *email).cloned())
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(self.lock().iter().find(|user| user.id == *id).cloned())
    }
}
