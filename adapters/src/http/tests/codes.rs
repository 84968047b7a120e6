//! Mailed codes, forgotten passwords, and who tries too often.

use super::*;

/// The API with a mailer, and what it has mailed.
struct Mailed {
    client: TestClient<Api>,
    mailer: memory::Mailer,
    spawner: memory::Spawner,
}

fn mailed(settings: AuthSettings) -> Mailed {
    let (mailer, spawner) = (memory::Mailer::default(), memory::Spawner::default());
    let ports = AuthPorts { mailer: Some(Arc::new(mailer.clone())), spawner: Arc::new(spawner.clone()), ..ports() };
    let servers = vec!["nats://127.0.0.1:4222".to_owned()];
    let settings = AuthSettings { servers, ..settings.at_once() };
    let api = endpoint(Auth::new(ports, settings), super::settings()).unwrap();
    Mailed { client: TestClient::new(api).default_header("host", HOST), mailer, spawner }
}

impl Mailed {
    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        post(&self.client, path, body).await
    }

    async fn code(&self) -> String {
        self.spawner.settle().await;
        let body = self.mailer.sent().pop().unwrap().body.expose().to_owned();
        body.lines().find_map(|line| line.strip_prefix("    ")).unwrap().to_owned()
    }
}

fn kind(answer: &(StatusCode, Value)) -> (u16, &str) {
    let kind = answer.1["type"].as_str().unwrap_or_default();
    (answer.0.as_u16(), kind.strip_prefix("urn:relais:problem:").unwrap_or_default())
}

fn address() -> Value {
    json!({"email": "ada@example.org"})
}

#[tokio::test]
async fn a_code_logs_in_and_replaces_a_password() {
    let api = mailed(AuthSettings::default());
    let (status, user) = api.post("/register", credentials()).await;
    assert_eq!((status, &user["to_be_verified"]), (StatusCode::CREATED, &json!(false)));
    assert_eq!(api.post("/login/code", address()).await, (StatusCode::ACCEPTED, Value::Null));
    let code = api.code().await;
    let by_code = json!({"email": "ada@example.org", "code": code.to_lowercase().replace('-', " ")});
    let (status, one) = api.post("/login", by_code.clone()).await;
    assert_eq!(status, StatusCode::OK, "{one}");
    assert_eq!(kind(&api.post("/login", by_code).await), (401, "wrong-credentials"));

    assert_eq!(api.post("/password/reset", address()).await, (StatusCode::ACCEPTED, Value::Null));
    let reset = json!({"email": "ada@example.org", "code": api.code().await, "password": "another one"});
    assert_eq!(api.post("/password/reset/confirm", reset.clone()).await, (StatusCode::NO_CONTENT, Value::Null));
    assert_eq!(kind(&api.post("/password/reset/confirm", reset).await), (401, "wrong-credentials"));
    assert_eq!(kind(&api.post("/login", credentials()).await), (401, "wrong-credentials"));
    let new = json!({"email": "ada@example.org", "password": "another one"});
    assert_eq!(api.post("/login", new).await.0, StatusCode::OK);
    let refresh = api.post("/token", json!({"refresh_token": one["refresh_token"]})).await;
    assert_eq!(kind(&refresh), (401, "invalid-refresh-token"), "all devices are removed");
}

#[tokio::test]
async fn an_address_is_proven_at_the_first_login() {
    let api = mailed(AuthSettings { verify: true, ..AuthSettings::default() });
    let (_, user) = api.post("/register", credentials()).await;
    assert_eq!(user["to_be_verified"], json!(true));
    let code = api.code().await;
    assert_eq!(kind(&api.post("/login", credentials()).await), (403, "unverified"));
    let both = json!({"email": "ada@example.org", "password": PASSWORD, "code": code});
    let (status, one) = api.post("/login", both).await;
    assert_eq!((status, &one["user_id"]), (StatusCode::OK, &user["id"]));
    let me = api.client.get("/me").header("authorization", format!("Bearer {}", one["access_token"].as_str().unwrap()));
    assert_eq!(told(me.send().await).await.1["verified"], json!(true));
}

#[tokio::test]
async fn who_is_unknown_is_answered_alike() {
    let api = mailed(AuthSettings::default());
    for path in ["/login/code", "/password/reset"] {
        assert_eq!(api.post(path, address()).await, (StatusCode::ACCEPTED, Value::Null));
        assert_eq!(kind(&api.post(path, json!({"email": "ada"})).await), (422, "invalid-field"));
    }
    api.spawner.settle().await;
    assert!(api.mailer.sent().is_empty());
    for odd in [json!(""), json!("7K2M-Q9X0"), json!("é".repeat(8))] {
        let by_code = json!({"email": "ada@example.org", "code": odd});
        assert_eq!(kind(&api.post("/login", by_code).await), (401, "wrong-credentials"), "{odd}");
    }
}

#[tokio::test]
async fn without_a_mailer_that_is_said() {
    let client = client();
    for path in ["/login/code", "/password/reset"] {
        assert_eq!(kind(&post(&client, path, address()).await), (404, "no-mail"));
    }
}

#[tokio::test]
async fn who_tries_too_often_is_told_when_to_come_back() {
    let mut settings = AuthSettings::default();
    settings.limits.login_per_email_and_address = "2 per 1h".parse().unwrap();
    let api = mailed(settings);
    let wrong = json!({"email": "ada@example.org", "password": "not the one"});
    for _ in 0..2 {
        assert_eq!(kind(&api.post("/login", wrong.clone()).await), (401, "wrong-credentials"));
    }
    let response = api.client.post("/login").body_json(&wrong).send().await;
    assert_eq!(response.0.header("retry-after"), Some("1801"));
    assert_eq!(problem(response).await, is(429, "too-many-requests"));
}
