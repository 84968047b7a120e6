//! Operators, accounts and users, made and kept natively, in a store that the real `nsc` can read and write too.
//!
//! [`Native`] makes an installation on first start ([`relais_domain::credentials::setup`]) and uses it on later ones.
//! It signs user JWTs, which are not kept, and keeps revocations in the JWT of their account: stored first, then pushed
//! to the brokers through the port [`Resolver`], once [`Native::attach`] has brought one.
//!
//! What holds at any moment, a crash included:
//! - an account file is a whole JWT, the old or the new one; the first set-up is there entirely or not at all;
//! - seeds are 0600 in folders of 0700; a store that others can read is not opened;
//! - one process writes at a time, and whoever writes begins from the newest version;
//! - an account's `iat` grows with every version, so that nats-server can tell the newer one.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use relais_domain::{
    credentials::{Account, KeyKind, PublicKey, Trust, UserJwt, decode, setup::Names, sign_user, signing_key},
    identity::Topic,
    ports::{AccountRole, Cause, Clock, CredentialsInfo, CredentialsIssuer, Grant, IssueError, KeyPairs, Resolver},
};
use tokio::{sync::Mutex, task};

mod error;
mod files;
mod layout;
mod setup;
mod store;

pub use error::OpenError;
use files::Disk;
use layout::Layout;
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
    /// Held while something is pushed, so that an older version never overtakes a newer one on the way.
    resolver: Mutex<Option<Arc<dyn Resolver>>>,
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
        Ok(Self { store: Arc::new(store), resolver: Mutex::default() })
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
        *self.resolver.lock().await = Some(resolver);
        self.reconcile().await
    }

    /// Pushes each account that the brokers have not, or have in an older version. Where theirs is newer, as after
    /// a backup of the store was brought back, its revocations are taken over first: none is ever forgotten. A repeat
    /// does no harm; call it again when a broker comes back, and now and then.
    ///
    /// # Errors
    /// [`IssueError::NotPushed`] when there is no resolver or nobody answers, [`IssueError::Store`].
    pub async fn reconcile(&self) -> Result<(), IssueError> {
        let resolver = self.resolver.lock().await;
        let resolver = attached(resolver.as_ref())?;
        for role in ROLES {
            let ours = self.blocking(move |store| store.account(role)).await?;
            let theirs = resolver.lookup(&ours.claims.subject).await.map_err(not_pushed)?;
            if theirs.as_ref() == Some(&ours.jwt) {
                continue;
            }
            let theirs = theirs.and_then(|jwt| decode::<Account>(jwt.as_str(), self.store.pairs()).ok());
            if let Some(theirs) = theirs.filter(|theirs| self.store.operator().signed(theirs)) {
                if theirs.issued_at >= ours.claims.issued_at {
                    tracing::warn!(
                        account = %ours.claims.name,
                        "the brokers have a version of the account that is no older than ours; its revocations are \
                         taken over, the rest of it is replaced"
                    );
                }
                self.blocking(move |store| {
                    store.change(role, |own| own.with_revocations_of(&theirs, store.clock().now()))
                })
                .await?;
            }
            self.push(resolver.as_ref(), role).await?;
        }
        Ok(())
    }

    /// Pushes the newest version of an account, and again as long as another process has stored a newer one meanwhile
    /// (whose own push ours may have overtaken). The caller holds the resolver's lock.
    async fn push(&self, resolver: &dyn Resolver, role: AccountRole) -> Result<(), IssueError> {
        let mut newest = self.blocking(move |store| store.account(role)).await?;
        loop {
            resolver.push(&newest.jwt).await.map_err(not_pushed)?;
            let now = self.blocking(move |store| store.account(role)).await?;
            if now.jwt == newest.jwt {
                return Ok(());
            }
            newest = now;
        }
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
        let revoked = key.clone();
        self.blocking(move |store| store.change(account, |claims| claims.with_revoked(&revoked, store.clock().now())))
            .await?;
        let resolver = self.resolver.lock().await;
        self.push(attached(resolver.as_ref())?.as_ref(), account).await
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

fn attached(resolver: Option<&Arc<dyn Resolver>>) -> Result<&Arc<dyn Resolver>, IssueError> {
    resolver.ok_or_else(|| IssueError::NotPushed("no broker is attached yet".into()))
}

fn not_pushed(error: relais_domain::ports::ResolverError) -> IssueError {
    IssueError::NotPushed(Cause::from(error))
}

fn unusable(error: OpenError) -> IssueError {
    IssueError::Store(Cause::from(error))
}

#[cfg(test)]
mod tests;
