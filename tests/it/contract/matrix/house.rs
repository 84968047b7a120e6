//! An installation with a broker, and everybody connected to it.

use std::sync::Arc;

use jiff::Timestamp;
use relais_adapters::{nats_server, nkeys, system};
use relais_domain::{
    credentials::{
        AccountClaims, Change, Grantee, KeyKind, OperatorJwt, Trust, User, UserClaims, UserJwt, apart,
        creds::Creds,
        encode,
        permissions::{self, Permissions},
        setup::{AccountKeys, Keys, Names, Setup},
        user_claims, user_to_sign,
    },
    nsc::Role,
    ports::{AccountRole, Clock as _, Grant, KeyPair, KeyPairs as _},
    subject::Filter,
};
use tempfile::TempDir;

use super::oracle::{Place, TOPICS, Who, routes};
use crate::{
    contract::resolver::broker,
    support::{Raw, Verdict},
};

pub(super) fn pairs() -> nkeys::KeyPairs {
    nkeys::KeyPairs::new(Arc::new(system::Rng))
}

pub(super) fn filters(routes: &[&str]) -> Vec<Filter> {
    routes.iter().map(|route| route.parse().unwrap()).collect()
}

/// A running installation: the application with its topics, and the service `lab` in an account of its own.
pub(super) struct House {
    keys: Keys,
    lab: AccountKeys,
    accounts: Vec<(Place, AccountClaims)>,
    now: Timestamp,
    server: nats_server::Server,
    _directory: TempDir,
}

/// A message as it comes over the wire.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) subject: String,
    pub(super) sid: String,
    pub(super) reply: Option<String>,
    pub(super) payload: String,
}

impl House {
    pub(super) async fn new() -> Self {
        Self::exporting(routes("lab")).await
    }

    /// The same, where the application's account exports what services with these routes need; with no route, nothing.
    pub(super) async fn exporting(shared: &[&str]) -> Self {
        let (keys, now) = (Keys::generate(&pairs()), system::Clock.now());
        let names = Names { operator: "Matrix".parse().unwrap(), application: "App".parse().unwrap() };
        let setup = Setup::new(&names, &keys, now);
        let of = |wanted| setup.accounts.iter().find(|(role, _)| *role == wanted).unwrap().1.clone();
        let lab =
            AccountKeys { identity: pairs().generate(KeyKind::Account), signing: pairs().generate(KeyKind::Account) };
        let taken = filters(routes("lab"));
        let topics = TOPICS.map(|topic| topic.parse().unwrap());
        let role = Role::user(&topics);
        let hearing = Change::Role {
            role: role.name().to_string(),
            template: Box::new(role.limits().clone()),
            description: String::new(),
            key: None,
        };
        let application = hearing.apply(&of(AccountRole::Application), now).unwrap();
        let share = Change::Share { routes: filters(shared) };
        let sharing = if shared.is_empty() { None } else { share.apply(&application, now) };
        let application = sharing.unwrap_or(application);
        let body = apart::account(&application.subject, &taken, &lab);
        let accounts = vec![
            (Place::App, application),
            (Place::Lab, AccountClaims::new("lab", lab.identity.public.clone(), body, now)),
            (Place::Ops, of(AccountRole::Operations)),
            (Place::Sys, of(AccountRole::System)),
        ];
        let operator: OperatorJwt = encode(&setup.operator, &keys.operator, &pairs()).unwrap();
        let sign = |claims: &AccountClaims| {
            assert!(claims.validate(now, &pairs()).is_empty(), "{:?}", claims.validate(now, &pairs()));
            (claims.subject.clone(), encode(claims, &keys.operator_signing, &pairs()).unwrap())
        };
        let trust = Trust {
            operator,
            system_account: keys.system.identity.public.clone(),
            accounts: accounts.iter().map(|(_, claims)| sign(claims)).collect(),
        };
        let directory = TempDir::new().unwrap();
        let server = broker(&trust, &directory).await;
        Self { keys, lab, accounts, now, server, _directory: directory }
    }

    pub(super) async fn end(self) {
        self.server.stop().await;
    }

    fn account(&self, place: Place) -> &AccountClaims {
        &self.accounts.iter().find(|(own, _)| *own == place).unwrap().1
    }

    fn signing(&self, place: Place) -> &KeyPair {
        match place {
            Place::App => &self.keys.application.signing,
            Place::Lab => &self.lab.signing,
            Place::Ops => &self.keys.operations.signing,
            Place::Sys => &self.keys.system.signing,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("nats://{}", self.server.listen())
    }

    /// Has the broker take the application's account as it should be for these routes.
    pub(super) async fn share(&self, shared: &[&str]) {
        let share = Change::Share { routes: filters(shared) };
        let next = share.apply(self.account(Place::App), self.now).unwrap();
        let jwt = encode(&next, &self.keys.operator_signing, &pairs()).unwrap();
        let issuer = self.client(&self.creds(Who::Issuer), "_INBOX.iss").await;
        let pushed = issuer.client().request("$SYS.REQ.CLAIMS.UPDATE", jwt.as_str().to_owned().into()).await.unwrap();
        let said: serde_json::Value = serde_json::from_slice(&pushed.payload).unwrap();
        assert_eq!(said["data"]["code"], 200, "{said}");
    }

    /// Credentials as the one function that signs users makes them.
    pub(super) fn creds(&self, who: Who) -> Creds {
        let name = |name: &str| name.parse().unwrap();
        let grantee = match who {
            Who::User(user) => Grantee::Device {
                user: user.parse().unwrap(),
                device: "d1".parse().unwrap(),
                role: "user".parse().unwrap(),
            },
            Who::Service(own) | Who::Apart(own) => Grantee::Service { name: name(own), routes: filters(routes(own)) },
            Who::Provisioner => Grantee::Provisioner,
            Who::Issuer => Grantee::Issuer,
            Who::Operator(own) => Grantee::Operator { name: name(own) },
        };
        self.grant(grantee, who.place())
    }

    fn grant(&self, grantee: Grantee, place: Place) -> Creds {
        let pair = pairs().generate(KeyKind::User);
        let device = matches!(grantee, Grantee::Device { .. });
        let signer = if device { &self.keys.user_role } else { self.signing(place) };
        let grant = Grant { grantee, key: pair.public, expires_at: None };
        let user = user_to_sign(&grant, self.account(place), |key| *key == signer.public, self.now).unwrap();
        let jwt = user.sign(signer, &pairs()).unwrap();
        Creds { jwt, seed: pair.seed }
    }

    /// Somebody that no one function makes: who may do anything in an account.
    pub(super) fn anything(&self, place: Place) -> Creds {
        let pair = pairs().generate(KeyKind::User);
        let all = || vec![">".to_owned()];
        let limits = permissions::limits(Permissions { publish: all(), subscribe: all() });
        let body = User { limits, issuer_account: Some(self.account(place).subject.clone()), ..User::default() };
        let claims = UserClaims::new("anything", pair.public.clone(), body, self.now);
        Creds { jwt: encode(&claims, self.signing(place), &pairs()).unwrap(), seed: pair.seed }
    }

    /// A device of ada with other tags than it should have, which only the role's key itself can sign.
    pub(super) fn tagged(&self, tags: &[&str]) -> Creds {
        let pair = pairs().generate(KeyKind::User);
        let grantee = Grantee::Device {
            user: "ada".parse().unwrap(),
            device: "d1".parse().unwrap(),
            role: "user".parse().unwrap(),
        };
        let grant = Grant { grantee, key: pair.public, expires_at: None };
        let mut claims = user_claims(&grant, &self.account(Place::App).subject, self.now);
        claims.body.generic.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let jwt: UserJwt = encode(&claims, &self.keys.user_role, &pairs()).unwrap();
        Creds { jwt, seed: pair.seed }
    }

    pub(super) async fn connect(&self, creds: &Creds) -> Raw {
        Raw::connect(&self.url(), Some(creds)).await
    }

    pub(super) async fn client(&self, creds: &Creds, inbox_prefix: &str) -> Verdict {
        Verdict::connect(&self.url(), creds.format().expose(), inbox_prefix).await
    }

    /// Somebody who hears everything in an account.
    pub(super) async fn listener(&self, place: Place) -> Raw {
        let mut raw = self.connect(&self.anything(place)).await;
        raw.say(b"SUB > all\r\n").await;
        raw.flush().await;
        raw
    }

    /// Asks JetStream in an account, as the provisioner.
    pub(super) async fn provision(&self, place: Place, requests: &[(String, String)]) -> Vec<serde_json::Value> {
        let creds = self.grant(Grantee::Provisioner, place);
        let provisioner = self.client(&creds, &Grantee::Provisioner.inbox_prefix()).await;
        let mut answers = Vec::new();
        for (verb, body) in requests {
            let answer = provisioner.client().request(format!("$JS.API.{verb}"), body.clone().into()).await.unwrap();
            answers.push(serde_json::from_slice(&answer.payload).unwrap());
        }
        answers
    }

    /// Makes the streams of a service, in memory.
    pub(super) async fn streams(&self, place: Place, service: &str) {
        let named = [
            (format!("IN_{service}"), format!("in.{service}.>")),
            (format!("DEAD_{service}"), format!("dead.{service}.>")),
            (format!("KV_{service}_cache"), format!("$KV.{service}_cache.>")),
        ];
        let out = ("OUT".to_owned(), "out.>".to_owned());
        for (name, subject) in named.into_iter().chain((service == "relais").then_some(out)) {
            let body = format!(
                r#"{{"name":"{name}","subjects":["{subject}"],"storage":"memory","max_bytes":1048576,"discard":"old","allow_direct":true}}"#
            );
            let made = self.provision(place, &[(format!("STREAM.CREATE.{name}"), body)]).await;
            assert!(made[0]["error"].is_null(), "{}", made[0]);
        }
    }

    /// The names of the streams in an account.
    pub(super) async fn stream_names(&self, place: Place) -> Vec<String> {
        let said = self.provision(place, &[("STREAM.NAMES".to_owned(), String::new())]).await;
        let mut names: Vec<String> =
            said[0]["streams"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

/// The messages and the refusals in what a broker has said.
pub(super) fn parsed(said: &str) -> (Vec<Heard>, Vec<String>) {
    let (mut messages, mut refusals, mut rest) = (Vec::new(), Vec::new(), said);
    while let Some((line, behind)) = rest.split_once("\r\n") {
        rest = behind;
        let words: Vec<&str> = line.split(' ').collect();
        if let Some(refusal) = line.strip_prefix("-ERR ") {
            refusals.push(refusal.to_owned());
        }
        let headers = match words[0] {
            "MSG" => 0,
            "HMSG" => 1,
            _ => continue,
        };
        let sizes = words.len() - 1 - headers;
        let size = |at: usize| words[at].parse::<usize>().unwrap();
        let (block, whole) = (if headers == 1 { size(sizes) } else { 0 }, size(words.len() - 1));
        let reply = (sizes == 4).then(|| words[3].to_owned());
        let payload = rest.as_bytes()[block..whole].to_vec();
        messages.push(Heard {
            subject: words[1].to_owned(),
            sid: words[2].to_owned(),
            reply,
            payload: String::from_utf8(payload).unwrap(),
        });
        rest = &rest[whole + 2..];
    }
    (messages, refusals)
}
