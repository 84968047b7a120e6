//! What we write is taken by nsc and by nats-server: operator, accounts, users with and without a scope, an activation,
//! and the two sides of auth callout.

use std::{collections::BTreeMap, fs, process::Command, time::Duration};

use async_nats::ConnectOptions;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use relais_adapters::system;
use relais_domain::{
    credentials::{
        Account, AccountClaims, AccountLimits, Activation, ActivationClaims, AuthorizationRequest,
        AuthorizationResponse, AuthorizationResponseClaims, Export, ExternalAuthorization, Import, KeyKind, MsgTrace,
        Operator, OperatorClaims, OperatorJwt, Permission, ResponseKind, ServiceLatency, ShareKind, SigningKeys, Trust,
        User, UserClaims, UserJwt, UserLimits, UserScope, WeightedMapping, creds::Creds, decode, encode,
    },
    ports::{Clock as _, KeyPair, KeyPairs as _},
};
use tempfile::TempDir;

use super::keys;
use crate::{
    contract::resolver::broker,
    support::{run, tool},
};

/// An operator, an account that exports (App), one that imports (Guest), and one that decides about connections (Door).
struct House {
    now: Timestamp,
    operator: KeyPair,
    operator_signing: KeyPair,
    system: KeyPair,
    app: KeyPair,
    role: KeyPair,
    plain: KeyPair,
    guest: KeyPair,
    door: KeyPair,
    doorkeeper: KeyPair,
}

const ROLE: &str = "member";

impl House {
    fn new() -> Self {
        let new = |kind| keys().generate(kind);
        let account = || new(KeyKind::Account);
        Self {
            now: system::Clock.now(),
            operator: new(KeyKind::Operator),
            operator_signing: new(KeyKind::Operator),
            system: account(),
            app: account(),
            role: account(),
            plain: account(),
            guest: account(),
            door: account(),
            doorkeeper: new(KeyKind::User),
        }
    }

    fn operator(&self) -> OperatorJwt {
        let body = Operator {
            signing_keys: vec![self.operator_signing.public.clone()],
            system_account: Some(self.system.public.clone()),
            operator_service_urls: vec!["nats://localhost:4222".to_owned()],
            assert_server_version: "2.12.0".to_owned(),
            ..Operator::default()
        };
        self.sign(&OperatorClaims::new("House", self.operator.public.clone(), body, self.now), &self.operator)
    }

    /// Signs what is without fault, also in the eyes of validation.
    fn sign<B: relais_domain::credentials::Body>(
        &self,
        claims: &relais_domain::credentials::Claims<B>,
        signer: &KeyPair,
    ) -> B::Jwt {
        let found = claims.validate(self.now, &keys());
        assert!(found.is_empty(), "{found:?}");
        encode(claims, signer, &keys()).unwrap()
    }

    fn accounts(&self) -> Vec<(&'static str, &KeyPair, String)> {
        let bodies = [
            ("SYS", &self.system, account()),
            ("App", &self.app, self.app_body()),
            ("Guest", &self.guest, self.guest_body()),
            ("Door", &self.door, self.door_body()),
        ];
        let sign = |(name, pair, body): (&'static str, _, Account)| {
            let pair: &KeyPair = pair;
            let claims = AccountClaims::new(name, pair.public.clone(), body, self.now);
            (name, pair, self.sign(&claims, &self.operator_signing).as_str().to_owned())
        };
        bodies.map(sign).to_vec()
    }

    /// Everything an account can have.
    fn app_body(&self) -> Account {
        let scope = UserScope {
            kind: UserScope::KIND.to_owned(),
            key: self.role.public.clone(),
            role: ROLE.to_owned(),
            template: UserLimits {
                publish: Permission::only(vec!["from.{{tag(user)}}.>".to_owned()]),
                subscribe: Permission::only(vec!["to.{{tag(user)}}.>".to_owned()]),
                subs: 9,
                data: -1,
                payload: 1024,
                allowed_connection_types: vec!["STANDARD".to_owned()],
                src: vec!["127.0.0.0/8".to_owned()],
                ..UserLimits::default()
            }
            .into(),
            description: "members".to_owned(),
            unknown: serde_json::Map::new(),
        };
        let mut body = account();
        body.signing_keys =
            SigningKeys(BTreeMap::from([(self.role.public.clone(), Some(scope)), (self.plain.public.clone(), None)]));
        let service = Export {
            token_req: true,
            latency: Some(ServiceLatency {
                sampling: relais_domain::credentials::Sampling::Percent(10),
                results: "latency.ask".to_owned(),
                unknown: serde_json::Map::new(),
            }),
            description: "asks".to_owned(),
            info_url: "https://example.org/ask".to_owned(),
            ..Export::service("ask", "ask.*", ResponseKind::Singleton)
        };
        let stream = Export {
            kind: ShareKind::Stream,
            response_type: String::new(),
            ..Export::service("news", "news.>", ResponseKind::Singleton)
        };
        let own = Export { account_token_position: 2, ..Export::service("own", "own.*", ResponseKind::Stream) };
        body.exports = vec![service, stream, own];
        let to = |subject: &str, weight| WeightedMapping {
            subject: subject.to_owned(),
            weight,
            cluster: String::new(),
            unknown: serde_json::Map::new(),
        };
        body.mappings = BTreeMap::from([("old.x".to_owned(), vec![to("new.x", 100)])]);
        body.trace = Some(MsgTrace { destination: "trace.all".to_owned(), sampling: 5, ..MsgTrace::default() });
        body.revocations = BTreeMap::from([(keys().generate(KeyKind::User).public.to_string(), 5)]);
        body.generic.tags = vec!["tag".to_owned()];
        body.description = "<the application>".to_owned();
        body
    }

    fn guest_body(&self) -> Account {
        let activation = Activation {
            import_subject: "ask.*".to_owned(),
            import_kind: ShareKind::Service,
            issuer_account: Some(self.app.public.clone()),
            ..Activation::default()
        };
        let claims = ActivationClaims::new("ask.*", self.guest.public.clone(), activation, self.now);
        let token = self.sign(&claims, &self.plain).as_str().to_owned();
        let ask =
            Import { token, local_subject: "there.$1".to_owned(), ..Import::service("ask", "ask.*", &self.app.public) };
        let news = Import { kind: ShareKind::Stream, ..Import::service("news", "news.>", &self.app.public) };
        Account { imports: vec![ask, news], ..account() }
    }

    fn door_body(&self) -> Account {
        let authorization = ExternalAuthorization {
            auth_users: vec![self.doorkeeper.public.to_string()],
            allowed_accounts: vec![self.app.public.to_string()],
            ..ExternalAuthorization::default()
        };
        Account { authorization, ..account() }
    }

    /// A user with its own lists.
    fn user(&self, name: &str, key: &KeyPair, account: &KeyPair, signer: &KeyPair) -> UserJwt {
        let limits = UserLimits { subs: -1, data: -1, payload: -1, ..UserLimits::default() };
        let issuer_account = (signer.public != account.public).then(|| account.public.clone());
        let body = User { limits, issuer_account, ..User::default() };
        self.sign(&UserClaims::new(name, key.public.clone(), body, self.now), signer)
    }

    /// A member of App, whose lists are those of the role.
    fn member(&self, name: &str, key: relais_domain::credentials::PublicKey) -> UserJwt {
        let mut body = User { issuer_account: Some(self.app.public.clone()), ..User::default() };
        body.generic.tags = vec![format!("user:{name}")];
        self.sign(&UserClaims::new(name, key, body, self.now), &self.role)
    }

    fn trust(&self) -> Trust {
        let jwt = |text: String| relais_domain::credentials::AccountJwt::from_text(text);
        Trust {
            operator: self.operator(),
            system_account: self.system.public.clone(),
            accounts: self.accounts().into_iter().map(|(_, pair, text)| (pair.public.clone(), jwt(text))).collect(),
        }
    }
}

fn account() -> Account {
    Account { limits: AccountLimits::ample(), ..Account::default() }
}

async fn connect(url: &str, jwt: UserJwt, key: &KeyPair) -> Result<async_nats::Client, async_nats::ConnectError> {
    let creds = Creds { jwt, seed: key.seed.clone() };
    let options = ConnectOptions::with_credentials(creds.format().expose()).unwrap();
    options.connection_timeout(Duration::from_secs(20)).connect(url).await
}

#[test]
fn nsc_finds_nothing_wrong_with_them() {
    let (house, folder) = (House::new(), TempDir::new().unwrap());
    let store = folder.path().join("House");
    let write = |path: &str, text: &str| {
        let path = store.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(".nsc", r#"{"managed":true,"name":"House","kind":"operator","version":"1"}"#);
    write("House.jwt", house.operator().as_str());
    for (name, _, jwt) in house.accounts() {
        write(&format!("accounts/{name}/{name}.jwt"), &jwt);
    }
    let users = [
        ("App", "plain", house.user("plain", &keys().generate(KeyKind::User), &house.app, &house.plain)),
        ("App", "ada", house.member("ada", keys().generate(KeyKind::User).public)),
        ("Guest", "visitor", house.user("visitor", &keys().generate(KeyKind::User), &house.guest, &house.guest)),
    ];
    for (account, name, jwt) in users {
        write(&format!("accounts/{account}/users/{name}.jwt"), jwt.as_str());
    }
    let nsc = |arguments: &[&str]| {
        let mut command = Command::new(tool("nsc"));
        command
            .args(arguments)
            .arg("-H")
            .arg(folder.path())
            .env("HOME", folder.path())
            .env("NSC_NO_GIT_IGNORE", "true");
        let ran = run(&mut command, "");
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        ran.stdout + &ran.stderr
    };
    nsc(&["env", "--operator", "House"]);
    let said = nsc(&["validate", "--all-accounts"]);
    // One table for the operator and each of the four accounts.
    assert_eq!(said.matches("No issues found").count(), 5, "{said}");
    let described = nsc(&["describe", "account", "--name", "Guest"]);
    assert!(described.contains("ask.*"), "{described}");
    let user = nsc(&["describe", "user", "--account", "App", "--name", "ada"]);
    assert!(user.contains("user:ada"), "{user}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_believes_them_and_lets_an_activation_in() {
    let (house, directory) = (House::new(), TempDir::new().unwrap());
    let server = broker(&house.trust(), &directory).await;
    let url = format!("nats://{}", server.listen());
    let (answers, visits) = (keys().generate(KeyKind::User), keys().generate(KeyKind::User));
    let jwt = house.user("answers", &answers, &house.app, &house.plain);
    let answering = connect(&url, jwt, &answers).await.unwrap();
    let mut asked = answering.subscribe("ask.*").await.unwrap();
    answering.flush().await.unwrap();
    let jwt = house.user("visitor", &visits, &house.guest, &house.guest);
    let visiting = connect(&url, jwt, &visits).await.unwrap();
    let request = visiting.request("there.time", "now?".into());
    let answer = async {
        let message = asked.next().await.unwrap();
        assert_eq!(message.subject.as_str(), "ask.time");
        answering.publish(message.reply.unwrap(), "late".into()).await.unwrap();
    };
    let (heard, ()) = tokio::join!(request, answer);
    assert_eq!(heard.unwrap().payload, "late");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_asks_and_takes_our_answer() {
    let (house, directory) = (House::new(), TempDir::new().unwrap());
    let server = broker(&house.trust(), &directory).await;
    let url = format!("nats://{}", server.listen());
    let jwt = house.user("doorkeeper", &house.doorkeeper, &house.door, &house.door);
    let doorkeeper = connect(&url, jwt, &house.doorkeeper).await.unwrap();
    let mut asked = doorkeeper.subscribe("$SYS.REQ.USER.AUTH").await.unwrap();
    doorkeeper.flush().await.unwrap();
    // Whoever knocks at the door has credentials of the door, and is somebody in App once it is let in.
    let mut decide = async |admit: bool| {
        let message = asked.next().await.unwrap();
        let text = std::str::from_utf8(&message.payload).unwrap();
        let request = decode::<AuthorizationRequest>(text, &keys()).unwrap();
        assert!(request.validate(system::Clock.now(), &keys()).is_empty());
        assert_eq!(request.issuer.as_ref().unwrap().as_str(), request.body.server.id);
        assert_eq!(request.body.connect.name, "knocks");
        let key: relais_domain::credentials::PublicKey = request.body.user_nkey.parse().unwrap();
        let body = if admit {
            let jwt = house.member("ada", key.clone()).as_str().to_owned();
            AuthorizationResponse { jwt, ..AuthorizationResponse::default() }
        } else {
            AuthorizationResponse { error: "not today".to_owned(), ..AuthorizationResponse::default() }
        };
        let mut answer = AuthorizationResponseClaims::new("", key, body, house.now);
        answer.audience = request.body.server.id.clone();
        let answer = house.sign(&answer, &house.door).as_str().to_owned();
        doorkeeper.publish(message.reply.unwrap(), answer.into()).await.unwrap();
    };
    let knocker = keys().generate(KeyKind::User);
    let creds = Creds { jwt: house.user("knocker", &knocker, &house.door, &house.door), seed: knocker.seed.clone() };
    let knock = || {
        let options = ConnectOptions::with_credentials(creds.format().expose()).unwrap().name("knocks");
        options.custom_inbox_prefix("to.ada.inbox").connect(url.clone())
    };
    let (let_in, ()) = tokio::join!(knock(), decide(true));
    let ada = let_in.unwrap();
    let plain = keys().generate(KeyKind::User);
    let hears = connect(&url, house.user("hears", &plain, &house.app, &house.plain), &plain).await.unwrap();
    let mut heard = hears.subscribe("from.>").await.unwrap();
    hears.flush().await.unwrap();
    ada.publish("from.bob.x", "forged".into()).await.unwrap();
    ada.publish("from.ada.x", "hello".into()).await.unwrap();
    let first = heard.next().await.unwrap();
    assert_eq!((first.subject.as_str(), &*first.payload), ("from.ada.x", b"hello".as_slice()));
    let (refused, ()) = tokio::join!(knock(), decide(false));
    assert!(refused.is_err());
    server.stop().await;
}
