//! Admins over HTTP: the first by the one-time token, then users, accounts and keys, live on a real broker, with a note of it all.

use std::fs;

use relais_domain::credentials::creds::Creds;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Caller, PASSWORD, Raw, Up, Verdict, World};

fn is(status: u16, kind: &str) -> (u16, String) {
    (status, kind.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_redeems_the_token_and_nobody_does_it_again() {
    let world = World::new();
    let up = world.up();
    let path = up.text("setup_token").to_owned();
    let token = fs::read_to_string(&path).unwrap().trim().to_owned();
    assert!(!up.log().contains(&token), "the token stands in no log");
    let (ada, bob) = (Caller::new(&up, "ada").await, Caller::new(&up, "bob").await);
    for path in ["/users", "/audit", "/nsc/info", "/nsc/users"] {
        assert_eq!(ada.refused(Method::GET, path, Value::Null).await, is(403, "not-admin"), "{path}");
        let nobody = Caller::stranger(&up);
        assert_eq!(nobody.ask(Method::GET, path, Value::Null).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    let wrong = ada.refused(Method::POST, "/admin/claim", json!({"token": "0".repeat(64)})).await;
    assert_eq!(wrong, is(403, "wrong-token"));
    // Before it is redeemed its holder may look, and set up; a repeat of the set-up that is there makes nothing.
    let holder = Caller { token: token.clone(), ..Caller::stranger(&up) };
    assert_eq!(holder.get("/nsc/info").await.0, StatusCode::OK);
    let names = json!({"operator": "relais", "account": "app"});
    assert_eq!(holder.post("/nsc/new-setup", names.clone()).await.0, StatusCode::OK);

    let body = json!({"token": token});
    let (one, two) = tokio::join!(ada.post("/admin/claim", body.clone()), bob.post("/admin/claim", body.clone()));
    let claimed = [one.0, two.0].iter().filter(|status| **status == StatusCode::OK).count();
    assert_eq!(claimed, 1, "of two one is admin: {one:?} {two:?}");
    let (admin, other) = if one.0 == StatusCode::OK { (&ada, &bob) } else { (&bob, &ada) };
    assert_eq!(other.refused(Method::POST, "/admin/claim", body).await, is(403, "wrong-token"));
    assert_eq!(holder.refused(Method::POST, "/nsc/new-setup", names).await, is(401, "invalid-token"));
    assert!(!std::path::Path::new(&path).exists());

    let (_, users) = admin.get("/users").await;
    let admins: Vec<_> = users["users"].as_array().unwrap().iter().filter(|user| user["admin"] == true).collect();
    assert!(admins.len() == 1 && admins[0]["id"] == admin.id.as_str(), "{users}");
    let demoted = admin.refused(Method::PATCH, &format!("/users/{}", admin.id), json!({"admin": false})).await;
    assert_eq!(demoted, is(409, "last-admin"));
    up.stop();
    let again = world.up();
    assert!(again.ready["setup_token"].is_null(), "there is an admin, so there is no token: {}", again.ready);
}

/// Nobody's key is banned by it, so whoever logs in again gets in, in the same second too.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_revoked_with_all_logs_in_again_at_once() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (Caller::new(&up, "ada").await, Caller::new(&up, "bob").await);
    ada.claim().await;
    let credentials = json!({"email": "bob@example.org", "password": PASSWORD});
    for _ in 0..3 {
        let (_, before) = bob.post("/login", credentials.clone()).await;
        let raw = raw(&up, before["creds"].as_str().unwrap()).await;
        let (status, told) = ada.post("/nsc/accounts/app/revoke-all", Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        raw.hung_up().await;
        let (status, after) = bob.post("/login", credentials.clone()).await;
        assert_eq!(status, StatusCode::OK, "{after}");
        let prefix = after["inbox_prefix"].as_str().unwrap();
        Verdict::connect(up.text("nats"), after["creds"].as_str().unwrap(), prefix).await;
    }
}

/// A broker reads 4 KB of CONNECT: whoever is told that a user was made can connect, with lists as long as they may be.
#[tokio::test(flavor = "multi_thread")]
async fn lists_that_no_broker_reads_are_refused() {
    let world = World::new();
    let up = world.up();
    let ada = Caller::new(&up, "ada").await;
    ada.claim().await;
    let long = "n".repeat(62);
    let (mut made, mut last) = (0, Value::Null);
    let refused = loop {
        let name = format!("{long}{made:02}");
        let publish: Vec<_> = (0..=made).map(|n| format!("from.{{user}}.<&{n}.>")).collect();
        let body = json!({"name": name, "allow_pub": publish, "allow_sub": ["to.{user}.>", "_INBOX.{user}.>"]});
        let (status, answer) = ada.post("/nsc/new-user", body).await;
        if status != StatusCode::CREATED {
            break (status.as_u16(), answer);
        }
        let prefix = format!("_INBOX.{name}");
        let mut verdict = Verdict::connect(up.text("nats"), answer["creds"].as_str().unwrap(), &prefix).await;
        assert!(verdict.publishes(&format!("from.{name}.<&{made}.x")).await);
        (made, last) = (made + 1, answer);
    };
    assert!(made > 8 && refused.0 == 422 && refused.1["title"].is_string(), "{made} {refused:?}");
    assert!(refused.1["detail"].as_str().unwrap().contains("ask for fewer subjects"), "{}", refused.1);
    // An edit that is refused leaves what was there.
    let name = last["name"].as_str().unwrap();
    let many: Vec<_> = (0..200).map(|n| format!("from.{{user}}.{n}")).collect();
    let edit = json!({"allow_pub": many, "allow_sub": []});
    let path = format!("/nsc/users/{name}");
    assert_eq!(ada.refused(Method::PATCH, &path, edit).await, is(422, "invalid-field"));
    Verdict::connect(up.text("nats"), last["creds"].as_str().unwrap(), last["inbox_prefix"].as_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_users_are_made_edited_listed_and_revoked_live() {
    let world = World::new();
    let up = world.up();
    let ada = Caller::new(&up, "ada").await;
    ada.claim().await;

    // A user of the role `user`, with creds that work at once.
    let (status, till) = ada.post("/nsc/new-user", json!({"name": "till"})).await;
    assert_eq!(status, StatusCode::CREATED, "{till}");
    let creds = till["creds"].as_str().unwrap().to_owned();
    let mut connected = Verdict::connect(up.text("nats"), &creds, till["inbox_prefix"].as_str().unwrap()).await;
    assert!(connected.publishes("from.till.x").await && !connected.publishes("from.bob.x").await);
    let (status, again) = ada.post("/nsc/new-user", json!({"name": "till"})).await;
    assert_eq!((status, &again["public_key"]), (StatusCode::OK, &till["public_key"]), "a repeat returns it");
    assert!(again["creds"].is_null(), "its seed was told once, and kept nowhere");
    let other = json!({"name": "till", "allow_pub": ["from.{user}.y"], "allow_sub": ["to.{user}.>"]});
    assert_eq!(ada.refused(Method::POST, "/nsc/new-user", other).await, is(409, "exists"));

    // What must not be is not.
    for (body, expected) in [
        (json!({"name": "svc-shop"}), is(422, "invalid-field")),
        (json!({"name": "*"}), is(422, "invalid-field")),
        (json!({"name": "-x"}), is(422, "invalid-field")),
        (json!({"name": "a/b"}), is(422, "invalid-field")),
        (json!({"name": "x", "account": "Nowhere"}), is(404, "unknown-name")),
        (json!({"name": "x", "account": "a/b"}), is(422, "invalid-field")),
        (json!({"name": "x", "role": "nobody"}), is(404, "unknown-name")),
        (json!({"name": "x", "allow_pub": [">"], "allow_sub": []}), is(422, "not-allowed")),
        (json!({"name": "x", "allow_pub": []}), is(422, "invalid-field")),
        (json!({"name": "x", "expiry": "soon"}), is(422, "invalid-field")),
        (json!({"name": "x", "tags": ["user:*"]}), is(422, "invalid-field")),
        (json!({}), is(422, "invalid-field")),
    ] {
        assert_eq!(ada.refused(Method::POST, "/nsc/new-user", body.clone()).await, expected, "{body}");
    }

    // An edit replaces the JWT: the old one is cut off, the new one may what was asked.
    let lists = json!({"allow_pub": ["from.{user}.pay"], "allow_sub": ["to.{user}.>", "_INBOX.{user}.>"]});
    let kept = json!({"name": "desk", "keep_seed": true});
    let (_, desk) = ada.post("/nsc/new-user", kept).await;
    let mut raw = raw(&up, desk["creds"].as_str().unwrap()).await;
    raw.flush().await;
    let (status, edited) = ada.ask(Method::PATCH, "/nsc/users/desk", lists).await;
    assert_eq!(status, StatusCode::OK, "{edited}");
    raw.hung_up().await;
    let mut verdict = Verdict::connect(up.text("nats"), edited["creds"].as_str().unwrap(), "_INBOX.desk").await;
    assert!(verdict.publishes("from.desk.pay").await && !verdict.publishes("from.desk.echo").await);

    let (_, listed) = ada.get("/nsc/users").await;
    let names: Vec<_> = listed["users"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["desk", "till"]);
    let (_, described) = ada.get("/nsc/users/desk").await;
    assert_eq!(described["claims"]["nats"]["tags"], json!(["user:desk"]), "{described}");

    // Revoked: cut off when it is answered, and banned for good.
    let raw = self::raw(&up, &creds).await;
    assert_eq!(ada.ask(Method::DELETE, "/nsc/users/till", Value::Null).await.0, StatusCode::OK);
    raw.hung_up().await;
    assert_eq!(ada.refused(Method::DELETE, "/nsc/users/till", Value::Null).await, is(404, "unknown-name"));
    let banned = json!({"name": "till", "public_key": till["public_key"]});
    assert_eq!(ada.refused(Method::POST, "/nsc/new-user", banned).await, is(409, "key-revoked"));

    // Accounts, and a rotation with overlap.
    assert_eq!(ada.post("/nsc/new-account", json!({"name": "Partner"})).await.0, StatusCode::CREATED);
    assert_eq!(ada.post("/nsc/new-account", json!({"name": "Partner"})).await.0, StatusCode::OK);
    assert_eq!(ada.refused(Method::POST, "/nsc/new-account", json!({"name": "@x"})).await, is(422, "invalid-field"));
    let (_, partner) = ada.post("/nsc/new-user", json!({"name": "till", "account": "Partner"})).await;
    Verdict::connect(up.text("nats"), partner["creds"].as_str().unwrap(), "_INBOX.till").await;
    let (status, rotation) = ada.post("/nsc/accounts/Partner/rotate-keys", json!({})).await;
    assert_eq!((status, rotation["retired"].as_array().unwrap().len()), (StatusCode::OK, 1), "{rotation}");
    let raw = self::raw(&up, partner["creds"].as_str().unwrap()).await;
    let (_, ended) = ada.post("/nsc/accounts/Partner/end-rotation", Value::Null).await;
    assert_eq!(ended["cut_off"], json!(["till"]), "{ended}");
    raw.hung_up().await;
    assert_eq!(ada.refused(Method::POST, "/nsc/accounts/SYS/revoke-all", Value::Null).await, is(409, "own-account"));
    assert_eq!(ada.refused(Method::POST, "/nsc/accounts/x/revoke-all", Value::Null).await, is(404, "unknown-name"));

    // Another operator, for brokers elsewhere.
    let other = json!({"operator": "Other", "account": "shop"});
    let (status, setup) = ada.post("/nsc/new-setup", other.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{setup}");
    assert_eq!(ada.post("/nsc/new-setup", other).await.0, StatusCode::OK);
    let wrong = json!({"operator": "Other", "account": "elsewhere"});
    assert_eq!(ada.refused(Method::POST, "/nsc/new-setup", wrong).await, is(409, "exists"));

    let (_, pushed) = ada.post("/nsc/push", Value::Null).await;
    assert!(pushed["agree"] == true && pushed["accounts"].as_array().unwrap().len() == 4, "{pushed}");
    let (_, info) = ada.get("/nsc/info").await;
    let text = info.to_string();
    let seed =
        text.split('"').find(|text| text.len() > 50 && ["SO", "SA", "SU"].iter().any(|kind| text.starts_with(kind)));
    assert!(seed.is_none(), "no seed: {info}");

    let (_, audit) = ada.get("/audit?limit=200").await;
    let noted: Vec<_> =
        audit["entries"].as_array().unwrap().iter().map(|own| own["action"].as_str().unwrap()).collect();
    for action in
        ["admin.claim", "nsc.user.add", "nsc.user.edit", "nsc.user.revoke", "nsc.account.add", "nsc.keys.rotate"]
    {
        assert!(noted.contains(&action), "{action} in {noted:?}");
    }
    let actor = format!("user:{}", ada.id);
    assert!(audit["entries"].as_array().unwrap().iter().all(|own| own["actor"] == actor.as_str()), "{audit}");
}

async fn raw(up: &Up, creds: &str) -> Raw {
    Raw::connect(up.text("nats"), Some(&Creds::parse(creds).unwrap())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_is_what_the_next_login_gets() {
    let world = World::new();
    fs::write(
        world.path("relais.toml"),
        "[nsc.roles.courier]\npublish = ['from.{user}.jobs.>']\nsubscribe = ['to.{user}.>', '_INBOX.{user}.>']\n",
    )
    .unwrap();
    let up = world.up();
    let (ada, bob) = (Caller::new(&up, "ada").await, Caller::new(&up, "bob").await);
    ada.claim().await;
    let path = format!("/users/{}", bob.id);
    let (status, changed) = ada.ask(Method::PATCH, &path, json!({"role": "courier"})).await;
    assert_eq!((status, &changed["role"]), (StatusCode::OK, &json!("courier")), "{changed}");
    assert_eq!(ada.refused(Method::PATCH, &path, json!({"role": "Courier"})).await, is(422, "invalid-field"));
    assert_eq!(ada.refused(Method::PATCH, "/users/nobody", json!({})).await, is(404, "no-such-user"));
    let credentials = json!({"email": "bob@example.org", "password": PASSWORD});
    let (_, login) = bob.post("/login", credentials.clone()).await;
    assert_eq!(login["permissions"]["publish"], json!([format!("from.{}.jobs.>", bob.id)]), "{login}");
    let prefix = login["inbox_prefix"].as_str().unwrap();
    let mut verdict = Verdict::connect(up.text("nats"), login["creds"].as_str().unwrap(), prefix).await;
    assert!(verdict.publishes(&format!("from.{}.jobs.1", bob.id)).await);
    assert!(!verdict.publishes(&format!("from.{}.echo", bob.id)).await);
    // With a role that there is not nobody could log in.
    let absent = json!({"role": "nobody", "admin": true});
    assert_eq!(ada.refused(Method::PATCH, &path, absent).await, is(404, "unknown-name"));
    let (_, users) = ada.get("/users?email=bob").await;
    assert_eq!(
        (&users["users"][0]["role"], &users["users"][0]["admin"]),
        (&json!("courier"), &json!(false)),
        "{users}"
    );
    assert_eq!(bob.post("/login", credentials).await.0, StatusCode::OK);
}

/// A nats-server that asks us for accounts believes a user that we have signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_of_its_own_asks_the_url_resolver() {
    let world = World::new();
    let up = world.up();
    let ada = Caller::new(&up, "ada").await;
    ada.claim().await;
    let (_, info) = ada.get("/nsc/info").await;
    let app = info["accounts"].as_array().unwrap().iter().find(|account| account["name"] == "app").unwrap();
    let key = app["public_key"].as_str().unwrap();
    let (status, jwt) = ada.get(&format!("/jwt/v1/accounts/{key}")).await;
    assert!(status == StatusCode::OK && jwt.as_str().unwrap().starts_with("eyJ"), "{jwt}");
    assert_eq!(ada.get("/jwt/v1/accounts/").await.0, StatusCode::OK);
    for unknown in ["x", "ACZXTUDOB4K6NT4OE5WUGBV4JT3K2IWUYM2DOLOAIT36YLTL7IPGRRZ4", "..%2fapp"] {
        assert_eq!(ada.get(&format!("/jwt/v1/accounts/{unknown}")).await.0, StatusCode::NOT_FOUND, "{unknown}");
    }
    let (_, setup) = ada.post("/nsc/new-setup", json!({"operator": "relais", "account": "app"})).await;
    let broker = crate::support::Broker::asking(
        setup["jwt"].as_str().unwrap(),
        &format!("{}/jwt/v1/accounts/", up.text("http")),
    )
    .await;
    let (_, till) = ada.post("/nsc/new-user", json!({"name": "till"})).await;
    let mut verdict = Verdict::connect(broker.url(), till["creds"].as_str().unwrap(), "_INBOX.till").await;
    assert!(verdict.publishes("from.till.x").await && !verdict.publishes("from.bob.x").await);
}

/// The same on the real nsc: a login and a user, through the tool.
#[tokio::test(flavor = "multi_thread")]
async fn the_backend_runs_on_the_real_nsc() {
    let world = World::new();
    let tool = crate::support::tool("nsc");
    let own = world.path("nsc-of-ours");
    fs::copy(&tool, &own).unwrap();
    let up = world.up_with(|command| {
        command.env("NSC_ENGINE", "nsc").env("NSC_PATH", &own);
    });
    let ada = Caller::new(&up, "ada").await;
    ada.claim().await;
    let (status, till) = ada.post("/nsc/new-user", json!({"name": "till"})).await;
    assert_eq!(status, StatusCode::CREATED, "{till}");
    let raw = raw(&up, till["creds"].as_str().unwrap()).await;
    assert_eq!(ada.ask(Method::DELETE, "/nsc/users/till", Value::Null).await.0, StatusCode::OK);
    raw.hung_up().await;
    // Somebody uninstalls it: what needs it says so, the rest goes on.
    fs::remove_file(&own).unwrap();
    let (status, body) = ada.post("/nsc/new-user", json!({"name": "desk"})).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert!(body["type"].as_str().unwrap().ends_with(":no-tool"), "{body}");
    assert!(body["detail"].as_str().unwrap().contains("go install github.com/nats-io/nsc/v2@"), "{body}");
    assert_eq!(ada.get("/nsc/info").await.0, StatusCode::OK);
    let absent = world.relais(&["up", "--json"]).env("NSC_ENGINE", "nsc").env("NSC_PATH", "/nowhere/nsc").output();
    let absent = absent.unwrap();
    let said = String::from_utf8_lossy(&absent.stderr);
    assert_eq!(absent.status.code(), Some(1), "{said}");
}
