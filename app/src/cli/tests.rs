//! What is taken, what is refused, and what becomes a setting.

use clap::CommandFactory as _;

use std::time::Duration;

use super::{messages::parse_duration, nsc_admin::parse_node, *};

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn wrong_usage_is_refused() {
    for line in [
        "relais",
        "relais fly",
        "relais register",
        "relais register ada",
        "relais login ada@example.org --password x",
        "relais request",
        "relais request echo x --timeout 0",
        "relais request echo x --timeout 5parsecs",
        "relais request echo x --descriptors f.proto",
        "relais request echo x --raw --type X",
        "relais subscribe > --count 0",
        "relais service add My.Shop",
        "relais service add shop --route to.ada.x",
        "relais service add shop --route >",
        "relais creds export --role admin",
        "relais nsc config --cluster a:6222,b:6222",
        "relais nsc config --node 1",
        "relais nsc config --cluster a,b:6222 --node 1",
        "relais nsc config --cluster a:6222,,b:6222 --node 1",
        "relais nsc config --cluster a:0,b:6222 --node 1",
        "relais nsc config --cluster a:6222,b:65536 --node 1",
        "relais nsc config --cluster nats://a:6222,b:6222 --node 1",
        "relais nsc config --cluster me:secret@a:6222,b:6222 --node 1",
        "relais nsc config --cluster ::1:6222,b:6222 --node 1",
        "relais users",
        "relais users list --limit 0",
        "relais users list --limit many",
        "relais users list --search ",
        "relais users show",
        "relais users show Ada",
        "relais users show @example.org",
        "relais users show svc-shop",
        "relais users disable",
        "relais users role ada@example.org",
        "relais users role ada@example.org Courier",
        "relais users role ada@example.org 7up",
        "relais users delete --yes",
        "relais audit --limit 0",
        "relais audit ada",
        "relais admin add",
        "relais admin remove Ada",
        "relais mail test",
        "relais mail test ada",
        "relais new",
        "relais new Shop",
        "relais new tea_shop",
        "relais new ../shop",
        "relais new 7up",
        "relais new -shop",
        "relais new match",
        "relais new test",
        "relais new relais",
        "relais new a-name-of-thirty-three-characters",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err_and(|error| error.exit_code() == 2), "{line}");
    }
}

#[test]
fn nodes_are_read() {
    for text in ["a:6222", "a.internal-2:1", "10.0.0.1:65535", "[::1]:6222"] {
        assert_eq!(parse_node(text), Ok(text.to_owned()));
    }
}

#[test]
fn times_and_routes_are_read() {
    for (text, millis) in [("500ms", 500), ("5s", 5_000), ("7", 7_000), ("2m", 120_000)] {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
    }
    assert!(parse_duration("99999999999999999m").is_err());
    for text in ["from.{user}.orders.{rest..}", "from.*.orders.>"] {
        assert_eq!(parse_route(text).unwrap().filter().as_str(), "from.*.orders.>");
    }
}

#[test]
fn flags_become_settings() {
    let cli = Cli::try_parse_from(["relais", "up", "--http", "127.0.0.1:1", "--data", "d", "-v", "--set", "log=warn"]);
    let Ok(Cli { globals, command: Command::Up(up) }) = cli else { panic!("it does not parse") };
    let sources = globals.sources(up.flags()).unwrap();
    let keys: Vec<_> = sources.flags.iter().map(|flag| (flag.flag, flag.key.as_str())).collect();
    assert_eq!(keys, [("-v", "log"), ("--data", "data"), ("--http", "http.listen"), ("--set", "log")]);
}

#[test]
fn a_dash_is_a_body() {
    let cli = Cli::try_parse_from(["relais", "request", "echo", "-", "--timeout", "1s"]).unwrap();
    assert!(matches!(cli.command, Command::Request(RequestArgs { body: Some(body), .. }) if body == "-"));
}
