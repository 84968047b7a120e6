//! As little HTTP/1.1 as these requests need: what asks shall cost little beside what answers.

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// A connection that is kept.
pub(crate) struct Http {
    stream: BufReader<TcpStream>,
    host: String,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether it says when to come again.
    pub(crate) retry_after: bool,
    body: Vec<u8>,
}

impl Http {
    /// Connects to a server at `http://…`.
    pub(crate) async fn connect(server: &str) -> Self {
        let host = server.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await.expect("the server");
        stream.set_nodelay(true).expect("a TCP connection");
        Self { stream: BufReader::new(stream), host }
    }

    /// `POST`s a body of JSON.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let (host, length) = (&self.host, body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).await.expect("sent");
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        let status = self.line().await;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let (mut length, mut retry_after) = (0, false);
        loop {
            let line = self.line().await.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", own)) => length = own.parse().expect("a length"),
                Some(("retry-after", own)) => retry_after = own.parse::<u64>().is_ok(),
                Some(("transfer-encoding", _)) => panic!("an answer of this API tells its length"),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.expect("a body");
        Answer { status, retry_after, body }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.expect("a line");
        assert!(line.ends_with("\r\n"), "the server has closed a connection: {line:?}");
        line.truncate(line.len() - 2);
        line
    }
}

impl Answer {
    /// Its JSON, once the status is the one that is expected.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).expect("JSON") }
    }
}
