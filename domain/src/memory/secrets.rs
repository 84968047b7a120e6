//! Secrets in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use crate::ports::{self, StoreError};

/// Secrets in memory; clones share them.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<BTreeMap<String, [u8; 32]>>>);

#[async_trait]
impl ports::Secrets for Secrets {
    async fn get_or_keep(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(*kept.entry(name.to_owned()).or_insert(fresh))
    }
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn keep_the_contract() {
        crate::testing::secrets::suite(&super::Secrets::default()).await;
    }
}
