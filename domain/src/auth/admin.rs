//! Admins: the first by a one-time token, the others by an admin; and what admins do with users.

use crate::{
    audit::{Action, Actor, Entry, EntryId, Outcome},
    auth::{Auth, AuthError},
    credentials::Grantee,
    identity::{DeviceId, RoleName, UserId},
    ports::{Access, StoreError, User},
    secret::Secret,
};

/// The most entries of one answer, of users and of the audit.
pub const PAGE: usize = 200;

/// What is changed about a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another role.
    pub role: Option<RoleName>,
    /// Whether the user is an admin.
    pub admin: Option<bool>,
    /// Whether the user is kept out.
    pub disabled: Option<bool>,
}

impl Auth {
    /// Makes somebody who is logged in the first admin, by the one-time token. It works once.
    ///
    /// # Errors
    /// [`AuthError::WrongToken`] for another token, or when it was redeemed before; [`AuthError::Unavailable`], after which the
    /// same token works again.
    pub async fn claim(&self, access: &Access, token: &Secret) -> Result<User, AuthError> {
        let (actor, target) = (Actor::User(access.user.clone()), access.user.to_string());
        // Another instance may have its own token, and somebody may be admin by that.
        let first = self.ports.users.admins().await? == 0;
        if !(first && self.ports.setup_token.take(token).await.map_err(AuthError::Unavailable)?) {
            self.record(actor, Action::Claim, &target, (Outcome::Refused, "wrong token")).await;
            return Err(AuthError::WrongToken);
        }
        let made = match self.ports.users.set_admin(&access.user, true).await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(AuthError::WrongToken),
            Err(error) => Err(error.into()),
        };
        if made.is_err() {
            // Nobody has become admin by it, so it must go on to work.
            self.ports.setup_token.put_back(token).await.map_err(AuthError::Unavailable)?;
        }
        let outcome = if made.is_ok() { Outcome::Done } else { Outcome::Failed };
        self.record(actor, Action::Claim, &target, (outcome, "")).await;
        made
    }

    /// Who is asking, when that is an admin.
    ///
    /// # Errors
    /// [`AuthError::Token`], [`AuthError::NotAdmin`], [`AuthError::Unavailable`].
    pub async fn authenticate_admin(&self, token: &str) -> Result<Access, AuthError> {
        let access = self.authenticate(token).await?;
        match self.ports.users.by_id(&access.user).await? {
            Some(user) if user.admin => Ok(access),
            _ => Err(AuthError::NotAdmin),
        }
    }

    /// Whether this is the set-up token, not redeemed yet.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn is_setup_token(&self, token: &Secret) -> Result<bool, AuthError> {
        self.ports.setup_token.is(token).await.map_err(AuthError::Unavailable)
    }

    /// At most `limit` users (and no more than [`PAGE`]), by id, beginning behind `after`; with `part`, those whose email address
    /// holds it.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn users(&self, after: Option<UserId>, limit: usize, part: Option<&str>) -> Result<Vec<User>, AuthError> {
        let part = part.map(str::to_lowercase);
        Ok(self.ports.users.list(after, limit.min(PAGE), part.as_deref()).await?)
    }

    /// Changes a user; how the user is then. Another role is what devices get from their next login on: a JWT that is out keeps
    /// its role until it ends, or its device is removed.
    ///
    /// # Errors
    /// [`AuthError::NoSuchUser`], [`AuthError::NoSuchRole`], [`AuthError::LastAdmin`], [`AuthError::Unavailable`].
    pub async fn change_user(&self, by: &Access, id: &UserId, change: &UserChange) -> Result<User, AuthError> {
        let actor = || Actor::User(by.user.clone());
        let mut user = self.ports.users.by_id(id).await?.ok_or(AuthError::NoSuchUser)?;
        if let Some(role) = &change.role {
            self.check_role(id, role).await?;
        }
        if let Some(admin) = change.admin
            && admin != user.admin
        {
            let changed = self.ports.users.set_admin(id, admin).await;
            let outcome = match &changed {
                Ok(_) => Outcome::Done,
                Err(StoreError::Taken) => Outcome::Refused,
                Err(_) => Outcome::Failed,
            };
            let detail = if admin { "is an admin" } else { "is no admin" };
            self.record(actor(), Action::SetAdmin, id.as_str(), (outcome, detail)).await;
            user = match changed {
                Ok(changed) => changed.ok_or(AuthError::NoSuchUser)?,
                Err(StoreError::Taken) => return Err(AuthError::LastAdmin),
                Err(error) => return Err(error.into()),
            };
        }
        if let Some(role) = &change.role
            && *role != user.role
        {
            let changed = self.ports.users.set_role(id, role).await;
            let outcome = if changed.is_ok() { Outcome::Done } else { Outcome::Failed };
            self.record(actor(), Action::SetRole, id.as_str(), (outcome, role.as_str())).await;
            user = changed?.ok_or(AuthError::NoSuchUser)?;
        }
        if let Some(disabled) = change.disabled {
            user = self.set_standing(actor(), id, disabled).await?;
        }
        Ok(user)
    }

    /// Whether devices of a role are given anything: there is no role without.
    async fn check_role(&self, user: &UserId, role: &RoleName) -> Result<(), AuthError> {
        let device = DeviceId::generate(&*self.ports.clock, &*self.ports.rng);
        let grantee = Grantee::Device { user: user.clone(), device, role: role.clone() };
        let permissions = self.ports.issuer.permissions(&grantee).await?;
        let has_none = permissions.publish.is_empty() && permissions.subscribe.is_empty();
        if has_none { Err(AuthError::NoSuchRole(role.clone())) } else { Ok(()) }
    }

    /// At most `limit` entries of the audit (and no more than [`PAGE`]), newest first, beginning with the one before `before`.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn audit(&self, before: Option<EntryId>, limit: usize) -> Result<Vec<Entry>, AuthError> {
        Ok(self.ports.audit.list(before, limit.min(PAGE)).await?)
    }

    pub(super) async fn record(&self, actor: Actor, action: Action, target: &str, came: (Outcome, &str)) {
        let entry = Entry::new(actor, action, target, came, &*self.ports.clock, &*self.ports.rng);
        tracing::info!(actor = %entry.actor, %action, target, outcome = %entry.outcome, "audit");
        if let Err(error) = self.ports.audit.record(entry).await {
            // What was done is done, and stands in the log.
            tracing::error!(error = &error as &dyn std::error::Error, "the audit could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::fixture::*;

    async fn ada_and_bob() -> (Fixture, Access, Access) {
        let fixture = Fixture::new();
        fixture.register(EMAIL).await;
        fixture.register("bob@example.org").await;
        let (ada, bob) = (fixture.login(EMAIL).await, fixture.login("bob@example.org").await);
        let ada = fixture.auth.authenticate(ada.access_token.expose()).await.unwrap();
        let bob = fixture.auth.authenticate(bob.access_token.expose()).await.unwrap();
        (fixture, ada, bob)
    }

    #[tokio::test]
    async fn the_token_makes_one_admin_once() {
        let (fixture, ada, bob) = ada_and_bob().await;
        let wrong = fixture.auth.claim(&ada, &"guess".into()).await.map(|_| ());
        assert!(matches!(wrong, Err(AuthError::WrongToken)));
        let token: Secret = TOKEN.into();
        let later = || fixture.clock.advance(std::time::Duration::from_millis(1));
        later();
        assert!(fixture.auth.claim(&ada, &token).await.is_ok_and(|user| user.admin && user.id == ada.user));
        for access in [&ada, &bob] {
            later();
            let again = fixture.auth.claim(access, &token).await.map(|_| ());
            assert!(matches!(again, Err(AuthError::WrongToken)), "it is used up");
        }
        let audit = fixture.auth.audit(None, 10).await.unwrap();
        let outcomes: Vec<_> = audit.iter().map(|entry| (entry.action, entry.outcome)).collect();
        let (refused, done) = ((Action::Claim, Outcome::Refused), (Action::Claim, Outcome::Done));
        assert_eq!(outcomes, [refused, refused, done, refused]);
    }

    #[tokio::test]
    async fn only_admins_are_admins() {
        let fixture = Fixture::new();
        fixture.register(EMAIL).await;
        let ada = fixture.login(EMAIL).await;
        let token = ada.access_token.expose();
        assert!(matches!(fixture.auth.authenticate_admin(token).await, Err(AuthError::NotAdmin)));
        let access = fixture.auth.authenticate(token).await.unwrap();
        fixture.auth.claim(&access, &TOKEN.into()).await.map(drop).unwrap();
        assert_eq!(fixture.auth.authenticate_admin(token).await.unwrap().user, ada.user_id);
        assert!(matches!(fixture.auth.authenticate_admin("x").await, Err(AuthError::Token(_))));
    }

    #[tokio::test]
    async fn roles_and_admins_are_changed_and_the_last_admin_stays() {
        let (fixture, ada, bob) = ada_and_bob().await;
        fixture.auth.claim(&ada, &TOKEN.into()).await.map(drop).unwrap();
        let change = |role: Option<&str>, admin| UserChange {
            role: role.map(|role| role.parse().unwrap()),
            admin,
            disabled: None,
        };
        let changed = fixture.auth.change_user(&ada, &bob.user, &change(Some("courier"), Some(true))).await;
        assert!(changed.is_ok_and(|user| user.admin && user.role.as_str() == "courier"));
        let bobs = fixture.login("bob@example.org").await;
        let grants = fixture.issuer.grants.lock().unwrap().clone();
        let newest = &grants.last().unwrap().grantee;
        assert!(
            matches!(newest, Grantee::Device { role, .. } if role.as_str() == "courier"),
            "the next login has the role: {newest:?}"
        );
        assert_eq!(bobs.user_id, bob.user);

        fixture.auth.change_user(&bob, &ada.user, &change(None, Some(false))).await.map(drop).unwrap();
        let last = fixture.auth.change_user(&bob, &bob.user, &change(None, Some(false))).await.map(drop);
        assert!(matches!(last, Err(AuthError::LastAdmin)));
        let absent = fixture.auth.change_user(&bob, &ada.user, &change(Some("absent"), Some(true))).await.map(drop);
        assert!(matches!(absent, Err(AuthError::NoSuchRole(role)) if role.as_str() == "absent"));
        let users = fixture.auth.users(None, 9, Some("ada")).await.unwrap();
        assert!(users[0].role.as_str() == "user" && !users[0].admin, "and nothing else was changed");
        let nobody = fixture.auth.change_user(&bob, &"nobody".parse().unwrap(), &change(None, None)).await.map(drop);
        assert!(matches!(nobody, Err(AuthError::NoSuchUser)));
        let listed = fixture.auth.users(None, 1_000, None).await.unwrap();
        assert_eq!(listed.len(), 2);
        let audit = fixture.auth.audit(None, 1_000).await.unwrap();
        assert!(audit.iter().any(|entry| entry.outcome == Outcome::Refused && entry.action == Action::SetAdmin));
        assert!(audit.iter().any(|entry| entry.action == Action::SetRole && entry.detail == "courier"));
    }

    #[tokio::test]
    async fn a_claim_that_could_not_be_stored_can_be_repeated() {
        let (fixture, ada, _) = ada_and_bob().await;
        let gone = Access { user: "nobody".parse().unwrap(), ..ada.clone() };
        assert!(fixture.auth.claim(&gone, &TOKEN.into()).await.is_err(), "who asks is gone meanwhile");
        assert!(fixture.auth.claim(&ada, &TOKEN.into()).await.is_ok());
    }
}
