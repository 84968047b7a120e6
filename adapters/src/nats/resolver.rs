//! The account resolvers of nats-servers, over the system account (`server/accounts.go` and `events.go`).
//!
//! Every server answers `$SYS.REQ.CLAIMS.UPDATE` and `$SYS.REQ.ACCOUNT.{key}.CLAIMS.LOOKUP` for itself, and how many there
//! are, each says in its answer to `$SYS.REQ.SERVER.PING.STATSZ`: `active_servers` counts those it has heard of itself, and
//! `routes` names those it is connected to, before it has heard of them. So both are asked at once, and the answers are
//! complete when there are that many; no time has to be guessed while all are there.
//!
//! A look-up bears no name. Where all servers have the same, that does not matter; where they differ, the reports
//! `$SYS.REQ.ACCOUNT.{key}.INFO` say who serves what.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use futures_util::{
    StreamExt as _,
    future::{Either, try_join},
    stream::select,
};
use relais_domain::{
    credentials::{AccountJwt, PublicKey},
    message::Message,
    ports::{self, Broker, Bus as _, BusError, Heard, ResolverError, Served},
    subject::Subject,
};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::Bus;

/// How long the first broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the others may take from then on.
const GRACE: Duration = Duration::from_secs(2);

/// The brokers behind a connection in the system account.
#[derive(Clone)]
pub struct Resolver(Bus);

/// Who is there, and what they answered.
struct All {
    /// How many there are.
    known: usize,
    brokers: Vec<Broker>,
    answers: Vec<Message>,
}

#[derive(Deserialize)]
struct Server {
    name: String,
    id: String,
}

#[derive(Deserialize)]
struct Presence {
    server: Server,
    statsz: Stats,
}

#[derive(Deserialize)]
struct Stats {
    #[serde(default)]
    active_servers: usize,
    #[serde(default)]
    routes: Vec<Route>,
}

/// A connection to another server, of which there may be several.
#[derive(Deserialize)]
struct Route {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Answer {
    server: Server,
    error: Option<Description>,
}

#[derive(Deserialize)]
struct Description {
    description: String,
}

#[derive(Deserialize)]
struct Report {
    server: Server,
    data: Option<InUse>,
}

#[derive(Deserialize)]
struct InUse {
    #[serde(default)]
    jwt: String,
}

impl From<Server> for Broker {
    fn from(server: Server) -> Self {
        Self { name: server.name, id: server.id }
    }
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

    /// Asks every server, and waits until each has answered, or for a while.
    async fn all(&self, subject: &str, payload: &[u8]) -> Result<All, ResolverError> {
        let message = |subject: &str, payload: &[u8]| {
            let subject: Subject = subject.parse().expect("a key is a token, and the rest is fixed");
            self.0.request_many(Message::new(subject, payload.to_vec()))
        };
        let asked = try_join(message("$SYS.REQ.SERVER.PING.STATSZ", b""), message(subject, payload)).await;
        let (present, answers) = asked.map_err(|error: BusError| ResolverError::Unreachable(error.into()))?;
        let mut both = select(present.map(Either::Left), answers.map(Either::Right));
        let mut all = All { known: 0, brokers: Vec::new(), answers: Vec::new() };
        let mut until = Instant::now() + PATIENCE;
        while !all.complete() {
            let Ok(Some(arrived)) = timeout_at(until, both.next()).await else { break };
            if all.brokers.is_empty() && all.answers.is_empty() {
                until = Instant::now() + GRACE;
            }
            match arrived {
                Either::Left(Ok(message)) => all.present(&message),
                Either::Right(Ok(message)) => all.answers.push(message),
                Either::Left(Err(_)) | Either::Right(Err(_)) => {}
            }
        }
        if all.answers.is_empty() {
            return Err(ResolverError::Unreachable("nobody has answered in time".into()));
        }
        all.known = all.known.max(all.answers.len());
        Ok(all)
    }

    /// Who serves what of an account on which brokers have different versions. `left` is what they have looked up.
    async fn tell_apart(&self, account: &PublicKey, mut left: Vec<Option<AccountJwt>>) -> Vec<Served> {
        // Without reports nobody is told apart.
        let reports = self.all(&format!("$SYS.REQ.ACCOUNT.{account}.INFO"), b"").await;
        let reports = reports.map(|all| all.answers).unwrap_or_default();
        let (mut served, mut idle) = (Vec::new(), Vec::new());
        for report in reports.iter().filter_map(|message| serde_json::from_slice::<Report>(&message.payload).ok()) {
            let jwt = report.data.map(|own| own.jwt).filter(|jwt| !jwt.is_empty()).map(AccountJwt::from_text);
            match jwt {
                Some(_) => {
                    if let Some(at) = left.iter().position(|own| *own == jwt) {
                        left.swap_remove(at);
                    }
                    served.push(Served { broker: Some(report.server.into()), jwt });
                }
                // Nobody of the account is connected there, so it has looked up a file at most.
                None => idle.push(Broker::from(report.server)),
            }
        }
        let told_apart = left.len() == idle.len() && left.windows(2).all(|pair| pair[0] == pair[1]);
        let mut names = idle.into_iter().filter(|_| told_apart);
        served.extend(left.into_iter().map(|jwt| Served { broker: names.next(), jwt }));
        served
    }
}

impl All {
    fn complete(&self) -> bool {
        self.known > 0 && self.brokers.len() >= self.known && self.answers.len() >= self.known
    }

    fn present(&mut self, message: &Message) {
        if let Ok(Presence { server, statsz }) = serde_json::from_slice(&message.payload) {
            let others: BTreeSet<_> =
                statsz.routes.iter().map(|route| &route.name).filter(|name| !name.is_empty()).collect();
            self.brokers.push(server.into());
            // One that has come a moment ago has not heard of the others yet, for up to ten seconds.
            self.known = self.known.max(statsz.active_servers).max(others.len() + 1).max(self.brokers.len());
        }
    }
}

#[async_trait]
impl ports::Resolver for Resolver {
    async fn push(&self, jwt: &AccountJwt) -> Result<Heard<Broker>, ResolverError> {
        let (size, limit) = (jwt.as_str().len(), self.largest());
        if size > limit {
            return Err(ResolverError::TooLarge { size, limit });
        }
        let all = self.all("$SYS.REQ.CLAIMS.UPDATE", jwt.as_str().as_bytes()).await?;
        let mut confirmed = Vec::new();
        for answer in &all.answers {
            let read: Answer = serde_json::from_slice(&answer.payload)
                .map_err(|_| ResolverError::Refused(String::from_utf8_lossy(&answer.payload).into_owned()))?;
            if let Some(error) = read.error {
                return Err(ResolverError::Refused(error.description));
            }
            confirmed.push(read.server.into());
        }
        Ok(Heard { brokers: all.known, answers: confirmed })
    }

    async fn lookup(&self, account: &PublicKey) -> Result<Heard<Served>, ResolverError> {
        let all = self.all(&format!("$SYS.REQ.ACCOUNT.{account}.CLAIMS.LOOKUP"), b"").await?;
        let text = |message: &Message| String::from_utf8_lossy(&message.payload).into_owned();
        let found = all.answers.iter().map(text).map(|text| (!text.is_empty()).then(|| AccountJwt::from_text(text)));
        let found: Vec<_> = found.collect();
        let alike = found.len() == all.brokers.len() && found.windows(2).all(|pair| pair[0] == pair[1]);
        let answers = if alike {
            let named = all.brokers.into_iter().zip(found);
            named.map(|(broker, jwt)| Served { broker: Some(broker), jwt }).collect()
        } else {
            self.tell_apart(account, found).await
        };
        Ok(Heard { brokers: all.known, answers })
    }

    fn largest(&self) -> usize {
        self.0.max_payload()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_has_not_heard_of_the_others_yet_still_names_them() {
        let told = |name: &str, active: usize, routes: &[&str]| {
            let routes: Vec<_> = routes.iter().map(|name| serde_json::json!({"rid": 7, "name": name})).collect();
            let told = serde_json::json!({
                "server": {"name": name, "id": name},
                "statsz": {"active_servers": active, "routes": routes},
            });
            Message::new("_INBOX.iss.1".parse().unwrap(), told.to_string())
        };
        let known = |messages: &[Message]| {
            let mut all = All { known: 0, brokers: Vec::new(), answers: Vec::new() };
            messages.iter().for_each(|message| all.present(message));
            all.known
        };
        assert_eq!(known(&[told("one", 1, &[])]), 1);
        assert_eq!(known(&[told("three", 1, &["one", "one", "two", ""])]), 3, "routes to one server are several");
        assert_eq!(known(&[told("one", 3, &["two"])]), 3, "the others may be behind a gateway");
        assert_eq!(known(&[Message::new("_INBOX.iss.1".parse().unwrap(), "{}")]), 0);
    }
}
