//! User to user against a running Relais: the command line, the library, official clients of NATS, and attacks.

use std::{process::Command, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use relais::{App, Backend, ClientError, prelude::*};
use relais_domain::{peers, ports::BusError};
use tokio::sync::Mutex;

use super::{
    library::{log_in, settings},
    security::as_user,
};
use crate::support::{Lines, User, World, python};

fn with_topics(command: &mut Command) {
    command.env("RELAIS_TOPICS", "news,tea-time");
}

#[test]
fn two_users_speak_by_the_command_line() {
    let world = World::new();
    let up = world.up_with(with_topics);
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));

    let mut heard =
        Lines::listening(&mut bob.command(&["subscribe", "from.*.chat", "--count", "2", "--reply", "here I am"]));
    let told = ada.run(&["publish", &format!("tell.{}.chat", bob.id()), "hello"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let from_ada = format!("to.{}.from.{}.chat", bob.id(), ada.id());
    assert_eq!(heard.next(), format!("{from_ada}  hello"));
    let asked = ada.run(&["request", &format!("tell.{}.chat", bob.id()), "are you there?"]);
    assert_eq!((asked.code, asked.stdout.trim()), (0, "here I am"), "{}", asked.stderr);
    assert_eq!(heard.next(), format!("{from_ada}  are you there?"));
    assert_eq!(heard.end().0, 0);

    let mut heard = Lines::listening(&mut bob.command(&["subscribe", "--topic", "news", "--count", "1"]));
    let said = ada.run(&["request", "topic.news", "it rains"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(heard.next(), format!("topic.news.{}  it rains", ada.id()));
    let none = ada.run(&["request", "topic.gossip", "x"]);
    assert!(none.code == 1 && none.stderr.contains("no such topic"), "{}", none.stderr);
    let denied = ada.run(&["subscribe", "--topic", "gossip"]);
    assert!(denied.code == 3 && denied.stderr.contains("topic.gossip.*"), "{}: {}", denied.code, denied.stderr);

    let mut heard =
        Lines::listening(&mut bob.command(&["subscribe", "ping", "--type", "PingRequest", "--json", "--count", "1"]));
    let ping = format!(r#"{{"destination": "{}", "origin": "carol", "message": "hi"}}"#, bob.id());
    let pinged = ada.run(&["request", "ping", &ping]);
    assert_eq!(pinged.code, 0, "{}", pinged.stderr);
    let line: serde_json::Value = serde_json::from_str(&heard.next()).unwrap();
    assert_eq!((&line["message"]["origin"], &line["message"]["message"]), (&ada.id().into(), &"hi".into()));
    let whoami: serde_json::Value = serde_json::from_str(&ada.run(&["whoami", "--json"]).stdout).unwrap();
    let hears = whoami["permissions"]["subscribe"].as_array().unwrap();
    assert!(hears.contains(&"topic.news.*".into()) && hears.contains(&"topic.tea-time.*".into()), "{whoami}");
    up.stop();

    // A topic taken away is heard no more; nothing else has changed.
    let up = world.up_with(|command| {
        command.env("RELAIS_TOPICS", "tea-time");
    });
    let ada = User::at_known(&world, &up, "ada");
    assert_eq!(ada.run(&["subscribe", "--topic", "news", "--count", "1"]).code, 3);
    assert_eq!(ada.run(&["request", "topic.tea-time", "x"]).code, 0);
}

/// What nats.py does with any message: `respond`.
const RESPOND: &str = r#"
import asyncio, sys
import nats

async def main(server, creds, user):
    nc = await nats.connect(server, user_credentials=creds, inbox_prefix=f"_INBOX.{user}".encode())
    heard = await nc.subscribe(f"to.{user}.from.*.chat")
    await nc.flush()
    print("listening", flush=True)
    question = await heard.next_msg(timeout=30)
    await question.respond(b"python heard " + question.data)
    await nc.drain()

asyncio.run(main(*sys.argv[1:]))
"#;

#[test]
fn a_plain_respond_of_nats_py_answers_a_request() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let mut command = Command::new(python());
    command.args(["-c", RESPOND, up.text("nats"), bob.creds().to_str().unwrap(), bob.id()]);
    let mut answering = Lines::start(&mut command);
    assert_eq!(answering.next(), "listening");
    let asked = ada.run(&["request", &format!("tell.{}.chat", bob.id()), "you"]);
    assert_eq!((asked.code, asked.stdout.trim()), (0, "python heard you"), "{}", asked.stderr);
    assert_eq!(answering.end().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_of_a_program_decides_and_the_library_speaks() {
    let world = World::new();
    let friends: Arc<Mutex<Vec<(UserId, UserId)>>> = Arc::default();
    let known = Arc::clone(&friends);
    let app = App::new(Router::new()).may_reach(move |caller, peer| {
        let known = Arc::clone(&known);
        async move { known.lock().await.contains(&(caller, peer)) }
    });
    let backend = Backend::start(&settings(&world), app).await.unwrap();
    let report = backend.report().clone();
    let (ada_creds, bob_creds) = (world.path("ada.creds"), world.path("bob.creds"));
    log_in(&report.http, "ada", &ada_creds).await;
    log_in(&report.http, "bob", &bob_creds).await;
    let ada = relais::connect_client(&[&report.nats], &ada_creds).await.unwrap();
    let bob = relais::connect_client(&[&report.nats], &bob_creds).await.unwrap();
    let text = |message: &str| EchoRequest { message: message.to_owned() };

    let refused = ada.peer(bob.user()).request::<_, EchoResponse>("chat", &text("hi")).await;
    assert!(matches!(refused, Err(ClientError::Fault(fault)) if fault.code() == 403));
    friends.lock().await.push((ada.user().clone(), bob.user().clone()));

    let mut heard = bob.subscribe::<EchoRequest>("from.*.chat").await.unwrap();
    let answering = tokio::spawn(async move {
        let question = heard.next().await.unwrap().unwrap();
        question.respond(&EchoResponse { message: format!("yes, {}", question.from().unwrap()) }).await.unwrap();
    });
    let answer: EchoResponse = ada.peer(bob.user()).request("chat", &text("hi")).await.unwrap();
    assert_eq!(answer.message, format!("yes, {}", ada.user()));
    answering.await.unwrap();
    let back = bob.peer(ada.user()).request::<_, EchoResponse>("chat", &text("hi")).await;
    assert!(matches!(back, Err(ClientError::Fault(fault)) if fault.code() == 403), "the other way is another question");
    let away = ada.with_timeout(Duration::from_millis(200));
    let nobody = away.peer(bob.user()).request::<_, EchoResponse>("nowhere", &text("hi")).await;
    assert!(matches!(nobody, Err(ClientError::Bus(BusError::Timeout { .. }))));
    backend.stop().await;
}

/// What the design promises of user to user, tried on the real broker with credentials of users.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_as_another_or_with_what_is_anothers() {
    let world = World::new();
    let up = world.up_with(with_topics);
    let (ada, bob, eve) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"), User::new(&world, &up, "eve"));
    let (as_ada, as_bob, mut as_eve) = (as_user(&up, &ada).await, as_user(&up, &bob).await, as_user(&up, &eve).await);
    let mut bob_hears = as_bob.client().subscribe(format!("to.{}.>", bob.id())).await.unwrap();
    let mut ada_inbox = as_ada.client().subscribe(format!("_INBOX.{}.own", ada.id())).await.unwrap();
    as_bob.client().flush().await.unwrap();
    as_ada.client().flush().await.unwrap();

    // Speak as another, to where only the server speaks, or hear what is not hers: the broker refuses.
    for subject in [
        format!("from.{}.tell.{}.chat", ada.id(), bob.id()),
        format!("to.{}.from.{}.chat", bob.id(), ada.id()),
        format!("topic.news.{}", ada.id()),
        format!("_INBOX.{}.own", ada.id()),
    ] {
        assert!(!as_eve.publishes(&subject).await, "{subject}");
    }
    for filter in [format!("to.{}.>", bob.id()), "topic.*.*".to_owned(), "topic.gossip.*".to_owned()] {
        assert!(!as_eve.listens(&filter).await, "{filter}");
    }

    // Ada asks bob; the ticket is bob's.
    let chat = format!("from.{}.tell.{}.chat", ada.id(), bob.id());
    let inbox = format!("_INBOX.{}.own", ada.id());
    let mut headers = async_nats::HeaderMap::new();
    for (name, value) in [("Nats-Rollup", "all"), ("Nats-Msg-Id", "1"), ("X-Own", "1"), ("Relais-Id", "9")] {
        headers.append(name, value);
    }
    let send = as_ada.client().publish_with_reply_and_headers(chat, inbox.clone(), headers.clone(), "hi".into());
    send.await.unwrap();
    let told = bob_hears.next().await.unwrap();
    assert_eq!(told.subject.as_str(), format!("to.{}.from.{}.chat", bob.id(), ada.id()));
    let carried = told.headers.unwrap();
    assert_eq!(carried.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(), ["Relais-Id"]);
    let reply = told.reply.unwrap().to_string();
    let ticket = reply.strip_prefix(&format!("from.{}.answer.", bob.id())).unwrap().to_owned();

    assert!(!as_eve.publishes(&reply).await, "as bob");
    let stolen =
        as_eve.client().request(format!("from.{}.answer.{ticket}", eve.id()), "I am bob".into()).await.unwrap();
    let fault = stolen.headers.unwrap();
    assert_eq!(fault.get("Nats-Service-Error-Code").unwrap().as_str(), "403", "another's ticket");
    let forged = as_eve.client().request(format!("from.{}.answer.AAAA", eve.id()), "x".into()).await.unwrap();
    assert_eq!(forged.headers.unwrap().get("Nats-Service-Error-Code").unwrap().as_str(), "403");
    as_bob.client().publish_with_headers(reply, headers, "me".into()).await.unwrap();
    let answer = ada_inbox.next().await.unwrap();
    assert_eq!(answer.payload, "me", "the first that ada hears is bob's: nothing of eve's came before");
    let carried = answer.headers.unwrap();
    assert_eq!(carried.get(peers::FROM).unwrap().as_str(), bob.id());
    assert!(carried.iter().all(|(name, _)| !name.to_string().starts_with("Nats-")), "{carried:?}");

    // Destinations that are none, in a subject and in a payload; each is a fault, and bob hears nothing of it.
    let code = |message: async_nats::Message| {
        message.headers.and_then(|own| own.get("Nats-Service-Error-Code").map(|code| code.as_str().to_owned()))
    };
    for destination in ["Bob", "svc-relais", "op-nina", "_INBOX", "$SYS"] {
        let subject = format!("from.{}.tell.{destination}.chat", eve.id());
        let refused = as_eve.client().request(subject, "x".into()).await.unwrap();
        assert_eq!(code(refused).as_deref(), Some("400"), "{destination}");
    }
    for destination in ["x.from.y", ">", "*", "", "a b", &format!("{}.from.{}", bob.id(), ada.id())] {
        let ping = PingRequest { destination: destination.to_owned(), ..PingRequest::default() };
        let subject = format!("from.{}.ping", eve.id());
        let refused = as_eve.client().request(subject, prost::Message::encode_to_vec(&ping).into()).await.unwrap();
        assert_eq!(code(refused).as_deref(), Some("400"), "{destination:?}");
    }
    // What imitates a message of the server still says whose it is.
    let imitated = format!("from.{}.tell.{}.ping", eve.id(), bob.id());
    as_eve.client().publish(imitated, "x".into()).await.unwrap();
    let heard = bob_hears.next().await.unwrap();
    assert_eq!(heard.subject.as_str(), format!("to.{}.from.{}.ping", bob.id(), eve.id()));
}
