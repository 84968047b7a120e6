//! Making a connection.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::BytesMut;
use futures_util::future::BoxFuture;
use relais_domain::{
    credentials::UserJwt,
    ports::{KeyPairs, Rng},
    secret::Secret,
    subject::{InvalidSubject, Subject},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Notify, watch},
};

use super::{
    bus::Bus,
    driver::Driver,
    state::Shared,
    wire::{
        encode,
        frame::{self, Frame},
        transport::{self, Address, Opened},
    },
};
use crate::tls::Trust;

/// Waits between attempts to reconnect: full jitter, doubling from the first to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// How long an attempt to connect may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where and as whom to connect.
#[derive(Clone)]
pub struct ConnectOptions {
    /// `nats://…`, `tls://…`, `ws://…` or `wss://…`; one that answers is enough.
    pub servers: Vec<String>,
    /// The user JWT to show.
    pub jwt: UserJwt,
    /// The seed of its key; signs what the broker asks to have signed and never leaves this process.
    pub seed: Secret,
    /// What goes in front of inboxes: it must be one this credential may listen under.
    pub inbox_prefix: String,
    /// What the connection is called in the broker's reports.
    pub name: String,
    /// Signs with the seed.
    pub keys: Arc<dyn KeyPairs>,
    /// Jitter.
    pub rng: Arc<dyn Rng>,
    /// What is asked of the way there.
    pub security: Security,
}

/// What a connection asks of the way to a broker. The default is what a device needs, which may be in any network.
#[derive(Clone, Default)]
pub struct Security {
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Whether a broker on another machine may be spoken to without TLS: within a network of one's own, where whoever
    /// operates it has said so. On this machine, that is on loopback, it always may.
    pub plain: bool,
}

/// Brings another JWT for the same key when the broker does not believe the one there is; `None` when there is none now.
pub type Renew = Arc<dyn Fn() -> BoxFuture<'static, Option<UserJwt>> + Send + Sync>;

/// How often in a row a broker may refuse a connection that renews its JWT, before it has ended for good.
const MOST_REFUSALS: usize = 40;

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The broker does not believe the credential.
    #[error("the broker at {servers} refuses the credential: it is unknown, expired or revoked")]
    Unauthorized {
        /// The addresses tried.
        servers: String,
    },
    /// No broker there, or none that can be understood.
    #[error("no broker answers at {servers}")]
    Unreachable {
        /// The addresses tried.
        servers: String,
        /// Why the last of them could not be had.
        #[source]
        source: io::Error,
    },
    /// A broker, or what has taken its place, that is not to be told who we are.
    #[error("the broker at {servers} cannot be trusted")]
    Untrusted {
        /// The addresses tried.
        servers: String,
        /// Why the last of them cannot.
        #[source]
        source: io::Error,
    },
    /// The prefix of inboxes is no subject.
    #[error("{prefix:?} cannot go in front of inboxes")]
    Inbox {
        /// What was given.
        prefix: String,
        /// What is wrong with it.
        #[source]
        source: InvalidSubject,
    },
    /// An address that is none.
    #[error("{text:?} is no address of a broker")]
    Address {
        /// What was given.
        text: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// What a connection tells about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Connected, for the n-th time.
    Up(u64),
    /// Not connected, after n times.
    Down(u64),
    /// Ended for good.
    Closed,
}

impl Link {
    /// How many connections there have been.
    pub(super) fn connections(self) -> u64 {
        match self {
            Self::Up(times) | Self::Down(times) => times,
            Self::Closed => 0,
        }
    }
}

/// What makes a connection, the first and every further one.
pub(super) struct Connector {
    options: ConnectOptions,
    /// What is shown now.
    jwt: Arc<Mutex<UserJwt>>,
    /// The address that let us in last.
    at: Mutex<Option<Address>>,
    renew: Option<Renew>,
    addresses: Vec<Address>,
    delay: Box<dyn Fn(usize) -> Duration + Send + Sync>,
}

impl Bus {
    /// Connects; returns when the broker has let us in. Must be called in a tokio runtime, on which the connection runs.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        Self::connect_as(options, None).await
    }

    /// As [`Bus::connect`]; when a broker does not let this connection in again, `renew` is asked for another JWT, and it is
    /// tried again, some forty times.
    ///
    /// # Errors
    /// As [`Bus::connect`]: the first time nobody is asked.
    pub async fn connect_renewing(options: ConnectOptions, renew: Renew) -> Result<Self, ConnectError> {
        Self::connect_as(options, Some(renew)).await
    }

    async fn connect_as(options: ConnectOptions, renew: Option<Renew>) -> Result<Self, ConnectError> {
        let address =
            |text: &String| text.parse().map_err(|source| ConnectError::Address { text: shown(text), source });
        let addresses = options.servers.iter().map(address).collect::<Result<Vec<_>, _>>()?;
        let inbox = format!("{}.{}.", options.inbox_prefix, nonce(&*options.rng));
        Subject::reply(format!("{inbox}many.{}", u64::MAX))
            .map_err(|source| ConnectError::Inbox { prefix: options.inbox_prefix.clone(), source })?;
        let delay = Box::new(delay(Arc::clone(&options.rng)));
        let jwt = Arc::new(Mutex::new(options.jwt.clone()));
        let own = Arc::clone(&jwt);
        let connector = Connector { options, jwt, at: Mutex::default(), renew, addresses, delay };
        let line = connector.round().await?;
        let (link, _) = watch::channel(Link::Down(0));
        let shared = Arc::new(Shared::new(link, inbox));
        let bus = Self::new(Arc::clone(&shared), own);
        let mut up = shared.link.subscribe();
        tokio::spawn(Driver::new(shared, connector, line).run());
        // It says so with its first step.
        let _ = up.wait_for(|link| !matches!(link, Link::Down(0))).await;
        Ok(bus)
    }
}

/// What tells the inboxes of two connections of one user apart.
fn nonce(rng: &dyn Rng) -> String {
    let mut random = [0_u8; 10];
    rng.fill(&mut random);
    data_encoding::BASE32_NOPAD.encode(&random).to_ascii_lowercase()
}

impl Connector {
    /// Opens another line beside the one there is, to the same broker if that can be.
    pub(super) async fn beside(self: Arc<Self>) -> Result<Opened, ConnectError> {
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(at) = at
            && let Ok(Ok(line)) = tokio::time::timeout(PATIENCE, self.log_in(&at)).await
        {
            return Ok(line);
        }
        self.round().await
    }

    /// Tries every address once, in any order; takes the first broker that lets us in.
    async fn round(&self) -> Result<Opened, ConnectError> {
        let servers = || self.options.servers.iter().map(|text| shown(text)).collect::<Vec<_>>().join(", ");
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address was given");
        for address in self.shuffled() {
            match tokio::time::timeout(PATIENCE, self.log_in(address)).await {
                Ok(Ok(line)) => {
                    *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(address.clone());
                    return Ok(line);
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(ConnectError::Unauthorized { servers: servers() });
                }
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        let servers = servers();
        Err(if transport::is_unsafe(&last) {
            ConnectError::Untrusted { servers, source: last }
        } else {
            ConnectError::Unreachable { servers, source: last }
        })
    }

    /// Tries again until a broker lets us in or refuses us, or until `stop` rings (`None`).
    pub(super) async fn reconnect(&self, stop: &Notify) -> Option<Result<Opened, ConnectError>> {
        let (mut attempt, mut refusals) = (0, 0);
        loop {
            attempt += 1;
            if tokio::time::timeout((self.delay)(attempt), stop.notified()).await.is_ok() {
                return None;
            }
            match self.round().await {
                Err(error @ (ConnectError::Unreachable { .. } | ConnectError::Untrusted { .. })) => {
                    tracing::debug!(%error, attempt, "no connection to the broker");
                }
                Err(error @ ConnectError::Unauthorized { .. }) if refusals < MOST_REFUSALS => {
                    let Some(renew) = &self.renew else { return Some(Err(error)) };
                    refusals += 1;
                    // The broker may not have heard yet of what would let us in; with a JWT or without, it is asked again.
                    if let Some(jwt) = renew().await {
                        tracing::info!(
                            refusals,
                            "the broker refuses the credential of this process; it has another one"
                        );
                        *self.jwt.lock().unwrap_or_else(PoisonError::into_inner) = jwt;
                        // There is no herd: at once, or nearly so when the broker has not heard of it yet.
                        attempt = refusals.min(2) - 1;
                    }
                }
                outcome => return Some(outcome),
            }
        }
    }

    fn shuffled(&self) -> Vec<&Address> {
        let mut left: Vec<_> = self.addresses.iter().collect();
        let mut shuffled = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let mut random = [0_u8; 4];
            self.options.rng.fill(&mut random);
            let pick = u32::from_le_bytes(random) as usize % left.len();
            shuffled.push(left.swap_remove(pick));
        }
        shuffled
    }

    /// Opens a line and says who we are on it.
    async fn log_in(&self, address: &Address) -> io::Result<Opened> {
        let mut opened = transport::open(address, &self.options.security).await?;
        let mut hello = BytesMut::new();
        encode::connect(&mut hello, &self.identity(&opened)?);
        encode::ping(&mut hello);
        opened.line.write_all(&hello).await?;
        opened.line.flush().await?;
        loop {
            match frame::take(&mut opened.read).map_err(io::Error::other)? {
                Some(Frame::Pong) => return Ok(opened),
                Some(Frame::Error(words)) => return Err(refused(words)),
                Some(Frame::Info(info)) => opened.info = *info,
                Some(_) => {}
                None if opened.line.read_buf(&mut opened.read).await? == 0 => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                None => {}
            }
        }
    }

    fn identity(&self, opened: &Opened) -> io::Result<serde_json::Value> {
        let mut identity = serde_json::json!({
            "verbose": false,
            "pedantic": false,
            "protocol": 1,
            "echo": true,
            "headers": true,
            "no_responders": true,
            "lang": "rust",
            "version": env!("CARGO_PKG_VERSION"),
            "name": self.options.name,
            "tls_required": opened.info.tls_required,
        });
        if let Some(nonce) = &opened.info.nonce {
            let signed = self.options.keys.sign(&self.options.seed, nonce.as_bytes()).map_err(io::Error::other)?;
            let jwt = self.jwt.lock().unwrap_or_else(PoisonError::into_inner);
            identity["jwt"] = jwt.as_str().into();
            identity["sig"] = data_encoding::BASE64URL_NOPAD.encode(&signed).into();
        }
        Ok(identity)
    }
}

/// An address without the name and password that may stand in it.
fn shown(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => format!("***@{host}"),
        Some((_, host)) => format!("{scheme}://***@{host}"),
        None => address.to_owned(),
    }
}

/// Whether the broker means us, or only that it will not have anybody now.
fn refused(words: String) -> io::Error {
    let lower = words.to_ascii_lowercase();
    let us = ["authorization", "authentication", "expired", "revoked"].iter().any(|word| lower.contains(word));
    let timeout = lower.contains("timeout");
    io::Error::new(if us && !timeout { io::ErrorKind::PermissionDenied } else { io::ErrorKind::Other }, words)
}

fn delay(rng: Arc<dyn Rng>) -> impl Fn(usize) -> Duration {
    move |attempt| {
        // The first attempt is at once, for it follows a connection that worked; the herd is behind the second.
        let Some(doublings) = attempt.checked_sub(2) else { return Duration::ZERO };
        let ceiling = BACKOFF.0.saturating_mul(1 << doublings.min(10)).min(BACKOFF.1);
        let mut random = [0_u8; 4];
        rng.fill(&mut random);
        ceiling.mul_f64(f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use relais_domain::{credentials::KeyKind, memory};

    use super::*;

    #[tokio::test]
    async fn no_error_tells_a_password() {
        let keys: Arc<dyn KeyPairs> = Arc::new(memory::KeyPairs::default());
        for server in ["nats://ada:hunter2@127.0.0.1:1", "ada:hunter2@127.0.0.1:1", "mqtt://ada:hunter2@127.0.0.1:1"] {
            let options = ConnectOptions {
                servers: vec![server.to_owned()],
                jwt: UserJwt::from_text(String::new()),
                seed: keys.generate(KeyKind::User).seed,
                inbox_prefix: "_INBOX.x".to_owned(),
                name: "x".to_owned(),
                keys: Arc::clone(&keys),
                rng: Arc::new(memory::Rng::default()),
                security: Security::default(),
            };
            let error = Bus::connect(options).await.err().unwrap();
            let words = format!("{error} {error:?}");
            assert!(words.contains("***@127.0.0.1:1") && !words.contains("hunter2"), "{words}");
        }
    }

    #[test]
    fn reconnects_are_spread_and_bounded() {
        let delay = delay(Arc::new(memory::Rng::default()));
        assert_eq!((delay(0), delay(1)), (Duration::ZERO, Duration::ZERO));
        let mut seen = std::collections::BTreeSet::new();
        for attempt in 2..200 {
            let wait = delay(attempt);
            assert!(wait <= BACKOFF.1, "{wait:?}");
            assert!(attempt > 2 || wait <= BACKOFF.0, "{wait:?}");
            seen.insert(wait);
        }
        assert!(seen.len() > 190, "jitter is full");
        delay(usize::MAX);
    }
}
