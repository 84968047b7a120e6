//! Attacks, and what is left of a credential that has ended.

use std::{fs, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use relais_adapters::{nats, nkeys, system};
use relais_domain::{
    credentials::{Grantee, KeyKind, creds::Creds, streams},
    message::Message,
    ports::{Bus as _, BusError, CredentialsIssuer as _, Grant, KeyPairs as _, Rng},
    subject::Filter,
};

use super::{as_grantee, as_user, native};
use crate::support::{User, Verdict, World, http};

#[tokio::test(flavor = "multi_thread")]
async fn no_reply_is_aimed_at_somebody_else() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let (attacker, victim) = (as_user(&up, &ada).await, as_user(&up, &bob).await);
    let mut heard = victim.client().subscribe(format!("to.{}.>", bob.id())).await.unwrap();
    let mut inbox = victim.client().subscribe(format!("_INBOX.{}.>", bob.id())).await.unwrap();
    let from = format!("from.{}.echo", ada.id());
    let aims = [
        format!("to.{}.x", bob.id()),
        format!("_INBOX.{}.x", bob.id()),
        format!("from.{}.echo", bob.id()),
        "$JS.API.STREAM.DELETE.OUT".to_owned(),
        "$KV.relais_cache.x".to_owned(),
        "_SVC.relais.x".to_owned(),
        format!("_INBOX.{}", ada.id()),
    ];
    for aim in &aims {
        attacker.client().publish_with_reply(from.clone(), aim.clone(), "".into()).await.unwrap();
    }
    // An honest request behind them is answered, so all of them have been seen; what was sent then has been, too.
    let honest = attacker.client().request(from, "".into()).await.unwrap();
    assert!(honest.headers.is_none());
    let after = victim.client().request(format!("from.{}.echo", bob.id()), "".into()).await.unwrap();
    assert!(after.subject.starts_with(&format!("_INBOX.{}.", bob.id())));
    victim.client().drain().await.unwrap();
    assert!(heard.next().await.is_none(), "bob hears nothing of it");
    let own_answer = inbox.next().await;
    assert!(own_answer.is_none_or(|message| message.subject == after.subject), "nor in his inboxes");
    let operator = as_grantee(&world, &up, Grantee::Provisioner).await;
    let names = operator.client().request("$JS.API.STREAM.NAMES", "".into()).await.unwrap();
    assert!(!names.payload.is_empty());
}

/// The subjects of every stream that the broker has.
pub(in crate::scenario) async fn streams_of(provisioner: &Verdict) -> Vec<(String, Vec<Filter>)> {
    let list = provisioner.client().request("$JS.API.STREAM.LIST", "".into()).await.unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list.payload).unwrap();
    let subjects = |stream: &serde_json::Value| -> Vec<Filter> {
        let subjects = stream["config"]["subjects"].as_array().cloned().unwrap_or_default();
        subjects.iter().map(|subject| subject.as_str().unwrap().parse().unwrap()).collect()
    };
    let streams = list["streams"].as_array().cloned().unwrap_or_default();
    streams.iter().map(|stream| (stream["config"]["name"].as_str().unwrap().to_owned(), subjects(stream))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_stream_captures_what_a_user_may_publish() {
    let world = World::new();
    let up = world.up_with(|command| _ = command.env("RELAIS_CACHE", "jetstream"));
    let ada = User::new(&world, &up, "ada");
    let provisioner = as_grantee(&world, &up, Grantee::Provisioner).await;
    let fresh = streams_of(&provisioner).await;
    assert_eq!(fresh.len(), 1, "the bucket of the cache: {fresh:?}");
    for (stream, subjects) in fresh {
        assert_eq!(streams::gate(&subjects), Ok(()), "{stream} of a fresh installation");
    }
    // The other streams that the design names, made by the provisioner: a user's message lands in none of them.
    let relais = "relais".parse().unwrap();
    let own = [
        (streams::OUT.to_owned(), streams::OUT_SUBJECTS.to_owned()),
        (streams::inbound(&relais), streams::inbound_subjects(&relais)),
        (streams::dead(&relais), streams::dead_subjects(&relais)),
    ];
    for (name, subjects) in own {
        let config =
            serde_json::json!({"name": name, "subjects": [subjects], "storage": "memory", "max_bytes": 65_536});
        let made =
            provisioner.client().request(format!("$JS.API.STREAM.CREATE.{name}"), config.to_string().into()).await;
        let made: serde_json::Value = serde_json::from_slice(&made.unwrap().payload).unwrap();
        assert!(made["error"].is_null(), "{made}");
    }
    let made = streams_of(&provisioner).await;
    assert_eq!(made.len(), 4);
    for (stream, subjects) in &made {
        assert_eq!(streams::gate(subjects), Ok(()), "{stream}");
    }
    let user = as_user(&up, &ada).await;
    for subject in ["echo", "in.relais.0.x", "out.x", "$JS.API.STREAM.DELETE.OUT", "$KV.relais_cache.x"] {
        user.client().publish(format!("from.{}.{subject}", ada.id()), "x".into()).await.unwrap();
    }
    let answered = user.client().request(format!("from.{}.echo", ada.id()), "".into()).await.unwrap();
    assert!(answered.headers.is_none(), "all of it has arrived");
    let list = provisioner.client().request("$JS.API.STREAM.LIST", "".into()).await.unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list.payload).unwrap();
    let kept = list["streams"].as_array().unwrap();
    assert_eq!(kept.len(), 4);
    assert!(kept.iter().all(|stream| stream["state"]["messages"] == 0), "{list}");
    // The gate is no empty word: it refuses what would capture.
    for capturing in ["from.>", ">", "*.*.echo", "from.ada.x"] {
        assert!(streams::gate(&[capturing.parse().unwrap()]).is_err(), "{capturing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_device_is_cut_off_and_its_key_never_comes_back() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let verdict = as_user(&up, &ada).await;
    assert!(verdict.client().request(format!("from.{}.echo", ada.id()), "".into()).await.is_ok());

    let http = http();
    let token = fs::read_to_string(ada.creds().parent().unwrap().join("access")).unwrap();
    let device = ada.who["device_id"].as_str().unwrap();
    let url = format!("{}/me/devices/{device}", up.text("http"));
    let removed = http.delete(&url).bearer_auth(token.trim()).send().await.unwrap();
    assert!(removed.status().is_success(), "{}", removed.status());

    let closed = async {
        while verdict.client().connection_state() == async_nats::connection::State::Connected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.expect("the live connection is closed");
    let creds = fs::read_to_string(ada.creds()).unwrap();
    let again = async_nats::ConnectOptions::with_credentials(&creds).unwrap().connect(up.text("nats")).await;
    assert!(again.is_err(), "the credential is refused");
    let refused = ada.run(&["request", "echo", "hi"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("relais login"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_credential_is_refused() {
    let world = World::new();
    let up = world.up();
    let (native, keys) = native(&world);
    let pair = keys.generate(KeyKind::User);
    let now = relais_domain::ports::Clock::now(&system::Clock);
    let grantee = Grantee::Device {
        user: "ada".parse().unwrap(),
        device: "phone".parse().unwrap(),
        role: "user".parse().unwrap(),
    };
    let expires_at = Some(now + Duration::from_secs(2));
    let jwt = native.issue(Grant { grantee, key: pair.public, expires_at }).await.unwrap();
    let text = Creds { jwt, seed: pair.seed }.format();
    let connect = || async_nats::ConnectOptions::with_credentials(text.expose()).unwrap().connect(up.text("nats"));
    let client = connect().await.unwrap();
    let closed = async {
        while client.connection_state() == async_nats::connection::State::Connected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), closed).await.expect("the live connection is closed when it expires");
    // The broker counts in whole seconds: a new one may be let in until the next begins.
    let refused = async { while connect().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), refused).await.expect("and a new one is refused");
}

#[tokio::test]
async fn a_web_page_elsewhere_cannot_reach_the_api() {
    let world = World::new();
    let up = world.up();
    let http = http();
    let health = format!("{}/health", up.text("http"));
    let status = |name: &'static str, value: &'static str| {
        let request = http.get(&health).header(name, value);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(http.get(&health).send().await.unwrap().status(), 200);
    assert_eq!(status("Host", "evil.example").await, 421, "DNS rebinding");
    assert_eq!(status("Host", "127.0.0.1.evil.example").await, 421);
    assert_eq!(status("Origin", "https://evil.example").await, 403);
    assert_eq!(status("Origin", "null").await, 403);
}

/// NATS tells a refusal on the connection; our bus tells it to the call.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_the_call_that_was_refused() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let creds = Creds::parse(&fs::read_to_string(ada.creds()).unwrap()).unwrap();
    let rng: Arc<dyn Rng> = Arc::new(system::Rng);
    let bus = nats::Bus::connect(nats::ConnectOptions {
        servers: vec![up.text("nats").to_owned()],
        jwt: creds.jwt,
        seed: creds.seed,
        inbox_prefix: ada.who["inbox_prefix"].as_str().unwrap().to_owned(),
        name: "refused".to_owned(),
        keys: Arc::new(nkeys::KeyPairs::new(Arc::clone(&rng))),
        rng,
        security: nats::Security::default(),
    })
    .await
    .unwrap();
    let message = |subject: &str| Message::new(subject.parse().unwrap(), "");
    let denied = |result: Result<(), BusError>, to: &str, on: &str| {
        let error = result.expect_err("it is refused");
        assert!(
            matches!(&error, BusError::Denied { operation, subject } if *operation == to && subject == on),
            "{error}"
        );
    };
    let long = Duration::from_secs(60);
    denied(bus.request(message("from.bob.echo"), long).await.map(drop), "publish to", "from.bob.echo");
    bus.flush().await.expect("the request was told already");
    bus.publish(message("to.bob.x")).await.unwrap();
    bus.publish(message(&format!("from.{}.x", ada.id()))).await.unwrap();
    denied(bus.flush().await, "publish to", "to.bob.x");
    bus.flush().await.expect("each refusal is told once");
    denied(bus.subscribe("to.bob.>".parse().unwrap(), None).await.map(drop), "listen to", "to.bob.>");
    denied(
        bus.subscribe("from.*.x".parse().unwrap(), Some("relais".to_owned())).await.map(drop),
        "listen to",
        "from.*.x",
    );
    assert!(bus.subscribe(format!("to.{}.>", ada.id()).parse().unwrap(), None).await.is_ok());
}
