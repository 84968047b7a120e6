//! `nats::Bus` keeps the contract that `memory::Bus` keeps.

use std::sync::Arc;

use futures_util::FutureExt;
use relais_adapters::{
    nats::{self, ConnectError, ConnectOptions},
    nkeys, system,
};
use relais_domain::{
    credentials::{KeyKind, UserJwt},
    ports::{Bus, KeyPairs},
    testing,
};

use crate::support::Broker;

fn options(url: &str) -> ConnectOptions {
    let keys: Arc<dyn KeyPairs> = Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)));
    ConnectOptions {
        servers: vec![url.to_owned()],
        // A broker without accounts looks at no credential.
        jwt: UserJwt::from_text(String::new()),
        seed: keys.generate(KeyKind::User).seed,
        inbox_prefix: "_INBOX.suite".to_owned(),
        name: "suite".to_owned(),
        probe: Some("suite.probe".parse().unwrap()),
        keys,
        rng: Arc::new(system::Rng),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_keeps_it() {
    let broker = Broker::start().await;
    let connect = || {
        let options = options(broker.url());
        async move { Arc::new(nats::Bus::connect(options).await.unwrap()) as Arc<dyn Bus> }.boxed()
    };
    testing::bus::suite(&connect, &|_| {}).await;
}

#[tokio::test]
async fn nobody_there_is_told() {
    let error = nats::Bus::connect(options("nats://127.0.0.1:1")).await.map(|_| ()).unwrap_err();
    assert!(matches!(&error, ConnectError::Unreachable { servers, .. } if servers == "nats://127.0.0.1:1"), "{error}");
    let error = nats::Bus::connect(options("no address")).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ConnectError::Address { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_that_ends_says_so() {
    let broker = Broker::start().await;
    let bus = nats::Bus::connect(options(broker.url())).await.unwrap();
    assert!(bus.is_up());
    assert!(bus.ended().now_or_never().is_none());
    bus.drain().await.unwrap();
    bus.ended().await;
}
