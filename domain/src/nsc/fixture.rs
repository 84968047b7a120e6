//! An installation in memory, for tests.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use super::Nsc;
use crate::{
    credentials::{AccountClaims, setup::Names},
    memory,
    ports::{Clock, CredentialsEngine as _},
};

pub(super) struct Fixture {
    pub(super) nsc: Nsc,
    pub(super) engine: Arc<memory::CredentialsEngine>,
    pub(super) brokers: memory::Resolver,
    pub(super) pairs: Arc<memory::KeyPairs>,
    pub(super) clock: memory::Clock,
    pub(super) names: Names,
}

/// A clock on which who sleeps makes the time pass.
struct Hasty(memory::Clock);

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.0.set(at.max(self.0.now()));
    }

    async fn sleep(&self, wait: Duration) {
        self.0.advance(wait);
    }
}

impl Fixture {
    /// Without a broker.
    pub(super) fn new() -> Self {
        let (pairs, clock) = (Arc::new(memory::KeyPairs::default()), memory::Clock::default());
        let hasty = Arc::new(Hasty(clock.clone()));
        let names = Names { operator: "Memory".parse().unwrap(), application: "App".parse().unwrap() };
        let engine = Arc::new(memory::CredentialsEngine::new(&names, pairs.clone(), hasty.clone()));
        let nsc = Nsc::new(engine.clone(), pairs.clone(), hasty, names.application.clone());
        let brokers = memory::Resolver::new(&engine.operator_jwt(), pairs.clone());
        Self { nsc, engine, brokers, pairs, clock, names }
    }

    /// With one broker.
    pub(super) async fn attached() -> Self {
        let fixture = Self::new();
        fixture.nsc.attach(Arc::new(fixture.brokers.clone())).await.unwrap();
        fixture
    }

    /// The application's account, as it is stored.
    pub(super) async fn application(&self) -> AccountClaims {
        self.engine.account(&self.names.application).await.unwrap().claims.clone()
    }
}
