//! A user who speaks the protocol by hand, and says what no client would.

use std::{sync::Arc, time::Duration};

use relais_adapters::{nkeys, system};
use relais_domain::{credentials::creds::Creds, ports::KeyPairs as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Far more than a broker takes to hang up, and less than it waits for the answers to its PING.
const HANG_UP: Duration = Duration::from_secs(60);

/// A connection on which anything may be said.
pub(crate) struct Raw {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Raw {
    /// Connects with somebody's creds, or without any.
    pub(crate) async fn connect(url: &str, creds: Option<&Creds>) -> Self {
        let mut raw = Self::introduced(url, creds).await;
        raw.flush().await;
        raw
    }

    /// What the broker says to somebody's creds that it does not take; it hangs up then.
    pub(crate) async fn turned_away(url: &str, creds: &Creds) -> String {
        let mut raw = Self::introduced(url, Some(creds)).await;
        raw.say_anyway(b"PING\r\n").await;
        let end = async { while matches!(raw.stream.read_buf(&mut raw.heard).await, Ok(read) if read > 0) {} };
        tokio::time::timeout(HANG_UP, end).await.expect("the broker hangs up");
        String::from_utf8_lossy(&raw.heard).into_owned()
    }

    async fn introduced(url: &str, creds: Option<&Creds>) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("nats://")).await.unwrap();
        // Without this the second of two short writes waits for the broker's word on the first, 40 ms.
        stream.set_nodelay(true).unwrap();
        let mut raw = Self { stream, heard: Vec::new() };
        let info = raw.until("\r\n").await;
        let info: Value = serde_json::from_str(info.strip_prefix("INFO ").unwrap().trim()).unwrap();
        let mut hello =
            json!({"verbose": false, "pedantic": false, "headers": true, "no_responders": true, "protocol": 1});
        if let Some(creds) = creds {
            let keys = nkeys::KeyPairs::new(Arc::new(system::Rng));
            let signed = keys.sign(&creds.seed, info["nonce"].as_str().unwrap().as_bytes()).unwrap();
            hello["jwt"] = creds.jwt.as_str().into();
            hello["sig"] = base64(&signed).into();
        }
        raw.say(format!("CONNECT {hello}\r\n").as_bytes()).await;
        raw
    }

    /// Says it.
    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Says as much of it as the broker listens to: one that hangs up does so in the middle.
    pub(crate) async fn say_anyway(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Returns when the broker has taken all of it.
    pub(crate) async fn flush(&mut self) {
        self.say(b"PING\r\n").await;
        let heard = self.until("PONG\r\n").await;
        assert!(!heard.contains("-ERR"), "the broker takes what is said: {heard}");
    }

    /// Everything the broker says until it answers the next PING of those that were said.
    pub(crate) async fn answered(&mut self) -> String {
        self.until("PONG\r\n").await
    }

    /// Everything the broker says until it has taken all of what was said, refusals among it.
    pub(crate) async fn said(&mut self) -> String {
        self.say(b"PING\r\n").await;
        self.answered().await
    }

    /// Waits until the broker hangs up; not so long that it would do so by itself, because nobody answers its PING.
    pub(crate) async fn hung_up(mut self) {
        let end = async {
            // While it is spoken to it resets the connection.
            while matches!(self.stream.read_buf(&mut self.heard).await, Ok(read) if read > 0) {}
        };
        tokio::time::timeout(HANG_UP, end).await.expect("the broker hangs up");
    }

    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.heard.windows(end.len()).position(|own| own == end.as_bytes()) {
                return String::from_utf8_lossy(&self.heard.drain(..at + end.len()).collect::<Vec<_>>()).into_owned();
            }
            assert_ne!(self.stream.read_buf(&mut self.heard).await.unwrap(), 0, "the broker has hung up");
        }
    }
}

/// Base64 as in a URL, without padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}

/// What a user can say to `subject` that is no message: every kind that the broker hands on and some client stumbles over.
/// `inbox` is one of the user's own.
pub(crate) fn odd_messages(subject: &str, inbox: &str) -> Vec<Vec<u8>> {
    let headers = |block: &[u8]| {
        let head = format!("HPUB {subject} {inbox} {0} {0}\r\n", block.len());
        [head.as_bytes(), block, b"\r\n"].concat()
    };
    let reply = |reply: &[u8]| [b"PUB ", subject.as_bytes(), b" ", reply, b" 2\r\nhi\r\n"].concat();
    let token = |token: &[u8]| [b"PUB ", subject.as_bytes(), b".", token, b" 2\r\nhi\r\n"].concat();
    let mut all = vec![
        headers(b"NATS/1.0\r\nno colon\r\n\r\n"),
        headers(b"NATS/1.0\r\nA: \xff\xfe\r\n\r\n"),
        headers(b"NATS/1.0\r\n\xff: 1\r\n\r\n"),
        headers(b"NATS/1.0\r\n: 1\r\n\r\n"),
        headers(b"NATS/1.0 99999999\r\n\r\n"),
        headers(b"NATS/1.0 503\r\n\r\n"),
        headers(b"NATS/1.0 -1\r\n\r\n"),
        headers(b"NATS/1.0\r\nA B: 1\r\n\r\n"),
        headers(b"NATS/1.0\r\nA: 1\r\n folded\r\n\r\n"),
        headers(b"HTTP/1.1 200\r\n\r\n"),
        headers(&[b"NATS/1.0\r\nBig: ".to_vec(), vec![b'x'; 8_000], b"\r\n\r\n".to_vec()].concat()),
        reply(b"_INBOX.\xff\xfe"),
        reply(&[inbox.as_bytes(), b"\x0b7"].concat()),
        reply(&[inbox.as_bytes(), "\u{a0}7".as_bytes()].concat()),
        reply(&[inbox.as_bytes(), "\u{2028}".as_bytes()].concat()),
        reply(&[b"_INBOX.".to_vec(), vec![b'x'; 400]].concat()),
        token(b"\xff\xfe"),
        token(b"a\x0bb"),
        token(b"a\x00b"),
        token("a\u{85}b".as_bytes()),
        token("\u{2029}".as_bytes()),
        token(&[b'x'; 600]),
    ];
    // What splits a line of the protocol at white space of Unicode would give this to another subscription.
    let block = b"NATS/1.0\r\nA: 1\r\n\r\n";
    let aimed = format!("HPUB {subject} {inbox}\x0b1\x0b{0} {0} {0}\r\n", block.len());
    all.push([aimed.as_bytes(), block, b"\r\n"].concat());
    all
}
