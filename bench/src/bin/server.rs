//! One echo service, by different means: `server KIND URL`. It prints "ready" and runs until it is ended.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use prost::Message as _;
use relais_adapters::{nats, nkeys, system};
use relais_domain::{
    cache::Cache,
    credentials::{KeyKind, UserJwt},
    memory,
    ports::{Clock, KeyPairs},
    routing::{Message, Router, Service, ServiceOptions, ServicePorts},
};
use relais_proto::v1::{EchoRequest, EchoResponse};

const SUBJECT: &str = "from.*.echo";
const QUEUE: &str = "bench";

/// What every kind does with a message: the same protobuf work, and a wait for those that ask for one.
async fn echo(request: EchoRequest) -> EchoResponse {
    if request.message == "slow" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    EchoResponse { message: format!("echo {}", request.message) }
}

async fn handler(Message(request): Message<EchoRequest>) -> Message<EchoResponse> {
    Message(echo(request).await)
}

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let (kind, url) = (arguments[1].as_str(), arguments[2].clone());
    match kind {
        "bare" => bare(&url).await,
        "async-nats-service" => service(&url).await,
        "relais" => relais(url).await,
        other => panic!("{other} is no kind of server"),
    }
}

/// A loop on async-nats: one message after the other.
async fn bare(url: &str) {
    let client = async_nats::connect(url).await.expect("a broker");
    let mut asked = client.queue_subscribe(SUBJECT, QUEUE.to_owned()).await.expect("a subscription");
    client.flush().await.expect("flushed");
    println!("ready");
    while let Some(question) = asked.next().await {
        let request = EchoRequest::decode(question.payload).expect("a request");
        let answer = Bytes::from(echo(request).await.encode_to_vec());
        if let Some(reply) = question.reply {
            client.publish(reply, answer).await.expect("published");
        }
    }
}

/// async-nats' own service API, one message after the other.
async fn service(url: &str) {
    use async_nats::service::ServiceExt as _;
    let client = async_nats::connect(url).await.expect("a broker");
    let service = client.service_builder().queue_group(QUEUE).start("bench", "1.0.0").await.expect("a service");
    let mut endpoint = service.endpoint(SUBJECT).await.expect("an endpoint");
    client.flush().await.expect("flushed");
    println!("ready");
    while let Some(question) = endpoint.next().await {
        let request = EchoRequest::decode(question.message.payload.clone()).expect("a request");
        let answer = Bytes::from(echo(request).await.encode_to_vec());
        let _ = question.respond(Ok(answer)).await;
    }
}

async fn relais(url: String) {
    let keys: Arc<dyn KeyPairs> = Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)));
    let bus = nats::Bus::connect(nats::ConnectOptions {
        servers: vec![url],
        jwt: UserJwt::from_text(String::new()),
        seed: keys.generate(KeyKind::User).seed,
        inbox_prefix: "_INBOX.relais".to_owned(),
        name: "relais".to_owned(),
        keys,
        rng: Arc::new(system::Rng),
    })
    .await
    .expect("a broker");
    let clock: Arc<dyn Clock> = Arc::new(system::Clock);
    let ports = ServicePorts {
        bus: Arc::new(bus.clone()),
        clock: Arc::clone(&clock),
        rng: Arc::new(system::Rng),
        cache: Cache::new(Arc::new(memory::Cache::with_defaults(clock))),
    };
    let router = Router::new().subscribe("from.{user}.echo", handler);
    let options = ServiceOptions::new(QUEUE.parse().expect("a name"));
    let _service = Service::start(router, ports, &system::Spawner::current(), options).await.expect("a service");
    println!("ready");
    bus.ended().await;
}
