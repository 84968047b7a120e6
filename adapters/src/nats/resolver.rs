//! The account resolver of nats-server, over the system account (`server/accounts.go`: `$SYS.REQ.CLAIMS.UPDATE` and
//! `$SYS.REQ.ACCOUNT.{key}.CLAIMS.LOOKUP`).

use std::time::Duration;

use async_trait::async_trait;
use relais_domain::{
    credentials::{AccountJwt, PublicKey},
    message::Message,
    ports::{self, Bus as _, BusError, ResolverError},
    subject::Subject,
};

use super::Bus;

/// How long a broker may take to confirm an account.
const PATIENCE: Duration = Duration::from_secs(5);

/// The brokers behind a connection in the system account.
#[derive(Clone)]
pub struct Resolver(Bus);

#[derive(serde::Deserialize)]
struct Answer {
    error: Option<Description>,
}

#[derive(serde::Deserialize)]
struct Description {
    description: String,
}

impl Resolver {
    /// Through a connection whose credential is an issuer's.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self(bus)
    }

    /// The connection it uses.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.0
    }

    async fn ask(&self, subject: Subject, payload: Vec<u8>) -> Result<Message, ResolverError> {
        let answer = self.0.request(Message::new(subject, payload), PATIENCE).await;
        answer.map_err(|error: BusError| ResolverError::Unreachable(error.into()))
    }
}

#[async_trait]
impl ports::Resolver for Resolver {
    async fn push(&self, jwt: &AccountJwt) -> Result<(), ResolverError> {
        let subject = "$SYS.REQ.CLAIMS.UPDATE".parse().expect("a fixed subject");
        let answer = self.ask(subject, jwt.as_str().as_bytes().to_vec()).await?;
        let answer: Answer = serde_json::from_slice(&answer.payload)
            .map_err(|_| ResolverError::Refused(String::from_utf8_lossy(&answer.payload).into_owned()))?;
        answer.error.map_or(Ok(()), |error| Err(ResolverError::Refused(error.description)))
    }

    async fn lookup(&self, account: &PublicKey) -> Result<Option<AccountJwt>, ResolverError> {
        let subject = format!("$SYS.REQ.ACCOUNT.{account}.CLAIMS.LOOKUP");
        let answer = self.ask(subject.parse().expect("a key is a token"), Vec::new()).await?;
        let text = String::from_utf8_lossy(&answer.payload).into_owned();
        Ok((!text.is_empty()).then(|| AccountJwt::from_text(text)))
    }
}
