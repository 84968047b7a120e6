//! Making a connection.

use std::{sync::Arc, time::Duration};

use async_nats::{Auth, AuthError, ConnectErrorKind, Event, ServerError};
use relais_domain::{
    credentials::UserJwt,
    ports::{KeyPairs, Rng},
    secret::Secret,
    subject::Subject,
};
use tokio::sync::{broadcast, watch};

use super::{bus::Bus, violation};

/// Waits between attempts to reconnect: full jitter, doubling from the first to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// How long an attempt to connect may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Messages that may wait in one subscription before async-nats drops some. A route reads its subscription all the time
/// and keeps a line of its own, so this much waits only while the process is starved.
const CAPACITY: usize = 64 * 1024;

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
    /// A subject this credential may publish to and nobody listens to; see [`super`].
    pub probe: Option<Subject>,
    /// Signs with the seed.
    pub keys: Arc<dyn KeyPairs>,
    /// Jitter.
    pub rng: Arc<dyn Rng>,
}

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
        /// What async-nats said.
        #[source]
        source: async_nats::ConnectError,
    },
    /// An address that is none.
    #[error("{text:?} is no address of a broker")]
    Address {
        /// What was given.
        text: String,
        /// Why not.
        #[source]
        source: std::io::Error,
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

impl Bus {
    /// Connects; returns when the broker has let us in.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        let servers = options.servers.join(", ");
        let addresses = parse(&options.servers)?;
        let (violations, _) = broadcast::channel(256);
        let (link, _) = watch::channel(Link::Down(0));
        // The callback owns the only sender: when async-nats gives up for good it drops the callback, and everybody who
        // watches the link sees it end.
        let watched = link.subscribe();
        let told = violations.clone();
        let client = authenticated(&options)
            .name(&options.name)
            .custom_inbox_prefix(&options.inbox_prefix)
            .connection_timeout(PATIENCE)
            .subscription_capacity(CAPACITY)
            .ignore_discovered_servers()
            .reconnect_delay_callback(delay(Arc::clone(&options.rng)))
            .event_callback(move |event| {
                note(&event, &told, &link);
                std::future::ready(())
            })
            .connect(addresses)
            .await
            .map_err(|source| match source.kind() {
                ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                    ConnectError::Unauthorized { servers }
                }
                _ => ConnectError::Unreachable { servers, source },
            })?;
        // The news of it come through another task; from here on the link is what it is.
        let mut up = watched.clone();
        let _ = tokio::time::timeout(PATIENCE, up.wait_for(|link| !matches!(link, Link::Down(0)))).await;
        Ok(Self::new(client, violations, watched, options.probe))
    }
}

fn parse(servers: &[String]) -> Result<Vec<async_nats::ServerAddr>, ConnectError> {
    let address = |text: &String| text.parse().map_err(|source| ConnectError::Address { text: text.clone(), source });
    servers.iter().map(address).collect()
}

fn authenticated(options: &ConnectOptions) -> async_nats::ConnectOptions {
    let (jwt, seed, keys) = (options.jwt.clone(), options.seed.clone(), Arc::clone(&options.keys));
    async_nats::ConnectOptions::with_auth_callback(move |nonce| {
        let mut auth = Auth::new();
        auth.jwt = Some(jwt.as_str().to_owned());
        let signed = keys.sign(&seed, &nonce).map_err(|error| AuthError::new(error.to_string()));
        std::future::ready(signed.map(|signature| {
            auth.signature = Some(signature);
            auth
        }))
    })
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

fn note(event: &Event, violations: &broadcast::Sender<violation::Violation>, link: &watch::Sender<Link>) {
    match event {
        Event::Connected => {
            link.send_modify(|link| *link = Link::Up(link.connections() + 1));
            tracing::debug!("connected to the broker");
        }
        Event::Disconnected => {
            link.send_modify(|link| *link = Link::Down(link.connections()));
            tracing::warn!("disconnected from the broker");
        }
        Event::Closed => {
            link.send_replace(Link::Closed);
        }
        Event::ServerError(ServerError::Other(text)) => match violation::parse(text) {
            Some(violation) => {
                // No receiver means that nobody waits for an outcome just now.
                let _ = violations.send(violation);
            }
            None => tracing::warn!(error = %text, "the broker reports an error"),
        },
        Event::SlowConsumer(id) => tracing::warn!(id, "a subscription is not read fast enough; messages were lost"),
        // Each failed attempt to come back; that we are away has been said.
        Event::ClientError(error) => tracing::debug!(%error, "no connection to the broker"),
        Event::Draining => tracing::debug!("draining the connection to the broker"),
        other => tracing::info!(event = %other, "connection to the broker"),
    }
}

#[cfg(test)]
mod tests {
    use relais_domain::memory;

    use super::*;

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
