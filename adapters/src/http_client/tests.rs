//! The client against a real socket that answers what each test says.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread::JoinHandle,
};

use serde_json::json;

use super::{call::MAX_ANSWER, *};

/// A server that answers one request, and gives back what it was sent.
fn server(status: &str, headers: &str, body: &str) -> (Client, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream);
        stream.write_all(answer.as_bytes()).unwrap();
        request
    });
    (client, heard)
}

fn read_request(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |l| l.parse().unwrap());
            if body.len() >= length {
                return String::from_utf8(bytes).unwrap();
            }
        }
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the request broke off");
        bytes.extend_from_slice(&chunk[..count]);
    }
}

fn email() -> Email {
    "ada@example.org".parse().unwrap()
}

fn key() -> relais_domain::credentials::PublicKey {
    relais_domain::credentials::PublicKey::from_raw(relais_domain::credentials::KeyKind::User, &[7; 32])
}

fn answer(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut answer = json!({
        "user_id": "01jd4xk0v8q7r4", "device_id": "01jd4xk0v8q7r5", "jwt": "ab.cd.e-f_", "expires_at": "2027-01-01T00:00:00Z",
        "servers": ["nats://127.0.0.1:4222"], "websocket": ["ws://127.0.0.1:9222"], "inbox_prefix": "_INBOX.01jd4xk0v8q7r4",
        "permissions": {"publish": ["from.01jd4xk0v8q7r4.>"], "subscribe": ["to.01jd4xk0v8q7r4.>"]},
        "access_token": "tok", "refresh_token": "again", "token_type": "Bearer", "expires_in": 900, "something_new": 1,
    });
    change(&mut answer);
    answer.to_string()
}

async fn log_in(client: &Client) -> Result<LoggedIn, ClientError> {
    let password = Secret::from("correct horse");
    let (email, key) = (email(), key());
    let login =
        Login { email: &email, password: Some(&password), code: None, device: Some("laptop"), public_key: &key };
    client.login(&login).await
}

#[tokio::test]
async fn a_login_sends_the_public_key_and_reads_the_answer() {
    let (client, heard) = server("200 OK", "", &answer(|_| ()));
    let Ok(login) = log_in(&client).await else { panic!("the login failed") };
    assert_eq!(login.user_id.as_str(), "01jd4xk0v8q7r4");
    assert_eq!(login.refresh_token.expose(), "again");
    let request = heard.join().unwrap();
    assert!(request.starts_with("POST /login HTTP/1.1\r\n"), "{request}");
    let body: serde_json::Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let expected = json!({
        "email": "ada@example.org", "password": "correct horse", "device": "laptop", "public_key": key().as_str()
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn an_answer_that_would_do_harm_is_refused() {
    type Change = fn(&mut serde_json::Value);
    let harms: [Change; 8] = [
        |answer| answer["user_id"] = json!("*"),
        |answer| answer["jwt"] = json!("a.b.c\n-----BEGIN USER NKEY SEED-----"),
        |answer| answer["inbox_prefix"] = json!("_INBOX.>"),
        |answer| answer["servers"] = json!([]),
        |answer| answer["access_token"] = json!("a\r\nb"),
        |answer| answer["refresh_token"] = json!("a b"),
        |answer| answer["expires_at"] = json!("soon"),
        |answer| *answer = json!([]),
    ];
    for harm in harms {
        let (client, _heard) = server("200 OK", "", &answer(harm));
        assert!(matches!(log_in(&client).await, Err(ClientError::Foreign { .. })));
    }
}

#[tokio::test]
async fn problems_become_kinds() {
    let problem = r#"{"type": "about:blank", "title": "T", "detail": "what\u001b happened", "status": 0}"#;
    for (status, expected) in [
        ("401 Unauthorized", "Unauthorized(\"what  happened\")"),
        ("403 Forbidden", "Forbidden(\"what  happened\")"),
        ("409 Conflict", "Conflict(\"what  happened\")"),
        ("422 Unprocessable Entity", "Invalid(\"what  happened\")"),
        ("404 Not Found", "NotFound(\"what  happened\")"),
        ("503 Service Unavailable", "Unavailable { text: \"what  happened\", retry_after: Some(3s) }"),
        ("500 Internal Server Error", "Failed { status: 500, text: \"what  happened\" }"),
    ] {
        let (client, _heard) = server(status, "Retry-After: 3\r\n", problem);
        let error = client.me(&Secret::from("tok")).await.unwrap_err();
        assert_eq!(format!("{error:?}"), expected);
    }
}

#[tokio::test]
async fn another_program_on_that_port_is_told() {
    for (status, body) in [("404 Not Found", "<html>"), ("302 Found", ""), ("200 OK", "hello")] {
        let (client, _heard) = server(status, "Location: http://127.0.0.1:1/\r\n", body);
        let error = client.me(&Secret::from("tok")).await.unwrap_err();
        assert!(matches!(error, ClientError::Foreign { .. }), "{status}: {error}");
    }
    let (client, _heard) = server("200 OK", "", &" ".repeat(MAX_ANSWER + 1));
    assert!(client.me(&Secret::from("tok")).await.unwrap_err().to_string().contains("longer"));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Client::new(&address).unwrap().register(&email(), Some(&Secret::from("x"))).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no server answers at {address}"));
}

#[tokio::test]
async fn a_device_is_removed_by_its_id_under_a_base_path() {
    let (client, heard) = server("204 No Content", "", "");
    let client = Client::new(&format!("{}/base", client.server())).unwrap();
    client.remove_device(&Secret::from("tok"), &"01jd4x".parse().unwrap()).await.unwrap();
    let request = heard.join().unwrap();
    assert!(request.starts_with("DELETE /base/me/devices/01jd4x HTTP/1.1\r\n"), "{request}");
    assert!(request.to_ascii_lowercase().contains("authorization: bearer tok\r\n"), "{request}");
}

/// A page of users or of the audit, with ids that end like this.
async fn page(what: &str, ids: &str, known: Option<char>) -> Result<usize, ClientError> {
    let id = |end: char| format!("01kaq4w3zk8r5v9m2d6n7p1t4{end}");
    let each = ids.chars().map(|end| {
        json!({"id": id(end), "email": "a@x", "created_at": "2026-01-01T00:00:00Z", "role": "user", "admin": false,
            "standing": "leaving", "at": "2026-01-01T00:00:00Z", "actor": "relais", "action": "new.word", "target": "",
            "outcome": "done", "detail": ""})
    });
    let (client, _heard) = server("200 OK", "", &json!({what: each.collect::<Vec<_>>()}).to_string());
    let (token, known) = (Secret::from("tok"), known.map(id));
    if what == "users" {
        let known = known.map(|known| known.parse().unwrap());
        client.users(&token, known.as_ref(), None, 200).await.map(|users| users.len())
    } else {
        let known = known.map(|known| known.parse().unwrap());
        client.audit(&token, known.as_ref(), 100).await.map(|entries| entries.len())
    }
}

#[tokio::test]
async fn pages_go_on_by_their_ids() {
    for (what, good, known) in
        [("users", "bcd", Some('a')), ("users", "abc", None), ("entries", "cba", Some('d')), ("entries", "", Some('a'))]
    {
        assert_eq!(page(what, good, known).await.unwrap(), good.len(), "{what} {good}");
    }
    for (what, wrong, known) in [
        ("users", "abc", Some('a')),
        ("users", "a", Some('b')),
        ("users", "acb", None),
        ("users", "aa", None),
        ("entries", "cba", Some('c')),
        ("entries", "d", Some('c')),
        ("entries", "abc", None),
        ("entries", "aa", None),
    ] {
        let came = page(what, wrong, known).await;
        assert!(matches!(came, Err(ClientError::Foreign { .. })), "{what} {wrong} behind {known:?}: {came:?}");
    }
}

#[tokio::test]
async fn a_page_of_the_longest_entries_is_read() {
    let entry = |at: usize| {
        json!({"id": format!("01kaq4w3zk8r5v9m2d6n7p{:04}", 999 - at), "at": "2026-01-01T00:00:00.123Z",
            "actor": format!("command:{}", "\u{1f980}".repeat(64)), "action": "nsc.account.revoke-all", "outcome": "refused",
            "target": "\u{1f980}".repeat(255), "detail": "\u{1f980}".repeat(1024)})
    };
    let entries: Vec<_> = (0..100).map(entry).collect();
    let (client, _heard) = server("200 OK", "", &json!({"entries": entries}).to_string());
    assert_eq!(client.audit(&Secret::from("tok"), None, 100).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_user_that_is_none_is_refused() {
    let user = json!({"id": "01jd4x", "email": "a@x", "created_at": "2026-01-01T00:00:00Z", "role": "user", "admin": false,
        "standing": "active"});
    for (field, value) in
        [("id", json!("../x")), ("role", json!("*")), ("standing", json!("gone")), ("created_at", json!("soon"))]
    {
        let mut odd = user.clone();
        odd[field] = value;
        for answer in [odd.to_string(), json!({"users": [odd]}).to_string()] {
            let (client, _heard) = server("200 OK", "", &answer);
            let token = Secret::from("tok");
            let came = if answer.starts_with("{\"users") {
                client.users(&token, None, None, 1).await.map(drop)
            } else {
                client.change_user(&token, &"01jd4x".parse().unwrap(), &UserChange::default()).await.map(drop)
            };
            assert!(matches!(came, Err(ClientError::Foreign { .. })), "{field}: {came:?}");
        }
    }
}
