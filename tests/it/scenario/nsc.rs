//! `relais nsc …` beside a running backend: users, accounts, roles and keys from the command line, live on the broker.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use relais_domain::credentials::creds::Creds;
use serde_json::Value;

use crate::support::{Broker, Ran, Raw, Up, User, Verdict, World, run, tool};

/// Runs `relais nsc …` where the data folder is, against the broker of `up`.
fn nsc(world: &World, up: &Up, arguments: &[&str]) -> Ran {
    let mut command = world.relais(&[&["nsc"], arguments].concat());
    run(command.env("RELAIS_NATS__URL", up.text("nats")), "")
}

/// The same, where it must work; its JSON.
fn done(world: &World, up: &Up, arguments: &[&str]) -> Value {
    let ran = nsc(world, up, &[arguments, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    serde_json::from_str(ran.stdout.lines().next().unwrap_or("null")).unwrap()
}

fn creds(path: &Value) -> (Creds, String) {
    let text = fs::read_to_string(path.as_str().unwrap()).unwrap();
    (Creds::parse(&text).unwrap(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_edited_listed_and_revoked_from_the_command_line() {
    let world = World::new();
    let up = world.up();
    let made = done(&world, &up, &["user", "add", "till"]);
    let (till, text) = creds(&made["creds"]);
    let mut verdict = Verdict::connect(up.text("nats"), &text, "_INBOX.till").await;
    assert!(verdict.publishes("from.till.x").await && !verdict.publishes("from.bob.x").await);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(made["creds"].as_str().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = done(&world, &up, &["user", "add", "till"]);
    assert!(again["public_key"] == made["public_key"] && again["creds"].is_null(), "{again}");
    for (arguments, code, says) in [
        (&["user", "add", "-x"][..], 2, "unexpected argument"),
        (&["user", "add", "svc-x"], 2, "reserved"),
        (&["user", "add", "desk", "--allow-pub", ">", "--allow-sub", "to.{user}.>"], 2, "every subject"),
        (&["user", "add", "desk", "--role", "nobody"], 1, "no role nobody"),
        (&["user", "add", "desk", "--account", "Nowhere"], 1, "no account Nowhere"),
        (&["user", "edit", "nobody", "--role", "user"], 1, "no user nobody"),
        (&["user", "revoke", "nobody"], 1, "no user nobody"),
        (&["account", "add", "a/b"], 2, "no name"),
        (&["account", "revoke-all", "app"], 2, "--yes"),
        (&["role", "remove", "user", "--yes"], 2, "settings"),
    ] {
        let ran = nsc(&world, &up, arguments);
        assert!(ran.code == code && ran.stderr.contains(says), "{arguments:?}: {} {}", ran.code, ran.stderr);
    }
    let raw = Raw::connect(up.text("nats"), Some(&till)).await;
    done(&world, &up, &["user", "revoke", "till"]);
    raw.hung_up().await;

    done(&world, &up, &["account", "add", "Partner"]);
    done(&world, &up, &["user", "add", "till", "--account", "Partner", "--out", "partner.creds"]);
    let table = nsc(&world, &up, &["user", "list", "--account", "Partner"]).stdout;
    assert!(table.starts_with("USER") && table.contains("till"), "{table}");
    let shown = done(&world, &up, &["user", "show", "till", "--account", "Partner"]);
    assert_eq!(shown["nats"]["tags"][0], "user:till");
    let info = nsc(&world, &up, &["info"]).stdout;
    assert!(["operator relais", "app", "Partner", "OPS", "SYS"].iter().all(|name| info.contains(name)), "{info}");

    let rotation = done(&world, &up, &["keys", "rotate"]);
    assert_eq!(rotation["retired"].as_array().unwrap().len(), 2, "{rotation}");
    // The running backend signs by the new keys from now on.
    let ada = User::new(&world, &up, "ada");
    done(&world, &up, &["keys", "end-rotation"]);
    echoes(&ada);
}

/// Returns when the backend answers: it may be on its way back with a new credential of its own, and nobody answers until then.
fn echoes(user: &User<'_>) {
    let mut asked = user.run(&["request", "echo.identified", "hello"]);
    for _ in 0..2_000 {
        if asked.code != 4 {
            break;
        }
        asked = user.run(&["request", "echo.identified", "hello"]);
    }
    assert_eq!(asked.code, 0, "{}", asked.stderr);
}

/// Everybody of the application's account is out, the backend too: it comes back by itself, users log in again.
#[tokio::test(flavor = "multi_thread")]
async fn after_everybody_was_revoked_the_backend_and_who_logs_in_are_back() {
    let world = World::new();
    let up = world.up();
    let mut ada = User::new(&world, &up, "ada");
    echoes(&ada);
    let raw =
        Raw::connect(up.text("nats"), Some(&Creds::parse(&fs::read_to_string(ada.creds()).unwrap()).unwrap())).await;
    done(&world, &up, &["account", "revoke-all", "app", "--yes"]);
    raw.hung_up().await;
    assert_eq!(ada.run(&["request", "echo.identified", "hello"]).code, 3, "the old JWT is refused");
    // A JWT of the same second would be refused as well, and is not signed.
    let mut logged_in = ada.run_with(&["login", "ada@example.org"], crate::support::PASSWORD);
    for _ in 0..50 {
        if logged_in.code == 0 {
            break;
        }
        logged_in = ada.run_with(&["login", "ada@example.org"], crate::support::PASSWORD);
    }
    ada.login();
    echoes(&ada);
    up.stop();
}

/// What a role lets its members do changes while they are connected, with the credentials that they have.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_changed_live_without_new_credentials() {
    let world = World::new();
    let role = |subject: &str| {
        let text = format!(
            "[nsc.roles.user]\npublish = ['from.{{user}}.{subject}.>']\nsubscribe = ['to.{{user}}.>', '_INBOX.{{user}}.>']\n"
        );
        fs::write(world.path("relais.toml"), text).unwrap();
    };
    role("jobs");
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let text = fs::read_to_string(ada.creds()).unwrap();
    let creds = Creds::parse(&text).unwrap();
    let may = async |subject: &str| {
        let prefix = format!("_INBOX.{}", ada.id());
        let mut verdict = Verdict::connect(up.text("nats"), &text, &prefix).await;
        verdict.publishes(&format!("from.{}.{subject}.x", ada.id())).await
    };
    assert!(may("jobs").await && !may("tasks").await);
    let raw = Raw::connect(up.text("nats"), Some(&creds)).await;
    role("tasks");
    let listed = nsc(&world, &up, &["role", "list"]).stdout;
    assert!(listed.contains("differs from the settings"), "{listed}");
    let told = done(&world, &up, &["role", "apply"]);
    assert_eq!(told["outcome"], "changed", "{told}");
    raw.hung_up().await;
    assert!(may("tasks").await && !may("jobs").await, "the same credentials, the new role");
    assert_eq!(done(&world, &up, &["role", "apply"])["outcome"], "as it was");
    up.stop();

    fs::write(world.path("relais.toml"), "[nsc.roles.user]\npublish = ['from.>']\nsubscribe = ['to.{user}.>']\n")
        .unwrap();
    let refused = world.relais(&["up", "--json"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        refused.status.code() == Some(2) && said.contains("nsc.roles.user") && said.contains("speak as another"),
        "{said}"
    );
    let forced = "[nsc.roles.user]\npublish = ['from.>']\nsubscribe = ['to.{user}.>']\nforce = ['from.>']\n";
    fs::write(world.path("relais.toml"), forced).unwrap();
    let up = world.up();
    assert!(up.log().contains("allowed by force"), "{}", up.log());
}

/// Devices lie in SQL; the real nsc looks at them in a copy.
#[tokio::test(flavor = "multi_thread")]
async fn devices_are_exported_for_the_real_nsc() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let stored = world.path("data/nsc/stores/relais/accounts/app/users");
    assert!(!stored.exists(), "no device is in the store");
    let told = done(&world, &up, &["export", "copy"]);
    assert_eq!(told["devices"], 1, "{told}");
    let again = nsc(&world, &up, &["export", "copy"]);
    assert!(again.code == 2 && again.stderr.contains("there already"), "{}", again.stderr);
    let mut command = Command::new(tool("nsc"));
    command.args(["list", "users", "--account", "app", "--config-dir"]).arg(world.path("nsc-config"));
    command.arg("--data-dir").arg(world.path("copy/stores")).arg("--keystore-dir").arg(world.path("no-keys"));
    let listed = run(command.env("HOME", world.path("home")).env("NSC_NO_GIT_IGNORE", "true"), "");
    let listed = listed.stdout + &listed.stderr;
    assert!(listed.contains(&format!("{}_", ada.id())), "{listed}");
}

/// The printed configurations are all that brokers elsewhere need: one, and a cluster of three.
#[tokio::test(flavor = "multi_thread")]
async fn printed_configurations_run_brokers_that_believe_us() {
    let world = World::new();
    let up = world.up();
    let made = done(&world, &up, &["user", "add", "till"]);
    let (till, text) = creds(&made["creds"]);
    let config = |name: &str, more: &[&str]| {
        let store = world.path(name);
        let any = ["--listen", "127.0.0.1:0", "--websocket", "127.0.0.1:0", "--monitor", "127.0.0.1:0"];
        let own = ["config", "--store", store.to_str().unwrap()];
        let ran = nsc(&world, &up, &[&own[..], &any, more].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stdout.contains("\"SO") && !ran.stdout.contains("\"SA"), "no seed is in it");
        let file = world.path(&format!("{name}.conf"));
        fs::write(&file, ran.stdout).unwrap();
        file
    };
    let one = Broker::of_file(&config("one", &[])).await;
    let mut verdict = Verdict::connect(one.url(), &text, "_INBOX.till").await;
    assert!(verdict.publishes("from.till.x").await && !verdict.publishes("from.bob.x").await);

    // Held together, so that no two are the same.
    let free = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let nodes = free.each_ref().map(|own| own.local_addr().unwrap().to_string()).join(",");
    drop(free);
    let mut brokers = Vec::new();
    for node in ["1", "2", "3"] {
        let file = config(&format!("node-{node}"), &["--cluster", &nodes, "--node", node]);
        brokers.push(Broker::of_file(&file).await);
    }
    for (nodes, node, says) in [
        (nodes.as_str(), "4", "1 to 3"),
        (&nodes, "0", "1 to 3"),
        ("a:1,b:1,a:1", "1", "a:1 twice"),
        ("a:1", "1", "two"),
    ] {
        let refused = nsc(&world, &up, &["config", "--cluster", nodes, "--node", node]);
        assert!(refused.code == 2 && refused.stderr.contains(says), "{}", refused.stderr);
    }
    // A change is handed to all three, reached through one, as soon as they have found each other.
    let mut command = world.relais(&["nsc", "push", "--json"]);
    let pushed = (0..100).map(|_| run(command.env("RELAIS_NATS__URL", brokers[1].url()), "")).find(|ran| {
        let told: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        ran.code == 0 && told["accounts"][0]["brokers"].as_array().is_some_and(|brokers| brokers.len() == 3)
    });
    assert!(pushed.is_some(), "three brokers have every account");
    // What each of them believes is this installation: the same creds work on each, and are revoked on each.
    let mut connected = Vec::new();
    for broker in &brokers {
        let mut verdict = Verdict::connect(broker.url(), &text, "_INBOX.till").await;
        assert!(verdict.publishes("from.till.x").await && !verdict.publishes("from.bob.x").await);
        connected.push(Raw::connect(broker.url(), Some(&till)).await);
    }
    let began = Instant::now();
    let mut command = world.relais(&["nsc", "user", "revoke", "till"]);
    let revoked = run(command.env("RELAIS_NATS__URL", brokers[2].url()), "");
    assert_eq!(revoked.code, 0, "{}", revoked.stderr);
    for raw in connected {
        raw.hung_up().await;
    }
    // A broker also hangs up on who answers no PING, which these do not, but after minutes.
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// Without a broker what changes an account is stored, and says that nobody was told.
#[test]
fn without_a_broker_it_is_stored_and_said() {
    let world = World::new();
    let none = run(&mut world.relais(&["nsc", "info"]), "");
    assert!(none.code == 1 && none.stderr.contains("relais nsc setup"), "{} {}", none.code, none.stderr);
    for new in [true, false] {
        let setup = run(&mut world.relais(&["nsc", "setup", "--json"]), "");
        assert_eq!(setup.code, 0, "{}", setup.stderr);
        let made: Value = serde_json::from_str(&setup.stdout).unwrap();
        assert_eq!((&made["new"], made["operator"].as_str()), (&Value::Bool(new), Some("relais")), "{made}");
    }
    fs::write(
        world.path("relais.toml"),
        "[nsc.roles.courier]\nabout = 'brings'\npublish = ['from.{user}.jobs.>']\nsubscribe = ['to.{user}.>']\n",
    )
    .unwrap();
    for word in ["courier: made", "courier: as it was"] {
        let applied = run(world.relais(&["nsc", "role", "apply"]).env("RELAIS_NATS__URL", "nats://127.0.0.1:1"), "");
        assert!(applied.code == 4 && applied.stdout.contains(word), "{} {}", applied.stdout, applied.stderr);
    }
    let roles = run(&mut world.relais(&["nsc", "role", "list", "--json"]), "");
    let roles: Value = serde_json::from_str(&roles.stdout).unwrap();
    let courier = &roles[0];
    assert_eq!((courier["name"].as_str(), courier["about"].as_str()), (Some("courier"), Some("brings")), "{roles}");
    assert!(courier["public_key"].as_str().is_some_and(|key| key.starts_with('A')), "{roles}");
    let mut command = world.relais(&["nsc", "account", "add", "Partner"]);
    let added = run(command.env("RELAIS_NATS__URL", "nats://127.0.0.1:1"), "");
    assert!(added.code == 4 && added.stderr.contains("relais nsc push"), "{} {}", added.code, added.stderr);
    let mut command = world.relais(&["nsc", "account", "add", "Partner"]);
    let again = run(command.env("RELAIS_NATS__URL", "nats://127.0.0.1:1"), "");
    assert!(again.code == 0 && again.stdout.contains("there is already"), "{} {}", again.stdout, again.stderr);
    let other = run(&mut world.relais(&["nsc", "setup", "--operator", "Other", "--account", "shop"]), "");
    assert!(other.code == 0 && other.stdout.contains("made the operator Other"), "{} {}", other.stdout, other.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_claims_by_command() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let token = up.text("setup_token").to_owned();
    let claim =
        |file: &str| ada.run_with(&["admin", "claim", "ada@example.org", "--token", file], crate::support::PASSWORD);
    fs::write(world.path("guess"), "0".repeat(64)).unwrap();
    let wrong = claim(world.path("guess").to_str().unwrap());
    assert!(wrong.code == 3 && wrong.stderr.contains("not the set-up token"), "{} {}", wrong.code, wrong.stderr);
    let claimed = claim(&token);
    assert!(claimed.code == 0 && claimed.stdout.contains("is admin"), "{} {}", claimed.stdout, claimed.stderr);
    let again = claim(&token);
    assert!(again.code == 1 && again.stderr.contains("cannot read"), "{} {}", again.code, again.stderr);
    assert_eq!(ada.run(&["request", "echo.identified", "hello"]).code, 0, "the profile's device is as it was");
}
