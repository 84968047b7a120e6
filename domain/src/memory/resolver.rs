//! An account resolver in memory.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

use crate::{
    credentials::{Account, AccountJwt, Operator, OperatorClaims, OperatorJwt, PublicKey, decode},
    ports::{KeyPairs, ResolverError},
};

/// One broker's account resolver: keeps what it is given, and can be made unreachable.
///
/// Like nats-server it keeps accounts of other operators too; a broker looks at who signed one when it is used.
#[derive(Clone)]
pub struct Resolver {
    operator: Arc<OperatorClaims>,
    keys: Arc<dyn KeyPairs>,
    accounts: Arc<Mutex<HashMap<PublicKey, AccountJwt>>>,
    away: Arc<AtomicBool>,
}

impl Resolver {
    /// A resolver of a broker that trusts `operator`, which knows no account yet.
    ///
    /// # Panics
    /// When `operator` is no operator's JWT.
    #[must_use]
    pub fn new(operator: &OperatorJwt, keys: Arc<dyn KeyPairs>) -> Self {
        let operator = decode::<Operator>(operator.as_str(), keys.as_ref()).expect("the JWT of an operator");
        Self { operator: Arc::new(operator), keys, accounts: Arc::default(), away: Arc::default() }
    }

    /// From here on nobody answers, or somebody does again.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn reached(&self) -> Result<(), ResolverError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(ResolverError::Unreachable("the resolver was told to be away".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl crate::ports::Resolver for Resolver {
    async fn push(&self, jwt: &AccountJwt) -> Result<(), ResolverError> {
        self.reached()?;
        let claims = decode::<Account>(jwt.as_str(), self.keys.as_ref())
            .map_err(|error| ResolverError::Refused(error.to_string()))?;
        if self.operator.body.strict_signing_key_usage && claims.issuer.as_ref() == Some(&self.operator.subject) {
            return Err(ResolverError::Refused("operator requires issuer to be a signing key".to_owned()));
        }
        self.accounts.lock().expect("nothing panics while it is held").insert(claims.subject, jwt.clone());
        Ok(())
    }

    async fn lookup(&self, account: &PublicKey) -> Result<Option<AccountJwt>, ResolverError> {
        self.reached()?;
        Ok(self.accounts.lock().expect("nothing panics while it is held").get(account).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory, ports::Resolver as _, testing::resolver};

    #[tokio::test]
    async fn keeps_the_contract() {
        let keys = Arc::new(memory::KeyPairs::default());
        let case = resolver::Case::new(keys.as_ref());
        resolver::suite(&Resolver::new(&case.trust.operator, keys), &case).await;
    }

    #[tokio::test]
    async fn one_that_is_away_is_unreachable() {
        let keys = Arc::new(memory::KeyPairs::default());
        let case = resolver::Case::new(keys.as_ref());
        let away = Resolver::new(&case.trust.operator, keys);
        away.set_away(true);
        assert!(matches!(away.push(&case.older).await, Err(ResolverError::Unreachable(_))));
        assert!(matches!(away.lookup(&case.account).await, Err(ResolverError::Unreachable(_))));
        away.set_away(false);
        assert_eq!(away.lookup(&case.account).await.unwrap(), None);
    }
}
