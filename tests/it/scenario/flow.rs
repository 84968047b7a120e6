//! From register to a verified answer, through the command line alone.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::support::{Lines, PASSWORD, User, World, http, run, signal};

#[test]
fn register_login_request() {
    let world = World::new();
    let up = world.up();
    for name in ["http", "nats", "websocket", "data"] {
        assert!(!up.text(name).is_empty());
    }
    assert_eq!((&up.ready["ready"], up.ready["pid"].as_u64()), (&json!(true), Some(u64::from(up.pid()))));

    let ada = User::new(&world, &up, "ada");
    let answered = ada.run(&["request", "echo.identified", "hello"]);
    assert_eq!((answered.code, answered.stdout), (0, format!("echo hello from {}\n", ada.id())), "{}", answered.stderr);
    let cached = ada.run(&["request", "echo.cached", "tea"]);
    assert!(cached.stdout.starts_with("echo tea from 20"), "{}", cached.stdout);
    let written_out = ada.run(&["request", &format!("from.{}.echo", ada.id()), "hello"]);
    assert_eq!(written_out.stdout, "echo hello\n");
    let as_json = ada.run(&["request", "echo", r#"{"message":"tea"}"#, "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&as_json.stdout).unwrap(), json!({"message": "echo tea"}));
    let from_stdin = ada.run_with(&["request", "echo", "-"], "piped");
    assert_eq!(from_stdin.stdout, "echo piped\n");

    let who = &ada.who;
    assert_eq!(who["email"], "ada@example.org");
    assert_eq!(who["inbox_prefix"], format!("_INBOX.{}", ada.id()));
    assert_eq!(who["permissions"]["publish"], json!([format!("from.{}.>", ada.id())]));
    assert_eq!(who["servers"][0], up.ready["nats"]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(ada.creds()), mode(ada.creds().parent().unwrap())), (0o600, 0o700));
    up.stop();
}

#[test]
fn what_goes_wrong_is_said_with_its_exit_code() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let fails = |arguments: &[&str], input: &str, code: i32, words: &str| {
        let ran = ada.run_with(arguments, input);
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.to_lowercase().contains(words), "{arguments:?} says: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "errors go to standard error");
    };
    fails(&["register", "ada@example.org"], PASSWORD, 1, "registered already");
    fails(&["register", "no address"], PASSWORD, 2, "email");
    fails(&["register", "bob@example.org"], "short", 2, "password");
    fails(&["login", "ada@example.org"], "a wrong password", 3, "password");
    fails(&["login", "nobody@example.org"], PASSWORD, 3, "password");
    fails(&["request", "nowhere", "--raw"], "", 4, "nobody answers");
    fails(&["request", "echo", "hi", "--type", "no.Such"], "", 2, "no.such");
    fails(&["request", "echo", "{\"massage\":1}"], "", 2, "massage");
    fails(&["frobnicate"], "", 2, "frobnicate");
    for hostile in ["", "*", ">", "a..b", "a b", "é", "..", &"x".repeat(10_000)] {
        fails(&["request", hostile, "--raw"], "", 2, "subject");
    }
    let stranger =
        run(world.relais(&["request", "echo", "hi", "--profile", "nobody"]).args(["--server", up.text("http")]), "");
    assert_eq!(stranger.code, 3, "{}", stranger.stderr);
    assert!(stranger.stderr.contains("relais login"), "says what to do: {}", stranger.stderr);
    up.stop();
    fails(&["request", "echo", "hi"], "", 4, "broker");
    fails(&["login", "ada@example.org"], PASSWORD, 4, "relais up");
}

#[test]
fn an_undecodable_payload_is_a_fault() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let fault = ada.run_with(&["request", "echo", "-", "--raw"], "\u{7f}\u{7f}\u{7f}");
    assert_eq!(fault.code, 1, "{}", fault.stdout);
    assert!(fault.stderr.contains("not the message this route takes"), "{}", fault.stderr);
}

#[tokio::test]
async fn metrics_tell_what_was_handled() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    assert_eq!(ada.run(&["request", "echo", "hi"]).code, 0);
    let read = http().get(format!("{}/metrics", up.text("http"))).send().await.unwrap();
    let text = read.text().await.unwrap();
    let counted = "relais_route_handled_total{service=\"relais\",route=\"echo\",pattern=\"from.{user}.echo\"} 1";
    assert!(text.lines().any(|line| line == counted), "{text}");
}

#[test]
fn what_the_server_sends_a_user_arrives() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let shop = world.path("shop.creds");
    let added = run(&mut world.relais(&["service", "add", "shop", "--out", shop.to_str().unwrap()]), "");
    assert_eq!(added.code, 0, "{}", added.stderr);

    let mut listening = ada.command(&["subscribe", "news.>", "--raw", "--count", "2"]);
    let mut listening = Lines::listening(&mut listening);
    let send = |subject: &str, text: &str| {
        let mut nats = std::process::Command::new(crate::support::tool("nats"));
        nats.args(["--server", up.text("nats"), "--creds", shop.to_str().unwrap(), "--inbox-prefix", "_SVC.shop"]);
        nats.args(["pub", subject, text]).env("HOME", world.path("home"));
        let sent = run(&mut nats, "");
        assert_eq!(sent.code, 0, "{}", sent.stderr);
    };
    send("to.somebody-else.news.x", "not hers");
    send(&format!("to.{}.news.tea", ada.id()), "green");
    send(&format!("to.{}.news.tea.black", ada.id()), "black");
    assert!(listening.next().contains("green"));
    let (code, rest) = listening.end();
    assert_eq!(code, 0);
    assert!(rest.contains("black") && !rest.contains("not hers"), "{rest}");

    let endless = Lines::listening(&mut ada.command(&["subscribe", ">"]));
    signal(endless.pid(), "INT");
    assert_eq!(endless.end().0, 0, "Ctrl-C ends it well");

    let told = ada.run(&["publish", "echo", "nobody reads the answer"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
}

#[test]
fn a_second_login_keeps_the_device() {
    let world = World::new();
    let up = world.up();
    let mut ada = User::new(&world, &up, "ada");
    let device = ada.who["device_id"].clone();
    ada.login();
    assert_eq!(ada.who["device_id"], device, "one profile is one device");
    assert_eq!(ada.run(&["request", "echo", "again"]).stdout, "echo again\n");
}

#[test]
fn settings_say_where_they_come_from() {
    let world = World::new();
    fs::write(world.path("relais.toml"), "[nsc]\noperator = \"acme\"\n").unwrap();
    let shown = run(&mut world.relais(&["settings", "--json", "--set", "log=debug"]), "");
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap_or_else(|_| panic!("{}", shown.stderr));
    let text = shown.to_string();
    assert!(text.contains("acme") && text.contains("relais.toml") && text.contains("RELAIS_HTTP__LISTEN"), "{text}");
    fs::write(world.path("relais.toml"), "[nsc]\noperater = \"acme\"\n").unwrap();
    let wrong = run(&mut world.relais(&["settings"]), "");
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("nsc.operater") && wrong.stderr.contains("nsc.operator"), "{}", wrong.stderr);
}
