//! The end of a user, by their own wish or an admin's, and what keeps a user out.
//!
//! A user who leaves is marked first, so that nobody lets it in meanwhile; then everything it has is taken away; the user itself
//! goes last. What fails on the way is done by the next sweep ([`Auth::sweep`]).

use futures_util::future::join_all;

use crate::{
    audit::{Action, Actor, Outcome},
    auth::{Auth, AuthError, PasswordHash},
    identity::UserId,
    ports::{Access, Standing, StoreError, User},
};

impl Auth {
    /// Removes who asks: sessions, devices (their keys are revoked), what belongs to the user elsewhere, the user. Nothing is left
    /// when this returns.
    ///
    /// # Errors
    /// [`AuthError::LastAdmin`]; [`AuthError::NotConfirmed`] and [`AuthError::Unavailable`], after which the user is kept out and
    /// the next sweep goes on.
    pub async fn leave(&self, access: &Access) -> Result<(), AuthError> {
        self.remove_user(Actor::User(access.user.clone()), &access.user).await
    }

    /// The same, by an admin.
    ///
    /// # Errors
    /// As [`Auth::leave`], and [`AuthError::NoSuchUser`].
    pub async fn delete_user(&self, by: &Access, id: &UserId) -> Result<(), AuthError> {
        self.remove_user(Actor::User(by.user.clone()), id).await
    }

    async fn remove_user(&self, by: Actor, id: &UserId) -> Result<(), AuthError> {
        let marked = self.ports.users.set_standing(id, Standing::Leaving).await;
        let done = match marked {
            Ok(Some(_)) => self.take_away(id).await,
            Ok(None) => Err(AuthError::NoSuchUser),
            Err(StoreError::Taken) => Err(AuthError::LastAdmin),
            Err(error) => Err(error.into()),
        };
        let outcome = match &done {
            Ok(()) => Outcome::Done,
            Err(AuthError::NoSuchUser | AuthError::LastAdmin) => Outcome::Refused,
            Err(_) => Outcome::Failed,
        };
        self.record(by, Action::RemoveUser, id.as_str(), (outcome, "")).await;
        done
    }

    /// Takes away what a user has who is leaving, then the user.
    async fn take_away(&self, id: &UserId) -> Result<(), AuthError> {
        self.take_belongings(id).await?;
        self.ports.users.remove(id).await?;
        tracing::info!(user = %id, "a user has left");
        Ok(())
    }

    async fn take_belongings(&self, id: &UserId) -> Result<(), AuthError> {
        self.remove_devices(id, None).await?;
        for belongings in &self.ports.belongings {
            belongings.take_away(id).await.map_err(AuthError::Unavailable)?;
        }
        Ok(())
    }

    /// Gives the address of somebody who never proved it to who has: a new user, with nothing of the old one.
    pub(super) async fn displace(&self, old: User, password: PasswordHash) -> Result<User, AuthError> {
        let user = self.new_user(old.email, password, true);
        let done = match self.ports.users.set_standing(&old.id, Standing::Leaving).await {
            Ok(_) => self.take_belongings(&old.id).await,
            Err(StoreError::Taken) => Err(AuthError::LastAdmin),
            Err(error) => Err(error.into()),
        };
        let done = match done {
            Ok(()) => self.ports.users.replace(&old.id, user.clone()).await.map_err(AuthError::from),
            Err(error) => Err(error),
        };
        let outcome = match &done {
            Ok(()) => Outcome::Done,
            Err(AuthError::LastAdmin) => Outcome::Refused,
            Err(_) => Outcome::Failed,
        };
        let by = if done.is_ok() { Actor::User(user.id.clone()) } else { Actor::Relais };
        self.record(by, Action::Displace, old.id.as_str(), (outcome, "the address is proven by another")).await;
        done.map(|()| user)
    }

    /// Removes all devices of a user but `spared`; each is tried, though another fails.
    pub(super) async fn remove_devices(
        &self,
        user: &UserId,
        spared: Option<&crate::identity::DeviceId>,
    ) -> Result<(), AuthError> {
        let devices = self.ports.devices.of_user(user).await?;
        let devices: Vec<_> = devices.into_iter().filter(|device| Some(&device.id) != spared).collect();
        for session in devices.iter().filter_map(|device| device.session.as_ref()) {
            self.ports.devices.end_session(&session.id).await?;
        }
        // At once, for they share what is pushed to the brokers.
        let removed = join_all(devices.iter().map(|device| self.remove_device(user, &device.id))).await;
        removed.into_iter().find(|came| !matches!(came, Ok(()) | Err(AuthError::NoSuchDevice))).unwrap_or(Ok(()))
    }

    /// Goes on with users who are leaving; how many have left. What fails is left for the next time.
    pub(super) async fn remove_leaving(&self, at_once: usize) -> Result<usize, AuthError> {
        let mut left = 0;
        for user in self.ports.users.leaving(at_once).await? {
            match self.take_away(&user.id).await {
                Ok(()) => left += 1,
                Err(error) => {
                    tracing::warn!(user = %user.id, error = &error as &dyn std::error::Error, "a user has not left yet");
                }
            }
        }
        Ok(left)
    }

    /// Keeps a user out, or lets it in again. Who is kept out has no devices: they are revoked when this returns.
    ///
    /// # Errors
    /// [`AuthError::NoSuchUser`], [`AuthError::LastAdmin`]; [`AuthError::NotConfirmed`] and [`AuthError::Unavailable`], after
    /// which a repeat goes on.
    pub(super) async fn set_standing(&self, by: Actor, id: &UserId, disabled: bool) -> Result<User, AuthError> {
        let standing = if disabled { Standing::Disabled } else { Standing::Active };
        let set = match self.ports.users.set_standing(id, standing).await {
            Ok(set) => set.ok_or(AuthError::NoSuchUser),
            Err(StoreError::Taken) => Err(AuthError::LastAdmin),
            Err(error) => Err(error.into()),
        };
        let cut = match &set {
            Ok(_) if disabled => self.remove_devices(id, None).await,
            _ => Ok(()),
        };
        let outcome = match (&set, &cut) {
            (Ok(_), Ok(())) => Outcome::Done,
            (Err(AuthError::NoSuchUser | AuthError::LastAdmin), _) => Outcome::Refused,
            _ => Outcome::Failed,
        };
        let detail = if disabled { "is kept out" } else { "is let in" };
        self.record(by, Action::SetStanding, id.as_str(), (outcome, detail)).await;
        cut.and(set)
    }
}

#[cfg(test)]
#[path = "leave_tests.rs"]
mod tests;
