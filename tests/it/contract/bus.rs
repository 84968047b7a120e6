//! `nats::Bus` keeps the contract that `memory::Bus` keeps.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::join_all};
use relais_adapters::{
    nats::{self, ConnectError, ConnectOptions},
    nkeys, system,
};
use relais_domain::{
    credentials::{KeyKind, UserJwt},
    memory,
    message::Message,
    ports::{Bus, BusError, KeyPairs},
    routing::{Answers, Payload, Router, Service, ServiceOptions, ServicePorts},
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
        keys,
        rng: Arc::new(system::Rng),
        security: nats::Security::default(),
    }
}

/// A connection to a broker without accounts.
pub(crate) async fn connect(broker: &Broker) -> nats::Bus {
    nats::Bus::connect(options(broker.url())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_keeps_it() {
    let broker = Broker::start().await;
    for url in [broker.url(), broker.websocket()] {
        let connect = || {
            let options = options(url);
            async move { Arc::new(nats::Bus::connect(options).await.unwrap()) as Arc<dyn Bus> }.boxed()
        };
        testing::bus::suite(&connect, &|_| {}).await;
    }
}

#[tokio::test]
async fn nobody_there_is_told() {
    let error = nats::Bus::connect(options("nats://127.0.0.1:1")).await.map(|_| ()).unwrap_err();
    assert!(matches!(&error, ConnectError::Unreachable { servers, .. } if servers == "nats://127.0.0.1:1"), "{error}");
    let error = nats::Bus::connect(options("no address")).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ConnectError::Address { .. }), "{error}");
}

/// Every request that a draining member of a queue group was given is one that it delivers: under load, and from a caller
/// that asks one by one.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_loses_no_request() {
    let broker = Broker::start().await;
    for callers in [1, 40] {
        for _ in 0..15 {
            let server = nats::Bus::connect(options(broker.url())).await.unwrap();
            let client = nats::Bus::connect(options(broker.url())).await.unwrap();
            let mut asked = server.subscribe("suite.ask".parse().unwrap(), Some("team".to_owned())).await.unwrap();
            let answering = tokio::spawn(async move {
                for _ in 0..200 {
                    answer(&server, asked.next().await.unwrap().unwrap()).await;
                }
                asked.as_mut().drain().await.unwrap();
                while let Some(delivery) = asked.next().await {
                    answer(&server, delivery.unwrap()).await;
                }
                server.drain().await.unwrap();
            });
            let ask = || async {
                loop {
                    let message = Message::new("suite.ask".parse().unwrap(), "");
                    match client.request(message, Duration::from_secs(20)).await {
                        Ok(_) => {}
                        Err(BusError::NoResponders { .. }) => return,
                        Err(error) => panic!("{error}"),
                    }
                }
            };
            join_all((0..callers).map(|_| ask())).await;
            answering.await.unwrap();
        }
    }
}

/// Of a stream of messages that does not wait for anybody, each reaches one member of a queue group, though one of them leaves in
/// the middle of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_leaves_under_load_loses_nothing() {
    let broker = Broker::start().await;
    for _ in 0..12 {
        leave_under_load(&broker).await;
    }
}

async fn leave_under_load(broker: &Broker) {
    const MESSAGES: usize = 15_000;
    let (leaves, stays, sender) = (connect(broker).await, connect(broker).await, connect(broker).await);
    let team = || Some("team".to_owned());
    let mut first = leaves.subscribe("suite.flow".parse().unwrap(), team()).await.unwrap();
    let mut second = stays.subscribe("suite.flow".parse().unwrap(), team()).await.unwrap();
    let sending = tokio::spawn(async move {
        for number in 0..MESSAGES {
            sender.publish(Message::new("suite.flow".parse().unwrap(), number.to_string())).await.unwrap();
            if number % 500 == 0 {
                sender.flush().await.unwrap();
            }
        }
        sender.flush().await.unwrap();
    });
    let leaving = tokio::spawn(async move {
        let mut taken = Vec::new();
        for _ in 0..2_000 {
            taken.push(first.next().await.unwrap().unwrap().payload);
        }
        first.as_mut().drain().await.unwrap();
        while let Some(delivery) = first.next().await {
            taken.push(delivery.unwrap().payload);
        }
        taken
    });
    let taken = leaving.await.unwrap();
    let mut seen: std::collections::BTreeSet<_> = taken.into_iter().collect();
    while seen.len() < MESSAGES {
        // What is lost never comes, so it is the sender's end that tells.
        if sending.is_finished() {
            stays.flush().await.unwrap();
            stays.drain().await.unwrap();
            while let Some(delivery) = second.next().await {
                assert!(seen.insert(delivery.unwrap().payload), "one reached two members");
            }
            break;
        }
        assert!(seen.insert(second.next().await.unwrap().unwrap().payload), "one reached two members");
    }
    sending.await.unwrap();
    assert_eq!(seen.len(), MESSAGES, "some reached nobody");
}

async fn answer(server: &nats::Bus, question: Message) {
    server.publish(Message::new(question.reply.unwrap(), "")).await.unwrap();
}

/// A program must not hang at its end because the broker is gone.
#[tokio::test]
async fn a_drain_without_a_connection_returns_at_once_and_says_so() {
    let broker = Broker::start().await;
    let bus = nats::Bus::connect(options(broker.url())).await.unwrap();
    drop(broker);
    while bus.is_up() {
        tokio::task::yield_now().await;
    }
    let drained = bus.drain().now_or_never().expect("there is nothing to wait for");
    assert!(matches!(drained, Err(BusError::Disconnected(_))), "{drained:?}");
    assert!(matches!(bus.flush().await, Err(BusError::Closed)), "it is closed nonetheless");
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

/// Who goes away in the middle of many answers ends their making; who stays gets each of them.
#[tokio::test(flavor = "multi_thread")]
async fn many_answers_end_with_their_listener() {
    async fn count(Payload(upto): Payload) -> Answers<impl futures_util::Stream<Item = Vec<u8>>> {
        let upto: u64 = std::str::from_utf8(&upto).unwrap().parse().unwrap();
        Answers(futures_util::stream::iter((0..upto).map(|number| number.to_string().into_bytes())))
    }
    let broker = Broker::start().await;
    let (server, client) = (connect(&broker).await, connect(&broker).await);
    let ports = ServicePorts {
        bus: Arc::new(server.clone()),
        clock: Arc::new(system::Clock),
        rng: Arc::new(system::Rng),
        ..memory::service_ports(&memory::Bus::default(), &memory::Clock::default())
    };
    let router = Router::new().subscribe("count", count);
    let options = ServiceOptions::new("counter".parse().unwrap());
    let mut service = Service::start(router, ports, &system::Spawner::current(), options).await.unwrap();
    let ask = |upto: u64| client.request_many(Message::new("count".parse().unwrap(), upto.to_string()));

    let mut all = ask(1_000).await.unwrap();
    for number in 0..1_000 {
        assert_eq!(all.next().await.unwrap().unwrap().payload, number.to_string());
    }
    assert_eq!(all.next().await.unwrap().unwrap().headers.get("Relais-End"), Some("1000"));

    let mut endless = ask(u64::MAX).await.unwrap();
    for number in 0..200 {
        assert_eq!(endless.next().await.unwrap().unwrap().payload, number.to_string());
    }
    drop(endless);
    while service.stats()[0].1.abandoned == 0 {
        tokio::task::yield_now().await;
    }
    assert!(service.drain(Duration::from_secs(60)).await.given_up.is_empty());
}
