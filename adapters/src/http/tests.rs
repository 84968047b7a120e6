//! The API through its endpoint, on the fakes, and once on a real socket.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use poem::{
    http::{HeaderName, Method, StatusCode},
    test::{TestClient, TestResponse},
};
use relais_domain::{
    auth::{AuthPorts, AuthSettings, CodeKey},
    credentials::{PublicKey, UserJwt, permissions},
    memory,
    ports::{
        HashError, IssueError, KeyPair, MockCredentialsIssuer, MockKeyPairs, MockPasswordHasher, MockUsers, StoreError,
    },
    secret::Secret,
};
use serde_json::{Value, json};

use super::*;

mod bodies;
mod codes;
mod doors;
mod mails;
mod methods;
mod sessions;

const HOST: &str = "127.0.0.1:8080";
const PASSWORD: &str = "correct horse";

/// `Auth` on fakes; keys that begin with 66 are revoked.
fn ports() -> AuthPorts {
    let mut issuer = MockCredentialsIssuer::new();
    issuer.expect_issue().returning(|grant| {
        if grant.key == user_key(66) {
            return Err(IssueError::Revoked(grant.key));
        }
        Ok(UserJwt::from_text(format!("jwt-of-{}", grant.grantee)))
    });
    issuer.expect_permissions().returning(|grantee| Ok(permissions::of(grantee)));
    issuer.expect_revoke().returning(|_, _| Ok(()));
    let mut key_pairs = MockKeyPairs::new();
    let next = AtomicU8::new(100);
    key_pairs.expect_generate().returning(move |kind| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        KeyPair { public: PublicKey::from_raw(kind, &[number; 32]), seed: Secret::from("THE-SEED") }
    });
    AuthPorts {
        users: Arc::new(memory::Users::default()),
        devices: Arc::new(memory::Devices::default()),
        codes: Arc::new(memory::Codes::default()),
        limits: Arc::new(memory::Limits::default()),
        mailer: None,
        code_key: CodeKey::new(&[7; 32]),
        spawner: Arc::new(memory::Spawner::default()),
        hasher: Arc::new(memory::PasswordHasher::default()),
        tokens: Arc::new(memory::TokenIssuer::default()),
        issuer: Arc::new(issuer),
        key_pairs: Arc::new(key_pairs),
        audit: Arc::new(memory::Audit::default()),
        belongings: Vec::new(),
        setup_token: Arc::new(memory::SetupToken::new("t0ken")),
        clock: Arc::new(memory::Clock::default()),
        rng: Arc::new(memory::Rng::default()),
    }
}

fn user_key(number: u8) -> PublicKey {
    relais_domain::testing::devices::key(number)
}

fn settings() -> Settings {
    Settings {
        address: HOST.parse().unwrap(),
        tls: false,
        trusted_proxies: TrustedProxies::default(),
        public_url: Some("https://api.example.org".to_owned()),
        allowed_hosts: vec!["relais.internal:8080".to_owned()],
        allowed_origins: vec!["https://app.example.org".to_owned()],
        administration: Administration::default(),
        ready: Arc::new(|| Box::pin(async { Ok(()) })),
        metrics: Arc::new(|| "up 1\n".to_owned()),
        mails: None,
    }
}

fn client_of(ports: AuthPorts, settings: Settings) -> TestClient<Api> {
    let auth = AuthSettings { servers: vec!["nats://127.0.0.1:4222".to_owned()], ..AuthSettings::default().at_once() };
    TestClient::new(endpoint(Auth::new(ports, auth), settings).unwrap()).default_header("host", HOST)
}

fn client() -> TestClient<Api> {
    client_of(ports(), settings())
}

async fn post(client: &TestClient<Api>, path: &str, body: Value) -> (StatusCode, Value) {
    told(client.post(path).body_json(&body).send().await).await
}

async fn told(response: TestResponse) -> (StatusCode, Value) {
    let status = response.0.status();
    let is_problem = response.0.content_type() == Some(problem::CONTENT_TYPE);
    assert_eq!(is_problem, status.as_u16() >= 400, "{status}: {:?}", response.0.content_type());
    let text = response.0.into_body().into_string().await.unwrap();
    let body: Value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
    if is_problem {
        assert_eq!(body["status"], status.as_u16());
        assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
    }
    (status, body)
}

/// The last part of a problem's type.
async fn problem(response: TestResponse) -> (u16, String) {
    let (status, body) = told(response).await;
    let kind = body["type"].as_str().unwrap_or_default().strip_prefix("urn:relais:problem:").unwrap_or_default();
    (status.as_u16(), kind.to_owned())
}

fn is(status: u16, kind: &str) -> (u16, String) {
    (status, kind.to_owned())
}

fn credentials() -> Value {
    json!({"email": "ada@example.org", "password": PASSWORD})
}

async fn logged_in(client: &TestClient<Api>) -> Value {
    post(client, "/register", credentials()).await;
    let (status, body) = post(client, "/login", credentials()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

#[tokio::test]
async fn from_registration_to_credentials() {
    let client = client();
    let (status, user) = post(&client, "/register", json!({"email": " Ada@Example.org", "password": PASSWORD})).await;
    assert_eq!(status, StatusCode::CREATED);
    let at = "2026-01-01T00:00:00Z";
    let expected = json!({"id": user["id"], "email": "ada@example.org", "created_at": at, "to_be_verified": false});
    assert_eq!(user, expected);

    let (status, login) = post(&client, "/login", credentials()).await;
    assert_eq!(status, StatusCode::OK);
    let id = user["id"].as_str().unwrap();
    let device = login["device_id"].as_str().unwrap();
    assert!(login["creds"].as_str().unwrap().contains("THE-SEED"));
    let answer = json!({
        "user_id": id, "device_id": device, "jwt": format!("jwt-of-{id}_{device}"), "creds": login["creds"],
        "expires_at": "2026-07-01T00:00:00Z", "servers": ["nats://127.0.0.1:4222"], "websocket": [],
        "inbox_prefix": format!("_INBOX.{id}"),
        "permissions": {"publish": [format!("from.{id}.>")], "subscribe": login["permissions"]["subscribe"]},
        "access_token": login["access_token"], "token_type": "Bearer", "expires_in": 900,
        "refresh_token": login["refresh_token"],
    });
    assert!(login["refresh_token"].as_str().is_some_and(|token| token.starts_with("relais_rt_")), "{login}");
    assert_eq!(login, answer);
    let listens = login["permissions"]["subscribe"].to_string();
    assert!(listens.contains(&format!("to.{id}.>")) && listens.contains(&format!("_INBOX.{id}.>")), "{listens}");

    let own = json!({"email": "ada@example.org", "password": PASSWORD, "public_key": user_key(1), "device": "phone"});
    let (status, login) = post(&client, "/login", own).await;
    assert_eq!(status, StatusCode::OK);
    assert!(login.get("creds").is_none(), "who brings a key gets no seed: {login}");
}

#[tokio::test]
async fn what_a_user_sees_and_removes() {
    let client = client();
    let login = logged_in(&client).await;
    let token = format!("Bearer {}", login["access_token"].as_str().unwrap());
    let get = |path: &'static str| client.get(path).header("authorization", &token).send();

    let (status, me) = told(get("/me").await).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&me["id"], &me["device_id"]), (&login["user_id"], &login["device_id"]));
    let (_, devices) = told(get("/me/devices").await).await;
    assert_eq!(devices["devices"][0]["id"], login["device_id"]);
    assert_eq!(devices["devices"][0]["current"], true);

    let delete = |id: &str| client.delete(format!("/me/devices/{id}")).header("authorization", &token).send();
    for strange in ["nobody", "*", "%00", "a%2Fb", "%E2%82%AC", &"x".repeat(2_000)] {
        assert_eq!(problem(delete(strange).await).await, is(404, "no-such-device"), "{strange}");
    }
    let (status, nothing) = told(delete(login["device_id"].as_str().unwrap()).await).await;
    assert_eq!((status, nothing), (StatusCode::NO_CONTENT, Value::Null));
    assert_eq!(problem(get("/me").await).await, is(401, "invalid-token"), "the device that asked is gone");
}

#[tokio::test]
async fn every_kind_of_no_has_a_type_of_its_own() {
    let client = client();
    logged_in(&client).await;
    let bob = json!({"email": "bob@example.org", "password": PASSWORD});
    post(&client, "/register", bob.clone()).await;
    let with = |base: &Value, key: &str, value: Value| {
        let mut body = base.clone();
        body[key] = value;
        body
    };
    post(&client, "/login", with(&bob, "public_key", json!(user_key(1)))).await;
    let ada = credentials();
    let cases = [
        ("/register", ada.clone(), 409, "email-taken"),
        ("/login", with(&ada, "password", json!("wrong horse")), 401, "wrong-credentials"),
        ("/login", with(&ada, "email", json!("nobody@example.org")), 401, "wrong-credentials"),
        ("/login", with(&ada, "public_key", json!(user_key(1))), 409, "key-taken"),
        ("/login", with(&ada, "public_key", json!(user_key(66))), 409, "key-revoked"),
        ("/login", with(&ada, "public_key", json!("UABC")), 422, "invalid-field"),
        ("/login", with(&ada, "client", json!("robot")), 422, "invalid-field"),
        ("/login", with(&ada, "client", json!({"device": null})), 422, "invalid-field"),
        ("/login", with(&ada, "device", json!("x".repeat(65))), 422, "invalid-field"),
        ("/login", with(&ada, "device", Value::Null), 422, "invalid-field"),
        ("/login", with(&ada, "admin", json!(true)), 422, "invalid-field"),
        ("/register", json!({"email": "eve@example.org"}), 422, "invalid-field"),
        ("/register", json!({"email": "eve", "password": PASSWORD}), 422, "invalid-field"),
        ("/register", json!({"email": "eve@example.org", "password": "short"}), 422, "invalid-field"),
        ("/register", json!({"email": "eve@example.org", "password": 12_345_678}), 422, "invalid-field"),
        ("/register", json!([]), 422, "invalid-field"),
    ];
    for (path, body, status, kind) in cases {
        let response = client.post(path).body_json(&body).send().await;
        assert_eq!(problem(response).await, is(status, kind), "{path} {body}");
    }
    let (_, one) = post(&client, "/login", with(&ada, "password", json!("wrong horse"))).await;
    let (_, other) = post(&client, "/login", with(&ada, "email", json!("nobody@example.org"))).await;
    assert_eq!(one, other, "which of the two is wrong is not told");
    let (_, named) = post(&client, "/register", json!({"email": "eve@example.org", "password": "short"})).await;
    assert_eq!(named["field"], "password");
}

#[tokio::test]
async fn errors_of_the_framework_are_problems_too() {
    let client = client();
    assert_eq!(problem(client.get("/nothing").send().await).await, is(404, "not-found"));
    let raw = |kind: &'static str, body: Vec<u8>| client.post("/login").content_type(kind).body(body).send();
    assert_eq!(problem(raw("application/json", b"{".to_vec()).await).await, is(400, "malformed-json"));
    assert_eq!(problem(raw("application/json", Vec::new()).await).await, is(400, "malformed-json"));
    assert_eq!(problem(raw("text/plain", b"{}".to_vec()).await).await, is(415, "unsupported-media-type"));
    assert_eq!(problem(client.post("/login").send().await).await, is(415, "unsupported-media-type"));
    assert_eq!(problem(raw("application/json", vec![b' '; 65_537]).await).await, is(413, "body-too-large"));
    assert_eq!(problem(raw("application/json", vec![b' '; 65_536]).await).await, is(400, "malformed-json"));
    let lie = client.post("/login").header("content-length", "999999999").body("{}").send().await;
    assert_eq!(problem(lie).await, is(413, "body-too-large"));

    for (path, method, allow) in [
        ("/login", Method::GET, "POST"),
        ("/me", Method::POST, "GET, DELETE, HEAD"),
        ("/token", Method::GET, "POST"),
        ("/me/devices/x", Method::GET, "DELETE"),
        ("/docs", Method::DELETE, "GET, HEAD"),
        ("/openapi.json", Method::PUT, "GET, HEAD"),
        ("/metrics", Method::POST, "GET, HEAD"),
        ("/health", Method::OPTIONS, "GET, HEAD"),
    ] {
        let response = client.request(method, path).send().await;
        response.assert_header("allow", allow);
        assert_eq!(problem(response).await, is(405, "method-not-allowed"), "{path}");
    }
}

#[tokio::test]
async fn without_a_token_that_holds_nothing_is_told() {
    let client = client();
    for token in ["", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "bearer x.y.z", "Bearer a b"] {
        for path in ["/me", "/me/devices"] {
            let response = client.get(path).header("authorization", token).send().await;
            response.assert_header("www-authenticate", "Bearer");
            assert_eq!(problem(response).await, is(401, "invalid-token"), "{token:?}");
        }
    }
    assert_eq!(problem(client.delete("/me/devices/x").send().await).await, is(401, "invalid-token"));
}

#[tokio::test]
async fn too_much_at_once_and_what_is_away_are_503_with_a_time_to_wait() {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_verify().returning(|_, _| Err(HashError::Busy));
    let busy = client_of(AuthPorts { hasher: Arc::new(hasher), ..ports() }, settings());
    let response = busy.post("/login").body_json(&credentials()).send().await;
    response.assert_header("retry-after", "1");
    assert_eq!(problem(response).await, is(503, "busy"));

    let mut users = MockUsers::new();
    users.expect_insert().returning(|_| Err(StoreError::Unavailable("secret of the database".into())));
    let away = client_of(AuthPorts { users: Arc::new(users), ..ports() }, settings());
    let (status, body) = post(&away, "/register", credentials()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!body.to_string().contains("secret of"), "what is behind is not told: {body}");
}

#[tokio::test]
async fn a_panic_ends_one_request() {
    let mut users = MockUsers::new();
    users.expect_by_email().returning(|_| panic!("on purpose"));
    let client = client_of(AuthPorts { users: Arc::new(users), ..ports() }, settings());
    let response = client.post("/login").body_json(&credentials()).send().await;
    assert_eq!(problem(response).await, is(500, "internal"));
    client.get("/health").send().await.assert_status_is_ok();
}

#[tokio::test]
async fn ready_when_what_is_behind_is() {
    let up = Arc::new(AtomicBool::new(false));
    let seen = up.clone();
    let ready: Ready = Arc::new(move || {
        let up = seen.load(Ordering::Relaxed);
        Box::pin(async move { if up { Ok(()) } else { Err("the broker is away".to_owned()) } })
    });
    let client = client_of(ports(), Settings { ready, ..settings() });
    assert_eq!(problem(client.get("/ready").send().await).await, is(503, "not-ready"));
    up.store(true, Ordering::Relaxed);
    client.get("/ready").send().await.assert_status_is_ok();
}

#[tokio::test]
async fn metrics_are_text_that_prometheus_reads() {
    let response = client().get("/metrics").send().await;
    response.assert_status_is_ok();
    response.assert_header("content-type", "text/plain; version=0.0.4");
    response.assert_text("up 1\n").await;
}

#[tokio::test]
async fn no_answer_is_kept_by_a_cache_or_taken_for_something_else() {
    let client = client();
    for path in ["/health", "/nothing", "/docs", "/openapi.json"] {
        let response = client.get(path).send().await;
        for (name, value) in [("cache-control", "no-store"), ("x-content-type-options", "nosniff")] {
            response.assert_header(HeaderName::from_static(name), value);
        }
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let client = client();
    let response = client.get("/docs").send().await;
    response.assert_status_is_ok();
    response.assert_header_exist("content-security-policy");
    let page = response.0.into_body().into_string().await.unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("\"operationId\": \"login\""));
    assert!(page.contains("\"additionalProperties\": false"), "it shows the same document");
    assert!(!page.contains("<script src") && !page.contains("<link "), "all of it is here");
}

#[tokio::test]
async fn the_document_is_what_is_served_and_says_the_rules() {
    let served = client().get("/openapi.json").send().await.0.into_body().into_string().await.unwrap();
    assert_eq!(served, openapi_json(), "one document, made with nothing that runs");
    let document: Value = serde_json::from_str(&served).unwrap();
    let login = &document["components"]["schemas"]["LoginRequest"];
    assert_eq!(login["required"], json!(["email"]));
    let alternatives: Vec<_> =
        login["allOf"][0]["anyOf"].as_array().unwrap().iter().map(|own| &own["required"][0]).collect();
    assert_eq!(alternatives, ["password", "code"]);
    assert_eq!(document["components"]["schemas"]["RegisterRequest"]["required"], json!(["email", "password"]));
    assert_eq!(login["properties"]["password"]["minLength"], 8);
    assert_eq!(login["properties"]["password"]["maxLength"], 256);
    assert_eq!(login["properties"]["device"]["maxLength"], 64);
    assert!(login["properties"]["public_key"]["pattern"].is_string());
    let answers = |path: &str, method: &str| {
        let answers = document["paths"][path][method]["responses"].as_object().unwrap();
        answers.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(answers("/register", "post"), "201 400 403 408 409 413 415 421 422 429 500 503");
    assert_eq!(answers("/login", "post"), "200 400 401 403 408 409 413 415 421 422 429 500 503");
    assert_eq!(answers("/me/devices/{id}", "delete"), "204 401 403 404 408 413 421 429 500 503");
    let problem = &document["paths"]["/login"]["post"]["responses"]["409"]["content"];
    assert!(problem["application/problem+json"].is_object());
    assert_eq!(document["paths"]["/me"]["get"]["security"], json!([{"access_token": []}]));
}

/// A request as it travels: on a real socket, until the server is told to stop.
#[tokio::test]
async fn serves_on_a_socket_and_stops_when_told() {
    use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream, sync::oneshot};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let api =
        endpoint(Auth::new(ports(), AuthSettings::default().at_once()), Settings { address, ..settings() }).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, None, api, async move { drop(stopped.await) }));

    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(r#"{"status":"ok"}"#), "{answer}");

    let idle = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    drop(idle);
}
