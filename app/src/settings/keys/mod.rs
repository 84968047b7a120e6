//! The table of settings: name, meaning, what is expected, how it is read and shown. The only place that lists them.

mod auth;
mod mail;
mod nsc;
mod tls;

use serde_json::{Value, json};

use super::{
    Cache, Reach, SecretUrl, Settings,
    read::{self, Given},
};

/// Whether `text` begins with three numbers, as a semantic version does.
fn is_version(text: &str) -> bool {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// One setting.
pub(in crate::settings) struct Key {
    /// `http.listen`
    pub(in crate::settings) name: &'static str,
    /// What it is, in a few words.
    pub(in crate::settings) about: &'static str,
    /// What a value looks like.
    pub(in crate::settings) expected: &'static str,
    /// Whether values may hold a secret, so that a wrong one is shown with care.
    pub(in crate::settings) secret: bool,
    /// Puts a value in; `None` when it is not of the right kind.
    pub(in crate::settings) read: fn(&mut Settings, &Given<'_>) -> Option<()>,
    /// The value, with secrets hidden; `null` for none.
    pub(in crate::settings) show: fn(&Settings) -> Value,
}

const ADDRESS: &str = "an address and port, such as 127.0.0.1:8080 (port 0 is any free one)";
const BROKERS: &str = "nats://, tls://, ws:// or wss:// addresses, in a list or with commas between";
const FILE: &str = "the path of a file";

macro_rules! key {
    ($name:expr, $about:expr, $expected:expr, $read:expr, $show:expr) => {
        key!($name, $about, $expected, false, $read, $show)
    };
    ($name:expr, $about:expr, $expected:expr, $secret:literal, $read:expr, $show:expr) => {
        Key { name: $name, about: $about, expected: $expected, secret: $secret, read: $read, show: $show }
    };
}
use key;

/// Every setting, in the order of the documentation.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().chain(tls::KEYS).chain(auth::KEYS).chain(mail::KEYS).chain(nsc::KEYS)
}

const KEYS: &[Key] = &[
    key!(
        "data",
        "the folder in which everything is kept",
        "the path of a folder",
        |s, given| given.path().map(|path| s.data = path),
        |s| json!(s.data)
    ),
    key!(
        "service.name",
        "the name of this service, and its queue group",
        "1 to 32 characters of a-z, 0-9 and -",
        |s, given| given.text()?.parse().ok().map(|name| s.service.name = name),
        |s| json!(s.service.name)
    ),
    key!(
        "service.version",
        "the version of this service, for `nats micro`",
        "three numbers with dots between, such as 1.2.0",
        |s, given| given.text().filter(|text| is_version(text)).map(|text| s.service.version = text.to_owned()),
        |s| json!(s.service.version)
    ),
    key!(
        "service.about",
        "what this service is for, in words, for `nats micro`",
        "a line of text",
        |s, given| given.text().map(|text| s.service.about = text.to_owned()),
        |s| json!(s.service.about)
    ),
    key!(
        "examples",
        "whether the example routes answer (unset: in `up`, not in `serve`)",
        "true or false",
        |s, given| {
            s.examples = if given.text() == Some("") { None } else { Some(given.boolean()?) };
            Some(())
        },
        |s| json!(s.examples)
    ),
    key!(
        "peers",
        "whom a user may reach through the server (unset: all in `up`, none in `serve`)",
        "all or none",
        |s, given| {
            s.peers = match given.text()? {
                "" => None,
                "all" => Some(Reach::All),
                "none" => Some(Reach::None),
                _ => return None,
            };
            Some(())
        },
        |s| json!(s.peers.map(|reach| match reach {
            Reach::All => "all",
            Reach::None => "none",
        }))
    ),
    key!(
        "topics",
        "what users may speak to and hear together",
        "names of 1 to 32 characters of a-z, 0-9 and -, in a list or with commas between",
        |s, given| {
            let topics = given.list()?.iter().map(|topic| topic.parse().ok()).collect::<Option<_>>()?;
            s.topics = topics;
            Some(())
        },
        |s| json!(s.topics)
    ),
    key!(
        "cache",
        "where the answers lie that handlers keep for a while",
        "memory (each process its own), or jetstream (a bucket that all instances of the service share)",
        |s, given| {
            s.cache = match given.text()? {
                "memory" => Cache::Memory,
                "jetstream" => Cache::Jetstream,
                _ => return None,
            };
            Some(())
        },
        |s| json!(match s.cache {
            Cache::Memory => "memory",
            Cache::Jetstream => "jetstream",
        })
    ),
    key!(
        "behind_proxy",
        "whether listeners off loopback are reached through a proxy that ends TLS",
        "true or false",
        |s, given| given.boolean().map(|behind| s.behind_proxy = behind),
        |s| json!(s.behind_proxy)
    ),
    key!(
        "http.listen",
        "where the HTTP API listens",
        ADDRESS,
        |s, given| given.address().map(|at| s.http.listen = at),
        |s| json!(s.http.listen)
    ),
    key!(
        "http.public_url",
        "the address of the HTTP API that clients use",
        "an http:// or https:// address without user name",
        |s, given| {
            let read = |text: &str| read::is_public_url(text, &["http", "https"]).then(|| text.to_owned());
            given.optional(read).map(|url| s.http.public_url = url)
        },
        |s| json!(s.http.public_url)
    ),
    key!(
        "http.allowed_origins",
        "web apps of other origins that may call the HTTP API",
        "origins such as https://app.example.org, without a path, in a list or with commas between",
        |s, given| given.list_of(read::is_origin).map(|origins| s.http.allowed_origins = origins),
        |s| json!(s.http.allowed_origins)
    ),
    key!(
        "nats.listen",
        "where the broker started by `up` listens",
        ADDRESS,
        |s, given| given.address().map(|at| s.nats.listen = at),
        |s| json!(s.nats.listen)
    ),
    key!(
        "nats.websocket",
        "where it listens for browsers",
        ADDRESS,
        |s, given| given.address().map(|at| s.nats.websocket = at),
        |s| json!(s.nats.websocket)
    ),
    key!(
        "nats.monitor",
        "where it answers monitoring",
        "an address and port on loopback, such as 127.0.0.1:8222: monitoring asks for no password",
        |s, given| {
            let at = given.address().filter(|at| at.ip().is_loopback());
            at.map(|at| s.nats.monitor = at)
        },
        |s| json!(s.nats.monitor)
    ),
    key!(
        "nats.url",
        "external brokers to connect to",
        BROKERS,
        true,
        |s, given| read::broker_urls(&given.list()?).map(|urls| s.nats.url = urls),
        |s| json!(s.nats.url.iter().map(SecretUrl::to_string).collect::<Vec<_>>())
    ),
    key!(
        "nats.creds",
        "the creds file to connect to them with",
        FILE,
        |s, given| given.optional_path().map(|path| s.nats.creds = path),
        |s| json!(s.nats.creds)
    ),
    key!(
        "nats.public_urls",
        "the brokers' addresses that clients use",
        BROKERS,
        |s, given| {
            let passes = |text: &str| read::is_public_url(text, &["nats", "tls", "ws", "wss"]);
            given.list_of(passes).map(|urls| s.nats.public_urls = urls)
        },
        |s| json!(s.nats.public_urls)
    ),
    key!(
        "nats.public_websocket",
        "the brokers' addresses that browsers use",
        "ws:// or wss:// addresses, in a list or with commas between",
        |s, given| {
            let passes = |text: &str| read::is_public_url(text, &["ws", "wss"]);
            given.list_of(passes).map(|urls| s.nats.public_websocket = urls)
        },
        |s| json!(s.nats.public_websocket)
    ),
    key!(
        "nats.server",
        "the nats-server that `up` runs (unset: the one on PATH)",
        FILE,
        |s, given| given.optional_path().map(|path| s.nats.server = path),
        |s| json!(s.nats.server)
    ),
    key!(
        "sql.url",
        "the database (unset: an SQLite file in the data folder)",
        "a database URL: sqlite:///var/lib/relais/relais.db, postgres://user:password@host/name or mysql://user:password@host/name",
        true,
        |s, given| {
            let schemes = ["sqlite", "postgres", "postgresql", "mysql", "mariadb"];
            let is_url = |text: &str| text.starts_with("sqlite:") || read::is_url(text, &schemes);
            given.optional(|text| is_url(text).then(|| text.into())).map(|url| s.sql.url = url)
        },
        |s| json!(s.sql.url.as_ref().map(SecretUrl::to_string))
    ),
    key!(
        "log",
        "what is logged",
        "a filter such as info, debug, or relais=debug,warn",
        |s, given| {
            let text = given.text().filter(|text| !text.is_empty())?;
            tracing_subscriber::EnvFilter::try_new(text).ok()?;
            s.log = text.to_owned();
            Some(())
        },
        |s| json!(s.log)
    ),
];

/// The setting of this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

/// The known name nearest to one that is not, if it is near enough to be meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    // A name without its group (`listen`) is near to the one with it.
    let last = all().filter(|key| key.name.rsplit('.').next() == Some(name)).map(|key| key.name).next();
    let (distance, best) = all().map(|key| (distance(name, key.name), key.name)).min()?;
    last.or((distance <= best.len() / 3).then_some(best))
}

/// The Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    // Longer than every name, by more than a third: the rest does not make it nearer.
    for (at, letter) in left.chars().take(64).enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = before + usize::from(letter != *other);
            before = row[column + 1];
            row[column + 1] = replaced.min(before + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
