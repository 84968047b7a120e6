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
