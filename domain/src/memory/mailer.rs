//! A mailer in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::ports::{self, Mail, MailError};

/// A mailer in memory, which keeps what was sent; clones share it.
#[derive(Clone, Default)]
pub struct Mailer(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    sent: Vec<Mail>,
    failure: Option<MailFailure>,
}

/// How a [`Mailer`] in memory fails, when it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFailure {
    /// With [`MailError::Refused`].
    Refused,
    /// With [`MailError::Unavailable`].
    Unavailable,
}

impl Mailer {
    /// What was sent, oldest first.
    #[must_use]
    pub fn sent(&self) -> Vec<Mail> {
        self.lock().sent.clone()
    }

    /// From now on every mail fails so, or none does.
    pub fn fail(&self, failure: Option<MailFailure>) {
        self.lock().failure = failure;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ports::Mailer for Mailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let mut inner = self.lock();
        match inner.failure {
            Some(MailFailure::Refused) => Err(MailError::Refused("it was told to refuse".into())),
            Some(MailFailure::Unavailable) => Err(MailError::Unavailable("it was told to fail".into())),
            None => {
                inner.sent.push(mail.clone());
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ports::Mailer as _, testing};

    #[tokio::test]
    async fn keep_the_contract() {
        let mailer = Mailer::default();
        testing::mailer::suite(&mailer, async || mailer.sent().iter().map(testing::mailer::Arrived::from).collect())
            .await;
    }

    #[tokio::test]
    async fn what_fails_is_not_sent() {
        let mailer = Mailer::default();
        let mail = testing::mailer::mail("ada@example.org", "Hello", "x");
        mailer.fail(Some(MailFailure::Refused));
        assert!(matches!(mailer.send(&mail).await, Err(MailError::Refused(_))));
        mailer.fail(Some(MailFailure::Unavailable));
        assert!(matches!(mailer.send(&mail).await, Err(MailError::Unavailable(_))));
        mailer.fail(None);
        assert!(mailer.send(&mail).await.is_ok() && mailer.sent().len() == 1);
    }
}
