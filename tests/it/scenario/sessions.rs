//! Sessions on a real backend: going on without a password, being copied, logging out, leaving; and by command.

use futures_util::future::join_all;
use relais_domain::credentials::creds::Creds;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Caller, PASSWORD, Raw, Up, User, World, run};

/// The newest JWT of a login with the seed of its first answer.
pub(super) fn creds(first: &Value, newest: &Value) -> Creds {
    let first = Creds::parse(first["creds"].as_str().unwrap()).unwrap();
    let jwt = relais_domain::credentials::UserJwt::from_text(newest["jwt"].as_str().unwrap().to_owned());
    Creds { jwt, seed: first.seed }
}

async fn connected(up: &Up, creds: &Creds) -> Raw {
    Raw::connect(up.text("nats"), Some(creds)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_goes_on_without_a_password_across_a_restart() {
    let world = World::new();
    let up = world.up();
    let mut ada = Caller::new(&up, "ada").await;
    let first = ada.login.clone();
    ada.refresh().await;
    let second = ada.login.clone();
    assert_eq!((&second["device_id"], second.get("creds")), (&first["device_id"], None));
    connected(&up, &creds(&first, &second)).await;
    drop(ada);
    up.stop();
    let up = world.up();
    let mut ada = Caller { login: second, ..Caller::stranger(&up) };
    ada.refresh().await;
    connected(&up, &creds(&first, &ada.login)).await;
    let (_, devices) = ada.get("/me/devices").await;
    assert_eq!(devices["devices"].as_array().unwrap().len(), 1, "{devices}");
    let keys = ada.get("/.well-known/jwks.json").await.1;
    assert!(keys["keys"].as_array().unwrap().len() >= 2, "this key and the next: {keys}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_used_later_costs_the_device_its_connection() {
    let world = World::new();
    let up = world.up();
    let mut ada = Caller::new(&up, "ada").await;
    let stolen = ada.login.clone();
    ada.refresh().await;
    ada.refresh().await;
    let raw = connected(&up, &creds(&stolen, &ada.login)).await;
    let thief = Caller::stranger(&up);
    let (status, body) = thief.post("/token", json!({"refresh_token": stolen["refresh_token"]})).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
    raw.hung_up().await;
    assert_eq!(ada.get("/me").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_refreshes_at_once_one_wins() {
    let world = World::new();
    let up = world.up();
    let mut ada = Caller::new(&up, "ada").await;
    for round in 0..10 {
        let body = json!({"refresh_token": ada.login["refresh_token"]});
        let race = join_all((0..8).map(|_| ada.post("/token", body.clone()))).await;
        let mut next: Vec<_> = race.iter().map(|(_, answer)| answer["refresh_token"].to_string()).collect();
        next.dedup();
        assert!(race.iter().all(|(status, _)| *status == StatusCode::OK), "{race:?}");
        assert_eq!(next.len(), 1, "round {round}: one successor, told to all");
        ada.login = race.into_iter().next().unwrap().1;
    }
    ada.refresh().await;
    assert_eq!(ada.get("/me").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_out_or_leaves_is_cut_off() {
    let world = World::new();
    let up = world.up();
    let ada = Caller::new(&up, "ada").await;
    let raw = connected(&up, &creds(&ada.login, &ada.login)).await;
    assert_eq!(ada.post("/logout", Value::Null).await.0, StatusCode::NO_CONTENT);
    raw.hung_up().await;
    let bob = Caller::new(&up, "bob").await;
    let raw = connected(&up, &creds(&bob.login, &bob.login)).await;
    assert_eq!(bob.ask(Method::DELETE, "/me", Value::Null).await.0, StatusCode::NO_CONTENT);
    raw.hung_up().await;
    let again = Caller::new(&up, "bob").await;
    assert_ne!(again.id, bob.id, "the address is free, and somebody else's now");
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_passwords_and_the_end_by_command() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let email = "ada@example.org";
    let other = run(
        world.relais(&["login", email, "--device", "phone", "--profile", "phone"]).args(["--server", up.text("http")]),
        PASSWORD,
    );
    assert_eq!(other.code, 0, "{}", other.stderr);
    let listed = ada.run(&["devices", "list", "--json"]);
    let devices: Value = serde_json::from_str(&listed.stdout).unwrap_or_else(|_| panic!("{}", listed.stderr));
    let phone = devices.as_array().unwrap().iter().find(|device| device["name"] == "phone").unwrap();
    assert_eq!(phone["current"], false);
    let table = ada.run(&["devices", "list"]).stdout;
    assert!(table.contains("(this one)") && table.contains("phone"), "{table}");
    assert_eq!(ada.run(&["request", "echo.identified", "hello"]).code, 0, "the creds were renewed by these commands");
    let removed = ada.run(&["devices", "remove", phone["id"].as_str().unwrap()]);
    assert!(removed.code == 0 && removed.stdout.contains("cut off"), "{}", removed.stderr);
    let phone = |arguments: &[&str]| run(world.relais(arguments).args(["--profile", "phone"]), "");
    let gone = phone(&["devices", "list"]);
    assert!(gone.code == 3 && gone.stderr.contains("relais login ada@example.org"), "{} {}", gone.code, gone.stderr);
    let out = phone(&["logout"]);
    assert_eq!(out.code, 0, "nothing is left of it at the server: {}", out.stderr);

    let wrong = ada.run_with(&["password"], "not this one\nnew password\n");
    assert!(wrong.code == 3 && wrong.stderr.contains("old password is wrong"), "{} {}", wrong.code, wrong.stderr);
    let changed = ada.run_with(&["password"], &format!("{PASSWORD}\nnew password\n"));
    assert_eq!(changed.code, 0, "{}", changed.stderr);
    let old = ada.run_with(&["login", email], PASSWORD);
    assert_eq!(old.code, 3, "{}", old.stderr);
    assert_eq!(ada.run_with(&["login", email], "new password").code, 0);
    let sure = ada.run(&["leave"]);
    assert!(sure.code == 2 && sure.stderr.contains("--yes"), "{} {}", sure.code, sure.stderr);
    assert_eq!(ada.run(&["leave", "--yes"]).code, 0);
    let whoami = ada.run(&["whoami"]);
    assert!(whoami.code == 3 && whoami.stderr.contains("relais login"), "{} {}", whoami.code, whoami.stderr);
    assert_eq!(ada.run_with(&["login", email], "new password").code, 3);
}
