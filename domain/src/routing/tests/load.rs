//! Load: places, the line, lanes, overload, memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::*;
use crate::message;

fn asked(user: &str, subject: &str, payload: impl Into<bytes::Bytes>) -> message::Message {
    let mut message = message::Message::new(format!("from.{user}.{subject}").parse().unwrap(), payload);
    message.reply = Some(format!("_INBOX.{user}.1").parse().unwrap());
    message
}

/// How many of a user's calls were answered, and how many were turned away with 503.
fn outcome(app: &TestApp, user: &str) -> (usize, usize) {
    let (mut answered, mut refused) = (0, 0);
    for answer in app.sent(&format!("_INBOX.{user}.>")) {
        match Fault::from_headers(&answer.headers) {
            None => answered += 1,
            Some(fault) if fault.code() == 503 => refused += 1,
            Some(other) => panic!("{other}"),
        }
    }
    (answered, refused)
}

/// Handlers that wait at a gate.
fn gated() -> (Arc<Semaphore>, impl Fn(Payload) -> futures_util::future::BoxFuture<'static, bytes::Bytes> + Clone) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let handler = move |Payload(payload): Payload| {
        let gate = Arc::clone(&held);
        futures_util::FutureExt::boxed(async move {
            gate.acquire().await.unwrap().forget();
            payload
        })
    };
    (gate, handler)
}

#[tokio::test]
async fn ten_times_too_much_is_answered_and_counted_to_the_last_message() {
    let (gate, handler) = gated();
    let app = TestApp::start(Router::new().subscribe("from.{user}.x", handler)).await.unwrap();
    let (places, line) = (64, 1_024);
    let sent = 10 * (places + line);
    for _ in 0..sent {
        app.publish_raw(asked("ada", "x", "")).await;
    }
    let stats = app.stats("from.{user}.x");
    assert_eq!((stats.in_flight, stats.waiting), (places, line), "no more than these are kept");
    assert_eq!(outcome(&app, "ada"), (0, sent - places - line), "the others are told at once");
    gate.add_permits(sent);
    app.settle().await;
    assert_eq!(outcome(&app, "ada"), (places + line, sent - places - line));
    let stats = app.stats("from.{user}.x");
    assert_eq!(stats.overloads, (sent - places - line) as u64);
    assert_eq!((stats.handled, stats.in_flight, stats.waiting), ((places + line) as u64, 0, 0));
}

#[tokio::test]
async fn who_floods_a_route_waits_behind_himself() {
    let (gate, handler) = gated();
    let route = Route::new("from.{user}.x", handler).handlers(1).line(10);
    let app = TestApp::start(Router::new().route(route)).await.unwrap();
    for _ in 0..100 {
        app.publish_raw(asked("mallory", "x", "")).await;
    }
    assert_eq!(outcome(&app, "mallory"), (0, 89));
    for user in ["ada", "bob"] {
        for _ in 0..3 {
            app.publish_raw(asked(user, "x", "")).await;
        }
    }
    assert_eq!(outcome(&app, "mallory"), (0, 95), "six of his gave way");
    gate.add_permits(4);
    app.settle().await;
    assert_eq!((outcome(&app, "ada").0, outcome(&app, "bob").0), (1, 1), "they take turns");
    gate.add_permits(100);
    app.settle().await;
    assert_eq!([outcome(&app, "ada"), outcome(&app, "bob"), outcome(&app, "mallory")], [(3, 0), (3, 0), (5, 95)]);
}

#[tokio::test]
async fn the_line_is_bounded_in_bytes_too() {
    let (gate, handler) = gated();
    let mut options = ServiceOptions::new("app".parse().unwrap());
    (options.handlers, options.line_bytes) = (1, 1_000_000);
    let app = TestApp::start_with(Router::new().subscribe("from.{user}.x", handler), options).await.unwrap();
    for _ in 0..20 {
        app.publish_raw(asked("ada", "x", vec![0; 300_000])).await;
    }
    assert_eq!(app.stats("from.{user}.x").waiting, 3);
    assert_eq!(outcome(&app, "ada"), (0, 16));
    gate.add_permits(20);
    app.settle().await;
    assert_eq!(outcome(&app, "ada"), (4, 16));
}

#[tokio::test]
async fn a_slow_key_delays_no_other_key() {
    let (gate, slow) = gated();
    let handler = move |payload: Payload| {
        let slow = slow.clone();
        async move { if payload.0 == "slow" { slow(payload).await } else { payload.0 } }
    };
    let app = TestApp::start(Router::new().route(Route::new("from.{user}.x", handler).ordered())).await.unwrap();
    app.publish_raw(asked("ada", "x", "slow")).await;
    for _ in 0..3 {
        app.publish_raw(asked("ada", "x", "quick")).await;
        app.publish_raw(asked("bob", "x", "quick")).await;
    }
    assert_eq!((outcome(&app, "ada").0, outcome(&app, "bob").0), (0, 3));
    gate.add_permits(1);
    app.settle().await;
    let answers: Vec<_> = app.sent("_INBOX.ada.>").into_iter().map(|answer| answer.payload).collect();
    assert_eq!(answers, ["slow", "quick", "quick", "quick"]);
}

#[tokio::test]
async fn a_key_whose_handler_panics_or_is_ended_goes_on() {
    async fn handler(Payload(payload): Payload) -> bytes::Bytes {
        match &payload[..] {
            b"panic" => panic!("on purpose"),
            b"never" => std::future::pending().await,
            _ => payload,
        }
    }
    let app = TestApp::start(Router::new().route(Route::new("from.{user}.x", handler).ordered())).await.unwrap();
    for payload in ["panic", "one", "never", "two"] {
        app.publish_raw(asked("ada", "x", payload)).await;
    }
    app.advance(Duration::from_secs(5)).await;
    let answers = app.sent("_INBOX.ada.>");
    let told = |message: &message::Message| Fault::from_headers(&message.headers).map(|fault| fault.code());
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), [Some(500), None, Some(504), None]);
}

#[tokio::test]
async fn every_instance_gets_a_broadcast_and_one_of_them_any_other() {
    use crate::{memory, ports::Bus as _};
    let counted = Arc::new(AtomicUsize::new(0));
    let (clock, spawner) = (memory::Clock::default(), memory::Spawner::default());
    let bus = memory::Bus::new(Arc::new(clock.clone()));
    let mut services = Vec::new();
    for _ in 0..3 {
        let (one, ten) = (Arc::clone(&counted), Arc::clone(&counted));
        let router = Router::new()
            .subscribe("from.{user}.one", move || {
                one.fetch_add(1, Ordering::Relaxed);
                async {}
            })
            .broadcast("from.{user}.all", move || {
                ten.fetch_add(10, Ordering::Relaxed);
                async {}
            });
        let ports = memory::service_ports(&bus, &clock);
        let options = ServiceOptions::new("app".parse().unwrap());
        services.push(Service::start(router, ports, &spawner, options).await.unwrap());
    }
    for subject in ["one", "all"] {
        bus.publish(asked("ada", subject, "")).await.unwrap();
        spawner.settle().await;
    }
    assert_eq!(counted.load(Ordering::Relaxed), 31);
}

/// Whatever comes, in whatever order handlers end: each key's messages are handled in order and one at a time, every message is
/// answered once or told that there was no room, and nothing is left.
fn lanes_keep_their_order(messages: &[(u8, u8)], places: usize, line: usize) {
    type Log = Arc<Mutex<BTreeMap<String, Vec<usize>>>>;
    let log = Log::default();
    let running = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
    let (own, busy) = (Arc::clone(&log), Arc::clone(&running));
    let handler = move |user: CurrentUser, Payload(payload): Payload| {
        let (log, running) = (Arc::clone(&own), Arc::clone(&busy));
        async move {
            let key = user.id().to_string();
            *running.lock().unwrap().entry(key.clone()).or_default() += 1;
            assert_eq!(running.lock().unwrap()[&key], 1, "one at a time");
            for _ in 0..payload[0] {
                tokio::task::yield_now().await;
            }
            log.lock()
                .unwrap()
                .entry(key.clone())
                .or_default()
                .push(usize::from(payload[1]) * 256 + usize::from(payload[2]));
            *running.lock().unwrap().get_mut(&key).unwrap() -= 1;
            payload
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let route = Route::new("from.{user}.x", handler).ordered().handlers(places).line(line);
        let app = TestApp::start(Router::new().route(route)).await.unwrap();
        for (number, (user, yields)) in messages.iter().enumerate() {
            let number = u16::try_from(number).unwrap().to_be_bytes();
            let message = asked(&format!("u{user}"), "x", vec![*yields, number[0], number[1]]);
            // In bursts: the app runs only now and then.
            app.publish_unsettled(message).await;
            if yields % 3 == 0 {
                app.settle().await;
            }
        }
        app.settle().await;
        let answered = app.sent("_INBOX.>");
        assert_eq!(answered.len(), messages.len(), "each is answered once");
        let stats = app.stats("from.{user}.x");
        assert_eq!((stats.in_flight, stats.waiting, stats.panics), (0, 0, 0));
        assert_eq!(stats.handled + stats.overloads, messages.len() as u64);
        for (key, numbers) in &*log.lock().unwrap() {
            assert!(numbers.is_sorted(), "{key}: {numbers:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn lanes_keep_their_order_whatever_comes(
        messages in proptest::collection::vec((0_u8..6, 0_u8..4), 0..300),
        places in 1_usize..8,
        line in 0_usize..40,
    ) {
        lanes_keep_their_order(&messages, places, line);
    }
}
