//! An account resolver in memory.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

use crate::{
    credentials::{Account, AccountJwt, Operator, OperatorClaims, OperatorJwt, PublicKey, decode},
    ports::{Broker, Heard, KeyPairs, ResolverError, Served},
};

/// The account resolvers of some brokers: each keeps what it is given, and can be made unreachable.
///
/// Like nats-server they keep accounts of other operators too; a broker looks at who signed one when it is used.
#[derive(Clone)]
pub struct Resolver {
    operator: Arc<OperatorClaims>,
    keys: Arc<dyn KeyPairs>,
    brokers: Arc<[Node]>,
}

struct Node {
    broker: Broker,
    accounts: Mutex<HashMap<PublicKey, AccountJwt>>,
    away: AtomicBool,
}

/// What nats-server takes unless its configuration says otherwise.
const LARGEST: usize = 1024 * 1024;

impl Resolver {
    /// The resolver of a broker that trusts `operator`, which knows no account yet.
    ///
    /// # Panics
    /// When `operator` is no operator's JWT.
    #[must_use]
    pub fn new(operator: &OperatorJwt, keys: Arc<dyn KeyPairs>) -> Self {
        Self::with_brokers(1, operator, keys)
    }

    /// As [`Resolver::new`], of so many brokers: `memory-0`, `memory-1`, ….
    ///
    /// # Panics
    /// When `operator` is no operator's JWT.
    #[must_use]
    pub fn with_brokers(count: usize, operator: &OperatorJwt, keys: Arc<dyn KeyPairs>) -> Self {
        let operator = decode::<Operator>(operator.as_str(), keys.as_ref()).expect("the JWT of an operator");
        let broker = |number| Broker { name: format!("memory-{number}"), id: format!("N{number}") };
        let node = |number| Node { broker: broker(number), accounts: Mutex::default(), away: AtomicBool::new(false) };
        Self { operator: Arc::new(operator), keys, brokers: (0..count).map(node).collect() }
    }

    /// From here on nobody answers, or everybody does again.
    pub fn set_away(&self, away: bool) {
        self.brokers.iter().for_each(|node| node.away.store(away, Ordering::SeqCst));
    }

    /// From here on one of the brokers does not answer, or does again. The others know that it is there.
    ///
    /// # Panics
    /// When there is no broker of that number.
    pub fn set_broker_away(&self, number: usize, away: bool) {
        self.brokers[number].away.store(away, Ordering::SeqCst);
    }

    /// Puts an account into one of the brokers, past every check.
    ///
    /// # Panics
    /// When there is no broker of that number, or the JWT is no account's.
    pub fn put(&self, number: usize, jwt: &AccountJwt) {
        let claims = decode::<Account>(jwt.as_str(), self.keys.as_ref()).expect("the JWT of an account");
        self.brokers[number].lock().insert(claims.subject, jwt.clone());
    }

    fn reached(&self) -> Result<Vec<&Node>, ResolverError> {
        let reached: Vec<_> = self.brokers.iter().filter(|node| !node.away.load(Ordering::SeqCst)).collect();
        if reached.is_empty() {
            return Err(ResolverError::Unreachable("the resolver was told to be away".into()));
        }
        Ok(reached)
    }
}

impl Node {
    fn lock(&self) -> MutexGuard<'_, HashMap<PublicKey, AccountJwt>> {
        self.accounts.lock().expect("nothing panics while it is held")
    }
}

#[async_trait]
impl crate::ports::Resolver for Resolver {
    async fn push(&self, jwt: &AccountJwt) -> Result<Heard<Broker>, ResolverError> {
        let reached = self.reached()?;
        let size = jwt.as_str().len();
        if size > LARGEST {
            return Err(ResolverError::TooLarge { size, limit: LARGEST });
        }
        let claims = decode::<Account>(jwt.as_str(), self.keys.as_ref())
            .map_err(|error| ResolverError::Refused(error.to_string()))?;
        if self.operator.body.strict_signing_key_usage && claims.issuer.as_ref() == Some(&self.operator.subject) {
            return Err(ResolverError::Refused("operator requires issuer to be a signing key".to_owned()));
        }
        for node in &reached {
            node.lock().insert(claims.subject.clone(), jwt.clone());
        }
        let answers = reached.iter().map(|node| node.broker.clone()).collect();
        Ok(Heard { brokers: self.brokers.len(), answers })
    }

    async fn lookup(&self, account: &PublicKey) -> Result<Heard<Served>, ResolverError> {
        let served =
            |node: &&Node| Served { broker: Some(node.broker.clone()), jwt: node.lock().get(account).cloned() };
        Ok(Heard { brokers: self.brokers.len(), answers: self.reached()?.iter().map(served).collect() })
    }

    fn largest(&self) -> usize {
        LARGEST
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
        resolver::suite(&Resolver::new(&case.trust.operator, keys.clone()), &case).await;
        resolver::suite(&Resolver::with_brokers(3, &case.trust.operator, keys), &case).await;
    }

    #[tokio::test]
    async fn one_of_several_that_is_away_is_missed() {
        let keys = Arc::new(memory::KeyPairs::default());
        let case = resolver::Case::new(keys.as_ref());
        let resolver = Resolver::with_brokers(3, &case.trust.operator, keys);
        resolver.set_broker_away(1, true);
        let heard = resolver.push(&case.older).await.unwrap();
        assert_eq!((heard.answers.len(), heard.missing()), (2, 1));
        resolver.set_broker_away(1, false);
        let heard = resolver.lookup(&case.account).await.unwrap();
        let has: Vec<_> = heard.answers.iter().map(|served| served.jwt.is_some()).collect();
        assert_eq!(has, [true, false, true], "it was not told");
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
        assert_eq!(away.lookup(&case.account).await.unwrap().answers[0].jwt, None);
    }
}
