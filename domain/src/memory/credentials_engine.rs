//! An engine in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;

use crate::{
    credentials::{
        Account, AccountClaims, Change, Operator, PublicKey, User, UserJwt, UserToSign, decode, encode,
        setup::{EntityName, Keys, Names, Setup, UserName},
    },
    ports::{Cause, Clock, EngineError, Held, Keep, KeyPair, KeyPairs, Made, Turn},
    secret::Secret,
};

/// Operators, accounts, users and seeds, in memory.
pub struct CredentialsEngine {
    pairs: Arc<dyn KeyPairs>,
    clock: Arc<dyn Clock>,
    operator: EntityName,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    operators: BTreeMap<EntityName, Own>,
    seeds: BTreeMap<PublicKey, KeyPair>,
}

struct Own {
    held: Arc<Held<Operator>>,
    accounts: BTreeMap<EntityName, Arc<Held<Account>>>,
    users: BTreeMap<(EntityName, UserName), Arc<Held<User>>>,
}

impl CredentialsEngine {
    /// An installation with these names.
    ///
    /// # Panics
    /// When `pairs` does not keep its contract.
    #[must_use]
    pub fn new(names: &Names, pairs: Arc<dyn KeyPairs>, clock: Arc<dyn Clock>) -> Self {
        let engine = Self { pairs, clock, operator: names.operator.clone(), state: Mutex::default() };
        engine.make(&mut engine.state(), names).expect("its own keys");
        engine
    }

    /// The operator's JWT, for brokers that are to believe it.
    #[cfg(test)]
    pub(crate) fn operator_jwt(&self) -> crate::credentials::OperatorJwt {
        self.state().own(&self.operator).expect("it was made with the engine").held.jwt.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }

    fn make(&self, state: &mut State, names: &Names) -> Result<(), EngineError> {
        let keys = Keys::generate(self.pairs.as_ref());
        let setup = Setup::new(names, &keys, self.clock.now());
        let signed = setup.sign(&keys, self.pairs.as_ref()).map_err(failed)?;
        let accounts = signed.accounts.into_iter().map(|(_, name, jwt)| -> Result<_, EngineError> {
            Ok((name.parse()?, Arc::new(Held { claims: self.read(jwt.as_str())?, jwt })))
        });
        let accounts = accounts.collect::<Result<_, _>>()?;
        let claims = decode::<Operator>(signed.operator.as_str(), self.pairs.as_ref()).map_err(failed)?;
        let held = Arc::new(Held { claims, jwt: signed.operator });
        state.operators.insert(names.operator.clone(), Own { held, accounts, users: BTreeMap::new() });
        state.seeds.extend(keys.iter().map(|pair| (pair.public.clone(), pair.clone())));
        Ok(())
    }

    fn read(&self, jwt: &str) -> Result<AccountClaims, EngineError> {
        decode::<Account>(jwt, self.pairs.as_ref()).map_err(failed)
    }

    fn signed(&self, state: &State, claims: &AccountClaims) -> Result<Arc<Held<Account>>, EngineError> {
        let own = state.own(&self.operator)?;
        let signer = own.held.claims.body.signing_keys.iter().find_map(|key| state.seeds.get(key));
        let signer = signer.ok_or_else(|| EngineError::NoKey {
            what: "accounts".to_owned(),
            wanted: own.held.claims.body.signing_keys.iter().map(PublicKey::as_str).collect::<Vec<_>>().join(", "),
        })?;
        let jwt = encode(claims, signer, self.pairs.as_ref()).map_err(failed)?;
        Ok(Arc::new(Held { claims: self.read(jwt.as_str())?, jwt }))
    }
}

impl State {
    fn own(&self, operator: &EntityName) -> Result<&Own, EngineError> {
        self.operators
            .get(operator)
            .ok_or_else(|| EngineError::Unknown { what: "operator", name: operator.to_string() })
    }

    fn own_mut(&mut self, operator: &EntityName) -> &mut Own {
        self.operators.get_mut(operator).expect("it was made with the engine")
    }
}

#[async_trait]
impl crate::ports::CredentialsEngine for CredentialsEngine {
    async fn operator(&self) -> Result<Arc<Held<Operator>>, EngineError> {
        Ok(Arc::clone(&self.state().own(&self.operator)?.held))
    }

    async fn accounts(&self) -> Result<Vec<Arc<Held<Account>>>, EngineError> {
        Ok(self.state().own(&self.operator)?.accounts.values().cloned().collect())
    }

    async fn account(&self, name: &EntityName) -> Result<Arc<Held<Account>>, EngineError> {
        let state = self.state();
        state.own(&self.operator)?.accounts.get(name).cloned().ok_or_else(|| EngineError::no_account(name))
    }

    async fn set_up(&self, names: &Names) -> Result<Made<Arc<Held<Operator>>>, EngineError> {
        let mut state = self.state();
        match state.operators.get(&names.operator) {
            Some(own) if own.accounts.contains_key(&names.application) => {
                return Ok(Made::There(Arc::clone(&own.held)));
            }
            Some(own) => return Err(EngineError::other_accounts(&names.operator, own.accounts.keys())),
            None => self.make(&mut state, names)?,
        }
        Ok(Made::New(Arc::clone(&state.own(&names.operator)?.held)))
    }

    async fn add_account(&self, claims: &AccountClaims) -> Result<Arc<Held<Account>>, EngineError> {
        let name: EntityName = claims.name.parse()?;
        let mut state = self.state();
        if state.own(&self.operator)?.accounts.contains_key(&name) {
            return Err(EngineError::Exists { what: "an account", name: claims.name.clone(), why: String::new() });
        }
        let held = self.signed(&state, claims)?;
        state.own_mut(&self.operator).accounts.insert(name, Arc::clone(&held));
        Ok(held)
    }

    async fn change(&self, account: &EntityName, change: &Change) -> Result<Arc<Held<Account>>, EngineError> {
        let mut state = self.state();
        let held = state.own(&self.operator)?.accounts.get(account).cloned();
        let held = held.ok_or_else(|| EngineError::no_account(account))?;
        let Some(next) = change.apply(&held.claims, self.clock.now()) else { return Ok(held) };
        let next = self.signed(&state, &next)?;
        state.own_mut(&self.operator).accounts.insert(account.clone(), Arc::clone(&next));
        Ok(next)
    }

    async fn sign(&self, user: &UserToSign, keep: Keep) -> Result<UserJwt, EngineError> {
        self.account(user.account()).await?;
        let mut state = self.state();
        let signer = state.seeds.get(user.signer()).cloned();
        let signer = signer.ok_or_else(|| EngineError::no_signer(user))?;
        let jwt = user.sign(&signer, self.pairs.as_ref()).map_err(failed)?;
        if let Keep::Jwt | Keep::Creds(_) = &keep {
            let claims = decode::<User>(jwt.as_str(), self.pairs.as_ref()).map_err(failed)?;
            let held = Arc::new(Held { claims, jwt: jwt.clone() });
            let place = (user.account().clone(), user.name().clone());
            state.own_mut(&self.operator).users.insert(place, held);
        }
        if let Keep::Creds(pair) = keep {
            state.seeds.insert(pair.public.clone(), pair);
        }
        Ok(jwt)
    }

    async fn users(&self, account: &EntityName) -> Result<Vec<Arc<Held<User>>>, EngineError> {
        self.account(account).await?;
        let state = self.state();
        let users = state.own(&self.operator)?.users.iter();
        Ok(users.filter(|((own, _), _)| own == account).map(|(_, held)| Arc::clone(held)).collect())
    }

    async fn remove_user(&self, account: &EntityName, name: &UserName) -> Result<bool, EngineError> {
        self.account(account).await?;
        let mut state = self.state();
        let removed = state.own_mut(&self.operator).users.remove(&(account.clone(), name.clone()));
        if let Some(removed) = &removed {
            state.seeds.remove(&removed.claims.subject);
        }
        Ok(removed.is_some())
    }

    async fn keep_key(&self, pair: &KeyPair) -> Result<(), EngineError> {
        self.state().seeds.insert(pair.public.clone(), pair.clone());
        Ok(())
    }

    async fn retire_key(&self, key: &PublicKey) -> Result<(), EngineError> {
        self.state().seeds.remove(key);
        Ok(())
    }

    async fn at_hand(&self, keys: &[PublicKey]) -> Result<Vec<PublicKey>, EngineError> {
        let state = self.state();
        Ok(keys.iter().filter(|key| state.seeds.contains_key(*key)).cloned().collect())
    }

    async fn seed(&self, key: &PublicKey) -> Result<Option<Secret>, EngineError> {
        Ok(self.state().seeds.get(key).map(|pair| pair.seed.clone()))
    }

    async fn push_turn(&self) -> Result<Turn, EngineError> {
        Ok(Turn::alone())
    }
}

fn failed(error: impl Into<Cause>) -> EngineError {
    EngineError::Store(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory, testing};

    #[tokio::test]
    async fn keeps_the_contract() {
        let (pairs, clock) = (Arc::new(memory::KeyPairs::default()), Arc::new(memory::Clock::default()));
        let names = Names { operator: "Memory".parse().unwrap(), application: "App".parse().unwrap() };
        let engine = CredentialsEngine::new(&names, pairs.clone(), clock.clone());
        testing::credentials_engine::suite(&engine, &names, pairs.as_ref(), clock.as_ref()).await;
    }
}
