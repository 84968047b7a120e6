//! What is in the store: an operator, its accounts, their users and the seeds that sign, read and checked.
//!
//! Another process may write at any time (`relais service add` beside `relais up`, or nsc itself), so before something is
//! used its file is looked at, and read again when it is another one than before.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use relais_domain::{
    credentials::{
        Account, AccountClaims, Body, Operator, OperatorClaims, PublicKey, User, decode,
        setup::{EntityName, Names, OPERATIONS, UserName},
    },
    ports::{Clock, EngineError, Held, KeyPair, KeyPairs},
};

use super::{
    OpenError,
    files::{Disk, Lock, Stamp, list, read_stamped, stamp},
    layout::Layout,
    setup,
    vault::Vault,
};

/// How old a look at the operator may be for an account to be believed.
const LATELY: Duration = Duration::from_secs(1);

/// An open store.
pub struct Store {
    pub(super) layout: Layout,
    pub(super) disk: Arc<Disk>,
    pub(super) vault: Vault,
    pub(super) pairs: Arc<dyn KeyPairs>,
    pub(super) clock: Arc<dyn Clock>,
    /// The name of the operator.
    pub(super) operator: EntityName,
    /// It, and when it was looked at.
    lately: Mutex<Option<(Duration, Arc<Held<Operator>>)>>,
    operators: Read<Operator>,
    accounts: Read<Account>,
    users: Read<User>,
}

/// JWTs as they were read, each until its file is another one.
struct Read<B: Body>(Mutex<HashMap<PathBuf, Version<B>>>);

/// What tells a file's version, and what was read in it.
type Version<B> = (Stamp, Arc<Held<B>>);

impl<B: Body> Default for Read<B> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl Store {
    /// Opens the store, after bringing a set-up that was cut off to an end, or making one with `create` where there is none.
    pub(super) fn open(
        store: Self,
        names: &Names,
        create: impl FnOnce(&Self) -> Result<(), OpenError>,
    ) -> Result<Self, OpenError> {
        store.disk.make_folder(store.layout.root())?;
        let lock = store.lock()?;
        setup::recover(&store.disk, &store.layout)?;
        if !store.layout.operator(names.operator.as_str()).exists() {
            refuse_others(&store.layout, names.operator.as_str())?;
            create(&store)?;
        }
        store.vault.refuse_exposed()?;
        let sealed = store.vault.settle()?;
        drop(lock);
        if sealed > 0 {
            tracing::info!(files = sealed, "the keys of the store are sealed now");
        }
        store.check(names)?;
        Ok(store)
    }

    /// A store that nothing has been read of.
    pub(super) fn new(
        layout: Layout,
        disk: Arc<Disk>,
        vault: Vault,
        operator: EntityName,
        pairs: Arc<dyn KeyPairs>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (operators, accounts, users) = (Read::default(), Read::default(), Read::default());
        Self { layout, disk, vault, pairs, clock, operator, lately: Mutex::default(), operators, accounts, users }
    }

    /// Everything that an installation cannot do without is there, and signs.
    pub(super) fn check(&self, names: &Names) -> Result<(), OpenError> {
        let operator = self.operator()?;
        let accounts = self.accounts()?;
        let system = operator.claims.body.system_account.as_ref();
        let role = |what: &'static str, is: &dyn Fn(&AccountClaims) -> bool| {
            let found = accounts.iter().find(|held| is(&held.claims));
            found.ok_or_else(|| self.no_account(what, &accounts))
        };
        for held in [
            role("system account", &|claims| system == Some(&claims.subject))?,
            role("account of the name in nsc.account", &|claims| claims.name == names.application.as_str())?,
            role("account OPS", &|claims| claims.name == OPERATIONS)?,
        ] {
            self.user_signer(&held.claims)?;
        }
        self.account_signer(&operator.claims).map(drop)
    }

    /// The operator as it is on disk now.
    pub(super) fn operator(&self) -> Result<Arc<Held<Operator>>, OpenError> {
        self.operator_of(&self.operator)
    }

    /// Another operator of the same store.
    pub(super) fn operator_of(&self, operator: &EntityName) -> Result<Arc<Held<Operator>>, OpenError> {
        let path = self.layout.operator(operator.as_str());
        let held = self.operators.read(&path, self.pairs.as_ref(), Operator::wrap)?;
        if held.claims.issuer.as_ref() == Some(&held.claims.subject) {
            Ok(held)
        } else {
            Err(OpenError::Untrusted(path))
        }
    }

    /// The account as it is on disk now; `None` when there is none.
    pub(super) fn account(&self, name: &EntityName) -> Result<Option<Arc<Held<Account>>>, OpenError> {
        let own = self.layout.account(self.operator.as_str(), name.as_str());
        match self.account_at(&own) {
            Err(OpenError::Io { path, source, .. }) if path == own && source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    /// All accounts, by name.
    pub(super) fn accounts(&self) -> Result<Vec<Arc<Held<Account>>>, OpenError> {
        let names = self.account_names(&self.operator)?;
        let paths = names.iter().map(|name| self.layout.account(self.operator.as_str(), name.as_str()));
        paths.map(|path| self.account_at(&path)).collect()
    }

    /// The names of an operator's accounts.
    pub(super) fn account_names(&self, operator: &EntityName) -> Result<Vec<EntityName>, OpenError> {
        let folders = list(&self.layout.accounts(operator.as_str()))?;
        let name = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<EntityName>().ok();
        let there = |name: &EntityName| self.layout.account(operator.as_str(), name.as_str()).exists();
        Ok(folders.iter().filter_map(name).filter(there).collect())
    }

    fn account_at(&self, path: &Path) -> Result<Arc<Held<Account>>, OpenError> {
        let held = self.accounts.read(path, self.pairs.as_ref(), Account::wrap)?;
        // An operator's key comes and goes once in years, and accounts are looked at for every credential.
        if self.operator_lately()?.claims.signed(&held.claims) || self.operator()?.claims.signed(&held.claims) {
            Ok(held)
        } else {
            Err(OpenError::Untrusted(path.to_owned()))
        }
    }

    /// The operator as it was within the last second.
    fn operator_lately(&self) -> Result<Arc<Held<Operator>>, OpenError> {
        let now = self.clock.elapsed();
        if let Some((read, held)) = &*guard(&self.lately)
            && now.saturating_sub(*read) < LATELY
        {
            return Ok(Arc::clone(held));
        }
        let held = self.operator()?;
        *guard(&self.lately) = Some((now, Arc::clone(&held)));
        Ok(held)
    }

    /// The users of an account that are kept, by name.
    pub(super) fn users(&self, account: &EntityName) -> Result<Vec<Arc<Held<User>>>, OpenError> {
        let files = list(&self.layout.users(self.operator.as_str(), account.as_str()))?;
        let name = |file: &&PathBuf| {
            let stem = file.file_stem().and_then(|stem| stem.to_str());
            file.extension().is_some_and(|kind| kind == "jwt")
                && stem.is_some_and(|stem| stem.parse::<UserName>().is_ok())
        };
        files.iter().filter(name).map(|file| self.users.read(file, self.pairs.as_ref(), User::wrap)).collect()
    }

    /// One of them.
    pub(super) fn user(&self, account: &EntityName, name: &UserName) -> Result<Option<Arc<Held<User>>>, OpenError> {
        let path = self.layout.user(self.operator.as_str(), account.as_str(), name.as_str());
        if !path.exists() {
            return Ok(None);
        }
        self.users.read(&path, self.pairs.as_ref(), User::wrap).map(Some)
    }

    /// Waits until nobody else writes.
    pub(super) fn lock(&self) -> Result<Lock, OpenError> {
        Lock::take(self.layout.root())
    }

    /// Waits until nobody else who shares the store pushes to the brokers.
    pub(super) fn lock_pushes(&self) -> Result<Lock, OpenError> {
        Lock::take_at(self.layout.root().join(".push.lock"))
    }

    /// What signs accounts: a signing key of the operator, or its identity key if it is not strict.
    pub(super) fn account_signer(&self, operator: &OperatorClaims) -> Result<KeyPair, OpenError> {
        let identity = Some(&operator.subject).filter(|_| !operator.body.strict_signing_key_usage);
        let keys = operator.body.signing_keys.iter().chain(identity);
        self.first_pair(&format!("accounts of the operator {}", operator.name), keys)
    }

    fn user_signer(&self, account: &AccountClaims) -> Result<KeyPair, OpenError> {
        self.first_pair(&format!("users of the account {}", account.name), account.body.signing_keys.plain())
    }

    fn first_pair<'a>(&self, what: &str, keys: impl Iterator<Item = &'a PublicKey>) -> Result<KeyPair, OpenError> {
        let mut wanted = Vec::new();
        for key in keys {
            if let Some(pair) = self.vault.pair(key)? {
                return Ok(pair);
            }
            wanted.push(key.as_str());
        }
        Err(OpenError::NoSeed { what: what.to_owned(), wanted: wanted.join(", ") })
    }

    fn no_account(&self, what: &str, found: &[Arc<Held<Account>>]) -> OpenError {
        let found: Vec<_> = found.iter().map(|held| held.claims.name.as_str()).collect();
        let path = self.layout.accounts(self.operator.as_str());
        OpenError::NoAccount { path, what: what.to_owned(), found: found.join(", ") }
    }
}

impl<B: Body> Read<B> {
    fn read(
        &self,
        path: &Path,
        pairs: &dyn KeyPairs,
        wrap: impl Fn(String) -> B::Jwt,
    ) -> Result<Arc<Held<B>>, OpenError> {
        let known = guard(&self.0).get(path).cloned();
        if let Some((read, held)) = known
            && read == stamp(path)?
        {
            return Ok(held);
        }
        let (text, stamp) = read_stamped(path)?;
        let claims = decode::<B>(&text, pairs);
        let claims = claims.map_err(|source| OpenError::Damaged { path: path.to_owned(), source })?;
        let held = Arc::new(Held { claims, jwt: wrap(text) });
        guard(&self.0).insert(path.to_owned(), (stamp, Arc::clone(&held)));
        Ok(held)
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

/// What the domain is told of what has happened here.
pub(super) fn told(error: OpenError) -> EngineError {
    match error {
        OpenError::NoSeed { what, wanted } => EngineError::NoKey { what, wanted },
        OpenError::Name(error) => EngineError::Name(error),
        error @ OpenError::Locked(_) => EngineError::Busy(error.into()),
        OpenError::Tool(error) => error.told(),
        error => EngineError::Store(error.into()),
    }
}
