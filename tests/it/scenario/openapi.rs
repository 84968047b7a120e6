//! The document against the service: schemathesis makes requests of all operations, right ones and wrong ones, alone and in the order
//! in which the links of the document lead, and holds every answer against the document. On SQLite and on PostgreSQL. (Who asks, and
//! why which check expects what, is told in `tests/openapi`.)

use std::{path::Path, process::Command};

use serde_json::json;

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

/// A backend with quick hashes and without limits.
fn up(world: &World, url: Option<&str>) -> Up {
    world.up_with(|command| {
        command.envs(LIMITS.map(|limit| (format!("RELAIS_AUTH__LIMITS__{limit}"), "off")));
        command.env("RELAIS_AUTH__HASH_MEMORY", "7").env("RELAIS_AUTH__HASH_PASSES", "1");
        if let Some(url) = url {
            command.env("RELAIS_SQL__URL", url);
        }
    })
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
        // The same requests each time.
        .args(["--max-examples", "8", "--continue-on-failure", "--no-color", "--seed", "1"])
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

/// What has succeeded with a secret does not without: every operation that needs one, with none, with half of one, and with one of
/// another kind.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_succeeds_without_its_secret() {
    let world = World::new();
    let up = up(&world, None);
    let ada = Caller::new(&up, "ada").await;
    ada.claim().await;
    let document = ada.get("/openapi.json").await.1;
    let refresh = ada.login["refresh_token"].as_str().unwrap().to_owned();
    let jwt = ada.login["jwt"].as_str().unwrap().to_owned();
    let half = ada.token[..ada.token.len() / 2].to_owned();
    let (mut operations, users) = (0, ada.get("/users").await.1);
    for (path, own) in document["paths"].as_object().unwrap() {
        for (method, operation) in own.as_object().unwrap() {
            if operation["security"].is_null() {
                continue;
            }
            operations += 1;
            let path = path
                .replace("{id}", ada.login["user_id"].as_str().unwrap())
                .replace("{account}", "app")
                .replace("{name}", "nobody")
                .replace("{key}", "x");
            for secret in [None, Some(&half), Some(&refresh), Some(&jwt)] {
                let method: reqwest::Method = method.to_uppercase().parse().unwrap();
                let mut request = ada.http.request(method.clone(), format!("{}{path}", up.text("http")));
                // What would succeed with the right one.
                let body = &operation["requestBody"]["content"]["application/json"]["example"];
                if !body.is_null() {
                    request = request.json(body);
                }
                if let Some(secret) = secret {
                    request = request.bearer_auth(secret);
                }
                let status = request.send().await.unwrap().status();
                assert_eq!(status, 401, "{method} {path} with {}", secret.is_some());
            }
        }
    }
    assert!(operations >= 20, "{operations}");
    assert_eq!(ada.get("/users").await.1, users, "and nothing has changed");
    let other = if refresh.ends_with('A') { 'B' } else { 'A' };
    let body = json!({"refresh_token": format!("{}{other}", &refresh[..refresh.len() - 1])});
    assert_eq!(ada.post("/token", body).await.0, 401, "of a refresh token every letter counts");
    up.stop();
}
