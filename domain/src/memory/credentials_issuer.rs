//! An issuer in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::{
    credentials::{
        AccountClaims, Change, Grantee, PublicKey, Trust, UserJwt, encode,
        permissions::Permissions,
        permissions_in,
        setup::{Keys, Names, Setup},
        user_to_sign,
    },
    ports::{AccountRole, Cause, Clock, CredentialsInfo, Grant, IssueError, KeyPair, KeyPairs, Resolver},
};

/// An engine that keeps operator, accounts and revocations in memory.
///
/// Without [`CredentialsIssuer::attach`] its one broker is itself, which has heard of every change at once.
pub struct CredentialsIssuer {
    setup: Mutex<Setup>,
    keys: Keys,
    pairs: Arc<dyn KeyPairs>,
    clock: Arc<dyn Clock>,
    resolver: Mutex<Option<Arc<dyn Resolver>>>,
}

impl CredentialsIssuer {
    /// A new installation: operator `Memory`, account `App`.
    #[must_use]
    pub fn new(pairs: Arc<dyn KeyPairs>, clock: Arc<dyn Clock>) -> Self {
        let names = Names {
            operator: "Memory".parse().expect("a plain name"),
            application: "App".parse().expect("a plain name"),
        };
        let keys = Keys::generate(pairs.as_ref());
        let setup = Mutex::new(Setup::new(&names, &keys, clock.now()));
        Self { setup, keys, pairs, clock, resolver: Mutex::default() }
    }

    /// From here on changes are pushed to `resolver`.
    pub fn attach(&self, resolver: Arc<dyn Resolver>) {
        *self.resolver.lock().expect("nothing panics while it is held") = Some(resolver);
    }

    /// What a broker would have to be told to believe this installation.
    ///
    /// # Panics
    /// When the key pairs it was made with do not keep their contract.
    #[must_use]
    pub fn trust(&self) -> Trust {
        let signed = self.setup().sign(&self.keys, self.pairs.as_ref()).expect("its own keys");
        let setup = self.setup();
        Trust {
            operator: signed.operator,
            system_account: self.keys.system.identity.public.clone(),
            accounts: setup
                .accounts
                .iter()
                .zip(signed.accounts)
                .map(|((_, claims), (.., jwt))| (claims.subject.clone(), jwt))
                .collect(),
        }
    }

    /// The claims of an account as they are now: who has been revoked, above all.
    ///
    /// # Panics
    /// Never: all three accounts are there.
    #[must_use]
    pub fn account(&self, role: AccountRole) -> AccountClaims {
        let setup = self.setup();
        let found = setup.accounts.iter().find(|(own, _)| *own == role);
        found.expect("all three accounts are there").1.clone()
    }

    fn setup(&self) -> std::sync::MutexGuard<'_, Setup> {
        self.setup.lock().expect("nothing panics while it is held")
    }

    fn pair(&self, key: &PublicKey) -> Option<&KeyPair> {
        self.keys.iter().find(|pair| pair.public == *key)
    }
}

#[async_trait]
impl crate::ports::CredentialsIssuer for CredentialsIssuer {
    async fn issue(&self, grant: Grant) -> Result<UserJwt, IssueError> {
        let account = self.account(grant.grantee.account());
        let user = user_to_sign(&grant, &account, |key| self.pair(key).is_some(), self.clock.now())?;
        user.sign(self.pair(user.signer()).expect("the keys of its own accounts"), self.pairs.as_ref())
    }

    async fn issue_kept(&self, grant: Grant) -> Result<UserJwt, IssueError> {
        // Nobody looks.
        self.issue(grant).await
    }

    async fn permissions(&self, grantee: &Grantee) -> Result<Permissions, IssueError> {
        Ok(permissions_in(&self.account(grantee.account()), grantee))
    }

    async fn revoke(&self, account: AccountRole, key: &PublicKey) -> Result<(), IssueError> {
        if key.kind() != crate::credentials::KeyKind::User {
            return Err(IssueError::WrongKey(key.clone()));
        }
        let changed = {
            let mut setup = self.setup();
            let claims = setup.accounts.iter_mut().find(|(role, _)| *role == account);
            let (_, claims) = claims.expect("all three accounts are there");
            if let Some(next) = Change::ban(key.clone()).apply(claims, self.clock.now()) {
                *claims = next;
            }
            claims.clone()
        };
        let resolver = self.resolver.lock().expect("nothing panics while it is held").clone();
        let Some(resolver) = resolver else { return Ok(()) };
        let jwt = encode(&changed, &self.keys.operator_signing, self.pairs.as_ref())
            .map_err(|e| IssueError::Store(Cause::from(e)))?;
        match resolver.push(&jwt).await {
            Ok(heard) if heard.missing() == 0 => Ok(()),
            Ok(heard) => Err(IssueError::NotPushed(format!("{} brokers did not answer", heard.missing()).into())),
            Err(error) => Err(IssueError::NotPushed(Cause::from(error))),
        }
    }

    async fn prune(&self, keys: &[PublicKey]) -> Result<(), IssueError> {
        let mut setup = self.setup();
        let claims = setup.accounts.iter_mut().find(|(role, _)| *role == AccountRole::Application);
        let (_, claims) = claims.expect("all three accounts are there");
        if let Some(next) = (Change::Prune { keys: keys.to_vec() }).apply(claims, self.clock.now()) {
            *claims = next;
        }
        Ok(())
    }

    async fn info(&self) -> Result<CredentialsInfo, IssueError> {
        let setup = self.setup();
        Ok(CredentialsInfo {
            operator: (setup.operator.name.clone(), setup.operator.subject.clone()),
            accounts: setup
                .accounts
                .iter()
                .map(|(role, claims)| (*role, claims.name.clone(), claims.subject.clone()))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{credentials::KeyKind, memory, ports::CredentialsIssuer as _, testing::credentials_issuer::suite};

    #[tokio::test]
    async fn keeps_the_contract_with_and_without_a_broker() {
        let keys = Arc::new(memory::KeyPairs::default());
        let clock = Arc::new(memory::Clock::default());
        let issuer = Arc::new(CredentialsIssuer::new(keys.clone(), clock.clone()));
        suite(issuer, keys.as_ref()).await;

        let issuer = Arc::new(CredentialsIssuer::new(keys.clone(), clock));
        issuer.attach(Arc::new(memory::Resolver::new(&issuer.trust().operator, keys.clone())));
        suite(issuer, keys.as_ref()).await;
    }

    #[tokio::test]
    async fn a_broker_that_is_away_is_told() {
        let keys = Arc::new(memory::KeyPairs::default());
        let issuer = CredentialsIssuer::new(keys.clone(), Arc::new(memory::Clock::default()));
        let resolver = memory::Resolver::new(&issuer.trust().operator, keys.clone());
        resolver.set_away(true);
        issuer.attach(Arc::new(resolver));
        let key = keys.generate(KeyKind::User).public;
        let told = issuer.revoke(AccountRole::Application, &key).await;
        assert!(matches!(told, Err(IssueError::NotPushed(_))));
        assert!(issuer.account(AccountRole::Application).has_revoked(&key, i64::from(i32::MAX)));
    }
}
