//! Requests to JetStream's API, which is JSON over core NATS.

use std::time::Duration;

use relais_domain::{
    message::Message,
    ports::{Bus, BusError},
};
use serde::Deserialize;
use serde_json::Value;

/// What JetStream says when it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{description} (JetStream error {err_code})")]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) err_code: u32,
    #[serde(default)]
    pub(super) description: String,
}

/// There is no such stream.
pub(super) const NO_STREAM: u32 = 10_059;
/// A stream of that name is there, with another configuration.
pub(super) const ANOTHER_STREAM: u32 = 10_058;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// JetStream says no.
    #[error(transparent)]
    Refused(Refusal),
    /// The broker is there, JetStream is not.
    #[error("JetStream does not answer: is it on, in the broker and in the account?")]
    Silent(#[source] BusError),
    /// Anything else that keeps an answer away.
    #[error(transparent)]
    Bus(BusError),
    /// What came is no answer of JetStream.
    #[error("the answer to {0} is none of JetStream's")]
    Odd(String),
}

impl From<BusError> for ApiError {
    fn from(error: BusError) -> Self {
        match error {
            BusError::NoResponders { .. } | BusError::Timeout { .. } => Self::Silent(error),
            error => Self::Bus(error),
        }
    }
}

/// What stands in every answer.
#[derive(Deserialize)]
struct Answer {
    error: Option<Refusal>,
}

/// What JetStream says in `payload`: nothing, or that it refuses.
pub(super) fn verdict(payload: &[u8]) -> Result<(), ApiError> {
    let odd = |_| ApiError::Odd(String::from_utf8_lossy(&payload[..payload.len().min(60)]).into_owned());
    let answer: Answer = serde_json::from_slice(payload).map_err(odd)?;
    answer.error.map_or(Ok(()), |refusal| Err(ApiError::Refused(refusal)))
}

/// How long one request is waited for. A cluster that has just begun has no leader yet, and answers nobody.
const ONCE: Duration = Duration::from_secs(3);

/// Asks `$JS.API.{verb}.{stream}`, which does no harm when it is done twice, until there is an answer or `patience` has ended.
pub(super) async fn insist(
    bus: &dyn Bus,
    verb: &str,
    stream: &str,
    body: String,
    patience: Duration,
) -> Result<Value, ApiError> {
    let mut left = patience;
    loop {
        let once = left.min(ONCE);
        left -= once;
        match ask(bus, verb, stream, body.clone(), once).await {
            Err(ApiError::Silent(BusError::Timeout { .. })) if !left.is_zero() => {}
            came => return came,
        }
    }
}

/// Asks `$JS.API.{verb}.{stream}`.
pub(super) async fn ask(
    bus: &dyn Bus,
    verb: &str,
    stream: &str,
    body: String,
    patience: Duration,
) -> Result<Value, ApiError> {
    let subject = format!("$JS.API.{verb}.{stream}");
    let to = subject.parse().expect("the names of streams are made of service names, which are tokens");
    let answer = bus.request(Message::new(to, body), patience).await?;
    verdict(&answer.payload)?;
    serde_json::from_slice(&answer.payload).map_err(|_| ApiError::Odd(subject))
}

/// What the stream is like; `None` when there is none.
pub(super) async fn config(bus: &dyn Bus, stream: &str, patience: Duration) -> Result<Option<Value>, ApiError> {
    match insist(bus, "STREAM.INFO", stream, String::new(), patience).await {
        Ok(mut info) => Ok(Some(info["config"].take())),
        Err(ApiError::Refused(Refusal { err_code: NO_STREAM, .. })) => Ok(None),
        Err(error) => Err(error),
    }
}
