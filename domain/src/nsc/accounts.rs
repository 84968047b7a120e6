//! Accounts: made, looked at, revoked as a whole, their signing keys rotated.

use std::{collections::BTreeMap, sync::Arc};

use super::{Nsc, NscError};
use crate::{
    credentials::{
        Account, AccountClaims, AccountJwt, Change, KeyKind, Operator, PublicKey, UserScope,
        setup::{AccountKeys, EntityName, Names, base},
    },
    ports::{EngineError, Held, Made},
};

/// What is known of an installation, without its users.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The operator.
    pub operator: Arc<Held<Operator>>,
    /// Its accounts, by name.
    pub accounts: Vec<AccountOverview>,
}

/// What is known of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountOverview {
    /// Its claims and JWT.
    pub held: Arc<Held<Account>>,
    /// Which of its signing keys have their seeds at hand: those that sign from now on.
    pub signing: Vec<PublicKey>,
    /// How many users are kept in the store.
    pub users: usize,
}

/// What a rotation has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Keys that sign from now on, each with its role if it has one.
    pub added: Vec<(PublicKey, Option<String>)>,
    /// Keys that sign no more, and that are still believed.
    pub retired: Vec<PublicKey>,
    /// Keys that are not believed any more.
    pub removed: Vec<PublicKey>,
    /// Users kept in the store that one of `removed` had signed: they need new creds.
    pub cut_off: Vec<String>,
}

impl Nsc {
    /// What there is: operator and accounts.
    ///
    /// # Errors
    /// [`NscError::Engine`].
    pub async fn overview(&self) -> Result<Overview, NscError> {
        let operator = self.engine.operator().await?;
        let mut accounts = Vec::new();
        for held in self.engine.accounts().await? {
            accounts.push(self.account_overview(held).await?);
        }
        Ok(Overview { operator, accounts })
    }

    /// One account.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] when there is none of this name, and other [`NscError::Engine`].
    pub async fn account_named(&self, name: &EntityName) -> Result<AccountOverview, NscError> {
        self.account_overview(self.engine.account(name).await?).await
    }

    /// The newest JWT of an account, by its key: what a URL resolver answers.
    ///
    /// # Errors
    /// [`NscError::Engine`].
    pub async fn account_jwt(&self, key: &PublicKey) -> Result<Option<AccountJwt>, NscError> {
        let accounts = self.engine.accounts().await?;
        Ok(accounts.iter().find(|held| held.claims.subject == *key).map(|held| held.jwt.clone()))
    }

    async fn account_overview(&self, held: Arc<Held<Account>>) -> Result<AccountOverview, NscError> {
        let name: EntityName = held.claims.name.parse().map_err(EngineError::Name)?;
        let keys: Vec<_> = held.claims.body.signing_keys.0.keys().cloned().collect();
        let signing = self.engine.at_hand(&keys).await?;
        let users = self.engine.users(&name).await?.len();
        Ok(AccountOverview { held, signing, users })
    }

    /// An operator with accounts of these names. The engine's own is returned, if it has them; another one is made beside it,
    /// for brokers elsewhere.
    ///
    /// # Errors
    /// [`EngineError::Exists`] when there is an operator of this name without that account, and other [`NscError::Engine`].
    pub async fn set_up(&self, operator: &str, account: &str) -> Result<Made<Arc<Held<Operator>>>, NscError> {
        let names = Names {
            operator: operator.parse().map_err(|error| NscError::invalid("operator", error))?,
            application: application_name(account)?,
        };
        Ok(self.engine.set_up(&names).await?)
    }

    /// An account of this name in which users may do what their own lists say, without JetStream, and pushes it. A repeat
    /// returns the one that is there.
    ///
    /// # Errors
    /// [`NscError::Invalid`] for a name that is none, [`NscError::Engine`], [`NscError::Issue`] (not pushed) when it is stored and not
    /// every broker has it.
    pub async fn add_account(&self, name: &str) -> Result<Made<AccountOverview>, NscError> {
        let name: EntityName = name.parse().map_err(|error| NscError::invalid("name", error))?;
        match self.engine.account(&name).await {
            Ok(held) => return Ok(Made::There(self.account_overview(held).await?)),
            Err(EngineError::Unknown { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let pair = || self.pairs.generate(KeyKind::Account);
        let keys = AccountKeys { identity: pair(), signing: pair() };
        for pair in [&keys.identity, &keys.signing] {
            self.engine.keep_key(pair).await?;
        }
        let claims = AccountClaims::new(name.as_str(), keys.identity.public.clone(), base(&keys), self.clock.now());
        let held = match self.engine.add_account(&claims).await {
            Err(error) => {
                // Nobody has heard of these keys.
                for pair in [&keys.identity, &keys.signing] {
                    self.engine.retire_key(&pair.public).await?;
                }
                if matches!(error, EngineError::Exists { .. }) {
                    // Somebody else was quicker.
                    let held = self.engine.account(&name).await?;
                    return Ok(Made::There(self.account_overview(held).await?));
                }
                return Err(error.into());
            }
            Ok(held) => held,
        };
        self.push_now(&name, held.claims.issued_at).await?;
        Ok(Made::New(self.account_overview(held).await?))
    }

    /// Refuses every user JWT of an account that was made until now: devices, services, users. Who may log in gets a new one,
    /// services and users need new creds.
    ///
    /// # Errors
    /// [`EngineError::Unknown`], [`NscError::Own`] for the system account, [`NscError::Issue`] (not pushed).
    pub async fn revoke_all(&self, name: &EntityName) -> Result<AccountOverview, NscError> {
        let operator = self.engine.operator().await?;
        let held = self.engine.account(name).await?;
        if operator.claims.body.system_account.as_ref() == Some(&held.claims.subject) {
            let why = "with all its users revoked nobody could tell the brokers of anything any more";
            return Err(NscError::Own(name.to_string(), why));
        }
        let held = self.change(name, &Change::RevokeAll { until: self.clock.now().as_second() }).await?;
        self.account_overview(held).await
    }

    /// New signing keys for an account, one without a scope and one for each role. What the old ones have signed goes on to be
    /// believed, and they sign no more: their seeds are forgotten. With `at_once` the old ones are not believed any more either,
    /// and everybody whom they signed is cut off, as when a seed has leaked.
    ///
    /// # Errors
    /// [`EngineError::Unknown`], [`EngineError::NoKey`], [`NscError::Issue`] (not pushed) when it is stored and not every broker has it.
    /// A repeat after an error begins anew; nothing that was signed is lost by it.
    pub async fn rotate(&self, name: &EntityName, at_once: bool) -> Result<Rotation, NscError> {
        let before = self.engine.account(name).await?;
        let scopes: BTreeMap<_, _> = before.claims.body.signing_keys.0.clone();
        let mut roles: Vec<Option<String>> =
            scopes.values().map(|scope| scope.as_ref().map(|scope: &UserScope| scope.role.clone())).collect();
        roles.sort();
        roles.dedup();
        let mut added = Vec::new();
        let mut newest = before.claims.issued_at;
        for role in roles {
            let pair = self.pairs.generate(KeyKind::Account);
            self.engine.keep_key(&pair).await?;
            let change = Change::AddKey { key: pair.public.clone(), role: role.clone() };
            newest = self.engine.change(name, &change).await?.claims.issued_at;
            added.push((pair.public, role));
        }
        // Brokers believe the new ones before anything is signed by them alone.
        self.push_now(name, newest).await?;
        let old: Vec<_> = scopes.into_keys().collect();
        let retired = self.engine.at_hand(&old).await?;
        for key in &retired {
            self.engine.retire_key(key).await?;
        }
        let mut rotation = Rotation { added, retired, removed: Vec::new(), cut_off: Vec::new() };
        if at_once {
            self.remove_keys(name, old, &mut rotation).await?;
        }
        Ok(rotation)
    }

    /// Ends an overlap: signing keys of an account whose seeds are not at hand are not believed any more. Whom they signed is
    /// cut off until it has new creds.
    ///
    /// # Errors
    /// As [`Nsc::rotate`]; [`NscError::Own`] when no key would be left that signs.
    pub async fn end_rotation(&self, name: &EntityName) -> Result<Rotation, NscError> {
        let held = self.engine.account(name).await?;
        let keys: Vec<_> = held.claims.body.signing_keys.0.keys().cloned().collect();
        let at_hand = self.engine.at_hand(&keys).await?;
        if at_hand.is_empty() {
            let why = "none of its signing keys has its seed in the store, so nothing would be left that signs";
            return Err(NscError::Own(name.to_string(), why));
        }
        let old = keys.into_iter().filter(|key| !at_hand.contains(key)).collect();
        let mut rotation =
            Rotation { added: Vec::new(), retired: Vec::new(), removed: Vec::new(), cut_off: Vec::new() };
        self.remove_keys(name, old, &mut rotation).await?;
        Ok(rotation)
    }

    async fn remove_keys(&self, name: &EntityName, old: Vec<PublicKey>, told: &mut Rotation) -> Result<(), NscError> {
        let users = self.engine.users(name).await?;
        let by_old = |issuer: &Option<PublicKey>| issuer.as_ref().is_some_and(|issuer| old.contains(issuer));
        let cut_off = users.iter().filter(|held| by_old(&held.claims.issuer)).map(|held| held.claims.name.clone());
        told.cut_off = cut_off.collect();
        let mut newest = None;
        for key in &old {
            let change = Change::RemoveKey { key: key.clone() };
            newest = Some(self.engine.change(name, &change).await?.claims.issued_at);
        }
        told.removed = old;
        match newest {
            Some(version) => self.push_now(name, version).await,
            None => Ok(()),
        }
    }

    /// Returns when every broker has a version of an account, or a later one.
    pub(super) async fn push_now(&self, name: &EntityName, version: i64) -> Result<(), NscError> {
        let ended = self.ended.load(std::sync::atomic::Ordering::SeqCst);
        Ok(self.push_version(name, version, ended).await?)
    }
}

/// The name of an application's account, which the other two of an installation cannot have.
fn application_name(name: &str) -> Result<EntityName, NscError> {
    let parsed: EntityName = name.parse().map_err(|error| NscError::invalid("account", error))?;
    let reserved = [crate::credentials::setup::SYSTEM, crate::credentials::setup::OPERATIONS];
    if reserved.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(NscError::invalid("account", format!("{name} has another purpose; choose another name")));
    }
    Ok(parsed)
}
