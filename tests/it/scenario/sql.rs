//! The real binary on PostgreSQL and MariaDB: two instances on one database, a database that is away, and what is said of a wrong
//! address.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Caller, PASSWORD, SqlKind, SqlServer, Up, World, run};

/// `relais up` on a database.
fn up(world: &World, url: &str) -> Up {
    world.up_with(|command| _ = command.env("RELAIS_SQL__URL", url))
}

async fn instances_share_users_and_sessions(kind: SqlKind) {
    let url = SqlServer::shared(kind).database().await;
    let world = World::new();
    let one = up(&world, &url);
    let other = world.beside(&one, &url);
    let ada = Caller::new(&one, "ada").await;
    let again = Caller::stranger(&other);
    let credentials = json!({"email": "ada@example.org", "password": PASSWORD});
    assert_eq!(again.refused(Method::POST, "/register", credentials.clone()).await, (409, "email-taken".to_owned()));

    let mut there = Caller { login: ada.login.clone(), token: ada.token.clone(), ..Caller::stranger(&other) };
    assert_eq!(there.get("/me").await.0, StatusCode::OK, "an access token is good at both");
    there.refresh().await;
    let mut here = Caller { login: there.login.clone(), ..Caller::stranger(&one) };
    for round in 0..5 {
        let body = json!({"refresh_token": here.login["refresh_token"]});
        let race = (0..8).map(|number| if number % 2 == 0 { &here } else { &there }.post("/token", body.clone()));
        let race = join_all(race).await;
        assert!(race.iter().all(|(status, _)| *status == StatusCode::OK), "{race:?}");
        let mut next: Vec<_> = race.iter().map(|(_, answer)| answer["refresh_token"].to_string()).collect();
        next.dedup();
        assert_eq!(next.len(), 1, "round {round}: one successor, told to all, wherever they asked");
        here.login = race.into_iter().next().unwrap().1;
    }
    let (_, devices) = there.get("/me/devices").await;
    assert_eq!(devices["devices"].as_array().unwrap().len(), 1, "{devices}");
    // Who is let out at one is out at both, and cut off by the broker; and may come again.
    assert_eq!(there.post("/logout", Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(
        here.refused(Method::POST, "/token", json!({"refresh_token": here.login["refresh_token"]})).await.0,
        401
    );
    here.let_in("/login", credentials.clone()).await;
    there.let_in("/login", credentials).await;
    assert_eq!(here.post("/logout", Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(there.get("/me").await.0, StatusCode::OK, "that was another device");

    for instance in [&one, &other] {
        assert!(!instance.log().contains("hunter2"), "{}", instance.log());
    }
    assert!(!world.path("data/relais.db").exists() && !world.path("second/relais.db").exists());
    other.stop();
    one.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_users_and_sessions_on_postgres() {
    instances_share_users_and_sessions(SqlKind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_users_and_sessions_on_mariadb() {
    instances_share_users_and_sessions(SqlKind::Mariadb).await;
}

/// Status, type and `Retry-After` of an answer that is a problem.
async fn problem(caller: &Caller<'_>, method: Method, path: &str, body: &Value) -> (u16, String, Option<u64>, String) {
    let request = caller.http.request(method, format!("{}{path}", caller.up.text("http"))).json(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let later = answer.headers().get("retry-after").map(|seconds| seconds.to_str().unwrap().parse().unwrap());
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let kind = body["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    (status, kind, later, body["detail"].as_str().unwrap_or_default().to_owned())
}

async fn a_database_that_is_away_is_told(kind: SqlKind) {
    let server = SqlServer::start(kind);
    let world = World::new();
    let url = server.database().await;
    // The most that can be asked of the log.
    let up = world.up_with(|command| _ = command.env("RELAIS_SQL__URL", &url).env("RELAIS_LOG", "trace"));
    let mut ada = Caller::new(&up, "ada").await;
    let credentials = json!({"email": "ada@example.org", "password": PASSWORD});
    let session = json!({"refresh_token": ada.login["refresh_token"]});
    server.stop();
    for (path, body) in [("/login", &credentials), ("/register", &credentials), ("/token", &session)] {
        let (status, kind, later, _) = problem(&ada, Method::POST, path, body).await;
        assert_eq!((status, kind.as_str()), (503, "unavailable"), "{path}");
        assert!(later.is_some_and(|seconds| seconds > 0), "{path}");
    }
    let (status, kind, _, detail) = problem(&ada, Method::GET, "/ready", &Value::Null).await;
    assert_eq!((status, kind.as_str()), (503, "not-ready"));
    assert!(detail.contains("database"), "{detail}");
    assert_eq!(ada.get("/health").await.0, StatusCode::OK, "the process goes on");

    server.restart();
    assert_eq!(ada.get("/ready").await.0, StatusCode::OK);
    ada.refresh().await;
    ada.let_in("/login", credentials).await;
    let log = up.log();
    assert!(!log.contains("panicked") && !log.contains("hunter2"), "{log}");
    up.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_is_away_is_told() {
    a_database_that_is_away_is_told(SqlKind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_that_is_away_is_told() {
    a_database_that_is_away_is_told(SqlKind::Mariadb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_is_told_without_its_password() {
    let server = SqlServer::shared(SqlKind::Postgres);
    let right = server.database().await;
    let name = right.rsplit('/').next().unwrap();
    let world = World::new();
    for (url, code, words) in [
        (server.url(name, "hunter2", name), 1, ["does not let us in", "sql.url"]),
        (format!("{}/nosuch", right.rsplit_once('/').unwrap().0), 1, ["no database \"nosuch\"", "create it"]),
        ("mongodb://ada:hunter2@localhost/relais".to_owned(), 2, ["sql.url", "mysql://"]),
    ] {
        let mut command = world.relais(&["up", "--json"]);
        let ran = run(command.env("RELAIS_SQL__URL", &url).env("RELAIS_LOG", "trace"), "");
        assert_eq!(ran.code, code, "{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
        }
        assert!(!ran.stderr.contains("hunter2") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
}
