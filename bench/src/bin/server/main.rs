//! One echo service, by different means: `server KIND URL`. It prints "ready" and runs until it is ended.

mod by_async_nats;
mod by_relais;
mod by_ruststream;

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use relais_proto::v1::{EchoRequest, EchoResponse};

/// Where every kind listens.
const SUBJECT: &str = "from.*.echo";
/// The queue group of every kind.
const QUEUE: &str = "bench";
/// How many handlers a kind that has many at once has, as the Router by default.
const HANDLERS: usize = 64;

/// What every kind does with a message: the same text, and a wait for those that ask for one.
async fn echo(text: &str) -> String {
    if text == "slow" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    format!("echo {text}")
}

/// The same from bytes to bytes, for the kinds that leave protobuf to their user. `None` for what is no request.
async fn echo_bytes(payload: Bytes) -> Option<Bytes> {
    let request = EchoRequest::decode(payload).ok()?;
    Some(EchoResponse { message: echo(&request.message).await }.encode_to_vec().into())
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let (kind, url) = (arguments[1].as_str(), arguments[2].clone());
    let mut builder = match kind {
        "bare-current-thread" => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build().expect("a runtime").block_on(async {
        match kind {
            "bare" | "bare-current-thread" => by_async_nats::bare(&url).await,
            "spawned" => by_async_nats::spawned(&url).await,
            "async-nats-service" => by_async_nats::service(&url).await,
            "ruststream" => by_ruststream::one(url).await,
            "ruststream-64" => by_ruststream::many(url).await,
            "relais-bus" => by_relais::bus(url).await,
            "relais" => by_relais::router(url).await,
            other => panic!("{other} is no kind of server"),
        }
    });
}

/// Says that requests are answered from now on.
fn ready() {
    println!("ready");
}
