//! Users in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{
    auth::Email,
    identity::{RoleName, UserId},
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

    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        let mut users: Vec<_> =
            self.lock().iter().filter(|user| after.as_ref().is_none_or(|after| user.id > *after)).cloned().collect();
        users.sort_by(|a, b| a.id.cmp(&b.id));
        users.truncate(limit);
        Ok(users)
    }

    async fn set_role(&self, id: &UserId, role: &RoleName) -> Result<Option<User>, StoreError> {
        let mut users = self.lock();
        let Some(user) = users.iter_mut().find(|user| user.id == *id) else { return Ok(None) };
        user.role = role.clone();
        Ok(Some(user.clone()))
    }

    async fn set_admin(&self, id: &UserId, admin: bool) -> Result<Option<User>, StoreError> {
        let mut users = self.lock();
        let others = users.iter().any(|user| user.admin && user.id != *id);
        let Some(user) = users.iter_mut().find(|user| user.id == *id) else { return Ok(None) };
        if user.admin && !admin && !others {
            return Err(StoreError::Taken);
        }
        user.admin = admin;
        Ok(Some(user.clone()))
    }

    async fn admins(&self) -> Result<usize, StoreError> {
        Ok(self.lock().iter().filter(|user| user.admin).count())
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(self.lock().iter().find(|user| user.id == *id).cloned())
    }
}
