//! The document against the service: schemathesis makes requests of all operations, right ones and wrong ones, alone and in the order
//! in which the links of the document lead, and holds every answer against the document. On SQLite and on PostgreSQL. (Who asks, and
//! why which check expects what, is told in `tests/openapi`.)

mod replay;
mod replay_story;
mod schemas;

use std::{fs, path::Path, process::Command};

use crate::support::{Caller, PASSWORD, Ran, SqlKind, SqlServer, Up, World, python, run};

/// The limits of how often somebody may try, which are not what this is about.
const LIMITS: [&str; 11] = [
    "LOGIN_PER_EMAIL_AND_ADDRESS",
    "LOGIN_PER_EMAIL",
    "LOGIN_PER_KNOWN_DEVICE",
    "LOGIN_PER_ADDRESS",
    "LOGIN_TOTAL",
    "REGISTER_PER_ADDRESS",
    "MAIL_PER_EMAIL",
    "MAIL_PER_ADDRESS",
    "MAIL_TOTAL",
    "DEVICE_REMOVALS_PER_USER",
    "REFRESH_PER_DEVICE",
];

/// What the examples of the document speak of.
const NAMED: &str = "topics = ['news']\n[nsc.roles.courier]\npublish = ['from.{user}.jobs.>']\nsubscribe = ['to.{user}.>', '_INBOX.{user}.>']\n";

/// A backend with quick hashes, without limits, and with what the examples name.
fn up(world: &World, url: Option<&str>) -> Up {
    fs::write(world.path("relais.toml"), NAMED).unwrap();
    world.up_with(|command| {
        command.envs(LIMITS.map(|limit| (format!("RELAIS_AUTH__LIMITS__{limit}"), "off")));
        command.env("RELAIS_AUTH__HASH_MEMORY", "7").env("RELAIS_AUTH__HASH_PASSES", "1");
        if let Some(url) = url {
            command.env("RELAIS_SQL__URL", url);
        }
    })
}

fn set(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}

/// Lets schemathesis ask everything there is, as the admin ada.
async fn asked(up: &Up) -> Ran {
    let ada = Caller::new(up, "ada").await;
    ada.claim().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let server = up.text("http");
    let mut command = Command::new(python().with_file_name("schemathesis"));
    command
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .args(["run", &format!("{server}/openapi.json"), "--url", server, "--checks", "all"])
        .args(["--continue-on-failure", "--no-color"])
        // The same requests each time, and others when asked for.
        .args(["--seed", &set("RELAIS_TEST_SEED", "1"), "--max-examples", &set("RELAIS_TEST_EXAMPLES", "8")])
        .env("PYTHONPATH", &folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("RELAIS_SERVER", server)
        .env("RELAIS_EMAIL", "ada@example.org")
        .env("RELAIS_PASSWORD", PASSWORD)
        .current_dir(up.text("data"));
    tokio::task::block_in_place(|| run(&mut command, ""))
}

fn is_true(ran: &Ran) {
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(ran.stdout.contains(&format!("✅ {phase}")), "{phase} was passed: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("Selected: 35/35") && ran.stdout.contains("Tested: 35"), "all of it: {}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_true_on_sqlite() {
    let world = World::new();
    let up = up(&world, None);
    is_true(&asked(&up).await);
    assert!(!up.log().contains("panicked"), "{}", up.log());
    up.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_true_on_postgres() {
    let url = SqlServer::shared(SqlKind::Postgres).database().await;
    let world = World::new();
    let up = up(&world, Some(&url));
    is_true(&asked(&up).await);
    up.stop();
}
