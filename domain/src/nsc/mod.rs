//! Operators, accounts, users: what the NSC service and its commands do, over an engine and the brokers.
//!
//! ```text
//! HTTP, commands, logins → Nsc → CredentialsEngine (native, nsc): stored first
//!                              → Resolver (the brokers): then pushed, confirmed by each, read back and compared
//! ```
//!
//! | call | does |
//! |---|---|
//! | [`CredentialsIssuer::issue`], [`CredentialsIssuer::revoke`] | sign a user JWT; ban a key, everywhere, when it returns |
//! | [`Nsc::overview`], [`Nsc::add_account`], [`Nsc::revoke_all`], [`Nsc::rotate`] | accounts |
//! | [`Nsc::add_user`], [`Nsc::edit_user`], [`Nsc::users`], [`Nsc::revoke_user`] | long-lived users |
//! | [`Nsc::declare`] | makes the roles of the settings |
//! | [`Nsc::attach`], [`Nsc::reconcile`], [`Nsc::compare`], [`Nsc::push_all`] | bring brokers up to date, and say how they stand |
//!
//! What is promised:
//!
//! - A change is stored before it is pushed, and pushed by a later round when a broker was away.
//! - An older version of an account never overtakes a newer one, from whichever instance.
//! - Nothing is signed but what [`user_to_sign`] says.

mod accounts;
mod error;
#[cfg(test)]
mod fixture;
mod push;
mod roles;
mod service;
mod users;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::{
    credentials::{
        Account, AccountClaims, Change, Grantee, KeyKind, PublicKey, Trust, UserJwt, UserToSign,
        permissions::Permissions,
        permissions_in,
        setup::{EntityName, OPERATIONS},
        signing_keys, user_to_sign,
    },
    live::Counters,
    ports::{
        AccountRole, Cause, Clock, CredentialsEngine, CredentialsInfo, CredentialsIssuer, EngineError, Grant, Held,
        IssueError, Keep, KeyPairs, Resolver,
    },
};

use push::Pushing;

pub use accounts::*;
pub use error::NscError;
pub use roles::*;
pub use service::Service;
pub use users::*;

/// The use cases. Cheap to share: use it in an [`Arc`].
pub struct Nsc {
    engine: Arc<dyn CredentialsEngine>,
    pairs: Arc<dyn KeyPairs>,
    clock: Arc<dyn Clock>,
    application: EntityName,
    allowed: Allowed,
    /// Held while something is pushed.
    pushing: Mutex<Pushing>,
    /// Pushes that have ended.
    ended: AtomicU64,
    counters: Arc<Counters>,
}

impl Nsc {
    /// The use cases on an engine whose operator has been set up; `application` is the name of the application's account.
    #[must_use]
    pub fn new(
        engine: Arc<dyn CredentialsEngine>,
        pairs: Arc<dyn KeyPairs>,
        clock: Arc<dyn Clock>,
        application: EntityName,
    ) -> Self {
        Self {
            engine,
            pairs,
            clock,
            application,
            allowed: Allowed::default(),
            pushing: Mutex::default(),
            ended: AtomicU64::new(0),
            counters: Arc::default(),
        }
    }

    /// The same, with what users that are made may be allowed.
    #[must_use]
    pub fn allowing(mut self, allowed: Allowed) -> Self {
        self.allowed = allowed;
        self
    }

    /// What a nats-server needs to believe this installation, in its newest version: the system account first. Written into the broker's
    /// configuration at every start of it; see [`Trust`] for what nats-server does with an older one.
    ///
    /// # Errors
    /// As [`CredentialsEngine::accounts`].
    pub async fn trust(&self) -> Result<Trust, EngineError> {
        let operator = self.engine.operator().await?;
        let mut accounts = self.engine.accounts().await?;
        let system = operator.claims.body.system_account.clone();
        accounts.sort_by_key(|held| system.as_ref() != Some(&held.claims.subject));
        Ok(Trust {
            operator: operator.jwt.clone(),
            system_account: system.unwrap_or_else(|| operator.claims.subject.clone()),
            accounts: accounts.iter().map(|held| (held.claims.subject.clone(), held.jwt.clone())).collect(),
        })
    }

    /// From here on changes are pushed to `resolver`; now, what [`Nsc::reconcile`] finds.
    ///
    /// # Errors
    /// As [`Nsc::reconcile`]. The resolver is attached all the same.
    pub async fn attach(&self, resolver: Arc<dyn Resolver>) -> Result<(), IssueError> {
        self.reach(resolver).await;
        self.reconcile().await
    }

    /// From here on changes are pushed to `resolver`; now, nothing is.
    pub async fn reach(&self, resolver: Arc<dyn Resolver>) {
        self.pushing.lock().await.resolver = Some(resolver);
    }

    /// What has been pushed and seen at the brokers.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// The account that plays a role.
    async fn account_of(&self, role: AccountRole) -> Result<Arc<Held<Account>>, EngineError> {
        match role {
            AccountRole::Application => self.engine.account(&self.application).await,
            AccountRole::Operations => self.engine.account(&OPERATIONS.parse()?).await,
            AccountRole::System => {
                let operator = self.engine.operator().await?;
                let accounts = self.engine.accounts().await?;
                let system = operator.claims.body.system_account.as_ref();
                let found = accounts.into_iter().find(|held| Some(&held.claims.subject) == system);
                found.ok_or_else(|| EngineError::Unknown { what: "account", name: "of the system".to_owned() })
            }
        }
    }

    /// Signs a user JWT in an account, and keeps of it what `keep` says.
    async fn sign(&self, grant: &Grant, account: &AccountClaims, keep: Keep) -> Result<UserJwt, NscError> {
        let keys = signing_keys(account, &grant.grantee);
        // Where there is no choice, the engine says by itself that the key is not at hand.
        let at_hand = if keys.len() > 1 { self.engine.at_hand(&keys).await? } else { keys };
        // All were revoked in this very second: what is signed in it would be too, and its holder told that the key is banned.
        let (until, now) = (account.all_revoked_until(), self.clock.now().as_second());
        if let Some(next) = until.filter(|until| *until == now).and_then(|until| Timestamp::from_second(until + 1).ok())
        {
            self.clock.sleep_until(next).await;
        }
        let user: UserToSign = user_to_sign(grant, account, |key| at_hand.contains(key), self.clock.now())?;
        Ok(self.engine.sign(&user, keep).await?)
    }

    /// Makes the next version of an account, and returns when every broker has it.
    async fn change(&self, account: &EntityName, change: &Change) -> Result<Arc<Held<Account>>, NscError> {
        let ended = self.ended.load(Ordering::SeqCst);
        let held = self.engine.change(account, change).await?;
        self.push_version(account, held.claims.issued_at, ended).await?;
        Ok(held)
    }
}

#[async_trait]
impl CredentialsIssuer for Nsc {
    async fn issue(&self, grant: Grant) -> Result<UserJwt, IssueError> {
        let account = self.account_of(grant.grantee.account()).await.map_err(stored)?;
        self.sign(&grant, &account.claims, Keep::Nothing).await.map_err(issuing)
    }

    async fn issue_kept(&self, grant: Grant) -> Result<UserJwt, IssueError> {
        let account = self.account_of(grant.grantee.account()).await.map_err(stored)?;
        self.sign(&grant, &account.claims, Keep::Jwt).await.map_err(issuing)
    }

    async fn permissions(&self, grantee: &Grantee) -> Result<Permissions, IssueError> {
        let account = self.account_of(grantee.account()).await.map_err(stored)?;
        Ok(permissions_in(&account.claims, grantee))
    }

    async fn revoke(&self, account: AccountRole, key: &PublicKey) -> Result<(), IssueError> {
        if key.kind() != KeyKind::User {
            return Err(IssueError::WrongKey(key.clone()));
        }
        let account = self.account_of(account).await.map_err(stored)?;
        let name = account.claims.name.parse().map_err(|error| stored(EngineError::Name(error)))?;
        self.change(&name, &Change::ban(key.clone())).await.map(drop).map_err(issuing)
    }

    async fn prune(&self, keys: &[PublicKey]) -> Result<(), IssueError> {
        let before = self.account_of(AccountRole::Application).await.map_err(stored)?;
        let change = Change::Prune { keys: keys.to_vec() };
        if change.apply(&before.claims, self.clock.now()).is_none() {
            return Ok(());
        }
        self.change(&self.application, &change).await.map(drop).map_err(issuing)
    }

    async fn info(&self) -> Result<CredentialsInfo, IssueError> {
        let operator = self.engine.operator().await.map_err(stored)?;
        let mut accounts = Vec::new();
        for role in [AccountRole::System, AccountRole::Application, AccountRole::Operations] {
            let held = self.account_of(role).await.map_err(stored)?;
            accounts.push((role, held.claims.name.clone(), held.claims.subject.clone()));
        }
        Ok(CredentialsInfo { operator: (operator.claims.name.clone(), operator.claims.subject.clone()), accounts })
    }
}

/// What a login is told of.
fn issuing(error: NscError) -> IssueError {
    match error {
        NscError::Issue(error) => error,
        NscError::Engine(error) => stored(error),
        other => IssueError::Store(Cause::from(other)),
    }
}

fn stored(error: EngineError) -> IssueError {
    IssueError::Store(Cause::from(error))
}

#[cfg(test)]
mod tests;
