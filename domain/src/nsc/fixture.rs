//! An installation in memory, for tests.

use std::sync::Arc;

use super::Nsc;
use crate::{
    credentials::{AccountClaims, setup::Names},
    memory,
    ports::CredentialsEngine as _,
};

pub(super) struct Fixture {
    pub(super) nsc: Nsc,
    pub(super) engine: Arc<memory::CredentialsEngine>,
    pub(super) names: Names,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let (pairs, clock) = (Arc::new(memory::KeyPairs::default()), memory::Clock::default());
        let names = Names { operator: "Memory".parse().unwrap(), application: "App".parse().unwrap() };
        let engine = Arc::new(memory::CredentialsEngine::new(&names, pairs.clone(), Arc::new(clock.clone())));
        let nsc = Nsc::new(engine.clone(), pairs.clone(), Arc::new(clock.clone()), names.application.clone());
        Self { nsc, engine, names }
    }

    /// The application's account, as it is stored.
    pub(super) async fn application(&self) -> AccountClaims {
        self.engine.account(&self.names.application).await.unwrap().claims.clone()
    }
}
