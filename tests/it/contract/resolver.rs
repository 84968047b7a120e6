//! `nats::Resolver` keeps the contract that `memory::Resolver` keeps, and `nsc::Native` keeps that of an issuer with a real
//! broker behind it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use relais_adapters::{
    nats::{self, ConnectOptions},
    nats_server::{self, Config, Options},
    nkeys, nsc, system,
};
use relais_domain::{
    credentials::{Account, Grantee, KeyKind, PublicKey, Trust, UserJwt, decode, user_to_sign},
    ports::{CredentialsIssuer as _, Grant, KeyPairs, Resolver as _, Rng},
    secret::Secret,
    testing,
};
use tempfile::TempDir;

use crate::support::{Broker, tool};

fn keys() -> Arc<dyn KeyPairs> {
    Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)))
}

/// A broker that believes an installation.
pub(crate) async fn broker(trust: &Trust, directory: &TempDir) -> nats_server::Server {
    broker_at("127.0.0.1:0".parse().unwrap(), trust, directory).await
}

/// As [`broker`], at an address.
pub(crate) async fn broker_at(listen: SocketAddr, trust: &Trust, directory: &TempDir) -> nats_server::Server {
    let binary = nats_server::find(Some(&tool("nats-server"))).unwrap();
    let system = trust.system_account.to_string();
    let mut config = Config::new("suite", directory.path(), trust.operator.as_str(), &system);
    let any = "127.0.0.1:0".parse().unwrap();
    (config.listen, config.websocket, config.monitor) = (listen, any, any);
    config.preload = trust.accounts.iter().map(|(key, jwt)| (key.to_string(), jwt.as_str().to_owned())).collect();
    nats_server::Server::start(&binary, config, Options::default()).await.unwrap()
}

/// A connection in the system account.
pub(crate) async fn resolver(url: String, jwt: UserJwt, seed: Secret) -> nats::Resolver {
    let rng: Arc<dyn Rng> = Arc::new(system::Rng);
    let options = ConnectOptions {
        servers: vec![url],
        jwt,
        seed,
        inbox_prefix: Grantee::Issuer.inbox_prefix(),
        name: "suite".to_owned(),
        keys: keys(),
        rng,
        security: nats::Security::default(),
    };
    nats::Resolver::new(nats::Bus::connect(options).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_keeps_it() {
    let (keys, directory) = (keys(), TempDir::new().unwrap());
    let case = testing::resolver::Case::new(&*keys);
    let broker = broker(&case.trust, &directory).await;
    let resolver = of_case(&case, format!("nats://{}", broker.listen()), &*keys).await;
    testing::resolver::suite(&resolver, &case).await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_three_keeps_it() {
    let keys = keys();
    let case = testing::resolver::Case::new(&*keys);
    let one = Broker::clustered("one", &case.trust, None).await;
    let two = Broker::clustered("two", &case.trust, Some(&one)).await;
    let three = Broker::clustered("three", &case.trust, Some(&one)).await;
    let resolver = of_case(&case, three.url().to_owned(), &*keys).await;
    all_answer(&resolver, &case.system).await;
    testing::resolver::suite(&resolver, &case).await;
    let heard = resolver.lookup(&case.account).await.unwrap();
    let mut names: Vec<_> = heard.answers.into_iter().map(|served| served.broker.unwrap().name).collect();
    names.sort();
    assert_eq!(names, ["one", "three", "two"]);
    drop(two);
}

/// Returns when all three brokers of a cluster have found one another.
pub(crate) async fn all_answer(resolver: &nats::Resolver, system: &PublicKey) {
    let found = async { while resolver.lookup(system).await.unwrap().answers.len() < 3 {} };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("three brokers answer");
}

/// A connection as the issuer of an installation.
async fn of_case(case: &testing::resolver::Case, url: String, keys: &dyn KeyPairs) -> nats::Resolver {
    let user = keys.generate(KeyKind::User);
    let grant = Grant { grantee: Grantee::Issuer, key: user.public, expires_at: None };
    let now = relais_domain::ports::Clock::now(&system::Clock);
    let account = case.trust.accounts.iter().find(|(key, _)| *key == case.system).unwrap();
    let account = decode::<Account>(account.1.as_str(), keys).unwrap();
    let user_jwt = user_to_sign(&grant, &account, |key| *key == case.system_signing.public, now).unwrap();
    let jwt = user_jwt.sign(&case.system_signing, keys).unwrap();
    resolver(url, jwt, user.seed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_native_issuer_keeps_its_contract_with_a_real_broker() {
    let (keys, directory, store) = (keys(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let settings =
        nsc::Settings { directory: store.path().join("nsc"), operator: "relais".to_owned(), account: "app".to_owned() };
    let native = Arc::new(nsc::Native::open(&settings, Arc::clone(&keys), Arc::new(system::Clock)).unwrap().into_nsc());
    let broker = broker(&native.trust().await.unwrap(), &directory).await;
    let user = keys.generate(KeyKind::User);
    let grant = Grant { grantee: Grantee::Issuer, key: user.public, expires_at: None };
    let jwt = native.issue(grant).await.unwrap();
    let url = format!("nats://{}", broker.listen());
    native.attach(Arc::new(resolver(url, jwt, user.seed).await)).await.unwrap();
    testing::credentials_issuer::suite(native, &*keys).await;
    broker.stop().await;
}
