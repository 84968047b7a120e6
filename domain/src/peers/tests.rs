//! User to user on a bus in memory: what gets through, as what, and what does not.

use std::time::Duration;

use super::*;
use crate::{client::ClientError, message::Message, ports::BusError, routing::TestApp};

#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

fn peers() -> Peers {
    Peers::new(Tickets::new(&[7; 32]))
}

async fn app(peers: Peers) -> TestApp {
    TestApp::start(peers.router()).await.unwrap()
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn message(subject: &str, reply: Option<&str>, headers: &[(&str, &str)]) -> Message {
    let mut message = Message::new(subject.parse().unwrap(), "hi");
    message.reply = reply.map(|reply| reply.parse().unwrap());
    message.headers = headers.iter().copied().collect();
    message
}

#[tokio::test]
async fn a_peer_is_told_and_asked_and_answers() {
    let app = app(peers().everybody()).await;
    let (ada, bob) = (app.client("ada"), app.client("bob"));
    app.drive(async {
        let mut heard = bob.subscribe::<Text>("from.*.chat.>").await.unwrap();
        ada.peer(bob.user()).publish("chat.one", &text("hello")).await.unwrap();
        let told = heard.next().await.unwrap().unwrap();
        assert_eq!((told.subject.as_str(), told.message.text.as_str()), ("to.bob.from.ada.chat.one", "hello"));
        assert_eq!((told.from(), told.is_request()), (Some(user("ada")), false));

        let asked = async {
            let question = heard.next().await.unwrap().unwrap();
            assert_eq!(question.from(), Some(user("ada")));
            question.respond(&text(&format!("{} yourself", question.message.text))).await.unwrap();
            let question = heard.next().await.unwrap().unwrap();
            question.respond_fault(&Fault::conflict("not now")).await.unwrap();
        };
        let asking = async {
            let answer: Text = ada.peer(bob.user()).request("chat.two", &text("ping")).await.unwrap();
            assert_eq!(answer.text, "ping yourself");
            let refused = ada.peer(bob.user()).request::<_, Text>("chat.two", &text("again")).await;
            assert!(matches!(refused, Err(ClientError::Fault(fault)) if fault == Fault::conflict("not now")));
        };
        futures_util::join!(asked, asking);
    })
    .await;
    let answers = app.sent("_INBOX.ada.>");
    assert!(answers.iter().all(|answer| answer.headers.get(FROM) == Some("bob")), "{answers:?}");
}

#[tokio::test]
async fn a_topic_reaches_those_who_listen_to_it() {
    let app = app(peers().topics(["news".parse().unwrap()])).await;
    let (ada, bob) = (app.client("ada"), app.client("bob"));
    app.drive(async {
        let news: Topic = "news".parse().unwrap();
        let mut heard = bob.topic(news.clone()).subscribe::<Text>().await.unwrap();
        ada.topic(news).publish(&text("rain")).await.unwrap();
        let said = heard.next().await.unwrap().unwrap();
        assert_eq!((said.subject.as_str(), said.from()), ("topic.news.ada", Some(user("ada"))));
        assert_eq!(said.message, text("rain"));
        let none = ada.topic("gossip".parse().unwrap()).publish(&text("x")).await;
        assert!(matches!(none, Err(ClientError::Fault(fault)) if fault.code() == 404));
    })
    .await;
    app.publish_raw(message("from.ada.topic.news.x", None, &[])).await;
    app.publish_raw(message("from.ada.topic.Nope", None, &[])).await;
    assert_eq!(app.sent("topic.>").len(), 1);
}

#[tokio::test]
async fn the_policy_is_asked_for_every_message() {
    async fn may_reach(caller: UserId, peer: UserId) -> bool {
        caller.as_str() == "ada" && peer.as_str() == "bob"
    }
    let cases = [
        (peers(), "bob", Some(403)),
        (peers().may_reach(may_reach), "carol", Some(403)),
        (peers().may_reach(may_reach), "svc-relais", Some(400)),
        (peers().may_reach(may_reach), "Bob", Some(400)),
        (peers().everybody(), "op-nina", Some(400)),
        (peers().may_reach(may_reach), "bob", None),
    ];
    for (peers, peer, refused) in cases {
        let app = app(peers).await;
        app.publish_raw(message(&format!("from.ada.tell.{peer}.chat"), Some("_INBOX.ada.1"), &[])).await;
        let code = app.sent("_INBOX.ada.1").first().and_then(|answer| Fault::from_headers(&answer.headers));
        assert_eq!(code.map(|fault| fault.code()), refused, "{peer}");
        assert_eq!(app.sent("to.>").len(), usize::from(refused.is_none()), "{peer}");
    }
    let caller = user("ada");
    for destination in ["x.from.y", ">", "*", "", "bob.x", "bob\r\nPUB x 0", "a b", "svc-shop"] {
        let refused = peers().everybody().reach(&caller, destination).await;
        assert_eq!(refused.unwrap_err().code(), 400, "{destination:?}");
    }
}

#[tokio::test]
async fn a_ticket_is_its_peers_alone_and_expires() {
    let app = app(peers().everybody()).await;
    app.publish_raw(message("from.ada.tell.bob.chat", Some("_INBOX.ada.1"), &[])).await;
    let reply = app.sent("to.bob.>")[0].reply.clone().unwrap();
    let ticket = reply.as_str().strip_prefix("from.bob.answer.").unwrap().to_owned();
    let code = |app: &TestApp| {
        let told = app.sent("_INBOX.eve.1");
        told.last().and_then(|answer| Fault::from_headers(&answer.headers)).map(|fault| fault.code())
    };
    app.publish_raw(message(&format!("from.eve.answer.{ticket}"), Some("_INBOX.eve.1"), &[])).await;
    assert_eq!((code(&app), app.sent("_INBOX.ada.>").len()), (Some(403), 0), "another's ticket");
    app.publish_raw(message("from.eve.answer.AAAAAAAA", Some("_INBOX.eve.1"), &[])).await;
    assert_eq!((code(&app), app.sent("_INBOX.ada.>").len()), (Some(403), 0), "no ticket at all");

    app.advance(ANSWER_WITHIN - Duration::from_millis(1)).await;
    app.publish_raw(message(reply.as_str(), None, &[])).await;
    assert_eq!(app.sent("_INBOX.ada.1").len(), 1, "bob's answer, in time");
    app.advance(Duration::from_millis(1)).await;
    app.publish_raw(message(reply.as_str(), Some("_INBOX.bob.1"), &[])).await;
    assert_eq!(app.sent("_INBOX.ada.1").len(), 1, "and not behind it");
    let told = app.sent("_INBOX.bob.1");
    assert_eq!(Fault::from_headers(&told[0].headers).map(|fault| fault.code()), Some(410));
}

#[tokio::test]
async fn what_is_passed_on_is_built_anew() {
    let app = app(peers().everybody().topics(["news".parse().unwrap()])).await;
    let hostile = [
        ("Nats-Trace-Dest", "from.carol.pay"),
        ("Nats-Rollup", "all"),
        ("Nats-Msg-Id", "1"),
        ("nats-expected-stream", "OUT"),
        ("Nats-Service-Error", "you are banned"),
        ("Nats-Service-Error-Code", "403"),
        ("Relais-From", "carol"),
        ("Relais-Re", "1"),
        ("X-Own", "1"),
        ("Relais-Id", "7"),
        ("Content-Type", "text/plain"),
    ];
    app.publish_raw(message("from.ada.tell.bob.chat", Some("_INBOX.ada.1"), &hostile)).await;
    app.publish_raw(message("from.ada.topic.news", None, &hostile)).await;
    let told = &app.sent("to.bob.>")[0];
    let kept: Headers = [("Relais-Id", "7"), ("Content-Type", "text/plain")].into_iter().collect();
    assert_eq!((&told.headers, &app.sent("topic.>")[0].headers), (&kept, &kept));
    // Of an answer the fault goes along, made anew, and whose it is.
    app.publish_raw(message(told.reply.as_ref().unwrap().as_str(), None, &hostile)).await;
    let answer = &app.sent("_INBOX.ada.1")[0];
    let mut expected = kept;
    Fault::forbidden("you are banned").to_headers().iter().for_each(|(name, value)| expected.append(name, value));
    expected.append("Relais-From", "bob");
    assert_eq!(answer.headers, expected);
    let trace = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    app.publish_raw(message("from.ada.tell.bob.traced", None, &[trace])).await;
    let traced = app.sent("to.bob.from.ada.traced")[0].headers.get("traceparent").unwrap().to_owned();
    assert!(traced.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && traced != trace.1, "{traced}");
}

#[tokio::test]
async fn nobody_is_imitated() {
    let app = app(peers().everybody()).await;
    // However eve words it, what bob hears says that it is hers.
    for subject in ["ping", "from.carol.chat", "to.bob.x", "from", "a.b.c.d"] {
        app.publish_raw(message(&format!("from.eve.tell.bob.{subject}"), None, &[])).await;
        assert_eq!(app.sent("to.>").last().unwrap().subject.as_str(), format!("to.bob.from.eve.{subject}"));
    }
    // A reply subject that is not hers gets nobody told anything.
    let before = app.sent("to.>").len();
    for aimed in ["_INBOX.bob.1", "from.bob.pay", "to.bob.x", "$JS.API.STREAM.DELETE.OUT"] {
        app.publish_raw(message("from.eve.tell.bob.chat", Some(aimed), &[])).await;
    }
    assert_eq!(app.sent("to.>").len(), before);
    // One so long that no ticket can carry it is refused, and told.
    let long = format!("_INBOX.eve.{}", "x".repeat(200));
    app.publish_raw(message("from.eve.tell.bob.chat", Some(&long), &[])).await;
    assert_eq!(app.sent("to.>").len(), before);
    assert_eq!(Fault::from_headers(&app.sent(&long)[0].headers).map(|fault| fault.code()), Some(400));
}

#[tokio::test]
async fn a_peer_who_is_away_is_a_timeout() {
    let app = app(peers().everybody()).await;
    let (ada, bob) = (app.client("ada"), user("bob"));
    let peer = ada.peer(&bob);
    let hello = text("hello");
    let mut asking = std::pin::pin!(peer.request::<_, Text>("chat", &hello));
    assert!(futures_util::poll!(&mut asking).is_pending());
    app.advance(Duration::from_secs(5)).await;
    let answer = app.drive(asking).await;
    assert!(matches!(answer, Err(ClientError::Bus(BusError::Timeout { .. }))));
}
