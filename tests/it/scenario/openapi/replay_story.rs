//! What has succeeded with a secret does not without: every operation of the document, in an order in which each finds what it needs.

use std::fs;

use serde_json::{Value, json};

use super::{
    replay::{Ask, Replay},
    up,
};
use crate::support::{Caller, PASSWORD, Up, World, caught, code_in};

/// Operations that are for everybody.
const OPEN: [&str; 8] =
    ["register", "sendLoginCode", "sendResetCode", "jwks", "health", "ready", "resolver", "resolve"];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_succeeds_without_its_secret() {
    let world = World::new();
    let up = up(&world, None);
    let (ada, bob) = (Caller::new(&up, "ada").await, Caller::new(&up, "bob").await);
    let setup = fs::read_to_string(up.text("setup_token")).unwrap().trim().to_owned();
    let gone = again(&up, "ada").await;
    assert_eq!(gone.post("/logout", Value::Null).await.0, 204);
    let text = |name: &str| ada.login[name].as_str().unwrap().to_owned();
    let seed = text("creds").lines().find(|line| line.starts_with("SU")).unwrap().to_owned();
    let kinds = vec![
        ("a refresh token", text("refresh_token")),
        ("a user JWT", text("jwt")),
        ("a seed", seed),
        ("a user id", ada.id.clone()),
        ("the set-up token", setup.clone()),
        ("the token of a device that logged out", gone.token.clone()),
        ("nothing at all", String::new()),
    ];
    let mut replay = Replay::new(&up, kinds).await;
    set_up(&mut replay, &ada, &bob, &setup).await;
    proven(&mut replay, &up, &ada).await;
    own(&mut replay, &up, &ada, &bob).await;
    users(&mut replay, &up, &ada, &bob).await;
    accounts(&mut replay, &ada, &bob).await;
    nsc_users(&mut replay, &ada, &bob).await;
    replay.is_complete(&OPEN);
    replay.again().await;
    assert_eq!(ada.get("/me").await.0, 200, "who has the right one goes on");
    assert!(!up.log().contains("panicked"), "{}", up.log());
    up.stop();
}

/// Somebody who has registered, on another device.
async fn again<'u>(up: &'u Up, name: &str) -> Caller<'u> {
    let mut caller = Caller::stranger(up);
    caller.let_in("/login", json!({"email": format!("{name}@example.org"), "password": PASSWORD})).await;
    caller
}

/// What the set-up token is good for, until ada is the admin.
async fn set_up(replay: &mut Replay<'_>, ada: &Caller<'_>, bob: &Caller<'_>, setup: &str) {
    let for_admins = |operation| Ask::of(operation).bearer(setup).other(&bob.token, 403).once(401);
    replay.ask(for_admins("nscInfo")).await;
    replay.ask(for_admins("newSetup").body(json!({"operator": "Other", "account": "shop"}))).await;
    let claim = Ask::of("claim").bearer(&ada.token).body(json!({"token": setup}));
    let wrong = [&*ada.token, &*"0".repeat(setup.len())];
    let claimed = replay.ask(claim.field("token", 403, &wrong).once(403)).await;
    assert_eq!(claimed["admin"], true, "{claimed}");
}

/// Passwords, mailed codes and refresh tokens.
async fn proven(replay: &mut Replay<'_>, up: &Up, ada: &Caller<'_>) {
    let dan = Caller::new(up, "dan").await;
    let (email, refresh_token) = ("dan@example.org", dan.login["refresh_token"].as_str().unwrap());
    let login = Ask::of("login").body(json!({"email": email, "password": PASSWORD}));
    replay.ask(login.field("password", 401, &["not the password", refresh_token])).await;

    let wrong = ["AAAA-AAAA", refresh_token];
    let login = Ask::of("login").body(json!({"email": email, "code": mailed(up, "/login/code", email, 1).await}));
    replay.ask(login.field("code", 401, &wrong).once(401)).await;
    let code = mailed(up, "/password/reset", email, 2).await;
    let reset = json!({"email": email, "code": code, "password": "another horse, another staple"});
    replay.ask(Ask::of("resetPassword").body(reset).field("code", 401, &wrong).once(401)).await;

    // Not once: who repeats it at once is told the same again (scenario::families).
    let newest = again(up, "ada").await.login;
    let body = json!({"refresh_token": newest["refresh_token"]});
    let of_others = format!("relais_rt_{}", "A".repeat(64));
    let [access, jwt] = ["access_token", "jwt"].map(|name| newest[name].as_str().unwrap());
    replay.ask(Ask::of("refresh").body(body).field("refresh_token", 401, &[access, jwt, &ada.id, &of_others])).await;
}

/// The code in the mail with this number, which is asked for here.
async fn mailed(up: &Up, path: &str, email: &str, number: usize) -> String {
    assert_eq!(Caller::stranger(up).post(path, json!({"email": email})).await.0, 202);
    code_in(caught(up.text("mail"), number).await[0]["body"].as_str().unwrap())
}

/// What users do themselves.
async fn own(replay: &mut Replay<'_>, up: &Up, ada: &Caller<'_>, bob: &Caller<'_>) {
    for operation in ["me", "devices"] {
        replay.ask(Ask::of(operation).bearer(&ada.token)).await;
    }
    let phone = again(up, "ada").await;
    let phone = phone.login["device_id"].as_str().unwrap();
    replay.ask(Ask::of("removeDevice").at("id", phone).bearer(&ada.token).other(&bob.token, 404)).await;
    replay.ask(Ask::of("logout").bearer(&again(up, "ada").await.token).once(401)).await;
    let eve = Caller::new(up, "eve").await;
    let body = json!({"old": PASSWORD, "new": "another horse, another staple", "remove_other_devices": true});
    let wrong = ["not the password", eve.login["refresh_token"].as_str().unwrap()];
    replay.ask(Ask::of("changePassword").bearer(&eve.token).body(body).field("old", 403, &wrong).once(403)).await;
    let fin = Caller::new(up, "fin").await;
    replay.ask(Ask::of("leave").bearer(&fin.token).once(401)).await;
}

/// What admins see and change of users.
async fn users(replay: &mut Replay<'_>, up: &Up, ada: &Caller<'_>, bob: &Caller<'_>) {
    let fay = Caller::new(up, "fay").await;
    let for_admins = |operation| Ask::of(operation).bearer(&ada.token).other(&bob.token, 403);
    let found = replay.ask(for_admins("users").at("email", "fay@")).await;
    assert_eq!(found["users"][0]["id"], fay.id, "{found}");
    // Nor do users change themselves.
    let of_fay = |operation| for_admins(operation).at("id", &fay.id).other(&fay.token, 403);
    replay.ask(of_fay("changeUser").body(json!({"admin": false, "role": "user"}))).await;
    replay.ask(for_admins("changeUser").at("id", &bob.id).body(json!({"role": "courier"}))).await;
    let gus = Caller::new(up, "gus").await;
    replay.ask(for_admins("deleteUser").at("id", &gus.id).other(&fay.token, 403)).await;
    assert_eq!(gus.get("/me").await.0, 401, "gus is gone");
    replay.ask(for_admins("audit").at("limit", "3")).await;
}

/// The operator and its accounts.
async fn accounts(replay: &mut Replay<'_>, ada: &Caller<'_>, bob: &Caller<'_>) {
    let for_admins = |operation| Ask::of(operation).bearer(&ada.token).other(&bob.token, 403);
    replay.ask(for_admins("nscInfo")).await;
    replay.ask(for_admins("newSetup").body(json!({"operator": "Third", "account": "shop"}))).await;
    replay.ask(for_admins("newAccount").body(json!({"name": "Partner"}))).await;
    let of_partner = |operation| for_admins(operation).at("account", "Partner");
    replay.ask(of_partner("describeAccount")).await;
    let rotated = replay.ask(of_partner("rotateKeys").body(json!({}))).await;
    assert_eq!(rotated["retired"].as_array().map(Vec::len), Some(1), "{rotated}");
    let ended = replay.ask(of_partner("endRotation")).await;
    assert_eq!(ended["removed"], rotated["retired"], "it was not ended before");
    let revoked = replay.ask(of_partner("revokeAll")).await;
    assert!(revoked["revocations"].as_u64() > Some(0), "{revoked}");
    replay.ask(for_admins("push")).await;
}

/// Users that admins make.
async fn nsc_users(replay: &mut Replay<'_>, ada: &Caller<'_>, bob: &Caller<'_>) {
    let for_admins = |operation| Ask::of(operation).bearer(&ada.token).other(&bob.token, 403);
    replay.ask(for_admins("newUser").body(json!({"name": "till"}))).await;
    replay.ask(for_admins("nscUsers").at("account", "app")).await;
    let of_till = |operation| for_admins(operation).at("name", "till").at("account", "app");
    replay.ask(of_till("describeUser")).await;
    let lists = json!({"allow_pub": ["from.{user}.pay"], "allow_sub": ["to.{user}.>", "_INBOX.{user}.>"]});
    replay.ask(of_till("editUser").body(lists)).await;
    replay.ask(of_till("revokeUser")).await;
}
