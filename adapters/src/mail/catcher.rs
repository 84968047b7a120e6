//! A mailer that sends nothing, and shows what it was given.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;
use relais_domain::ports::{self, Clock, Mail, MailError};

/// How many mails are kept.
const MOST: usize = 100;
/// How many bytes of them.
const BYTES: usize = 1024 * 1024;

/// A mailer that sends nothing and keeps the last 100 mails, at most 1 MiB of them, in memory: for a developer, who reads them
/// there. Clones share them.
#[derive(Clone)]
pub struct Catcher {
    clock: Arc<dyn Clock>,
    /// Newest first.
    caught: Arc<Mutex<VecDeque<Caught>>>,
}

/// A mail that was caught.
#[derive(Clone)]
pub struct Caught {
    /// The mail.
    pub mail: Mail,
    /// When.
    pub at: Timestamp,
}

impl Catcher {
    /// One that has caught nothing yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, caught: Arc::default() }
    }

    /// What was caught, newest first.
    #[must_use]
    pub fn caught(&self) -> Vec<Caught> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Caught>> {
        self.caught.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(mail: &Mail) -> usize {
    mail.to.as_str().len() + mail.subject.as_str().len() + mail.body.expose().len()
}

#[async_trait]
impl ports::Mailer for Catcher {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if size(mail) > BYTES {
            return Err(MailError::Refused("it is larger than all mails that are kept".into()));
        }
        let mut caught = self.lock();
        caught.push_front(Caught { mail: mail.clone(), at: self.clock.now() });
        let mut bytes = 0;
        let fit = caught.iter().take(MOST).take_while(|own| {
            bytes += size(&own.mail);
            bytes <= BYTES
        });
        let fit = fit.count();
        caught.truncate(fit);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use relais_domain::{
        memory,
        ports::Mailer as _,
        testing::mailer::{Arrived, mail, suite},
    };

    use super::*;

    fn catcher() -> Catcher {
        Catcher::new(Arc::new(memory::Clock::default()))
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let catcher = catcher();
        suite(&catcher, async || catcher.caught().iter().rev().map(|own| Arrived::from(&own.mail)).collect()).await;
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let catcher = catcher();
        for number in 0..=MOST {
            catcher.send(&mail("ada@example.org", &format!("{number}"), "x")).await.unwrap();
        }
        let subjects =
            |catcher: &Catcher| catcher.caught().iter().map(|own| own.mail.subject.to_string()).collect::<Vec<_>>();
        let kept = subjects(&catcher);
        assert_eq!((kept.len(), kept[0].as_str(), kept[99].as_str()), (100, "100", "1"), "the newest are kept");
        let large = "x".repeat(400 * 1024);
        for number in 0..4 {
            catcher.send(&mail("ada@example.org", &format!("{number}"), &large)).await.unwrap();
        }
        assert_eq!(subjects(&catcher), ["3", "2"]);
        let refused = catcher.send(&mail("ada@example.org", "x", &"x".repeat(BYTES))).await;
        assert!(matches!(refused, Err(MailError::Refused(_))));
        assert_eq!(subjects(&catcher), ["3", "2"], "and costs no other its place");
    }
}
