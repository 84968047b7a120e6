//! Users in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{
    auth::{Email, PasswordHash},
    identity::{RoleName, UserId},
    ports::{Standing, StoreError, User},
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

fn is_admin(user: &User) -> bool {
    user.admin && user.standing == Standing::Active
}

fn another_admin(users: &[User], than: &UserId) -> bool {
    users.iter().any(|user| is_admin(user) && user.id != *than)
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

    async fn list<'a>(
        &self,
        after: Option<UserId>,
        limit: usize,
        part: Option<&'a str>,
    ) -> Result<Vec<User>, StoreError> {
        let wanted = |user: &&User| {
            after.as_ref().is_none_or(|after| user.id > *after)
                && part.is_none_or(|part| user.email.as_str().contains(part))
        };
        let mut users: Vec<_> = self.lock().iter().filter(wanted).cloned().collect();
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
        let others = another_admin(&users, id);
        let Some(user) = users.iter_mut().find(|user| user.id == *id) else { return Ok(None) };
        if is_admin(user) && !admin && !others {
            return Err(StoreError::Taken);
        }
        user.admin = admin;
        Ok(Some(user.clone()))
    }

    async fn set_standing(&self, id: &UserId, standing: Standing) -> Result<Option<User>, StoreError> {
        let mut users = self.lock();
        let others = another_admin(&users, id);
        let Some(user) = users.iter_mut().find(|user| user.id == *id) else { return Ok(None) };
        if is_admin(user) && standing != Standing::Active && !others {
            return Err(StoreError::Taken);
        }
        if user.standing != Standing::Leaving {
            user.standing = standing;
        }
        Ok(Some(user.clone()))
    }

    async fn set_password<'a>(
        &self,
        id: &UserId,
        expected: Option<&'a PasswordHash>,
        password: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let mut users = self.lock();
        let is = |user: &User| expected.is_none_or(|expected| expected.expose() == user.password.expose());
        let found = users.iter_mut().find(|user| user.id == *id && is(user));
        let set = found.is_some();
        if let Some(user) = found {
            user.password = password.clone();
        }
        Ok(set)
    }

    async fn set_verified(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let mut users = self.lock();
        let Some(user) = users.iter_mut().find(|user| user.id == *id) else { return Ok(None) };
        user.verified = true;
        Ok(Some(user.clone()))
    }

    async fn replace(&self, old: &UserId, user: User) -> Result<(), StoreError> {
        let mut users = self.lock();
        if users.iter().any(|own| own.id != *old && (own.email == user.email || own.id == user.id)) {
            return Err(StoreError::Taken);
        }
        users.retain(|own| own.id != *old);
        users.push(user);
        Ok(())
    }

    async fn leaving(&self, limit: usize) -> Result<Vec<User>, StoreError> {
        Ok(self.lock().iter().filter(|user| user.standing == Standing::Leaving).take(limit).cloned().collect())
    }

    async fn remove(&self, id: &UserId) -> Result<bool, StoreError> {
        let mut users = self.lock();
        let before = users.len();
        users.retain(|user| user.id != *id);
        Ok(users.len() < before)
    }

    async fn admins(&self) -> Result<usize, StoreError> {
        Ok(self.lock().iter().filter(|user| is_admin(user)).count())
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(self.lock().iter().find(|user| user.id == *id).cloned())
    }
}
