//! What is asked of every kind.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use prost::Message as _;
use relais_adapters::{nats, nkeys, system};
use relais_domain::{
    credentials::{KeyKind, UserJwt},
    message::Message,
    ports::{Bus as _, KeyPairs},
};
use relais_proto::v1::EchoRequest;

const SUBJECT: &str = "from.ada.echo";
/// Nobody here is that slow; a kind that loses messages is told so.
const PATIENCE: Duration = Duration::from_secs(60);

/// A kind of load.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) requests: usize,
    pub(crate) outstanding: usize,
    /// Without an answer, save for the last of so many: async-nats drops what comes while 65 536 are waiting.
    pub(crate) fire: Option<usize>,
    /// Whether every hundredth handler waits 20 ms.
    pub(crate) slow: bool,
}

/// Every load, so many times the shortest.
pub(crate) fn all(scale: usize) -> [Load; 4] {
    let load = Load { name: "", requests: 50_000 * scale, outstanding: 256, fire: None, slow: false };
    [
        Load { name: "request, 64 outstanding", outstanding: 64, ..load },
        Load { name: "request, 256 outstanding", ..load },
        Load {
            name: "publish, 10 000 at a time",
            requests: 100_000 * scale,
            outstanding: 1,
            fire: Some(10_000),
            ..load
        },
        Load { name: "request, 256, 1 in 100 waits 20 ms", requests: 10_000 * scale, slow: true, ..load },
    ]
}

/// A request that the echo answers.
pub(crate) fn question(text: &str) -> Message {
    let payload = EchoRequest { message: text.to_owned() }.encode_to_vec();
    Message::new(SUBJECT.parse().expect("a subject"), payload)
}

/// Sends the load; gives the times of requests, the shortest first.
pub(crate) async fn ask(bus: &nats::Bus, load: Load) -> Vec<Duration> {
    let (quick, slow) = (question("hello"), question("slow"));
    if let Some(burst) = load.fire {
        for number in 1..=load.requests {
            if number % burst == 0 {
                // It is answered behind all of them.
                bus.request(quick.clone(), PATIENCE).await.expect("an answer");
            } else {
                bus.publish(quick.clone()).await.expect("published");
            }
        }
        return Vec::new();
    }
    let one = |worker: usize| {
        let (quick, slow) = (quick.clone(), slow.clone());
        async move {
            let mut times = Vec::new();
            for number in (worker..load.requests).step_by(load.outstanding) {
                let question = if load.slow && number % 100 == 0 { slow.clone() } else { quick.clone() };
                let begun = Instant::now();
                bus.request(question, PATIENCE).await.expect("an answer");
                times.push(begun.elapsed());
            }
            times
        }
    };
    let mut times: Vec<_> = join_all((0..load.outstanding).map(one)).await.into_iter().flatten().collect();
    times.sort();
    times
}

/// The connection of those who ask.
pub(crate) async fn connect(url: &str) -> nats::Bus {
    let keys: Arc<dyn KeyPairs> = Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)));
    let options = nats::ConnectOptions {
        servers: vec![url.to_owned()],
        jwt: UserJwt::from_text(String::new()),
        seed: keys.generate(KeyKind::User).seed,
        inbox_prefix: "_INBOX.ada".to_owned(),
        name: "load".to_owned(),
        keys,
        rng: Arc::new(system::Rng),
        security: nats::Security::default(),
    };
    nats::Bus::connect(options).await.expect("a broker")
}
