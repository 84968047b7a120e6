//! What both engines do alike: who may write when, where things lie, and what is kept.

use std::sync::Arc;

use async_trait::async_trait;
use relais_domain::{
    credentials::{
        Account, AccountClaims, Change, Operator, PublicKey, User, UserJwt, UserToSign,
        creds::Creds,
        setup::{EntityName, Names, UserName},
    },
    nsc::Nsc,
    ports::{Clock, CredentialsEngine, EngineError, Held, Keep, KeyPair, KeyPairs, Made, Turn},
    secret::Secret,
};
use tokio::task;

use super::{
    OpenError, Settings,
    files::{Disk, failed},
    layout::Layout,
    seal::Seal,
    setup,
    signer::Signer,
    store::{Store, told},
    vault::Vault,
};

/// An engine on a store, which signs in one of two ways. Cheap to clone; all clones are one.
pub struct Engine<S> {
    store: Arc<Store>,
    signer: Arc<S>,
    names: Names,
}

impl<S> Clone for Engine<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), signer: Arc::clone(&self.signer), names: self.names.clone() }
    }
}

impl<S: Signer> Engine<S> {
    pub(super) fn open_on(
        disk: Disk,
        signer: S,
        settings: &Settings,
        seal: Option<Arc<Seal>>,
        pairs: Arc<dyn KeyPairs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let names = settings.names()?;
        // nsc runs in a folder of its own.
        let root = std::path::absolute(&settings.directory);
        let root = root.map_err(failed("find", &settings.directory))?;
        let (layout, disk) = (Layout::new(root), Arc::new(disk));
        let vault = Vault::new(layout.clone(), Arc::clone(&disk), Arc::clone(&pairs), seal);
        let store = Store::new(layout, disk, vault, names.operator.clone(), pairs, clock);
        let store = Store::open(store, &names, |store| setup::create(store, &signer, &names))?;
        Ok(Self { store: Arc::new(store), signer: Arc::new(signer), names })
    }

    /// The use cases on this engine.
    #[must_use]
    pub fn into_nsc(self) -> Nsc {
        let (pairs, clock) = (Arc::clone(&self.store.pairs), Arc::clone(&self.store.clock));
        let application = self.names.application.clone();
        Nsc::new(Arc::new(self), pairs, clock, application)
    }

    /// Files are written outside the scheduler's threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store, &S) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (store, signer) = (Arc::clone(&self.store), Arc::clone(&self.signer));
        match task::spawn_blocking(move || work(&store, &signer)).await {
            Ok(result) => result,
            Err(stopped) => Err(EngineError::Store(stopped.into())),
        }
    }
}

/// Signs the next version of an account and puts it in its place. The caller holds the lock.
fn write(
    store: &Store,
    signer: &impl Signer,
    before: Option<&AccountClaims>,
    next: &AccountClaims,
) -> Result<Arc<Held<Account>>, EngineError> {
    let name: EntityName = next.name.parse()?;
    let path = store.layout.account(store.operator.as_str(), name.as_str());
    let put = || {
        let jwt = signer.account(store, before, next)?;
        path.parent().map_or(Ok(()), |folder| store.disk.make_folder(folder))?;
        store.disk.write(&path, jwt.as_str().as_bytes())?;
        store.account(&name)
    };
    put().map_err(told)?.ok_or_else(|| EngineError::no_account(&name))
}

fn sign(store: &Store, signer: &impl Signer, user: &UserToSign) -> Result<UserJwt, EngineError> {
    account(store, user.account())?;
    if !store.vault.holds(user.signer()) {
        return Err(EngineError::no_signer(user));
    }
    signer.user(store, user).map_err(told)
}

fn account(store: &Store, name: &EntityName) -> Result<Arc<Held<Account>>, EngineError> {
    store.account(name).map_err(told)?.ok_or_else(|| EngineError::no_account(name))
}

#[async_trait]
impl<S: Signer> CredentialsEngine for Engine<S> {
    // A look at a file that is read again only when it has changed is not worth a thread.
    async fn operator(&self) -> Result<Arc<Held<Operator>>, EngineError> {
        self.store.operator().map_err(told)
    }

    async fn accounts(&self) -> Result<Vec<Arc<Held<Account>>>, EngineError> {
        self.store.accounts().map_err(told)
    }

    async fn account(&self, name: &EntityName) -> Result<Arc<Held<Account>>, EngineError> {
        account(&self.store, name)
    }

    async fn set_up(&self, names: &Names) -> Result<Made<Arc<Held<Operator>>>, EngineError> {
        let names = names.clone();
        self.blocking(move |store, signer| {
            let _lock = store.lock().map_err(told)?;
            setup::recover(&store.disk, &store.layout).map_err(told)?;
            let there = store.layout.operator(names.operator.as_str()).exists();
            if there {
                let accounts = store.account_names(&names.operator).map_err(told)?;
                if !accounts.contains(&names.application) {
                    return Err(EngineError::other_accounts(&names.operator, accounts.iter()));
                }
            } else {
                setup::create(store, signer, &names).map_err(told)?;
            }
            let held = store.operator_of(&names.operator).map_err(told)?;
            Ok(if there { Made::There(held) } else { Made::New(held) })
        })
        .await
    }

    async fn add_account(&self, claims: &AccountClaims) -> Result<Arc<Held<Account>>, EngineError> {
        let claims = claims.clone();
        self.blocking(move |store, signer| {
            let name: EntityName = claims.name.parse()?;
            let _lock = store.lock().map_err(told)?;
            if store.account(&name).map_err(told)?.is_some() {
                return Err(EngineError::Exists { what: "an account", name: claims.name, why: String::new() });
            }
            write(store, signer, None, &claims)
        })
        .await
    }

    async fn change(&self, name: &EntityName, change: &Change) -> Result<Arc<Held<Account>>, EngineError> {
        let (name, change) = (name.clone(), change.clone());
        self.blocking(move |store, signer| {
            let _lock = store.lock().map_err(told)?;
            let held = account(store, &name)?;
            match change.apply(&held.claims, store.clock.now()) {
                Some(next) => write(store, signer, Some(&held.claims), &next),
                None => Ok(held),
            }
        })
        .await
    }

    async fn sign(&self, user: &UserToSign, keep: Keep) -> Result<UserJwt, EngineError> {
        let pair = match keep {
            // Its account has just been read, and who signs quickly looks for the key itself.
            Keep::Nothing if S::QUICK => return self.signer.user(&self.store, user).map_err(told),
            Keep::Nothing => {
                let user = user.clone();
                return self
                    .blocking(move |store, signer| {
                        let _lock = store.lock().map_err(told)?;
                        sign(store, signer, &user)
                    })
                    .await;
            }
            Keep::Jwt => None,
            Keep::Creds(pair) => Some(pair),
        };
        let user = user.clone();
        self.blocking(move |store, signer| {
            let _lock = store.lock().map_err(told)?;
            let jwt = sign(store, signer, &user)?;
            let (operator, account, name) = (store.operator.as_str(), user.account().as_str(), user.name().as_str());
            let put = || {
                if let Some(pair) = &pair {
                    store.vault.keep(pair)?;
                    let creds = Creds { jwt: jwt.clone(), seed: pair.seed.clone() };
                    store.vault.write(&store.layout.user_creds(operator, account, name), &creds.format())?;
                }
                let path = store.layout.user(operator, account, name);
                path.parent().map_or(Ok(()), |folder| store.disk.make_folder(folder))?;
                store.disk.write(&path, jwt.as_str().as_bytes())
            };
            put().map_err(told)?;
            Ok(jwt)
        })
        .await
    }

    async fn users(&self, name: &EntityName) -> Result<Vec<Arc<Held<User>>>, EngineError> {
        let name = name.clone();
        self.blocking(move |store, _| {
            account(store, &name)?;
            store.users(&name).map_err(told)
        })
        .await
    }

    async fn remove_user(&self, name: &EntityName, user: &UserName) -> Result<bool, EngineError> {
        let (name, user) = (name.clone(), user.clone());
        self.blocking(move |store, _| {
            account(store, &name)?;
            let _lock = store.lock().map_err(told)?;
            let Some(held) = store.user(&name, &user).map_err(told)? else { return Ok(false) };
            let (operator, account, user) = (store.operator.as_str(), name.as_str(), user.as_str());
            // Its JWT goes last: a repeat after a crash finds it, and the rest.
            let remove = || {
                store.disk.remove_file(&store.layout.user_creds(operator, account, user))?;
                store.vault.retire(&held.claims.subject)?;
                store.disk.remove_file(&store.layout.user(operator, account, user))
            };
            remove().map_err(told)?;
            Ok(true)
        })
        .await
    }

    async fn keep_key(&self, pair: &KeyPair) -> Result<(), EngineError> {
        let pair = pair.clone();
        self.blocking(move |store, _| {
            let _lock = store.lock().map_err(told)?;
            store.vault.keep(&pair).map_err(told)
        })
        .await
    }

    async fn retire_key(&self, key: &PublicKey) -> Result<(), EngineError> {
        let key = key.clone();
        self.blocking(move |store, _| {
            let _lock = store.lock().map_err(told)?;
            store.vault.retire(&key).map_err(told)
        })
        .await
    }

    async fn at_hand(&self, keys: &[PublicKey]) -> Result<Vec<PublicKey>, EngineError> {
        Ok(keys.iter().filter(|key| self.store.vault.holds(key)).cloned().collect())
    }

    async fn seed(&self, key: &PublicKey) -> Result<Option<Secret>, EngineError> {
        Ok(self.store.vault.pair(key).map_err(told)?.map(|pair| pair.seed))
    }

    async fn push_turn(&self) -> Result<Turn, EngineError> {
        self.blocking(|store, _| store.lock_pushes().map(Turn::holding).map_err(told)).await
    }
}
