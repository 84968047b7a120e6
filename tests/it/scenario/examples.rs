//! The examples in `app/examples`, each run as its first lines say: as a service of its own beside `relais up`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use relais::prelude::*;
use relais_adapters::system;
use relais_domain::ports::Clock as _;

use crate::support::{Lines, Program, Ran, User, World, run, service_creds};

/// Asks one of the examples' routes, whose messages the command line is told.
fn ask(user: &User<'_>, subject: &str, body: &str) -> Ran {
    user.run(&["request", subject, body, "--type", "EchoRequest"])
}

fn said(ran: &Ran) -> (i32, &str) {
    (ran.code, ran.stdout.trim_end())
}

#[test]
fn echo_and_identified_echo() {
    let world = World::new();
    let up = world.up();
    let (ada, creds) = (User::new(&world, &up, "ada"), service_creds(&world, &up, "demo"));
    let echo = Program::answering(&world, &up, Path::new(env!("CARGO_BIN_EXE_example-echo")), &creds, &[]);
    let identified =
        Program::answering(&world, &up, Path::new(env!("CARGO_BIN_EXE_example-identified-echo")), &creds, &[]);

    assert_eq!(said(&ask(&ada, "my.echo", "hello")), (0, "echo hello"));
    let answer = format!("echo hello from {}", ada.id());
    assert_eq!(said(&ask(&ada, "my.echo.identified", "hello")), (0, answer.as_str()));
    let bytes = ada.run(&["request", "my.echo", "\u{7f}", "--raw"]);
    assert!(bytes.code == 1 && bytes.stderr.contains("(400)"), "bytes that are no message: {}", bytes.stderr);

    identified.stop();
    assert_eq!(ask(&ada, "my.echo.identified", "hello").code, 4, "nobody is there any more");
    assert_eq!(said(&ask(&ada, "my.echo", "hello")).0, 0, "the other one still is");
    echo.stop();
}

/// On the cache that these settings choose.
async fn the_caching_echo_keeps_its_answer_for_five_seconds(set: &[(&str, &str)]) {
    let world = World::new();
    let up = world.up();
    let (ada, creds) = (User::new(&world, &up, "ada"), service_creds(&world, &up, "demo"));
    let caching = Program::answering(&world, &up, Path::new(env!("CARGO_BIN_EXE_example-caching-echo")), &creds, set);
    let client = relais::connect_client(&[up.text("nats")], ada.creds()).await.unwrap();
    let ask = async |message: &str| {
        let request = EchoRequest { message: message.to_owned() };
        client.request::<_, EchoResponse>("my.echo.cached", &request).await.unwrap().message
    };

    let begun = Instant::now();
    let first = ask("tea").await;
    assert!(first.starts_with("echo tea from 2"), "{first}");
    let (mut again, mut answer) = (0, ask("tea").await);
    while answer == first {
        again += 1;
        system::Clock.sleep(Duration::from_millis(100)).await;
        answer = ask("tea").await;
    }
    assert!(again > 0 && begun.elapsed() >= Duration::from_secs(5), "{again} times in {:?}", begun.elapsed());
    assert!(answer.starts_with("echo tea from 2"), "{answer}");
    assert!(ask("cake").await.starts_with("echo cake from 2"), "another question has an answer of its own");
    let bytes = client.request_bytes("my.echo.cached", vec![0xff]).await.unwrap_err();
    assert!(bytes.to_string().contains("(400)"), "{bytes}");
    client.close().await.unwrap();
    caching.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn caching_echo_in_memory() {
    the_caching_echo_keeps_its_answer_for_five_seconds(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caching_echo_in_jetstream() {
    the_caching_echo_keeps_its_answer_for_five_seconds(&[("RELAIS_CACHE", "jetstream")]).await;
}

/// Two services that answer one subject are told by the backend, which may ask both what they answer.
#[tokio::test(flavor = "multi_thread")]
async fn services_that_claim_one_subject_are_told() {
    let world = World::new();
    let up = world.up();
    let binary = Path::new(env!("CARGO_BIN_EXE_example-echo"));
    let start = |name| Program::answering(&world, &up, binary, &service_creds(&world, &up, name), &[]);
    let (one, again, two) = (start("one"), start("one"), start("two"));
    let told = async {
        while !up.log().contains("the services one (from.*.my.echo) and two (from.*.my.echo) answer the same subjects")
        {
            system::Clock.sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.unwrap_or_else(|_| panic!("{}", up.log()));
    assert_eq!(up.log().matches("answer the same subjects").count(), 1, "{}", up.log());
    for program in [one, again, two] {
        program.stop();
    }
    up.stop();
}

#[test]
fn ping_pong_between_two_clients() {
    let binary = Path::new(env!("CARGO_BIN_EXE_example-ping-pong"));
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let service = Program::answering(&world, &up, binary, &service_creds(&world, &up, "demo"), &[]);
    let play = |arguments: &[&Path]| {
        let mut command = Command::new(binary);
        command.args(arguments).env_clear().env("RELAIS_NATS__URL", up.text("nats")).current_dir(world.path(""));
        run(&mut command, "")
    };
    let played = play(&[ada.creds(), bob.creds()]);
    let heard = format!("bob heard ping from {}\nada heard pong from {}\n", ada.id(), bob.id());
    assert_eq!((played.code, played.stdout), (0, heard), "{}", played.stderr);

    for hostile in ["x.from.y", ">", "svc-relais", ""] {
        let body = format!(r#"{{"destination": "{hostile}", "message": "hi"}}"#);
        let refused = ada.run(&["request", "my.ping", &body, "--type", "PingRequest", "--answer", "PingRequest"]);
        assert!(refused.code == 1 && refused.stderr.contains("no user id (400)"), "{hostile}: {}", refused.stderr);
    }
    let absent = play(&[ada.creds(), Path::new("bob.creds")]);
    assert!(absent.code == 1 && absent.stderr.contains("the creds file bob.creds cannot be used"), "{}", absent.stderr);
    let usage = play(&[ada.creds()]);
    assert!(usage.code == 1 && usage.stderr.contains("usage: ping_pong"), "{}", usage.stderr);
    service.stop();
}

#[test]
fn orders() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let binary = Path::new(env!("CARGO_BIN_EXE_example-orders"));
    let shop =
        Program::answering(&world, &up, binary, &service_creds(&world, &up, "demo"), &[("ORDERS_COOK", bob.id())]);
    let proto = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../app/examples/orders/orders.proto");
    let types =
        |name: &str| ["--type".to_owned(), name.to_owned(), "--descriptors".to_owned(), proto.display().to_string()];
    let ask = |user: &User<'_>, subject: &str, body: &str, name: &str| {
        let types = types(name);
        let mut arguments = vec!["request", subject, body, "--json"];
        arguments.extend(types.iter().map(String::as_str));
        user.run(&arguments)
    };
    let order = |ran: &Ran| serde_json::from_str::<serde_json::Value>(&ran.stdout).expect(&ran.stderr);
    let place = |user: &User<'_>, body: &str| ask(user, "my.orders.place", body, "PlaceRequest");
    let show = |user: &User<'_>, number: &str| ask(user, &format!("my.orders.{number}.show"), "{}", "ShowRequest");
    let ready = |user: &User<'_>, number: u32| ask(user, &format!("my.kitchen.{number}.ready"), "{}", "ReadyRequest");
    let cancel = |user: &User<'_>, number: u32| ask(user, &format!("my.orders.{number}.cancel"), "{}", "CancelRequest");

    let placed = order(&place(&ada, r#"{"item": "tea", "count": 2}"#));
    let expected = serde_json::json!({"number": 1, "item": "tea", "count": 2, "cents": 500, "status": "open"});
    assert_eq!(placed, expected);
    assert_eq!(order(&show(&ada, "1")), expected);
    assert_eq!(order(&place(&ada, r#"{"item": "cake", "count": 1}"#))["number"], 2);

    let mut heard = {
        let types = types("Order");
        let mut arguments = vec!["subscribe", "my.orders.ready", "--count", "1", "--json"];
        arguments.extend(types.iter().map(String::as_str));
        Lines::listening(&mut ada.command(&arguments))
    };
    assert_eq!(order(&ready(&bob, 1))["status"], "ready");
    let told: serde_json::Value = serde_json::from_str(&heard.next()).unwrap();
    assert_eq!(
        (&told["subject"], &told["message"]["status"]),
        (&format!("to.{}.my.orders.ready", ada.id()).into(), &"ready".into())
    );
    assert_eq!(order(&cancel(&ada, 2))["status"], "cancelled");

    for (refused, words) in [
        (place(&ada, r#"{"item": "beer", "count": 1}"#), "we do not sell \"beer\", only tea and cake (400)"),
        (place(&ada, r#"{"item": "tea"}"#), "order between 1 and 100 (400)"),
        (show(&ada, "x"), "order is x, which is no number"),
        (show(&ada, "3"), "you have no order 3 (404)"),
        (show(&bob, "1"), "you have no order 1 (404)"),
        (cancel(&bob, 2), "you have no order 2 (404)"),
        (cancel(&ada, 1), "order 1 is ready (409)"),
        (ready(&bob, 9), "you have no order 9 (404)"),
    ] {
        assert!(refused.code == 1 && refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    let cook = ready(&ada, 1);
    assert!(cook.code == 3 && cook.stderr.contains("this is for the cook (403)"), "{}", cook.stderr);

    let journal = shop.stop();
    let line = |words: &[&str]| journal.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(line(&["done", "my.orders.place"]) && line(&["refused", "my.orders.3.show", "(404)"]), "{journal}");
}

#[test]
fn every_example_is_run_here_and_says_how() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = fs::read_to_string(root.join("tests/Cargo.toml")).unwrap();
    let guide = fs::read_to_string(root.join("docs/examples.md")).unwrap();
    for entry in fs::read_dir(root.join("app/examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let source = if path.is_dir() { path.join("main.rs") } else { path.clone() };
        let below = source.strip_prefix(&root).unwrap().to_str().unwrap();
        assert!(manifest.contains(&format!("path = \"../{below}\"")), "{below} is no binary of tests/Cargo.toml");
        let binary = format!("CARGO_BIN_EXE_example-{}", name.replace('_', "-"));
        assert!(include_str!("examples.rs").contains(&binary), "no test here runs {binary}");
        let head = fs::read_to_string(&source).unwrap();
        let command = format!("cargo run -p relais --example {name}");
        assert!(head.contains(&command), "{below} does not say: {command}");
        assert!(guide.contains(below), "docs/examples.md does not name {below}");
    }
}
