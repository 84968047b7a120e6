//! Relais: the connection alone, and a Router on it.

use std::sync::Arc;

use futures_util::StreamExt as _;
use relais_adapters::{nats, nkeys, system};
use relais_domain::{
    cache::Cache,
    credentials::{KeyKind, UserJwt},
    memory,
    message::Message as Envelope,
    ports::{Bus as _, Clock, KeyPairs},
    routing::{Message, Router, Service, ServiceOptions, ServicePorts},
};
use relais_proto::v1::{EchoRequest, EchoResponse};

use super::{HANDLERS, QUEUE, SUBJECT, echo, echo_bytes, ready};

async fn connect(url: String) -> nats::Bus {
    let keys: Arc<dyn KeyPairs> = Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)));
    let options = nats::ConnectOptions {
        servers: vec![url],
        jwt: UserJwt::from_text(String::new()),
        seed: keys.generate(KeyKind::User).seed,
        inbox_prefix: "_INBOX.relais".to_owned(),
        name: "relais".to_owned(),
        keys,
        rng: Arc::new(system::Rng),
        security: nats::Security::default(),
    };
    nats::Bus::connect(options).await.expect("a broker")
}

/// A loop on the connection, without a Router: one message after the other. Beside the bare loop on async-nats it says
/// what the connection costs; beside `router`, what the Router does.
pub(super) async fn bus(url: String) {
    let bus = connect(url).await;
    let filter = SUBJECT.parse().expect("a filter");
    let mut asked = bus.subscribe(filter, Some(QUEUE.to_owned())).await.expect("a subscription");
    ready();
    while let Some(delivery) = asked.next().await {
        // What is none was looked at, and is dropped.
        let Ok(question) = delivery else { continue };
        if let (Some(reply), Some(answer)) = (question.reply, echo_bytes(question.payload).await) {
            bus.publish(Envelope::new(reply, answer)).await.expect("published");
        }
    }
}

async fn handler(Message(request): Message<EchoRequest>) -> Message<EchoResponse> {
    Message(EchoResponse { message: echo(&request.message).await })
}

/// A Router as it is by default.
pub(super) async fn router(url: String) {
    let bus = connect(url).await;
    let clock: Arc<dyn Clock> = Arc::new(system::Clock);
    let ports = ServicePorts {
        bus: Arc::new(bus.clone()),
        clock: Arc::clone(&clock),
        rng: Arc::new(system::Rng),
        cache: Cache::new(Arc::new(memory::Cache::with_defaults(clock))),
    };
    let router = Router::new().subscribe("from.{user}.echo", handler);
    let options = ServiceOptions::new(QUEUE.parse().expect("a name"));
    assert_eq!(options.handlers, HANDLERS, "as many as the others have");
    let _service = Service::start(router, ports, &system::Spawner::current(), options).await.expect("a service");
    ready();
    bus.ended().await;
}
