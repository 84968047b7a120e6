//! One-time codes in memory.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    auth::Email,
    ports::{CodeHash, PendingCode, StoreError},
};

/// One-time codes in memory, gone with the value.
#[derive(Default)]
pub struct Codes(Mutex<Vec<PendingCode>>);

#[async_trait]
impl crate::ports::Codes for Codes {
    async fn keep(&self, code: PendingCode) -> Result<(), StoreError> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !codes.contains(&code) {
            codes.push(code);
        }
        Ok(())
    }

    async fn redeem(&self, email: &Email, hash: &CodeHash, now: Timestamp) -> Result<bool, StoreError> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let good = codes.iter().any(|own| own.email == *email && own.hash == *hash && own.ends_at > now);
        if good {
            codes.retain(|own| own.email != *email);
        }
        Ok(good)
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = codes.len();
        codes.retain(|own| own.ends_at > now);
        Ok(before - codes.len())
    }
}
