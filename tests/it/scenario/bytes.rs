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
