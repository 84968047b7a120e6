//! A server that answers what each test says.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use super::*;

/// What it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    /// Method and path, such as `GET /users?limit=200`.
    pub(super) line: String,
    /// The JSON, or null.
    pub(super) body: Value,
    /// The access token, or nothing.
    pub(super) token: String,
}

/// A server that gives these answers, one a connection, and remembers what it was sent.
pub(super) fn http(answers: Vec<(u16, Value)>) -> (String, Arc<Mutex<Vec<Heard>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    std::thread::spawn(move || {
        for (status, answer) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            log.lock().unwrap().push(read(&mut stream));
            let text = if answer.is_null() { String::new() } else { answer.to_string() };
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            stream.write_all((head + &text).as_bytes()).unwrap();
        }
    });
    (address, heard)
}

fn read(stream: &mut std::net::TcpStream) -> Heard {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the request broke off");
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
        };
        if body.len() < header("content-length").parse().unwrap_or(0) {
            continue;
        }
        let line = head.split(" HTTP/1.1").next().unwrap().to_owned();
        let token = header("authorization").trim_start_matches("Bearer ").to_owned();
        return Heard { line, body: serde_json::from_str(body).unwrap_or_default(), token };
    }
}

/// What a login and a refresh are answered.
pub(super) fn login_answer() -> Value {
    json!({
        "user_id": "ada", "device_id": "d1", "jwt": "a.b.c", "servers": ["nats://127.0.0.1:4222"], "websocket": [],
        "inbox_prefix": "_INBOX.ada", "permissions": {"publish": ["from.ada.>"], "subscribe": ["to.ada.>"]},
        "access_token": "tok", "token_type": "Bearer", "expires_in": 900, "refresh_token": "again",
    })
}
