//! The commands on mocks of the ports, a real HTTP socket, and folders of their own.

use relais_domain::{
    credentials::{KeyKind, PublicKey},
    ports::{KeyPair, MockKeyPairs},
    secret::Secret,
};
use serde_json::{Value, json};

use super::*;
use crate::profile::tests::{ada, creds, logged_in, tokens};

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
        let terminal = Terminal {
            out: &mut written.out,
            err: &mut written.err,
            input: &mut input,
            asks: false,
            shown: false,
            colours: false,
        };
        let mut context_value = Context { globals: $globals, terminal, profiles: $profiles.clone() };
        let $context = &mut context_value;
        let result: Result<(), Failure> = $body;
        (result, written)
    }};
}

mod account;
mod http;
mod messages;
mod new;
mod nsc;
mod service;
mod users;

use http::{http, login_answer};

fn public(byte: u8) -> PublicKey {
    PublicKey::from_raw(KeyKind::User, &[byte; 32])
}

/// Makes the key 2, seed `SUNEW`; knows the key 1 by its seed `SUABC`.
fn keys() -> MockKeyPairs {
    let mut keys = MockKeyPairs::new();
    keys.expect_generate().returning(|_| KeyPair { public: public(2), seed: Secret::from("SUNEW") });
    keys.expect_from_seed().returning(|seed| Ok(KeyPair { public: public(1), seed: seed.clone() }));
    keys
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
    profiles.save("default", &expired, &creds("SUABC"), &tokens()).unwrap();
    std::fs::remove_file(folder.path().join("relais/default/refresh")).unwrap();
    let (globals, command) = parse(&["publish", "echo", "x"]);
    let (result, _) = with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
    assert!(result.unwrap_err().what.contains("expired"));
    std::fs::write(folder.path().join("relais/default/profile.json"), "{").unwrap();
    let (globals, command) = parse(&["whoami"]);
    let (result, _) = with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
    assert_eq!(result.unwrap_err().hint.unwrap(), "log in again with `relais login EMAIL`");
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
