//! An admin's work on users, by command.

use std::{fs, process::Command};

use relais_domain::credentials::creds::Creds;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Ran, Raw, Up, User, World, python, run};

/// A user who has redeemed the set-up token.
fn admin<'w>(world: &'w World, up: &Up, name: &str) -> User<'w> {
    let admin = User::new(world, up, name);
    let email = format!("{name}@example.org");
    let claimed = admin.run_with(&["admin", "claim", &email, "--token", up.text("setup_token")], PASSWORD);
    assert_eq!(claimed.code, 0, "{}", claimed.stderr);
    admin
}

#[track_caller]
fn done(ran: &Ran) -> &str {
    assert!(ran.code == 0 && ran.stderr.is_empty(), "{} {}", ran.code, ran.stderr);
    &ran.stdout
}

#[track_caller]
fn told(ran: &Ran) -> Value {
    serde_json::from_str(done(ran)).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout))
}

/// It ended with this code, told all of this on standard error, and printed nothing.
#[track_caller]
fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{} {}", ran.stdout, ran.stderr);
    assert!(words.iter().all(|word| ran.stderr.contains(word)), "{words:?} in {}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

async fn connected(up: &Up, user: &User<'_>) -> Raw {
    let creds = Creds::parse(&fs::read_to_string(user.creds()).unwrap()).unwrap();
    Raw::connect(up.text("nats"), Some(&creds)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_found_disabled_enabled_and_deleted() {
    let world = World::new();
    let up = world.up();
    let (ada, mut bob) = (admin(&world, &up, "ada"), User::new(&world, &up, "bob"));
    User::new(&world, &up, "bobby");
    let table = ada.run(&["users", "list"]);
    let rows: Vec<_> = done(&table).lines().collect();
    assert!(rows.len() == 4 && rows[0].starts_with("USER"), "{}", table.stdout);
    assert!(rows[1].starts_with(ada.id()) && rows[1].contains("  yes  ") && rows[1].ends_with("  ada@example.org"));
    assert!(rows[2].starts_with(bob.id()) && rows[2].contains("  active    no  "), "{}", table.stdout);
    assert!(!table.stdout.contains('\u{1b}'), "no colours where nobody looks");
    let found = told(&ada.run(&["users", "list", "--search", "BOB", "--json"]));
    let emails: Vec<_> = found.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect();
    assert_eq!(emails, ["bob@example.org", "bobby@example.org"]);
    assert_eq!(told(&ada.run(&["users", "list", "--limit", "1", "--json"])).as_array().unwrap().len(), 1);
    let by_id = told(&ada.run(&["users", "show", bob.id(), "--json"]));
    assert_eq!((&by_id["email"], &by_id["role"]), (&json!("bob@example.org"), &json!("user")), "{by_id}");
    assert_eq!(told(&ada.run(&["users", "show", "Bob@Example.org", "--json"])), by_id);
    assert!(done(&ada.run(&["users", "show", "bob@example.org"])).contains("standing       active\n"));

    let (raw, old) = (connected(&up, &bob).await, fs::read_to_string(bob.creds()).unwrap());
    let disabled = ada.run(&["users", "disable", "bob@example.org"]);
    assert_eq!(done(&disabled).split(" is ").next().unwrap(), format!("bob@example.org ({})", bob.id()));
    raw.hung_up().await;
    let answer = Raw::turned_away(up.text("nats"), &Creds::parse(&old).unwrap()).await;
    assert!(answer.contains("Authorization Violation"), "{answer}");
    refused(&bob.run(&["devices", "list"]), 3, &["relais login bob@example.org"]);
    refused(&bob.run_with(&["login", "bob@example.org"], PASSWORD), 3, &["this user is not let in"]);
    assert_eq!(told(&ada.run(&["users", "disable", bob.id(), "--json"]))["standing"], "disabled", "a repeat is safe");
    assert!(done(&ada.run(&["users", "list"])).contains("  disabled  no  "));
    assert!(done(&ada.run(&["users", "enable", bob.id()])).contains("is enabled"));
    bob.login();
    let raw = connected(&up, &bob).await;
    assert_eq!(bob.run(&["request", "echo", "hello"]).stdout, "echo hello\n");

    refused(&ada.run(&["users", "delete", "bob@example.org"]), 2, &["bob@example.org", "--yes"]);
    let gone = told(&ada.run(&["users", "delete", "bob@example.org", "--yes", "--json"]));
    assert_eq!(gone, json!({"user_id": bob.id(), "email": "bob@example.org", "removed": true}));
    raw.hung_up().await;
    for whom in ["bob@example.org", bob.id()] {
        for command in ["show", "disable", "enable"] {
            refused(&ada.run(&["users", command, whom]), 1, &["there is no user", whom, "relais users list"]);
        }
        refused(&ada.run(&["users", "delete", whom, "--yes"]), 1, &["there is no user", whom]);
        refused(&ada.run(&["users", "role", whom, "user"]), 1, &["there is no user", whom]);
    }
    refused(&bob.run_with(&["login", "bob@example.org"], PASSWORD), 3, &["relais register"]);
    assert_ne!(User::new(&world, &up, "bob").id(), bob.id(), "the address is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_admins_and_the_audit() {
    let world = World::new();
    let courier =
        "[nsc.roles.courier]\npublish = ['from.{user}.jobs.>']\nsubscribe = ['to.{user}.>', '_INBOX.{user}.>']\n";
    fs::write(world.path("relais.toml"), courier).unwrap();
    let up = world.up();
    let (ada, mut bob) = (admin(&world, &up, "ada"), User::new(&world, &up, "bob"));
    refused(&ada.run(&["users", "role", bob.id(), "currier"]), 2, &["no role currier", "courier, user"]);
    assert_eq!(ada.run(&["users", "role", bob.id(), "Courier"]).code, 2);
    assert!(done(&ada.run(&["users", "role", "bob@example.org", "courier"])).contains("has the role courier"));
    bob.login();
    assert_eq!(bob.who["permissions"]["publish"], json!([format!("from.{}.jobs.>", bob.id())]));

    // Who is no admin is told what to do, by each command.
    let others = [
        &["users", "list"][..],
        &["users", "show", "ada@example.org"],
        &["users", "disable", "ada@example.org"],
        &["users", "enable", ada.id()],
        &["users", "role", ada.id(), "user"],
        &["users", "delete", ada.id(), "--yes"],
        &["admin", "add", bob.id()],
        &["admin", "remove", ada.id()],
        &["audit"],
    ];
    for line in others {
        refused(&bob.run(line), 3, &["only admins may do this", "relais admin add EMAIL", "--profile"]);
        let nobody = run(world.relais(line).args(["--server", up.text("http")]), "");
        refused(&nobody, 3, &["relais login"]);
    }
    for line in [&["admin", "remove", "ada@example.org"][..], &["users", "disable", ada.id()]] {
        refused(&ada.run(line), 1, &["last admin", "relais admin add"]);
    }
    assert!(done(&ada.run(&["admin", "add", "bob@example.org"])).ends_with("is an admin\n"));
    assert_eq!(told(&bob.run(&["admin", "remove", ada.id(), "--json"]))["admin"], false);
    refused(&ada.run(&["audit"]), 3, &["only admins"]);

    let audit = told(&bob.run(&["audit", "--json"]));
    let noted: Vec<_> = audit
        .as_array()
        .unwrap()
        .iter()
        .map(|own| {
            let word = |name: &str| own[name].as_str().unwrap().to_owned();
            [word("actor"), word("action"), word("outcome"), word("target")]
        })
        .collect();
    let (by_ada, by_bob) = (format!("user:{}", ada.id()), format!("user:{}", bob.id()));
    let expected = [
        [by_bob.as_str(), "users.admin", "done", ada.id()],
        [by_ada.as_str(), "users.admin", "done", bob.id()],
        [by_ada.as_str(), "users.standing", "refused", ada.id()],
        [by_ada.as_str(), "users.admin", "refused", ada.id()],
        [by_ada.as_str(), "users.role", "done", bob.id()],
        [by_ada.as_str(), "admin.claim", "done", ada.id()],
    ];
    assert_eq!(noted, expected.map(|entry| entry.map(str::to_owned)));
    let newest = bob.run(&["audit", "--limit", "2"]);
    let lines: Vec<_> = done(&newest).lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("WHEN") && lines[1].contains(&by_bob), "{}", newest.stdout);
}

/// More users than a page has, and more entries: put into the database at once, because each registration hashes a password.
const MANY: &str = r#"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
password, role = db.execute("SELECT password, role FROM users").fetchone()
def id(number): return "01kaq4w3zk8r5v9m2d6n7p1t4c"[:20] + f"{number:06}"
columns = "id, email, password, created_at, role, admin, standing, verified"
users = [(id(n), f"user-{n:03}@example.org", password, 1767225600000 + n, role, 0, "active", 1) for n in range(450)]
db.executemany(f"INSERT INTO users ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", users)
audit = [(id(n), 1767225600000 + n, "relais", "nsc.push", f"push-{n}", "done", "") for n in range(230)]
db.executemany("INSERT INTO audit (id, at, actor, action, target, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?)", audit)
db.commit()
"#;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_followed() {
    let world = World::new();
    let up = world.up();
    admin(&world, &up, "ada");
    up.stop();
    let filled = run(Command::new(python()).args(["-c", MANY]).arg(world.path("data/relais.db")), "");
    assert_eq!(filled.code, 0, "{}", filled.stderr);
    let up = world.up();
    let ada = User::at_known(&world, &up, "ada");
    let listed = told(&ada.run(&["users", "list", "--json"]));
    let mut ids: Vec<_> = listed.as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap()).collect();
    assert!(ids.len() == 451 && ids.is_sorted(), "{}", ids.len());
    ids.dedup();
    assert_eq!(ids.len(), 451, "each once");
    assert_eq!(done(&ada.run(&["users", "list"])).lines().count(), 452);
    assert_eq!(done(&ada.run(&["users", "list", "--limit", "250", "--search", "user-"])).lines().count(), 251);
    let id = listed[300]["id"].as_str().unwrap();
    assert_eq!(told(&ada.run(&["users", "show", id, "--json"])), listed[300]);
    // The address of one is a part of none other's, and it is among the last.
    assert_eq!(
        told(&ada.run(&["users", "show", "user-449@example.org", "--json"]))["created_at"],
        "2026-01-01T00:00:00.449Z"
    );
    let audit = told(&ada.run(&["audit", "--json"]));
    let pushes: Vec<_> = audit.as_array().unwrap().iter().filter(|own| own["action"] == "nsc.push").collect();
    assert!(pushes.len() == 230 && pushes[0]["target"] == "push-229", "{}", pushes.len());
    assert!(audit[0]["action"] == "admin.claim", "the newest is first: {}", audit[0]);
    assert_eq!(done(&ada.run(&["audit", "--limit", "150"])).lines().count(), 151);
}
