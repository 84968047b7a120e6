//! What is in the store: the operator, its three accounts and the seeds that sign, read and checked.
//!
//! Another process may write at any time (`relais service add` beside `relais up`, or nsc itself), so before an account
//! is used its file is looked at, and read again when it is another one than before.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use relais_domain::{
    credentials::{
        Account, AccountClaims, AccountJwt, KeyKind, Operator, OperatorClaims, OperatorJwt, PublicKey, decode,
        setup::{Names, OPERATIONS},
    },
    ports::{AccountRole, Clock, KeyPair, KeyPairs},
};

use super::{
    OpenError,
    files::{Disk, Lock, Stamp, list, read_secret, read_stamped, refuse_exposed_at, stamp},
    layout::Layout,
    setup,
};

/// The three accounts, by what they are for.
pub(super) const ROLES: [AccountRole; 3] = [AccountRole::System, AccountRole::Application, AccountRole::Operations];

/// An open store.
pub(super) struct Store {
    layout: Layout,
    disk: Disk,
    pairs: Arc<dyn KeyPairs>,
    clock: Arc<dyn Clock>,
    operator: OperatorClaims,
    operator_jwt: OperatorJwt,
    paths: HashMap<AccountRole, PathBuf>,
    accounts: Mutex<HashMap<AccountRole, Arc<Held>>>,
    pairs_read: Mutex<HashMap<PublicKey, KeyPair>>,
}

/// An account as it was read.
pub(super) struct Held {
    pub(super) claims: AccountClaims,
    pub(super) jwt: AccountJwt,
    stamp: Stamp,
}

impl Store {
    /// Opens the store, after bringing a set-up that was cut off to an end, or making one where there is none.
    pub(super) fn open(
        disk: Disk,
        layout: Layout,
        names: &Names,
        pairs: Arc<dyn KeyPairs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        disk.make_folder(layout.root())?;
        let lock = Lock::take(layout.root())?;
        setup::recover(&disk, &layout)?;
        let operator = names.operator.as_str();
        if !layout.operator(operator).exists() {
            refuse_others(&layout, operator)?;
            setup::create(&disk, &layout, names, pairs.as_ref(), clock.as_ref())?;
        }
        drop(lock);
        refuse_exposed_seeds(&layout)?;
        Self::read(disk, layout, names, pairs, clock)
    }

    fn read(
        disk: Disk,
        layout: Layout,
        names: &Names,
        pairs: Arc<dyn KeyPairs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let path = layout.operator(names.operator.as_str());
        let (text, _) = read_stamped(&path)?;
        let operator = decode::<Operator>(&text, pairs.as_ref())
            .map_err(|source| OpenError::Damaged { path: path.clone(), source })?;
        if operator.issuer.as_ref() != Some(&operator.subject) {
            return Err(OpenError::Untrusted(path));
        }
        let mut store = Self {
            layout,
            disk,
            pairs,
            clock,
            operator,
            operator_jwt: OperatorJwt::from_text(text),
            paths: HashMap::new(),
            accounts: Mutex::default(),
            pairs_read: Mutex::default(),
        };
        store.find_accounts(names)?;
        for role in ROLES {
            store.user_signer(&store.account(role)?.claims)?;
        }
        store.account_signer()?;
        Ok(store)
    }

    pub(super) fn operator(&self) -> &OperatorClaims {
        &self.operator
    }

    pub(super) fn operator_jwt(&self) -> &OperatorJwt {
        &self.operator_jwt
    }

    pub(super) fn pairs(&self) -> &dyn KeyPairs {
        self.pairs.as_ref()
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The account as it is on disk now.
    pub(super) fn account(&self, role: AccountRole) -> Result<Arc<Held>, OpenError> {
        let Some(path) = self.paths.get(&role) else { return Err(self.no_account(role)) };
        let known = guard(&self.accounts).get(&role).cloned();
        if let Some(known) = known
            && known.stamp == stamp(path)?
        {
            return Ok(known);
        }
        let held = Arc::new(self.read_account(path)?);
        guard(&self.accounts).insert(role, Arc::clone(&held));
        Ok(held)
    }

    /// The account as it was last read, when the disk fails now.
    pub(super) fn last_known(&self, role: AccountRole) -> Option<Arc<Held>> {
        guard(&self.accounts).get(&role).cloned()
    }

    /// Writes the version of an account that `change` makes of the newest one, if it makes one; what is there then.
    pub(super) fn change(
        &self,
        role: AccountRole,
        change: impl FnOnce(&AccountClaims) -> Option<AccountClaims>,
    ) -> Result<Arc<Held>, OpenError> {
        let _lock = Lock::take(self.layout.root())?;
        let held = self.account(role)?;
        let (Some(next), Some(path)) = (change(&held.claims), self.paths.get(&role)) else { return Ok(held) };
        let jwt = setup::signed(&next, &self.account_signer()?, self.pairs())?;
        self.disk.write(path, jwt.as_str().as_bytes())?;
        self.account(role)
    }

    /// Waits until nobody else who shares the store pushes to the brokers.
    pub(super) fn lock_pushes(&self) -> Result<Lock, OpenError> {
        Lock::take_at(self.layout.root().join(".push.lock"))
    }

    /// The pair of a key, if its seed is in the store.
    pub(super) fn pair(&self, key: &PublicKey) -> Result<Option<KeyPair>, OpenError> {
        if let Some(pair) = guard(&self.pairs_read).get(key) {
            return Ok(Some(pair.clone()));
        }
        let path = self.layout.key(key);
        if !path.exists() {
            return Ok(None);
        }
        let seed = read_secret(&path)?;
        let pair = self.pairs.from_seed(&seed).map_err(|source| OpenError::WrongSeed {
            path: path.clone(),
            key: key.clone(),
            source: Some(source),
        })?;
        if pair.public != *key {
            return Err(OpenError::WrongSeed { path, key: key.clone(), source: None });
        }
        guard(&self.pairs_read).insert(key.clone(), pair.clone());
        Ok(Some(pair))
    }

    /// Whether the seed of a key is in the store and good.
    pub(super) fn holds(&self, key: &PublicKey) -> bool {
        matches!(self.pair(key), Ok(Some(_)))
    }

    /// What signs accounts: a signing key of the operator, or its identity key if it is not strict.
    fn account_signer(&self) -> Result<KeyPair, OpenError> {
        let body = &self.operator.body;
        let identity = Some(&self.operator.subject).filter(|_| !body.strict_signing_key_usage);
        self.first_pair("accounts", body.signing_keys.iter().chain(identity))
    }

    /// What signs users of `account` without a scope.
    fn user_signer(&self, account: &AccountClaims) -> Result<KeyPair, OpenError> {
        self.first_pair(&format!("users of the account {}", account.name), account.body.signing_keys.plain())
    }

    fn first_pair<'a>(&self, what: &str, keys: impl Iterator<Item = &'a PublicKey>) -> Result<KeyPair, OpenError> {
        let mut wanted = Vec::new();
        for key in keys {
            if let Some(pair) = self.pair(key)? {
                return Ok(pair);
            }
            wanted.push(key.as_str());
        }
        Err(OpenError::NoSeed { what: what.to_owned(), wanted: wanted.join(", ") })
    }

    /// Which account is which: the system account by the operator's word, the others by their names.
    fn find_accounts(&mut self, names: &Names) -> Result<(), OpenError> {
        for folder in list(&self.layout.accounts(names.operator.as_str()))? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let path = self.layout.account(names.operator.as_str(), &name);
            if name.starts_with('.') || !path.exists() {
                continue;
            }
            let held = self.read_account(&path)?;
            let role = if self.operator.body.system_account.as_ref() == Some(&held.claims.subject) {
                AccountRole::System
            } else if name == names.application.as_str() {
                AccountRole::Application
            } else if name == OPERATIONS {
                AccountRole::Operations
            } else {
                continue;
            };
            self.paths.insert(role, path);
            guard(&self.accounts).insert(role, Arc::new(held));
        }
        ROLES.iter().find(|role| !self.paths.contains_key(role)).map_or(Ok(()), |role| Err(self.no_account(*role)))
    }

    fn read_account(&self, path: &std::path::Path) -> Result<Held, OpenError> {
        let (text, stamp) = read_stamped(path)?;
        let claims = decode::<Account>(&text, self.pairs())
            .map_err(|source| OpenError::Damaged { path: path.to_owned(), source })?;
        debug_assert_eq!(claims.subject.kind(), KeyKind::Account);
        if !self.operator.signed(&claims) {
            return Err(OpenError::Untrusted(path.to_owned()));
        }
        Ok(Held { claims, jwt: AccountJwt::from_text(text), stamp })
    }

    fn no_account(&self, role: AccountRole) -> OpenError {
        let folder = self.layout.accounts(&self.operator.name);
        let names = list(&folder).unwrap_or_default();
        let names: Vec<_> = names.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        let what = match role {
            AccountRole::System => "system account",
            AccountRole::Application => "account of the name in nsc.account",
            AccountRole::Operations => "account OPS",
        };
        OpenError::NoAccount { path: folder, what: what.to_owned(), found: names.join(", ") }
    }
}

/// A panic in another thread leaves maps of whole values, so they can be used on.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A first set-up beside another operator is a slip of the settings: everybody's credentials would stop working.
fn refuse_others(layout: &Layout, operator: &str) -> Result<(), OpenError> {
    for folder in list(&layout.stores())? {
        let found = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if found == operator && !list(&folder)?.is_empty() {
            return Err(OpenError::Occupied(folder));
        }
        if found != operator && layout.info(&found).exists() {
            return Err(OpenError::OtherOperator { path: layout.stores(), found });
        }
    }
    Ok(())
}

/// Every seed and every folder on the way to it is the owner's alone, or nothing is opened.
fn refuse_exposed_seeds(layout: &Layout) -> Result<(), OpenError> {
    [layout.stores(), layout.key_store(), layout.keys()].iter().try_for_each(|path| refuse_exposed_at(path))?;
    for kind in list(&layout.keys())? {
        for shard in list(&kind)? {
            list(&shard)?.iter().try_for_each(|seed| refuse_exposed_at(seed))?;
        }
    }
    Ok(())
}
