//! What a service tells about itself.

use serde_json::Value;

use super::*;
use crate::message;

async fn place(_: Message<Text>) -> Result<Message<Text>, Fault> {
    Err(Fault::conflict("no more tea"))
}

async fn app() -> TestApp {
    let router = Router::new()
        .route(Route::new("from.{user}.orders.{order}", place).about("places an order"))
        .broadcast("news", async |_: Payload, _: Reply| {});
    let mut options = ServiceOptions::new("shop".parse().unwrap());
    (options.version, options.about) = ("1.2.3".to_owned(), "sells tea".to_owned());
    TestApp::start_with(router, options).await.unwrap()
}

async fn ask(app: &TestApp, subject: &str, reply: &str) -> Vec<Value> {
    let known = app.sent(reply).len();
    let mut question = message::Message::new(subject.parse().unwrap(), "");
    question.reply = Some(reply.parse().unwrap());
    app.publish_raw(question).await;
    let answers = app.sent(reply).split_off(known);
    answers.into_iter().map(|answer| serde_json::from_slice(&answer.payload).unwrap()).collect()
}

#[tokio::test]
async fn every_verb_is_answered_bare_by_name_and_by_id() {
    let app = app().await;
    let ping = ask(&app, "$SRV.PING", "_INBOX.op-nina.1").await.remove(0);
    assert_eq!(ping["type"], "io.nats.micro.v1.ping_response");
    assert_eq!((&ping["name"], &ping["version"]), (&"shop".into(), &"1.2.3".into()));
    let id = ping["id"].as_str().unwrap();
    assert!(id.len() >= 20 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    for verb in ["PING", "INFO", "STATS"] {
        for subject in [format!("$SRV.{verb}"), format!("$SRV.{verb}.shop"), format!("$SRV.{verb}.shop.{id}")] {
            let answers = ask(&app, &subject, "_R_.x.1").await;
            assert_eq!(answers.len(), 1, "{subject}");
            assert_eq!(answers[0]["type"], format!("io.nats.micro.v1.{}_response", verb.to_lowercase()));
            assert_eq!(answers[0]["id"], id);
        }
    }
    assert!(ask(&app, "$SRV.PING.other", "_INBOX.op-nina.1").await.is_empty());
}

#[tokio::test]
async fn info_says_what_each_route_takes_and_answers() {
    let app = app().await;
    let info = ask(&app, "$SRV.INFO.shop", "_INBOX.op-nina.1").await.remove(0);
    assert_eq!(info["description"], "sells tea");
    let orders = &info["endpoints"][0];
    assert_eq!((&orders["name"], &orders["subject"]), (&"orders-order".into(), &"from.*.orders.*".into()));
    assert_eq!(orders["queue_group"], "shop");
    assert_eq!(orders["metadata"]["pattern"], "from.{user}.orders.{order}");
    assert_eq!((&orders["metadata"]["request"], &orders["metadata"]["answer"]), (&"Text".into(), &"Text".into()));
    assert_eq!(orders["metadata"]["about"], "places an order");
    let news = &info["endpoints"][1];
    assert_eq!((&news["queue_group"], &news["metadata"]["answer"]), (&"".into(), &"(by hand)".into()));
}

#[tokio::test]
async fn stats_count_requests_errors_and_times() {
    let app = app().await;
    for _ in 0..3 {
        assert_eq!(fault(app.request_bytes("ada", "orders.7", "").await).0, 409);
    }
    let stats = ask(&app, "$SRV.STATS.shop", "_INBOX.op-nina.1").await.remove(0);
    assert_eq!(stats["started"], "2026-01-01T00:00:00Z");
    let orders = &stats["endpoints"][0];
    assert_eq!((&orders["num_requests"], &orders["num_errors"]), (&3.into(), &3.into()));
    assert_eq!(orders["last_error"], "no more tea (409)");
    assert_eq!((&orders["data"]["p99"], &orders["data"]["in_flight"]), (&"0ns".into(), &0.into()));
}

#[tokio::test]
async fn an_answer_goes_into_inboxes_only() {
    let app = app().await;
    for aimed in ["from.bob.pay", "to.bob.x", "$JS.API.STREAM.DELETE.OUT", "_INBOX", "_SVC.relais.1", "in.relais.x"] {
        assert!(ask(&app, "$SRV.INFO", aimed).await.is_empty(), "{aimed}");
    }
}

#[tokio::test]
async fn a_drained_service_is_seen_no_more() {
    let app = app().await;
    app.drain(std::time::Duration::from_secs(1)).await;
    assert!(ask(&app, "$SRV.PING", "_INBOX.op-nina.1").await.is_empty());
}
