//! The same flow with official NATS clients of other languages, with the creds of a login.

use std::{path::PathBuf, process::Command};

use crate::support::{Up, User, World, python, run, tool};

/// The message `text` in field 1, as protobuf has it.
fn protobuf(text: &str) -> String {
    format!("\n{}{text}", char::from(u8::try_from(text.len()).unwrap()))
}

fn nats(world: &World, up: &Up, user: &User<'_>) -> Command {
    let mut nats = Command::new(tool("nats"));
    let prefix = user.who["inbox_prefix"].as_str().unwrap();
    nats.args(["--server", up.text("nats"), "--inbox-prefix", prefix, "--creds"]).arg(user.creds());
    nats.env("HOME", world.path("home")).env("XDG_CONFIG_HOME", world.path("config"));
    nats
}

#[test]
fn the_nats_command_line_is_answered() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let subject = format!("from.{}.echo.identified", ada.id());
    let asked = run(nats(&world, &up, &ada).args(["request", "--raw", &subject]).arg(protobuf("hello")), "");
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    let expected = format!("echo hello from {}", ada.id());
    assert!(asked.stdout.contains(&protobuf(&expected)), "{:?}", asked.stdout);

    let fault = run(nats(&world, &up, &ada).args(["request", &subject, "\u{7f}"]), "");
    let said = format!("{}{}", fault.stdout, fault.stderr);
    assert!(said.contains("Nats-Service-Error-Code: 400"), "it reads our faults: {said}");

    let denied = run(nats(&world, &up, &ada).args(["pub", "from.bob.echo", "x"]), "");
    let said = format!("{}{}", denied.stdout, denied.stderr);
    assert!(said.to_lowercase().contains("permissions violation"), "{said}");
}

#[test]
fn nats_py_is_answered_over_tcp_and_websocket() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/clients/echo.py");
    for address in [up.text("nats"), up.text("websocket")] {
        let mut command = Command::new(python());
        command.arg(&script).args([address, ada.creds().to_str().unwrap(), ada.id(), "hello"]);
        let ran = run(&mut command, "");
        assert_eq!((ran.code, ran.stdout), (0, format!("echo hello from {}\n", ada.id())), "{}", ran.stderr);
    }
}

/// The operator's own tool sees every route: what it takes, what it counts, on each instance.
#[test]
fn nats_micro_lists_describes_and_counts_every_route() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let creds = world.path("operator.creds");
    let exported = run(world.relais(&["creds", "export", "--role", "operator", "--out"]).arg(&creds), "");
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    for body in ["hello", "again"] {
        assert_eq!(ada.run(&["request", "echo.identified", body]).code, 0);
    }
    let broken = run(nats(&world, &up, &ada).args(["request", &format!("from.{}.echo", ada.id()), "\u{7f}"]), "");
    assert!(format!("{}{}", broken.stdout, broken.stderr).contains("400"), "{}", broken.stderr);
    let micro = |arguments: &[&str]| {
        let mut command = Command::new(tool("nats"));
        command.env("HOME", world.path("home")).args(["--server", up.text("nats")]);
        command.arg("--creds").arg(&creds).args(["--inbox-prefix", "_INBOX.op-operator", "micro"]).args(arguments);
        let ran = run(&mut command, "");
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    let listed = micro(&["ls"]);
    assert!(listed.contains("relais") && listed.contains(env!("CARGO_PKG_VERSION")), "{listed}");
    let info = micro(&["info", "relais"]);
    for shown in ["echo-identified", "from.*.echo.identified", "EchoRequest", "EchoResponse", "from.{user}.echo"] {
        assert!(info.contains(shown), "{shown} in {info}");
    }
    let stats = micro(&["stats", "relais", "--json"]);
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    let text = stats.to_string();
    assert!(text.contains("in_flight") && text.contains("p99"), "{text}");
    let instance = if stats.is_array() { &stats[0] } else { &stats };
    let endpoints = instance["endpoints"].as_array().unwrap_or_else(|| panic!("{stats}"));
    let of = |name: &str| endpoints.iter().find(|own| own["name"] == name).unwrap();
    assert_eq!(of("echo-identified")["num_requests"], 2);
    assert_eq!((&of("echo")["num_requests"], &of("echo")["num_errors"]), (&1.into(), &1.into()));
    assert!(micro(&["stats", "relais"]).contains("echo-identified"));
}
