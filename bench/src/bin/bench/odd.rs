//! Requests at a steady pace while somebody else sends a thousand messages a second that are none: bytes that the broker
//! hands on, and that some client takes for a broken connection.

use std::{
    io,
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use relais_adapters::nats;
use relais_bench::percentile_micros;
use relais_domain::ports::Bus as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::{Interval, MissedTickBehavior, interval},
};

use super::{load::question, process::Broker};

/// Odd messages a second.
pub(crate) const ODD: u64 = 1_000;
/// Requests a second.
pub(crate) const ASKED: u64 = 5_000;
/// Requests outstanding at most.
const OUTSTANDING: u64 = 64;
/// How often something is sent, in a second.
const BEATS: u64 = 100;
/// How long an answer is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// What became of the requests.
pub(crate) struct Found {
    pub(crate) odd: u64,
    pub(crate) answered: usize,
    pub(crate) failed: usize,
    pub(crate) p99_micros: f64,
    /// How many times the server had to connect anew.
    pub(crate) reconnected: u64,
}

/// Asks and sends odd messages for so long.
pub(crate) async fn run(bus: &nats::Bus, broker: &Broker, time: Duration) -> Found {
    let stream = TcpStream::connect(broker.url.trim_start_matches("nats://")).await.expect("the broker");
    let before = broker.connections().await;
    let end = Instant::now() + time;
    let asking = join_all((0..OUTSTANDING).map(|_| ask(bus, end)));
    let (odd, asked) = join(annoy(stream, end), asking).await;
    let all: Vec<_> = asked.into_iter().flatten().collect();
    let mut times: Vec<_> = all.iter().filter_map(|one| *one).collect();
    times.sort();
    Found {
        odd: odd.expect("the broker takes every message"),
        answered: times.len(),
        failed: all.len() - times.len(),
        p99_micros: percentile_micros(&times, 99),
        reconnected: broker.connections().await - before,
    }
}

fn beats(a_second: u64) -> Interval {
    let mut beats = interval(Duration::from_secs(1) / u32::try_from(a_second).expect("few"));
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    beats
}

/// One of those who ask: how long each answer took; nothing where none came.
async fn ask(bus: &nats::Bus, end: Instant) -> Vec<Option<Duration>> {
    let (mut beats, mut all) = (beats(ASKED / OUTSTANDING), Vec::new());
    while Instant::now() < end {
        beats.tick().await;
        let begun = Instant::now();
        let answered = bus.request(question("hello"), PATIENCE).await;
        all.push(answered.is_ok().then(|| begun.elapsed()));
    }
    all
}

/// Sends the odd messages and says how many.
async fn annoy(mut stream: TcpStream, end: Instant) -> io::Result<u64> {
    let (heard, mut said) = stream.split();
    let mut lines = BufReader::new(heard).lines();
    said.write_all(b"CONNECT {\"verbose\":false,\"headers\":true}\r\n").await?;
    let all = messages("from.mallory.echo", "_INBOX.mallory.1");
    let (mut beats, mut sent) = (beats(BEATS), 0);
    let mut next = all.iter().cycle();
    while Instant::now() < end {
        beats.tick().await;
        let batch: Vec<_> = next.by_ref().take((ODD / BEATS) as usize).flatten().copied().collect();
        said.write_all(&batch).await?;
        sent += ODD / BEATS;
    }
    // The broker has taken all of it, and has not complained.
    said.write_all(b"PING\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        match line.as_str() {
            "PONG" => return Ok(sent),
            line if line.starts_with("-ERR") => return Err(io::Error::other(line.to_owned())),
            "PING" => said.write_all(b"PONG\r\n").await?,
            _ => {}
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// What a user may send to an echo of a service and is no message; the tests have more kinds (`odd_messages`).
fn messages(subject: &str, inbox: &str) -> Vec<Vec<u8>> {
    let headers = |block: &[u8]| {
        let head = format!("HPUB {subject} {inbox} {0} {0}\r\n", block.len());
        [head.as_bytes(), block, b"\r\n"].concat()
    };
    let reply = |reply: &[u8]| [b"PUB ", subject.as_bytes(), b" ", reply, b" 2\r\nhi\r\n"].concat();
    vec![
        headers(b"NATS/1.0\r\nno colon\r\n\r\n"),
        headers(b"NATS/1.0\r\nA: \xff\xfe\r\n\r\n"),
        headers(b"NATS/1.0\r\n\xff: 1\r\n\r\n"),
        headers(b"NATS/1.0\r\n: 1\r\n\r\n"),
        headers(b"NATS/1.0 99999999\r\n\r\n"),
        headers(b"NATS/1.0 -1\r\n\r\n"),
        headers(b"HTTP/1.1 200\r\n\r\n"),
        headers(&[b"NATS/1.0\r\nBig: ".to_vec(), vec![b'x'; 8_000], b"\r\n\r\n".to_vec()].concat()),
        reply(b"_INBOX.\xff\xfe"),
        reply(&[inbox.as_bytes(), b"\x0b7"].concat()),
        reply(&[inbox.as_bytes(), "\u{a0}7".as_bytes()].concat()),
        reply(&[inbox.as_bytes(), "\u{2028}".as_bytes()].concat()),
        reply(&[b"_INBOX.".to_vec(), vec![b'x'; 400]].concat()),
    ]
}
