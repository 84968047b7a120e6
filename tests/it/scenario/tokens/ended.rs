//! Right tokens, well signed and of the right time, of what is no more: a device, a session, a user.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Caller, PASSWORD, Up, World, caught, code_in};

fn credentials(name: &str) -> Value {
    json!({"email": format!("{name}@example.org"), "password": PASSWORD})
}

/// Another device of somebody who is there.
async fn device<'u>(up: &'u Up, name: &str) -> Caller<'u> {
    let mut device = Caller::stranger(up);
    device.let_in("/login", credentials(name)).await;
    assert_eq!(device.get("/me").await.0, 200, "{name}'s token is right");
    device
}

/// Whatever is asked with it.
async fn refused(ended: &Caller<'_>, why: &str) {
    let passwords = json!({"old": PASSWORD, "new": "another sesame"});
    let own = format!("/me/devices/{}", ended.login["device_id"].as_str().unwrap());
    let user = format!("/users/{}", ended.id);
    for (method, path, body) in [
        (Method::GET, "/me", Value::Null),
        (Method::DELETE, "/me", Value::Null),
        (Method::GET, "/me/devices", Value::Null),
        (Method::DELETE, &own, Value::Null),
        (Method::POST, "/logout", Value::Null),
        (Method::POST, "/password", passwords),
        (Method::POST, "/admin/claim", json!({"token": "0".repeat(64)})),
        (Method::GET, "/users", Value::Null),
        (Method::PATCH, &user, json!({"admin": true})),
        (Method::DELETE, &user, Value::Null),
        (Method::GET, "/audit", Value::Null),
        (Method::GET, "/nsc/info", Value::Null),
    ] {
        let answer = ended.refused(method.clone(), path, body).await;
        assert_eq!(answer, (401, "invalid-token".to_owned()), "{why}: {method} {path}");
    }
    let again = ended.refused(Method::POST, "/token", json!({"refresh_token": ended.login["refresh_token"]})).await;
    assert_eq!(again.0, 401, "{why}: nor does the session go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_worth_nothing_without_its_device() {
    let world = World::new();
    let up = world.up();
    let mut ada = Caller::new(&up, "ada").await;
    ada.claim().await;
    let [removed, out, copied, by_password, by_reset] =
        [device(&up, "ada"), device(&up, "ada"), device(&up, "ada"), device(&up, "ada"), device(&up, "ada")];
    let (removed, out, mut copied) = (removed.await, out.await, copied.await);
    assert_eq!(removed.get("/users").await.0, 200, "it is an admin's");

    let path = format!("/me/devices/{}", removed.login["device_id"].as_str().unwrap());
    assert_eq!(ada.ask(Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    refused(&removed, "the device was removed").await;

    assert_eq!(out.post("/logout", Value::Null).await.0, StatusCode::NO_CONTENT);
    refused(&out, "it has logged out").await;

    let stolen = json!({"refresh_token": copied.login["refresh_token"]});
    for _ in 0..2 {
        copied.refresh().await;
    }
    assert_eq!(copied.get("/me").await.0, 200);
    assert_eq!(Caller::stranger(&up).post("/token", stolen).await.0, 401);
    refused(&copied, "its session was copied").await;

    let by_password = by_password.await;
    let changed = json!({"old": PASSWORD, "new": "another sesame", "remove_other_devices": true});
    assert_eq!(ada.post("/password", changed).await.0, StatusCode::NO_CONTENT);
    refused(&by_password, "the password was changed elsewhere").await;
    assert_eq!(ada.get("/me").await.0, 200, "and this is elsewhere");

    let back = json!({"old": "another sesame", "new": PASSWORD});
    assert_eq!(ada.post("/password", back).await.0, StatusCode::NO_CONTENT);
    let by_reset = by_reset.await;
    assert_eq!(ada.post("/password/reset", json!({"email": "ada@example.org"})).await.0, StatusCode::ACCEPTED);
    let code = code_in(caught(up.text("mail"), 1).await[0]["body"].as_str().unwrap());
    let reset = json!({"email": "ada@example.org", "code": code, "password": PASSWORD});
    assert!(ada.post("/password/reset/confirm", reset).await.0.is_success());
    refused(&by_reset, "the password was forgotten").await;
    refused(&ada, "the password was forgotten").await;
    ada.let_in("/login", credentials("ada")).await;
    assert_eq!(ada.get("/users").await.0, 200, "the same user, with a token of a new device");
    up.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_worth_nothing_without_its_user() {
    let world = World::new();
    let up = world.up();
    let ada = Caller::new(&up, "ada").await;
    ada.claim().await;
    let (disabled, deleted, left) =
        (Caller::new(&up, "bob").await, Caller::new(&up, "carl").await, Caller::new(&up, "dora").await);
    for right in [&disabled, &deleted, &left] {
        assert_eq!(right.get("/me").await.0, 200, "their tokens are right");
    }
    let stand = async |disabled: bool, id: &str| {
        let (status, user) = ada.ask(Method::PATCH, &format!("/users/{id}"), json!({"disabled": disabled})).await;
        assert_eq!(status, StatusCode::OK, "{user}");
    };
    stand(true, &disabled.id).await;
    refused(&disabled, "the user is disabled").await;
    assert_eq!(disabled.post("/login", credentials("bob")).await.0, StatusCode::FORBIDDEN);
    stand(false, &disabled.id).await;
    refused(&disabled, "the user was disabled").await;
    device(&up, "bob").await;

    let path = format!("/users/{}", deleted.id);
    assert_eq!(ada.ask(Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    refused(&deleted, "the user was deleted").await;
    assert_eq!(left.ask(Method::DELETE, "/me", Value::Null).await.0, StatusCode::NO_CONTENT);
    refused(&left, "the user has left").await;
    // Somebody else has the address, and a token that is right.
    for (name, gone) in [("carl", &deleted), ("dora", &left)] {
        let next = Caller::new(&up, name).await;
        assert_eq!(next.get("/me").await.0, 200);
        assert_ne!(next.id, gone.id);
        refused(gone, "the address is another user's").await;
        assert_eq!(next.get("/me").await.0, 200, "nothing of that has touched the new one");
    }
    up.stop();
}
