//! A token in memory.

use std::sync::Mutex;

use async_trait::async_trait;

use crate::{ports::Cause, secret::Secret};

/// A token in memory; none at first, unless it is made with one.
#[derive(Default)]
pub struct SetupToken {
    token: Mutex<Option<Secret>>,
}

impl SetupToken {
    /// With this token.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self { token: Mutex::new(Some(token.into())) }
    }
}

#[async_trait]
impl crate::ports::SetupToken for SetupToken {
    async fn take(&self, given: &Secret) -> Result<bool, Cause> {
        let mut token = self.token.lock().expect("nothing panics while it is held");
        Ok(token.take_if(|own| own.expose() == given.expose()).is_some())
    }

    async fn is(&self, given: &Secret) -> Result<bool, Cause> {
        let token = self.token.lock().expect("nothing panics while it is held");
        Ok(token.as_ref().is_some_and(|own| own.expose() == given.expose()))
    }

    async fn put_back(&self, taken: &Secret) -> Result<(), Cause> {
        *self.token.lock().expect("nothing panics while it is held") = Some(taken.clone());
        Ok(())
    }
}
