//! Secrets in the settings: `relais settings`, and what is said of wrong ones.

use std::{fs, process::Command};

use crate::support::{Canaries, World, run};

/// One in each setting that may hold one.
const SECRETS: [(&str, &str, &str); 6] = [
    ("sql.url", "postgres://relais:sql-canary-1@127.0.0.1:1/relais", "sql-canary-1"),
    ("sql.url", "postgres://127.0.0.1:1/relais?password=sql-canary-2", "sql-canary-2"),
    ("nats.url", "nats://nats-canary-3@127.0.0.1:1", "nats-canary-3"),
    ("nats.url", "nats://127.0.0.1:2,nats://me:nats-canary-4@127.0.0.1:1", "nats-canary-4"),
    ("mail.smtp_url", "smtp://tea:mail-canary-5@127.0.0.1:1", "mail-canary-5"),
    ("nsc.seal_key", "ca11ab1eca11ab1eca11ab1eca11ab1eca11ab1eca11ab1eca11ab1eca11ab1e", "ca11ab1eca11ab1e"),
];

#[test]
fn settings_are_shown_without_their_secrets_wherever_they_come_from() {
    let world = World::new();
    let mut canaries = Canaries::default();
    for (name, value, secret) in SECRETS {
        canaries.plant(&format!("{name} as {}", value.len()), secret);
        let found = canaries.found_in(value.as_bytes());
        assert!(!found.is_empty(), "it is found where it is");
    }
    for (name, value, _) in SECRETS {
        let variable = format!("RELAIS_{}", name.replace('.', "__").to_uppercase());
        let by_variable: &dyn Fn(&mut Command) = &|command| _ = command.env(&variable, value);
        let by_flag: &dyn Fn(&mut Command) = &|command| _ = command.args(["--set", &format!("{name}={value}")]);
        let file = world.path("own.toml");
        fs::write(&file, format!("{name} = '{value}'\n")).unwrap();
        let by_file: &dyn Fn(&mut Command) = &|command| _ = command.arg("--config").arg(&file);
        for give in [by_variable, by_flag, by_file] {
            for arguments in [&["settings", "-vv"][..], &["settings", "--json", "-vv"], &["whoami", "-vv"]] {
                let mut command = world.relais(arguments);
                give(command.env("RUST_LOG", "trace").env("RELAIS_MAIL__FROM", "a@b.c"));
                let ran = run(&mut command, "");
                canaries.absent(&format!("{arguments:?}"), ran.stdout + &ran.stderr);
            }
            let mut command = world.relais(&["settings"]);
            give(command.env("RELAIS_MAIL__FROM", "a@b.c"));
            let ran = run(&mut command, "");
            let row =
                ran.stdout.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{}", ran.stderr));
            assert!(row.contains("***"), "it is told that something is hidden: {row}");
        }
    }
    assert!(!world.path("data").exists());
}

/// A server that cannot be reached, a text that is no address: what is said holds the setting and no more.
#[test]
fn what_is_said_of_wrong_settings_holds_no_secret() {
    let world = World::new();
    let mut canaries = Canaries::default();
    canaries.plant("the secret", "hidden-canary");
    for (name, value) in [
        ("sql.url", "hidden-canary"),
        ("sql.url", "mongodb://relais:hidden-canary@127.0.0.1/relais"),
        ("sql.url", "postgres://relais:hidden-canary@127.0.0.1:1/relais"),
        ("sql.url", "postgres://relais:hidden-canary@[::/relais"),
        ("sql.url", "postgres://relais:hidden-canary@127.0.0.1:99999/relais"),
        ("sql.url", "mysql://relais:hidden-canary@127.0.0.1:1/relais"),
        ("sql.url", "sqlite:/nowhere/x.db?password=hidden-canary"),
        ("nats.url", "me:hidden-canary@127.0.0.1"),
        ("nats.url", "ftp://me:hidden-canary@127.0.0.1"),
        ("nats.url", "nats://me:hidden-canary@127.0.0.1:99999"),
        ("nats.url", "nats://me:hidden-canary@127.0.0.1:1"),
        ("mail.smtp_url", "hidden-canary"),
        ("mail.smtp_url", "smtp://tea:hidden-canary@mail.example.org"),
        ("mail.smtp_url", "smtps://tea:hidden-canary@mail.example.org:99999"),
        ("mail.smtp_url", "smtps://tea:hidden-canary@[::"),
        ("mail.smtp_url", "http://tea:hidden-canary@mail.example.org"),
        ("nsc.seal_key", "hidden-canary"),
        ("http.public_url", "https://me:hidden-canary@example.org"),
        ("nats.public_urls", "nats://me:hidden-canary@example.org"),
        ("nats.public_websocket", "ws://me:hidden-canary@example.org"),
        ("http.allowed_origins", "https://me:hidden-canary@example.org"),
    ] {
        for command in ["up", "serve"] {
            let mut command = world.relais(&[command, "-vv"]);
            command
                .env("RELAIS_MAIL__FROM", "a@b.c")
                .env(format!("RELAIS_{}", name.replace('.', "__").to_uppercase()), value);
            let ran = run(&mut command, "");
            assert_ne!(ran.code, 0, "{name} = {value}");
            canaries.absent(&format!("what is said of {name} = {value}: {}", ran.stderr), ran.stdout + &ran.stderr);
        }
    }
}
