//! What handlers can take, and what happens when it cannot be had.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::join;
use serde::Deserialize;

use super::*;
use crate::{identity::UserId, message, message::Headers, subject::Subject};

fn from(user: &str, rest: &str) -> message::Message {
    message::Message::new(format!("from.{user}.{rest}").parse().unwrap(), "")
}

async fn app(router: Router) -> TestApp {
    TestApp::start(router).await.unwrap()
}

/// Asks with headers, and gives back the payload or the fault's code and words.
async fn ask(app: &TestApp, subject: &str, headers: &[(&str, &str)]) -> Result<Bytes, (u16, String)> {
    let mut message = from("ada", subject);
    message.headers = headers.iter().copied().collect();
    message.reply = Some("_INBOX.ada.1".parse().unwrap());
    let known = app.sent("_INBOX.ada.1").len();
    app.publish_raw(message).await;
    let answer = app.sent("_INBOX.ada.1").swap_remove(known);
    match Fault::from_headers(&answer.headers) {
        Some(fault) => Err((fault.code(), fault.message().to_owned())),
        None => Ok(answer.payload),
    }
}

#[tokio::test]
async fn eight_arguments_in_any_order() {
    #[allow(clippy::too_many_arguments)]
    async fn all(
        reply: Reply,
        Payload(payload): Payload,
        State(state): State<&'static str>,
        headers: Headers,
        subject: Subject,
        user: CurrentUser,
        Tokens(order): Tokens<u8>,
        deadline: Deadline,
    ) {
        let words = format!(
            "{}|{state}|{}|{subject}|{}|{order}|{:?}",
            String::from_utf8_lossy(&payload),
            headers.get("Key").unwrap_or("none"),
            user.id(),
            deadline.left()
        );
        reply.bytes(words).await.unwrap();
    }
    let app = app(Router::new().subscribe("from.{user}.orders.{order}", all).with_state("state")).await;
    let answer = app.request_bytes("ada", "orders.7", "pay").await.unwrap();
    assert_eq!(answer, "pay|state|none|from.ada.orders.7|ada|7|5s");
}

#[tokio::test]
async fn tokens_become_values_of_any_type() {
    #[derive(Deserialize)]
    struct Number(u64);
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        Small,
        Large,
    }
    #[derive(Deserialize)]
    struct Named {
        user: UserId,
        size: Size,
        count: Option<i8>,
    }
    async fn one(Tokens(Number(order)): Tokens<Number>) -> Vec<u8> {
        order.to_string().into()
    }
    async fn two(Tokens((room, seat)): Tokens<(String, u16)>) -> Vec<u8> {
        format!("{room} {seat}").into()
    }
    async fn named(Tokens(named): Tokens<Named>) -> Vec<u8> {
        let size = if matches!(named.size, Size::Small) { "small" } else { "large" };
        format!("{} {size} {:?}", named.user, named.count).into()
    }
    async fn rest(Tokens(rest): Tokens<String>) -> Vec<u8> {
        rest.into()
    }
    let router = Router::new()
        .subscribe("from.{user}.orders.{order}", one)
        .subscribe("from.{user}.rooms.{room}.{seat}", two)
        .subscribe("from.{user}.hats.{size}.{count}", named)
        .subscribe("from.{user}.files.{rest..}", rest);
    let app = app(router).await;
    for (subject, expected) in [
        ("orders.7", "7"),
        ("rooms.hall.65535", "hall 65535"),
        ("hats.large.-3", "ada large Some(-3)"),
        ("files.a.b.c", "a.b.c"),
    ] {
        assert_eq!(ask(&app, subject, &[]).await.unwrap(), expected);
    }
    for (subject, words) in [
        ("orders.-7", "order is -7, which is no number of 64 bits without a sign"),
        ("orders.18446744073709551616", "which is no number"),
        ("rooms.hall.65536", "seat is 65536, which is no number from 0 to 65535"),
        ("hats.huge.1", "size is huge, which is no small, large"),
        ("hats.small.x", "count is x, which is no number from -128 to 127"),
    ] {
        let (code, told) = ask(&app, subject, &[]).await.unwrap_err();
        assert_eq!(code, 400);
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn tokens_that_the_pattern_does_not_name_are_refused_at_registration() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Wants {
        room: String,
        seat: u16,
    }
    async fn named(_: Tokens<Wants>) {}
    async fn two(_: Tokens<(String, u16)>) {}
    async fn one(_: Option<MessageId>, _: Tokens<u8>) {}
    let router: Router = Router::new()
        .subscribe("from.{user}.a.{room}", named)
        .subscribe("from.{user}.b.{room}", two)
        .subscribe("from.{user}.c.{x}.{y}", one)
        .subscribe("from.{user}.d", one)
        .subscribe("from.{user}.e.{room}.{seat}", named);
    let words: Vec<_> = router.routes().unwrap_err().into_iter().map(|error| error.problem.to_string()).collect();
    assert_eq!(words.len(), 4, "{words:?}");
    assert!(words[0].contains("Tokens with seat, but the pattern has no {seat}; it has user, room"), "{}", words[0]);
    assert!(words[1].contains("Tokens of 2, but the pattern names 1"), "{}", words[1]);
    assert!(words[2].contains("Tokens of 1, but the pattern names 2"), "{}", words[2]);
    assert!(words[3].contains("Tokens of 1, but the pattern names 0"), "{}", words[3]);
}

#[tokio::test]
async fn a_message_id_is_needed_optional_or_malformed() {
    async fn needs(id: MessageId) -> Vec<u8> {
        id.as_str().into()
    }
    async fn may(id: Option<MessageId>) -> Vec<u8> {
        id.map_or_else(|| b"none".to_vec(), |id| id.as_str().into())
    }
    async fn handles(id: Result<MessageId, InvalidMessageId>) -> Vec<u8> {
        format!("{id:?}").into()
    }
    let router = Router::new()
        .subscribe("from.{user}.needs", needs)
        .subscribe("from.{user}.may", may)
        .subscribe("from.{user}.handles", handles);
    let app = app(router).await;
    let id = [("Relais-Id", "a-1")];
    let long = "x".repeat(65);
    assert_eq!(ask(&app, "needs", &id).await.unwrap(), "a-1");
    assert_eq!(ask(&app, "may", &id).await.unwrap(), "a-1");
    assert_eq!(ask(&app, "may", &[]).await.unwrap(), "none");
    let (code, words) = ask(&app, "needs", &[]).await.unwrap_err();
    assert!(code == 400 && words.contains("needs the header Relais-Id"), "{words}");
    for malformed in ["", "a b", "é", &long] {
        let (code, words) = ask(&app, "may", &[("Relais-Id", malformed)]).await.unwrap_err();
        assert!(code == 400 && words.contains("is no name"), "absent is not wrong, but wrong is: {words}");
    }
    assert_eq!(ask(&app, "handles", &[]).await.unwrap(), "Err(Missing)");
}

#[tokio::test]
async fn what_is_absent_is_none() {
    async fn message(message: Option<Message<Text>>) -> Vec<u8> {
        message.map_or_else(|| b"none".to_vec(), |Message(message)| message.text.into_bytes())
    }
    async fn payload(payload: Option<Payload>, user: Option<CurrentUser>) -> Vec<u8> {
        format!("{} {}", payload.is_some(), user.is_some()).into()
    }
    let router = Router::new()
        .subscribe("from.{user}.message", message)
        .subscribe("from.{user}.payload", payload)
        .subscribe("tick.{n}", payload);
    let app = app(router).await;
    assert_eq!(app.request_bytes("ada", "message", "").await.unwrap(), "none");
    assert_eq!(app.request_bytes("ada", "message", prost::Message::encode_to_vec(&text("hi"))).await.unwrap(), "hi");
    assert_eq!(fault(app.request_bytes("ada", "message", vec![0xff]).await).0, 400);
    assert_eq!(app.request_bytes("ada", "payload", "").await.unwrap(), "false true");
    let mut tick = message::Message::new("tick.1".parse().unwrap(), "x");
    tick.reply = Some("_INBOX.any.1".parse().unwrap());
    app.publish_raw(tick).await;
    assert_eq!(app.sent("_INBOX.any.1")[0].payload, "true false");
}

#[tokio::test]
async fn messages_to_users_and_elsewhere_are_built_anew_in_the_callers_trace() {
    async fn tells(to: ToUser, publish: Publish) -> Result<(), Fault> {
        let bob: UserId = "bob".parse().unwrap();
        to.message(&bob, "news.x", &text("hi")).await?;
        publish.bytes("topic.news.relais", "all").await?;
        assert!(matches!(to.bytes(&bob, "from.ada.x", "").await, Err(PublishError::Reserved { .. })));
        assert!(matches!(publish.bytes("to.bob.from.ada.x", "").await, Err(PublishError::Reserved { .. })));
        for hostile in ["", "a..b", "*", "x\r\nPUB y 0", "é"] {
            assert!(matches!(to.bytes(&bob, hostile, "").await, Err(PublishError::Subject { .. })), "{hostile:?}");
        }
        Ok(())
    }
    let app = app(Router::new().subscribe("from.{user}.tells", tells)).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let headers = [("traceparent", parent.as_str()), ("tracestate", "x=1"), ("Nats-Rollup", "all"), ("Key", "v")];
    ask(&app, "tells", &headers).await.unwrap();
    let sent = app.sent("to.bob.>");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload, prost::Message::encode_to_vec(&text("hi")));
    let names: Vec<_> = sent[0].headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["traceparent", "tracestate"], "nothing else goes along");
    let ours = sent[0].headers.get("traceparent").unwrap();
    assert!(ours.starts_with(&format!("00-{trace}-")) && ours != parent, "same trace, a span of our own: {ours}");
    assert_eq!(app.sent("topic.>")[0].payload, "all");
}

#[tokio::test]
async fn a_deadline_says_how_much_time_is_left() {
    async fn looks(deadline: Deadline) -> Vec<u8> {
        assert!(!deadline.is_over());
        format!("{:?}", deadline.left()).into()
    }
    let router = Router::new()
        .route(Route::new("from.{user}.short", looks).timeout(Duration::from_secs(1)))
        .route(Route::new("from.{user}.endless", looks).no_timeout());
    let app = app(router).await;
    assert_eq!(app.request_bytes("ada", "short", "").await.unwrap(), "1s");
    assert_eq!(app.request_bytes("ada", "endless", "").await.unwrap(), format!("{:?}", Duration::MAX));
}

#[tokio::test]
async fn the_time_of_a_message_begins_when_it_leaves_the_line() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let own = Arc::clone(&gate);
    let waits = move |deadline: Deadline| {
        let gate = Arc::clone(&own);
        async move {
            let left = deadline.left();
            gate.acquire().await.unwrap().forget();
            format!("{left:?}").into_bytes()
        }
    };
    let app = app(Router::new().route(Route::new("from.{user}.x", waits).handlers(1))).await;
    let steps = async {
        app.settle().await;
        app.advance(Duration::from_secs(3)).await;
        gate.add_permits(2);
    };
    let asked = join(app.request_bytes("ada", "x", ""), app.request_bytes("ada", "x", ""));
    let ((first, second), ()) = join(asked, steps).await;
    assert_eq!((first.unwrap(), second.unwrap()), (Bytes::from("5s"), Bytes::from("5s")));
}
