//! The NSC service as admins and commands use it: what [`Nsc`] does, with a note of who did it.

use std::{future::Future, sync::Arc};

use super::{AccountOverview, MadeUser, NewUser, Nsc, NscError, Role, Rotation, Wish};
use crate::{
    audit::{Action, Actor, Entry, Outcome},
    credentials::{Change, Operator, PublicKey, setup::EntityName},
    live::Report,
    ports::{Audit, Clock, EngineError, Held, IssueError, Made, Rng},
};

/// What changes something, done in somebody's name. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    /// What is done with it.
    pub nsc: Arc<Nsc>,
    /// Where it is noted.
    pub audit: Arc<dyn Audit>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for ids of entries.
    pub rng: Arc<dyn Rng>,
}

impl Service {
    /// [`Nsc::set_up`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_up(
        &self,
        by: Actor,
        operator: &str,
        account: &str,
    ) -> Result<Made<Arc<Held<Operator>>>, NscError> {
        let target = format!("{operator}/{account}");
        self.noted(by, Action::SetUp, &target, self.nsc.set_up(operator, account), was_made).await
    }

    /// [`Nsc::add_account`].
    ///
    /// # Errors
    /// As there.
    pub async fn add_account(&self, by: Actor, name: &str) -> Result<Made<AccountOverview>, NscError> {
        self.noted(by, Action::AddAccount, name, self.nsc.add_account(name), was_made).await
    }

    /// [`Nsc::add_user`].
    ///
    /// # Errors
    /// As there.
    pub async fn add_user(&self, by: Actor, new: NewUser) -> Result<Made<MadeUser>, NscError> {
        let target = place(new.account.as_deref(), &new.name);
        self.noted(by, Action::AddUser, &target, self.nsc.add_user(new), was_made).await
    }

    /// [`Nsc::edit_user`].
    ///
    /// # Errors
    /// As there.
    pub async fn edit_user(
        &self,
        by: Actor,
        name: &str,
        account: Option<&str>,
        wish: &Wish,
    ) -> Result<MadeUser, NscError> {
        let target = place(account, name);
        self.noted(by, Action::EditUser, &target, self.nsc.edit_user(name, account, wish), done).await
    }

    /// [`Nsc::revoke_user`].
    ///
    /// # Errors
    /// As there.
    pub async fn revoke_user(&self, by: Actor, name: &str, account: Option<&str>) -> Result<PublicKey, NscError> {
        let target = place(account, name);
        self.noted(by, Action::RevokeUser, &target, self.nsc.revoke_user(name, account), done).await
    }

    /// [`Nsc::revoke_all`].
    ///
    /// # Errors
    /// As there.
    pub async fn revoke_all(&self, by: Actor, account: &EntityName) -> Result<AccountOverview, NscError> {
        self.noted(by, Action::RevokeAll, account.as_str(), self.nsc.revoke_all(account), done).await
    }

    /// [`Nsc::rotate`].
    ///
    /// # Errors
    /// As there.
    pub async fn rotate(&self, by: Actor, account: &EntityName, at_once: bool) -> Result<Rotation, NscError> {
        self.noted(by, Action::Rotate, account.as_str(), self.nsc.rotate(account, at_once), done).await
    }

    /// [`Nsc::end_rotation`].
    ///
    /// # Errors
    /// As there.
    pub async fn end_rotation(&self, by: Actor, account: &EntityName) -> Result<Rotation, NscError> {
        self.noted(by, Action::EndRotation, account.as_str(), self.nsc.end_rotation(account), done).await
    }

    /// [`Nsc::push_all`].
    ///
    /// # Errors
    /// As there.
    pub async fn push(&self, by: Actor) -> Result<Vec<Report>, NscError> {
        let push = async { self.nsc.push_all().await.map_err(NscError::from) };
        self.noted(by, Action::Push, "brokers", push, done).await
    }

    /// [`Nsc::declare`], and pushes what has changed. What has become of each role, and whether every broker knows
    /// ([`IssueError::NotPushed`]): what is stored is told also where nobody was there to be told.
    ///
    /// # Errors
    /// [`NscError::Engine`] when not all could be stored.
    pub async fn apply_roles(
        &self,
        by: Actor,
        roles: &[Role],
    ) -> Result<(Vec<super::Declared>, Result<(), IssueError>), NscError> {
        let names: Vec<_> = roles.iter().map(|role| role.name().as_str()).collect();
        let mut declared = Vec::new();
        let apply = async {
            declared = self.nsc.declare(roles).await?;
            self.nsc.reconcile().await?;
            Ok(())
        };
        match self.noted(by, Action::ApplyRoles, &names.join(" "), apply, done).await {
            Ok(()) => Ok((declared, Ok(()))),
            Err(NscError::Issue(error)) => Ok((declared, Err(error))),
            Err(error) => Err(error),
        }
    }

    /// Takes a role away: its members cannot connect any more.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] when there is none of this name, [`IssueError::NotPushed`].
    pub async fn remove_role(&self, by: Actor, role: &str) -> Result<(), NscError> {
        let remove = async {
            let account = self.nsc.account_named(&self.nsc.application).await?;
            if account.held.claims.body.signing_keys.of_role(role).is_none() {
                return Err(EngineError::Unknown { what: "role", name: role.to_owned() }.into());
            }
            let change = Change::RemoveRole { role: role.to_owned() };
            self.nsc.change(&self.nsc.application, &change).await?;
            Ok(())
        };
        self.noted(by, Action::RemoveRole, role, remove, done).await
    }

    /// Notes something that was done elsewhere.
    pub async fn note(&self, by: Actor, action: Action, target: &str, came: (Outcome, &str)) {
        let entry = Entry::new(by, action, target, came, &*self.clock, &*self.rng);
        tracing::info!(actor = %entry.actor, %action, target, outcome = %entry.outcome, detail = entry.detail, "audit");
        if let Err(error) = self.audit.record(entry).await {
            // What was done is done, and stands in the log.
            tracing::error!(error = &error as &dyn std::error::Error, "the audit could not be written");
        }
    }

    async fn noted<T>(
        &self,
        by: Actor,
        action: Action,
        target: &str,
        work: impl Future<Output = Result<T, NscError>>,
        outcome: fn(&T) -> Outcome,
    ) -> Result<T, NscError> {
        let came = work.await;
        let (outcome, detail) = match &came {
            Ok(done) => (outcome(done), String::new()),
            Err(error) => (refused_or_failed(error), error.to_string()),
        };
        self.note(by, action, target, (outcome, &detail)).await;
        came
    }
}

fn was_made<T>(made: &Made<T>) -> Outcome {
    match made {
        Made::New(_) => Outcome::Done,
        Made::There(_) => Outcome::There,
    }
}

fn done<T>(_: &T) -> Outcome {
    Outcome::Done
}

fn refused_or_failed(error: &NscError) -> Outcome {
    match error {
        NscError::Engine(EngineError::Unknown { .. } | EngineError::Exists { .. } | EngineError::Name(_))
        | NscError::Invalid { .. }
        | NscError::Lint(_)
        | NscError::Exists { .. }
        | NscError::Own(..)
        | NscError::Issue(
            IssueError::Revoked(_) | IssueError::WrongKey(_) | IssueError::NotGranted(_) | IssueError::TooLong { .. },
        ) => Outcome::Refused,
        NscError::Engine(_) | NscError::Issue(_) => Outcome::Failed,
    }
}

fn place(account: Option<&str>, name: &str) -> String {
    account.map_or_else(|| name.to_owned(), |account| format!("{account}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory, nsc::fixture::Fixture};

    #[tokio::test]
    async fn everything_that_changes_something_is_noted_with_what_came_of_it() {
        let fixture = Fixture::attached().await;
        let audit = Arc::new(memory::Audit::default());
        let service = Service {
            nsc: Arc::new(fixture.nsc),
            audit: audit.clone(),
            clock: Arc::new(fixture.clock.clone()),
            rng: Arc::new(memory::Rng::default()),
        };
        let by = || {
            fixture.clock.advance(std::time::Duration::from_millis(1));
            Actor::User("ada".parse().unwrap())
        };
        let new = |name: &str| NewUser { name: name.to_owned(), ..NewUser::default() };
        let own = fixture.names.application.clone();
        service.add_user(by(), new("till")).await.map(drop).unwrap();
        service.add_user(by(), new("till")).await.map(drop).unwrap();
        assert!(service.add_user(by(), new("*")).await.is_err());
        service.edit_user(by(), "till", None, &Wish::Default).await.map(drop).unwrap();
        service.revoke_user(by(), "till", None).await.unwrap();
        assert!(service.revoke_user(by(), "till", None).await.is_err());
        service.add_account(by(), "Partner").await.unwrap();
        service.rotate(by(), &own, false).await.unwrap();
        service.end_rotation(by(), &own).await.unwrap();
        service.revoke_all(by(), &own).await.unwrap();
        service.apply_roles(by(), &[Role::user(&["news".parse().unwrap()])]).await.unwrap().1.unwrap();
        assert!(service.remove_role(by(), "nobody").await.is_err());
        service.set_up(by(), "Other", "Shop").await.map(drop).unwrap();
        service.push(by()).await.unwrap();
        fixture.brokers.set_away(true);
        assert!(service.push(by()).await.is_err());
        let mut noted = audit.list(None, 100).await.unwrap();
        noted.reverse();
        let noted: Vec<_> = noted.iter().map(|own| (own.action, own.outcome, own.target.as_str())).collect();
        assert_eq!(
            noted,
            [
                (Action::AddUser, Outcome::Done, "till"),
                (Action::AddUser, Outcome::There, "till"),
                (Action::AddUser, Outcome::Refused, "*"),
                (Action::EditUser, Outcome::Done, "till"),
                (Action::RevokeUser, Outcome::Done, "till"),
                (Action::RevokeUser, Outcome::Refused, "till"),
                (Action::AddAccount, Outcome::Done, "Partner"),
                (Action::Rotate, Outcome::Done, "App"),
                (Action::EndRotation, Outcome::Done, "App"),
                (Action::RevokeAll, Outcome::Done, "App"),
                (Action::ApplyRoles, Outcome::Done, "user"),
                (Action::RemoveRole, Outcome::Refused, "nobody"),
                (Action::SetUp, Outcome::Done, "Other/Shop"),
                (Action::Push, Outcome::Done, "brokers"),
                (Action::Push, Outcome::Failed, "brokers"),
            ]
        );
    }
}
