//! Operators, accounts and users, made and kept natively, in a store that the real `nsc` can read and write too.
//!
//! [`Native`] makes an installation on first start ([`relais_domain::credentials::setup`]) and uses it on later ones.
//! It signs user JWTs, which are not kept, and keeps revocations in the JWT of their account: stored first, then pushed
//! to the brokers through the port [`Resolver`], once [`Native::attach`] has brought one (`push.rs`).
//!
//! What holds at any moment, a crash included:
//! - an account file is a whole JWT, the old or the new one; the first set-up is there entirely or not at all;
//! - seeds are 0600 in folders of 0700; a store that others can read is not opened;
//! - one process writes at a time, and whoever writes begins from the newest version; the same of who pushes;
//! - an account's `iat` grows with every version, so that nats-server can tell the newer one.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use relais_domain::{
    credentials::{KeyKind, PublicKey, Trust, UserJwt, setup::Names, sign_user, signing_key},
    identity::Topic,
    live::Counters,
    ports::{AccountRole, Cause, Clock, CredentialsInfo, CredentialsIssuer, Grant, IssueError, KeyPairs, Resolver},
};
use tokio::{sync::Mutex, task};

mod error;
mod files;
mod layout;
mod push;
mod setup;
mod store;

pub use error::OpenError;
use files::Disk;
use layout::Layout;
use push::Pushing;
use store::{Held, ROLES, Store};

/// Where the store is and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder that holds `stores/` and `keys/`; made when it is missing (`nsc.creds_directory`).
    pub directory: PathBuf,
    /// The operator's name (`nsc.operator`).
    pub operator: String,
    /// The name of the application's account (`nsc.account`); not `SYS` or `OPS`.
    pub account: String,
}

/// The native engine. Cheap to share: use it in an [`Arc`].
pub struct Native {
    store: Arc<Store>,
    /// Held while something is pushed.
    pushing: Mutex<Pushing>,
    /// Pushes that have ended.
    ended: AtomicU64,
    counters: Arc<Counters>,
}

impl Native {
    /// Opens the store; makes operator, accounts and keys when there are none, and finishes a set-up that was cut off.
    ///
    /// Blocks for some milliseconds; for up to ten seconds while another process writes.
    ///
    /// # Errors
    /// Says what is wrong with the store and what to do; see [`OpenError`]. Nothing half-made is left behind that the
    /// next call would not finish or throw away.
    pub fn open(settings: Settings, keys: Arc<dyn KeyPairs>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_on(Disk::default(), settings, keys, clock)
    }

    fn open_on(
        disk: Disk,
        settings: Settings,
        keys: Arc<dyn KeyPairs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let names = Names {
            operator: settings.operator.parse().map_err(OpenError::Name)?,
            application: settings.account.parse().map_err(OpenError::Name)?,
        };
        let reserved = [relais_domain::credentials::setup::SYSTEM, relais_domain::credentials::setup::OPERATIONS];
        if reserved.iter().any(|name| name.eq_ignore_ascii_case(names.application.as_str())) {
            return Err(OpenError::Reserved(settings.account));
        }
        let store = Store::open(disk, Layout::new(settings.directory), &names, keys, clock)?;
        Ok(Self {
            store: Arc::new(store),
            pushing: Mutex::default(),
            ended: AtomicU64::new(0),
            counters: Arc::default(),
        })
    }

    /// Lets all ordinary users hear exactly these topics (`topics`), from the next push on. Not pushed here: whoever sets
    /// up an installation does this before its broker starts, or before [`Native::attach`]. A repeat does nothing.
    ///
    /// # Errors
    /// As [`Native::open`].
    pub fn set_topics(&self, topics: &[Topic]) -> Result<(), OpenError> {
        let now = self.store.clock().now();
        self.store.change(AccountRole::Application, |own| own.with_topics(topics, now)).map(drop)
    }

    /// What a nats-server needs to believe this installation, in its newest version. Written into the broker's
    /// configuration at every start of it; see [`Trust`] for what nats-server does with an older one.
    #[must_use]
    pub fn trust(&self) -> Trust {
        let newest = |role| self.store.account(role).ok().or_else(|| self.store.last_known(role));
        let accounts: Vec<_> = ROLES.into_iter().filter_map(newest).collect();
        let operator = self.store.operator();
        let system = operator.body.system_account.clone();
        Trust {
            operator: self.store.operator_jwt().clone(),
            system_account: system.unwrap_or_else(|| operator.subject.clone()),
            accounts: accounts.iter().map(|held| (held.claims.subject.clone(), held.jwt.clone())).collect(),
        }
    }

    /// From here on changes are pushed to `resolver`; now, what [`Native::reconcile`] finds.
    ///
    /// # Errors
    /// As [`Native::reconcile`]. The resolver is attached all the same.
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

    /// Files are read and written outside the scheduler's threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, OpenError> + Send + 'static,
    ) -> Result<T, IssueError> {
        let store = Arc::clone(&self.store);
        match task::spawn_blocking(move || work(&store)).await {
            Ok(result) => result.map_err(unusable),
            Err(stopped) => Err(IssueError::Store(Cause::from(stopped))),
        }
    }
}

#[async_trait]
impl CredentialsIssuer for Native {
    async fn issue(&self, grant: Grant) -> Result<UserJwt, IssueError> {
        // One look at a file that is read again only when it has changed: not worth a thread.
        let store = &self.store;
        let account = store.account(grant.grantee.account()).map_err(unusable)?;
        let Held { claims, .. } = account.as_ref();
        let key = signing_key(claims, &grant.grantee, |key| store.holds(key));
        let signer = key.as_ref().map(|key| store.pair(key)).transpose().map_err(unusable)?.flatten();
        let signer = signer.ok_or_else(|| {
            let wanted = key.map_or_else(|| "none in its account".to_owned(), |key| key.to_string());
            unusable(OpenError::NoSeed { what: grant.grantee.to_string(), wanted })
        })?;
        sign_user(&grant, claims, &signer, store.clock().now(), store.pairs())
    }

    async fn revoke(&self, account: AccountRole, key: &PublicKey) -> Result<(), IssueError> {
        if key.kind() != KeyKind::User {
            return Err(IssueError::WrongKey(key.clone()));
        }
        let ended = self.ended.load(Ordering::SeqCst);
        let revoked = key.clone();
        let revoke =
            move |store: &Store| store.change(account, |claims| claims.with_revoked(&revoked, store.clock().now()));
        let held = self.blocking(revoke).await?;
        self.push_version(account, held.claims.issued_at, ended).await
    }

    async fn info(&self) -> Result<CredentialsInfo, IssueError> {
        let operator = self.store.operator();
        let accounts = ROLES.into_iter().map(|role| {
            let held = self.store.account(role).map_err(unusable)?;
            Ok((role, held.claims.name.clone(), held.claims.subject.clone()))
        });
        Ok(CredentialsInfo {
            operator: (operator.name.clone(), operator.subject.clone()),
            accounts: accounts.collect::<Result<_, IssueError>>()?,
        })
    }
}

fn unusable(error: OpenError) -> IssueError {
    IssueError::Store(Cause::from(error))
}

#[cfg(test)]
mod tests;
