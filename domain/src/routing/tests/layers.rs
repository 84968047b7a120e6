//! Layers: ours in their order, and those of users.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join;

use super::*;
use crate::message;

async fn app(router: Router) -> TestApp {
    TestApp::start(router).await.unwrap()
}

fn with_id(id: &str, payload: &str) -> message::Message {
    let mut message = message::Message::new("from.ada.x".parse().unwrap(), payload.to_owned());
    message.headers.append("Relais-Id", id);
    message.reply = Some("_INBOX.ada.1".parse().unwrap());
    message
}

#[tokio::test]
async fn layers_run_from_the_app_inwards_and_in_each_as_written() {
    type Log = Arc<Mutex<Vec<&'static str>>>;
    let log = Log::default();
    let note = |name: &'static str| {
        let log = Arc::clone(&log);
        move |request: Request, next: Next| {
            let log = Arc::clone(&log);
            async move {
                log.lock().unwrap().push(name);
                next.run(request).await
            }
        }
    };
    let own = Arc::clone(&log);
    let handler = move || {
        let log = Arc::clone(&own);
        async move { log.lock().unwrap().push("handler") }
    };
    let route = Route::new("pay", handler).layer(note("route 1")).layer(note("route 2"));
    let orders = Router::new().layer(note("orders 1")).route(route).layer(note("orders 2"));
    let router = Router::new().nest("from.{user}.orders", orders).layer(note("app 1")).layer(note("app 2"));
    let app = app(router).await;
    app.request_bytes("ada", "orders.pay", "").await.unwrap();
    let expected = ["app 1", "app 2", "orders 1", "orders 2", "route 1", "route 2", "handler"];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_layer_may_answer_instead_change_the_answer_or_run_the_rest_again() {
    async fn guard(request: Request, next: Next) -> Result<Answer, Fault> {
        if request.message().payload.is_empty() {
            return Err(Fault::forbidden("say something"));
        }
        Ok(next.run(request).await)
    }
    async fn twice(request: Request, next: Next) -> Answer {
        next.clone().run(request.clone()).await;
        match next.run(request).await {
            Answer::Payload(payload) => Answer::Payload([&payload[..], b"!"].concat().into()),
            other => other,
        }
    }
    let runs = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&runs);
    let handler = move |Payload(payload): Payload| {
        own.fetch_add(1, Ordering::Relaxed);
        async move { payload }
    };
    let app = app(Router::new().subscribe("from.{user}.x", handler).layer(guard).layer(twice)).await;
    assert_eq!(fault(app.request_bytes("ada", "x", "").await), (403, "say something".to_owned()));
    assert_eq!(app.request_bytes("ada", "x", "hey").await.unwrap(), "hey!");
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_panic_in_a_layer_a_check_or_a_key_is_a_fault_of_that_message_alone() {
    async fn echo(Payload(payload): Payload) -> Bytes {
        payload
    }
    async fn layer(request: Request, next: Next) -> Answer {
        assert!(request.message().payload != "layer", "on purpose");
        next.run(request).await
    }
    let route = Route::new("from.{user}.x", echo)
        .authenticate(|request| {
            assert!(request.message().payload != "check", "on purpose");
            Ok(())
        })
        .ordered_by(|request| {
            assert!(request.message().payload != "key", "on purpose");
            "one"
        })
        .layer(layer);
    let app = app(Router::new().route(route)).await;
    for hostile in ["layer", "check", "key"] {
        assert_eq!(fault(app.request_bytes("ada", "x", hostile).await).0, 500, "{hostile}");
        assert_eq!(app.request_bytes("ada", "x", "fine").await.unwrap(), "fine", "after {hostile}");
    }
}

#[tokio::test]
async fn a_panic_while_an_overdue_handler_is_ended_hurts_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    async fn slow(Payload(payload): Payload) -> Bytes {
        if payload == "slow" {
            let _bomb = Bomb;
            std::future::pending::<()>().await;
        }
        payload
    }
    let app = app(Router::new().subscribe("from.{user}.x", slow)).await;
    let late = async {
        app.advance(Duration::from_secs(5)).await;
    };
    let (told, ()) = join(app.request_bytes("ada", "x", "slow"), late).await;
    assert_eq!(fault(told).0, 504);
    assert_eq!(app.request_bytes("ada", "x", "fine").await.unwrap(), "fine");
}

#[tokio::test]
async fn without_isolation_a_panic_ends_the_route() {
    async fn panics() {
        panic!("on purpose");
    }
    let app = app(Router::new().route(Route::new("from.{user}.x", panics).let_panics_end_it())).await;
    let mut asked = message::Message::new("from.ada.x".parse().unwrap(), "");
    asked.reply = Some("_INBOX.ada.1".parse().unwrap());
    app.publish_raw(asked).await;
    assert!(app.sent("_INBOX.ada.1").is_empty());
    let gone = app.request_bytes("ada", "x", "").await;
    assert!(matches!(gone, Err(ClientError::Bus(crate::ports::BusError::NoResponders { .. }))), "{gone:?}");
}

#[tokio::test]
async fn who_may_not_call_is_told_before_anything_is_spent() {
    let router =
        Router::new().subscribe("from.{user}.x", async || -> () { panic!("must not run") }).authenticate(|request| {
            match request.caller() {
                Some(user) if user.as_str() == "ada" => Ok(()),
                _ => Err(Fault::forbidden("ada only")),
            }
        });
    let app = app(router).await;
    assert_eq!(fault(app.request_bytes("bob", "x", "").await), (403, "ada only".to_owned()));
    assert_eq!(fault(app.request_bytes("ada", "x", "").await).0, 500);
    let stats = app.stats("from.{user}.x");
    assert_eq!((stats.turned_away, stats.panics, stats.times.count), (1, 1, 1));
}

#[tokio::test]
async fn a_user_who_calls_too_often_waits_and_others_do_not() {
    let router = Router::new().subscribe("from.{user}.x", async || b"ok".to_vec());
    let app = app(router.rate_limit(RateLimit::per_second(2).burst(3))).await;
    for _ in 0..3 {
        app.request_bytes("ada", "x", "").await.unwrap();
    }
    let (code, words) = fault(app.request_bytes("ada", "x", "").await);
    assert!(code == 429 && words.contains("try again in 501 ms"), "{words}");
    app.request_bytes("bob", "x", "").await.unwrap();
    app.advance(Duration::from_millis(500)).await;
    app.request_bytes("ada", "x", "").await.unwrap();
    assert_eq!(fault(app.request_bytes("ada", "x", "").await).0, 429);
    assert_eq!(app.stats("from.{user}.x").turned_away, 2);
}

#[tokio::test]
async fn a_handler_that_fails_for_the_moment_runs_again_within_its_time() {
    let runs = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&runs);
    let handler = move |Payload(payload): Payload| {
        let run = own.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            match &payload[..] {
                b"third" if run < 3 => Err(Fault::unavailable("not yet")),
                b"never" => Err(Fault::unavailable("not yet")),
                b"wrong" => Err(Fault::bad_request("no")),
                _ => Ok(payload),
            }
        }
    };
    let retry = Retry::attempts(4).wait(Duration::from_millis(100));
    let app = app(Router::new().route(Route::new("from.{user}.x", handler).retry(retry))).await;
    let passes = |steps: &'static [u64]| {
        let app = &app;
        async move {
            for step in steps {
                app.advance(Duration::from_millis(*step)).await;
            }
        }
    };
    let (third, ()) = join(app.request_bytes("ada", "x", "third"), passes(&[100, 200])).await;
    assert_eq!((third.unwrap(), runs.swap(0, Ordering::Relaxed)), (Bytes::from("third"), 3));
    let (never, ()) = join(app.request_bytes("ada", "x", "never"), passes(&[100, 200, 400])).await;
    assert_eq!((fault(never).0, runs.swap(0, Ordering::Relaxed)), (503, 4));
    let wrong = app.request_bytes("ada", "x", "wrong").await;
    assert_eq!((fault(wrong).0, runs.load(Ordering::Relaxed)), (400, 1), "what is wrong stays wrong");
}

#[tokio::test]
async fn no_attempt_begins_that_could_not_end_in_time() {
    let runs = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&runs);
    let handler = move || {
        own.fetch_add(1, Ordering::Relaxed);
        async { Err::<(), _>(Fault::unavailable("not yet")) }
    };
    let route = Route::new("from.{user}.x", handler)
        .retry(Retry::attempts(9).wait(Duration::from_millis(600)))
        .timeout(Duration::from_secs(1));
    let app = app(Router::new().route(route)).await;
    let late = async { app.advance(Duration::from_millis(600)).await };
    let (told, ()) = join(app.request_bytes("ada", "x", ""), late).await;
    assert_eq!((fault(told).0, runs.load(Ordering::Relaxed)), (503, 2));
}

#[tokio::test]
async fn the_same_message_once_more_gets_the_same_answer() {
    let runs = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let (own, held) = (Arc::clone(&runs), Arc::clone(&gate));
    let handler = move |Payload(payload): Payload| {
        let run = own.fetch_add(1, Ordering::Relaxed) + 1;
        let gate = Arc::clone(&held);
        async move {
            gate.acquire().await.unwrap().forget();
            if payload == "fail" { Err(Fault::conflict("no")) } else { Ok(run.to_string().into_bytes()) }
        }
    };
    let window = Duration::from_secs(60);
    let app = app(Router::new().route(Route::new("from.{user}.x", handler).dedup(window))).await;
    let answers = || app.sent("_INBOX.ada.1").into_iter().map(|own| own.payload).collect::<Vec<_>>();

    app.publish_raw(with_id("a", "")).await;
    app.publish_raw(with_id("a", "")).await;
    assert_eq!((runs.load(Ordering::Relaxed), answers().len()), (1, 0), "the second waits for the first");
    gate.add_permits(10);
    app.settle().await;
    app.publish_raw(with_id("a", "")).await;
    assert_eq!(answers(), ["1", "1", "1"]);
    let mut bobs = with_id("a", "");
    bobs.subject = "from.bob.x".parse().unwrap();
    bobs.reply = Some("_INBOX.bob.1".parse().unwrap());
    app.publish_raw(bobs).await;
    assert_eq!(app.sent("_INBOX.bob.1")[0].payload, "2", "another caller's name is another message");
    app.publish_raw(with_id("b", "")).await;
    app.advance(window).await;
    app.publish_raw(with_id("a", "")).await;
    assert_eq!(answers()[3..], ["3", "4"], "after the window it is a new message");

    app.publish_raw(with_id("f", "fail")).await;
    app.publish_raw(with_id("f", "")).await;
    assert_eq!(answers()[5..], ["", "6"], "a fault is not kept");
}

#[tokio::test]
async fn a_duplicate_whose_first_is_ended_runs_itself() {
    let runs = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&runs);
    let handler = move || {
        let run = own.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            if run == 1 {
                std::future::pending::<()>().await;
            }
            b"done".to_vec()
        }
    };
    let app = app(Router::new().route(Route::new("from.{user}.x", handler).dedup(Duration::from_secs(60)))).await;
    app.publish_raw(with_id("a", "")).await;
    app.advance(Duration::from_secs(1)).await;
    app.publish_raw(with_id("a", "")).await;
    app.advance(Duration::from_secs(4)).await;
    let answers = app.sent("_INBOX.ada.1");
    assert_eq!(Fault::from_headers(&answers[0].headers).unwrap().code(), 504);
    assert_eq!((answers.len(), &answers[1].payload[..]), (2, &b"done"[..]));
}
