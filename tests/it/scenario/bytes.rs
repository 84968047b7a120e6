//! What one user's bytes do to everybody else: nothing.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all};
use relais::prelude::{EchoRequest, EchoResponse};
use relais_domain::{
    credentials::creds::Creds,
    message::Message,
    ports::{Bus as _, BusError, Malformed},
};
use serde_json::Value;

use crate::{
    contract::bus::connect,
    support::{Broker, Raw, Up, User, World, http, odd_messages},
};

/// Every odd message is one that its subscriber is told of, in its place among the others; none goes to another subscription.
#[tokio::test(flavor = "multi_thread")]
async fn each_odd_message_is_told_to_its_subscriber_and_to_no_other() {
    const ROUNDS: usize = 50;
    let broker = Broker::start().await;
    let bus = connect(&broker).await;
    let mut first = bus.subscribe("other.>".parse().unwrap(), None).await.unwrap();
    let mut heard = bus.subscribe("odd.>".parse().unwrap(), None).await.unwrap();
    let odd = odd_messages("odd.x", "_INBOX.mallory.1");
    let mut mallory = Raw::connect(broker.url(), None).await;
    for _ in 0..ROUNDS {
        for message in &odd {
            mallory.say(message).await;
        }
        mallory.say(b"PUB odd.fine 4\r\nfine\r\n").await;
    }
    mallory.flush().await;
    bus.flush().await.unwrap();
    for _ in 0..ROUNDS {
        for message in &odd {
            let told = heard.next().await.unwrap();
            assert!(told.is_err(), "{:?} was taken for {told:?}", String::from_utf8_lossy(message));
        }
        assert_eq!(heard.next().await.unwrap().unwrap().payload, "fine");
    }
    bus.drain().await.unwrap();
    assert!(first.next().await.is_none() && heard.next().await.is_none(), "nothing went anywhere else");
}

/// A request whose answer cannot be read is told so at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_an_error_of_its_request() {
    let broker = Broker::start().await;
    let bus = connect(&broker).await;
    let mut asked = bus.subscribe("ask".parse().unwrap(), None).await.unwrap();
    let mut server = Raw::connect(broker.url(), None).await;
    let answer = async {
        let reply = asked.next().await.unwrap().unwrap().reply.unwrap();
        server.say(format!("HPUB {reply} 20 20\r\nNATS/1.0\r\nnonsense\r\n\r\n").as_bytes()).await;
        server.flush().await;
    };
    let hour = Duration::from_secs(3_600);
    let (answered, ()) = tokio::join!(bus.request(Message::new("ask".parse().unwrap(), ""), hour), answer);
    assert!(matches!(answered, Err(BusError::Malformed(Malformed::HeaderBlock))), "{answered:?}");
}

/// The connection of the application server, as the broker counts them.
async fn connection(up: &Up) -> u64 {
    let url = format!("{}/connz", up.text("monitor"));
    let body = http().get(url).send().await.unwrap().text().await.unwrap();
    let all: Value = serde_json::from_str(&body).unwrap();
    let own = all["connections"].as_array().unwrap().iter().find(|own| own["name"] == "relais").unwrap().clone();
    own["cid"].as_u64().unwrap()
}

/// What became of the messages on the route `echo`: handled, told a fault, dropped.
async fn counted(up: &Up) -> [i64; 3] {
    let url = format!("{}/metrics", up.text("http"));
    let text = http().get(url).send().await.unwrap().text().await.unwrap();
    ["handled", "faults", "refused"].map(|name| {
        let start = format!("relais_route_{name}_total{{service=\"relais\",route=\"echo\",");
        let line = text.lines().find(|line| line.starts_with(&start)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    })
}

/// What becomes of each kind of bad input: what is counted for it, and whether the broker hangs up on who sent it. Another
/// user is answered after each.
#[tokio::test(flavor = "multi_thread")]
async fn every_bad_input_has_its_outcome() {
    const HANDLED: [i64; 3] = [1, 0, 0];
    const FAULT: [i64; 3] = [1, 1, 0];
    const DROPPED: [i64; 3] = [0, 0, 1];
    const NOTHING: [i64; 3] = [0, 0, 0];
    let world = World::new();
    let up = world.up();
    let (ada, mallory) = (User::new(&world, &up, "ada"), User::new(&world, &up, "mallory"));
    let creds = Creds::parse(&fs::read_to_string(mallory.creds()).unwrap()).unwrap();
    let client = relais::connect_client(&[up.text("nats")], ada.creds()).await.unwrap();
    let before = connection(&up).await;
    let id = mallory.id();
    let to = |reply: &str, payload: &[u8]| {
        let head = format!("PUB from.{id}.echo {reply} {}\r\n", payload.len());
        [head.as_bytes(), payload, b"\r\n"].concat()
    };
    let own = format!("_INBOX.{id}.1");
    let headers = |block: &str| {
        let head = format!("HPUB from.{id}.echo {own} {0} {0}\r\n", block.len());
        [head.as_bytes(), block.as_bytes(), b"\r\n"].concat()
    };
    let truncated = format!("PUB from.{id}.echo {own} 100\r\nhalf").into_bytes();
    for (what, bytes, outcome, hangs_up) in [
        ("nothing at all, which is an empty message", to(&own, b""), HANDLED, false),
        ("a payload that is no protobuf", to(&own, b"\xff\xff\xff"), FAULT, false),
        ("a message cut in two", to(&own, b"\n\x05he"), FAULT, false),
        ("text that is no UTF-8", to(&own, b"\n\x02\xff\xfe"), FAULT, false),
        ("as many zeros as a user may send", to(&own, &vec![0; 512 * 1024]), FAULT, false),
        ("one more", to(&own, &vec![0; 512 * 1024 + 1]), NOTHING, true),
        ("1 MB of nothing", to(&own, &vec![0; 1024 * 1024]), NOTHING, true),
        ("a length of 4 GB", format!("PUB from.{id}.echo 4294967296\r\n").into_bytes(), NOTHING, true),
        ("a frame without an end", truncated, NOTHING, false),
        ("a header with a line break", headers("NATS/1.0\r\nA: 1\r\n folded\r\n\r\n"), DROPPED, false),
        ("a header with a bare line feed", headers("NATS/1.0\r\nA: 1\nNats-Rollup: all\r\n\r\n"), HANDLED, false),
        ("a header of JetStream's", headers("NATS/1.0\r\nNats-Sequence: 1\r\n\r\n"), DROPPED, false),
        ("a reply to another user", to(&format!("_INBOX.{}.1", ada.id()), b""), DROPPED, false),
        ("a reply to JetStream", to("$JS.API.STREAM.DELETE.OUT", b""), DROPPED, false),
        ("a reply that asks as another", to(&format!("from.{}.echo", ada.id()), b""), DROPPED, false),
    ] {
        let start = counted(&up).await;
        let mut raw = Raw::connect(up.text("nats"), Some(&creds)).await;
        raw.say_anyway(&bytes).await;
        if hangs_up {
            raw.hung_up().await;
        } else if outcome != NOTHING {
            raw.flush().await;
        }
        // It comes behind what was taken.
        let answer: EchoResponse = client.request("echo", &EchoRequest { message: what.to_owned() }).await.unwrap();
        assert_eq!(answer.message, format!("echo {what}"));
        let now = counted(&up).await;
        let of_mallory = [now[0] - start[0] - 1, now[1] - start[1], now[2] - start[2]];
        assert_eq!(of_mallory, outcome, "{what}");
    }
    assert_eq!(connection(&up).await, before, "the service has not lost its connection");
}

/// While one user sends odd messages as fast as the broker takes them, everybody else is answered, on the same connection.
#[tokio::test(flavor = "multi_thread")]
async fn one_user_cannot_take_a_service_down() {
    let world = World::new();
    let up = world.up();
    let (ada, mallory) = (User::new(&world, &up, "ada"), User::new(&world, &up, "mallory"));
    let creds = Creds::parse(&fs::read_to_string(mallory.creds()).unwrap()).unwrap();
    let client = relais::connect_client(&[up.text("nats")], ada.creds()).await.unwrap();
    let before = connection(&up).await;

    let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (end, count, url) = (Arc::clone(&over), Arc::clone(&sent), up.text("nats").to_owned());
    let id = mallory.id().to_owned();
    let flood = tokio::spawn(async move {
        let mut raw = Raw::connect(&url, Some(&creds)).await;
        let inbox = format!("_INBOX.{id}.1");
        let odd = [
            odd_messages(&format!("from.{id}.echo"), &inbox),
            vec![
                format!("PUB from.{id}.echo {inbox} {0}\r\n{1}\r\n", 400_000, "\0".repeat(400_000)).into_bytes(),
                format!("PUB from.{id}.echo from.{id}.echo 0\r\n\r\n").into_bytes(),
                format!("PUB from.{id}.echo $JS.API.STREAM.DELETE.OUT 0\r\n\r\n").into_bytes(),
            ],
        ]
        .concat();
        while !end.load(Ordering::Relaxed) {
            for message in &odd {
                raw.say(message).await;
                count.fetch_add(1, Ordering::Relaxed);
            }
            raw.flush().await;
        }
        // A frame that does not end, and gone.
        raw.say(format!("PUB from.{id}.echo 100\r\nhalf").as_bytes()).await;
    });
    let mut rounds = 0;
    while rounds < 50 || sent.load(Ordering::Relaxed) < 5_000 {
        let asked = (0..20).map(|number| {
            let client = client.clone();
            async move {
                let message = format!("{rounds} {number}");
                let answer: EchoResponse =
                    client.request("echo", &EchoRequest { message: message.clone() }).await.unwrap();
                assert_eq!(answer.message, format!("echo {message}"));
            }
        });
        join_all(asked).await;
        rounds += 1;
    }
    over.store(true, Ordering::Relaxed);
    flood.await.unwrap();
    assert_eq!(connection(&up).await, before, "it has not lost its connection");
    assert!(!up.log().contains("disconnected from the broker"), "{}", up.log());
}
