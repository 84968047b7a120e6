//! The commands on mocks of the ports, a real HTTP socket, and folders of their own.

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{self, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use clap::Parser as _;
use futures_util::Stream;
use relais_domain::{
    credentials::{Grantee, KeyKind, PublicKey, UserJwt},
    message::{Headers, Message},
    ports::{
        BusError, Deliveries, Delivery, KeyPair, Malformed, MockBus, MockCredentialsIssuer, MockKeyPairs, Subscription,
    },
    secret::Secret,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    cli::{CredsExportArgs, ServiceAddArgs},
    profile::tests::{ada, creds, logged_in},
    settings::Settings,
};

/// What a command wrote.
#[derive(Default)]
struct Written {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Written {
    fn out(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    fn err(&self) -> &str {
        std::str::from_utf8(&self.err).unwrap()
    }
}

/// The flags and command of a line of arguments.
fn parse(line: &[&str]) -> (Globals, Command) {
    let cli = Cli::try_parse_from(["relais"].iter().chain(line)).unwrap();
    (cli.globals, cli.command)
}

/// Gives `body` a context with these profiles and this input, and returns its result beside what was written.
macro_rules! with_context {
    ($globals:expr, $profiles:expr, $input:expr, |$context:ident| $body:expr) => {{
        let mut written = Written::default();
        let mut input: &[u8] = $input.as_ref();
        let terminal =
            Terminal { out: &mut written.out, err: &mut written.err, input: &mut input, asks: false, shown: false };
        let mut context_value = Context { globals: $globals, terminal, profiles: $profiles.clone() };
        let $context = &mut context_value;
        let result: Result<(), Failure> = $body;
        (result, written)
    }};
}

fn answering(reply: impl Fn(Message) -> Result<Message, BusError> + Send + Sync + 'static) -> MockBus {
    let mut bus = MockBus::new();
    bus.expect_request().returning(move |message, _| reply(message));
    bus
}

fn message(subject: &str, payload: &'static [u8]) -> Message {
    Message::new(subject.parse().unwrap(), payload)
}

async fn echo(bus: &MockBus, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let (question, answer) = typing::of_request(&crate::cli::TypeArgs::default(), None, "echo").unwrap();
    let (mut err, mut input) = (Vec::new(), io::empty());
    let mut terminal = Terminal { out, err: &mut err, input: &mut input, asks: false, shown: true };
    let payload = question.encode(Some("hi"), &mut terminal)?;
    let message = Message::new("from.ada.echo".parse().unwrap(), payload);
    messages::ask(bus, message, Duration::from_secs(1), &answer, json, &mut terminal).await
}

#[tokio::test]
async fn an_answer_of_one_string_prints_as_that_string() {
    let bus = answering(|question| {
        assert_eq!((question.subject.as_str(), &question.payload[..]), ("from.ada.echo", &b"\x0a\x02hi"[..]));
        Ok(message("_INBOX.ada.1", b"\x0a\x08echo \x1b[2"))
    });
    let mut out = Vec::new();
    echo(&bus, false, &mut out).await.unwrap();
    assert_eq!(out, b"echo \\u{1b}[2\n", "nothing steers the terminal");
    let mut out = Vec::new();
    echo(&bus, true, &mut out).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), json!({"message": "echo \u{1b}[2"}));
}

#[tokio::test]
async fn faults_and_errors_have_their_exit_codes() {
    for (code, exit) in [
        ("401", Exit::NotAllowed),
        ("403", Exit::NotAllowed),
        ("503", Exit::NoAnswer),
        ("504", Exit::NoAnswer),
        ("400", Exit::Failed),
        ("500", Exit::Failed),
        ("what", Exit::Failed),
    ] {
        let bus = answering(move |_| {
            let pairs = [("Nats-Service-Error-Code", code), ("Nats-Service-Error", "no \x1btea")];
            Ok(Message { headers: Headers::from_iter(pairs), ..message("_INBOX.ada.1", b"") })
        });
        let failure = echo(&bus, false, &mut Vec::new()).await.unwrap_err();
        assert_eq!((failure.exit, failure.what.contains("no \\u{1b}tea")), (exit, true), "{code}");
    }
    let nobody = answering(|question| Err(BusError::NoResponders { subject: question.subject.to_string() }));
    assert_eq!(echo(&nobody, false, &mut Vec::new()).await.unwrap_err().exit, Exit::NoAnswer);
    let garbage = answering(|_| Ok(message("_INBOX.ada.1", b"\xff")));
    let failure = echo(&garbage, false, &mut Vec::new()).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Failed);
    assert!(failure.hint.unwrap().contains("--raw"));
}

#[tokio::test]
async fn a_broken_pipe_is_the_end_and_no_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bus = answering(|_| Ok(message("_INBOX.ada.1", b"\x0a\x01x")));
    let failure = echo(&bus, false, &mut Closed).await.unwrap_err();
    let mut said = Vec::new();
    terminal::tell(&mut said, &failure).unwrap();
    assert_eq!((failure.exit, said.len()), (Exit::Done, 0));
}

/// A subscription that delivers these, then ends or stays silent.
struct Feed(std::vec::IntoIter<Delivery>, bool);

impl Stream for Feed {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Option<Delivery>> {
        match self.0.next() {
            None if self.1 => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

#[async_trait]
impl Deliveries for Feed {
    async fn drain(self: Pin<&mut Self>) -> Result<(), BusError> {
        Ok(())
    }
}

async fn listen(silent: bool, count: Option<u64>, json: bool, stopped: bool) -> (Result<(), Failure>, Written) {
    let mut bus = MockBus::new();
    bus.expect_subscribe().returning(move |filter, queue| {
        assert_eq!((filter.as_str(), queue), ("to.ada.>", None));
        let deliveries =
            vec![Ok(message("to.ada.x", b"a\nb")), Err(Malformed::Status(503)), Ok(message("to.ada.y", b"\xff\x00"))];
        Ok(Box::pin(Feed(deliveries.into_iter(), silent)) as Subscription)
    });
    let mut written = Written::default();
    let mut input = io::empty();
    let mut terminal =
        Terminal { out: &mut written.out, err: &mut written.err, input: &mut input, asks: false, shown: false };
    let end = async move {
        if !stopped {
            std::future::pending::<()>().await;
        }
    };
    let filter = "to.ada.>".parse().unwrap();
    let result = messages::listen(&bus, filter, &typing::Codec::Raw, count, end, json, &mut terminal).await;
    (result, written)
}

#[tokio::test]
async fn a_subscription_prints_one_line_a_message() {
    let (result, written) = listen(true, Some(2), false, false).await;
    result.unwrap();
    assert_eq!(written.out(), "to.ada.x  a\\nb\nto.ada.y  base64:/wA=\n");
    assert!(written.err().starts_with("listening on to.ada.>\ndropped a message: it carries the status 503"));
    let (result, written) = listen(true, Some(1), true, false).await;
    result.unwrap();
    assert_eq!(written.out(), "{\"subject\":\"to.ada.x\",\"text\":\"a\\nb\"}\n");
    let (result, written) = listen(true, None, false, true).await;
    assert_eq!((result, written.out()), (Ok(()), ""), "told to end");
    let (result, _) = listen(false, None, false, false).await;
    assert_eq!(result.unwrap_err().exit, Exit::NoAnswer, "the connection has ended");
}

#[tokio::test]
async fn wrong_usage_is_told_before_anything_else() {
    let (_folder, profiles) = logged_in();
    for (line, expected) in [
        (&["request", "a b"][..], "no subject"),
        (&["request", "*"], "no subject"),
        (&["request", "", "x"], "no subject"),
        (&["publish", "a..b", "x"], "no subject"),
        (&["subscribe", ">.a"], "no subject"),
        (&["request", "orders.new", "x"], "--type"),
        (&["publish", "orders.new", "x"], "--type"),
        (&["request", "echo", "{\"massage\": 1}"], "massage"),
        (&["request", "echo", "{"], "no JSON"),
        (&["request", "x", "y", "--type", "Nothing"], "relais.v1.EchoRequest"),
        (&["request", "x", "y", "--type", "EchoResponse"], "--answer"),
        (&["request", "echo", "x", "--profile", "../etc"], "profile"),
        (&["request", "echo", "x", "--server", "http://example.org"], "https"),
        (&["subscribe", "x", "--type", "X", "--descriptors", "/nowhere/x.proto"], "cannot read"),
    ] {
        let (globals, command) = parse(line);
        let (result, written) =
            with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
        let failure = result.unwrap_err();
        let text = format!("{} {:?}", failure.what, failure.hint);
        assert_eq!((failure.exit, text.contains(expected)), (Exit::Usage, true), "{line:?}: {text}");
        assert!(written.out.is_empty());
    }
}

#[tokio::test]
async fn who_is_not_logged_in_is_told_to() {
    let (folder, profiles) = logged_in();
    for (line, expected) in [
        (&["whoami", "--profile", "work"][..], "relais login"),
        (&["request", "echo", "x", "--profile", "work"], "relais login"),
        (&["whoami", "--server", "https://example.org"], "--server https://example.org"),
    ] {
        let (globals, command) = parse(line);
        let (result, _) = with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
        let failure = result.unwrap_err();
        assert_eq!((failure.exit, failure.hint.unwrap().contains(expected)), (Exit::NotAllowed, true), "{line:?}");
    }
    let mut expired = ada();
    expired.expires_at = Some("2020-01-01T00:00:00Z".parse().unwrap());
    profiles.save("default", &expired, &creds("SUABC"), &Secret::from("t")).unwrap();
    let (globals, command) = parse(&["publish", "echo", "x"]);
    let (result, _) = with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
    assert!(result.unwrap_err().what.contains("expired"));
    std::fs::write(folder.path().join("relais/default/profile.json"), "{").unwrap();
    let (globals, command) = parse(&["whoami"]);
    let (result, _) = with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
    assert_eq!(result.unwrap_err().hint.unwrap(), "log in again with `relais login EMAIL`");
}

#[tokio::test]
async fn whoami_prints_what_scripts_rely_on() {
    let (folder, profiles) = logged_in();
    let (globals, command) = parse(&["whoami", "--json", "--server", "http://127.0.0.1:8080/"]);
    let (result, written) = with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
    result.unwrap();
    let expected = json!({
        "user_id": "ada", "email": "ada@example.org", "device_id": "d1", "server": "http://127.0.0.1:8080",
        "servers": ["nats://127.0.0.1:4222"], "creds": folder.path().join("relais/default/creds"),
        "inbox_prefix": "_INBOX.ada", "expires_at": null,
        "permissions": {"publish": ["from.ada.>"], "subscribe": ["to.ada.>"]},
    });
    assert_eq!(serde_json::from_str::<Value>(written.out()).unwrap(), expected);
}

/// A server that gives these answers, one a connection, and remembers what it was sent.
fn http(answers: Vec<(u16, Value)>) -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    std::thread::spawn(move || {
        for (status, answer) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
            let body = loop {
                let count = stream.read(&mut chunk).unwrap();
                bytes.extend_from_slice(&chunk[..count]);
                let text = String::from_utf8_lossy(&bytes);
                // The bodies sent here are JSON objects, so they are whole when they parse.
                let body = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
                if let Some(body) = body {
                    break body;
                }
                assert!(count > 0);
            };
            log.lock().unwrap().push(body);
            let text = answer.to_string();
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            stream.write_all((head + &text).as_bytes()).unwrap();
        }
    });
    (address, heard)
}

fn public(byte: u8) -> PublicKey {
    PublicKey::from_raw(KeyKind::User, &[byte; 32])
}

fn login_answer() -> Value {
    json!({
        "user_id": "ada", "device_id": "d1", "jwt": "a.b.c", "expires_at": null, "servers": ["nats://127.0.0.1:4222"],
        "inbox_prefix": "_INBOX.ada", "permissions": {"publish": ["from.ada.>"], "subscribe": ["to.ada.>"]},
        "access_token": "tok", "token_type": "Bearer", "expires_in": 900,
    })
}

/// Makes the key 2, seed `SUNEW`; knows the key 1 by its seed `SUABC`.
fn keys() -> MockKeyPairs {
    let mut keys = MockKeyPairs::new();
    keys.expect_generate().returning(|_| KeyPair { public: public(2), seed: Secret::from("SUNEW") });
    keys.expect_from_seed().returning(|seed| Ok(KeyPair { public: public(1), seed: seed.clone() }));
    keys
}

async fn log_in(email: &str, server: &str, profiles: &Profiles) -> (Result<(), Failure>, Written) {
    let (globals, command) = parse(&["login", email, "--server", server, "--device", "laptop"]);
    let Command::Login(args) = command else { panic!("no login") };
    with_context!(globals, profiles, "correct horse\nmore\n", |context| account::login(&args, &keys(), context).await)
}

#[tokio::test]
async fn a_login_sends_only_the_public_key_and_the_next_one_reuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::at(folder.path().join("relais"));
    let taken = json!({"title": "taken", "detail": "this key was removed"});
    let (server, heard) = http(vec![
        (200, login_answer()),
        (200, login_answer()),
        (409, taken.clone()),
        (200, login_answer()),
        (200, login_answer()),
        (401, taken),
    ]);
    let sent = |at: usize| heard.lock().unwrap()[at]["public_key"].as_str().unwrap().to_owned();
    let (result, written) = log_in("ada@example.org", &server, &profiles).await;
    result.unwrap();
    assert!(written.out().starts_with(&format!("logged in as ada@example.org (ada) at {server}")));
    let body = json!({
        "email": "ada@example.org", "password": "correct horse", "device": "laptop", "public_key": public(2).as_str()
    });
    assert_eq!(heard.lock().unwrap()[0], body);
    assert_eq!(profiles.creds("default").unwrap().seed.expose(), "SUNEW");
    // The same user at the same server: the key in the profile, which the mock reads as key 1.
    log_in("ada@example.org", &server, &profiles).await.0.unwrap();
    assert_eq!(sent(1), public(1).as_str());
    // The server has banned that key: a new one.
    log_in("ada@example.org", &server, &profiles).await.0.unwrap();
    assert_eq!((sent(2), sent(3)), (public(1).to_string(), public(2).to_string()));
    // Somebody else on this profile: a new one.
    log_in("bob@example.org", &server, &profiles).await.0.unwrap();
    assert_eq!(sent(4), public(2).as_str());
    let (result, _) = log_in("bob@example.org", &server, &profiles).await;
    let failure = result.unwrap_err();
    assert_eq!((failure.exit, failure.hint.unwrap().contains("relais register")), (Exit::NotAllowed, true));
}

#[tokio::test]
async fn registering_takes_the_password_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::at(folder.path().to_owned());
    let user = json!({"id": "ada", "email": "ada@example.org", "created_at": "2026-01-01T00:00:00Z"});
    let (server, heard) = http(vec![(201, user), (409, json!({"detail": "taken"}))]);
    let line = ["register", "Ada@Example.org", "--server", &server];
    for (input, expected) in [
        ("pass word \r\n", Ok("registered ada@example.org as ada\n")),
        ("x", Err((Exit::Failed, "relais login"))),
        ("", Err((Exit::Usage, "standard input"))),
        ("\n", Err((Exit::Usage, "standard input"))),
    ] {
        let (globals, command) = parse(&line);
        let (result, written) =
            with_context!(globals, profiles, input, |context| Box::pin(dispatch(command, context)).await);
        match expected {
            Ok(text) => assert_eq!((result, written.out()), (Ok(()), text)),
            Err((exit, hint)) => {
                let failure = result.unwrap_err();
                assert_eq!((failure.exit, failure.hint.unwrap().contains(hint)), (exit, true), "{input:?}");
            }
        }
    }
    assert_eq!(heard.lock().unwrap()[0]["password"], "pass word ");
}

fn issuer(seen: Arc<Mutex<Vec<Grantee>>>) -> MockCredentialsIssuer {
    let mut issuer = MockCredentialsIssuer::new();
    issuer.expect_issue().returning(move |grant| {
        assert_eq!(grant.expires_at, None);
        seen.lock().unwrap().push(grant.grantee);
        Ok(UserJwt::from_text(format!("jwt.of.{}", grant.key)))
    });
    issuer
}

async fn add(line: &[&str], settings: &Settings, seen: &Arc<Mutex<Vec<Grantee>>>) -> (Result<(), Failure>, Written) {
    let (globals, command) = parse(line);
    let profiles = Profiles::at("/nowhere".into());
    let (issuer, keys) = (issuer(Arc::clone(seen)), keys());
    with_context!(globals, profiles, "", |context| match command {
        Command::Service(ServiceCommand::Add(args)) => {
            let args: ServiceAddArgs = args;
            service::add(&args, settings, &issuer, &keys, context).await
        }
        Command::Creds(CredsCommand::Export(args)) => {
            let args: CredsExportArgs = args;
            service::export(&args, settings, &issuer, &keys, context).await
        }
        _ => panic!("another command"),
    })
}

#[tokio::test]
async fn a_service_gets_creds_and_the_lines_to_run_it_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.data = folder.path().join("data");
    let seen = Arc::default();
    let (result, written) = add(&["service", "add", "shop", "--route", "from.*.orders.>"], &settings, &seen).await;
    result.unwrap();
    let path = settings.data.join("services/shop.creds");
    assert!(written.out().contains(&format!("RELAIS_NATS__CREDS={}", path.display())), "{}", written.out());
    assert!(written.out().contains("RELAIS_NATS__URL=nats://127.0.0.1:4222") && !written.out().contains("SUNEW"));
    let stored = connect::Creds::from_text(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((stored.seed.expose(), stored.jwt.as_str()), ("SUNEW", format!("jwt.of.{}", public(2)).as_str()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // A repeat keeps the key (1 is what the mock reads from any seed), with the routes of the new call.
    add(&["service", "add", "shop", "--json"], &settings, &seen).await.0.unwrap();
    let stored = connect::Creds::from_text(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(stored.jwt.as_str(), format!("jwt.of.{}", public(1)));
    let routes: Vec<_> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|grantee| match grantee {
            Grantee::Service { name, routes } => format!("{name} {}", routes[0]),
            other => other.to_string(),
        })
        .collect();
    assert_eq!(routes, ["shop from.*.orders.>", "shop from.*.>"]);
    // Another file is not overwritten.
    std::fs::write(&path, "my diary").unwrap();
    assert!(add(&["service", "add", "shop"], &settings, &seen).await.0.unwrap_err().what.contains("no creds file"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "my diary");
    let (result, written) = add(&["service", "add", "shop", "--out", "-"], &settings, &seen).await;
    result.unwrap();
    assert!(connect::Creds::from_text(written.out()).is_some() && written.err().contains("RELAIS_NATS__URL"));
}

#[tokio::test]
async fn an_operator_is_told_the_inbox_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::default();
    let path = folder.path().join("nina.creds");
    let line = ["creds", "export", "--role", "operator", "--name", "nina", "--out", path.to_str().unwrap()];
    let seen = Arc::default();
    let (result, written) = add(&line, &settings, &seen).await;
    result.unwrap();
    assert!(written.out().contains("--inbox-prefix _INBOX.op-nina micro ls"), "{}", written.out());
    assert!(path.is_file());
}

#[tokio::test]
async fn commands_of_an_installation_want_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("absent");
    let (globals, command) = parse(&["service", "add", "shop", "--data", data.to_str().unwrap()]);
    let profiles = Profiles::at("/nowhere".into());
    let (result, _) = with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
    assert!(result.unwrap_err().hint.unwrap().contains("--data"));
    assert!(!data.exists());
}

#[tokio::test]
async fn settings_are_printed_with_their_sources_and_no_secret() {
    let profiles = Profiles::at("/nowhere".into());
    for json in [false, true] {
        let mut line = vec!["settings", "--set", "sql.url=postgres://u:hunter2@h/d", "--data", "/d"];
        line.extend(json.then_some("--json"));
        let (globals, command) = parse(&line);
        let (result, written) =
            with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
        result.unwrap();
        assert!(written.out().contains("postgres://***@h/d") && !written.out().contains("hunter2"));
        if json {
            let all: Value = serde_json::from_str(written.out()).unwrap();
            assert_eq!(all["sql.url"], json!({"value": "postgres://***@h/d", "source": "--set", "secret": true}));
            assert_eq!(all["data"], json!({"value": "/d", "source": "--data", "secret": false}));
        }
    }
}

#[tokio::test]
async fn every_shell_gets_its_completions() {
    let profiles = Profiles::at("/nowhere".into());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (globals, command) = parse(&["completions", shell]);
        let (result, written) =
            with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
        result.unwrap();
        assert!(written.out().contains("relais"), "{shell}");
    }
}

#[test]
fn bodies_come_from_the_line_or_from_standard_input() {
    let profiles = Profiles::at("/nowhere".into());
    let (echo, _) = typing::of_request(&crate::cli::TypeArgs::default(), None, "echo").unwrap();
    for (codec, body, input, expected) in [
        (&echo, Some("hi"), &b""[..], Ok(&b"\x0a\x02hi"[..])),
        (&echo, Some("-"), b"hi\r\n", Ok(b"\x0a\x02hi")),
        (&echo, Some("-"), b"{\"message\": \"hi\"}\n", Ok(b"\x0a\x02hi")),
        (&echo, None, b"", Ok(b"")),
        (&echo, Some("-"), b"\xff", Err("--raw")),
        (&typing::Codec::Raw, Some("-"), b"\xff\n", Ok(b"\xff\n")),
        (&typing::Codec::Raw, Some("{"), b"", Ok(b"{")),
    ] {
        let (globals, _) = parse(&["whoami"]);
        let mut got = Bytes::new();
        let (result, _) = with_context!(globals, profiles, input, |context| {
            codec.encode(body, &mut context.terminal).map(|bytes| got = bytes)
        });
        match expected {
            Ok(bytes) => assert_eq!((result, &got[..]), (Ok(()), bytes)),
            Err(hint) => assert!(result.unwrap_err().hint.unwrap().contains(hint)),
        }
    }
    let (globals, _) = parse(&["whoami"]);
    let long = vec![b'x'; 1024 * 1024 + 1];
    let (result, _) =
        with_context!(globals, profiles, long, |context| echo.encode(Some("-"), &mut context.terminal).map(drop));
    assert_eq!(result.unwrap_err().exit, Exit::Usage);
}
