//! The cache.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use relais_domain::{
    credentials::streams,
    identity::ServiceName,
    message::{Headers, Message},
    ports::{self, Bus, BusError, CacheError, CacheKey, Cause, Clock, Malformed},
    subject::Subject,
};

use super::{
    api::{self, ApiError},
    bucket::{self, Difference},
    rest::Rest,
};

/// How long the bucket may take to answer. A handler has five seconds, and may ask a few times.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long it may take when a service starts.
const PATIENCE_AT_START: Duration = Duration::from_secs(5);
/// When a value is over, in µs since 1970.
const UNTIL: &str = "Relais-Until";
/// The same for the broker, in seconds from when it got it (NATS ADR-43).
const TTL: &str = "Nats-TTL";
/// What is deleted bears this (NATS ADR-8).
const OPERATION: &str = "KV-Operation";
/// The longest the broker keeps a value.
const LONGEST: u64 = 10 * 365 * 24 * 60 * 60;

/// A cache in the bucket `{service}_cache`, which all instances of the service share.
///
/// It takes up to 64 MiB and 100 000 keys unless its bucket was made otherwise; beyond, what was put longest ago makes room.
/// One value may have just under 1 MiB, or what the broker takes in a message. When a value is over is judged by the clock of
/// who asks against that of who put it: instances whose clocks are a second apart disagree for a second.
///
/// The bucket has half a second to answer. When it does not, it is left alone for two seconds, in which calls fail at once;
/// then one call tries again. [`ports::Cache::delete`] always tries.
pub struct Cache {
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    service: ServiceName,
    limit: usize,
    rest: Rest,
}

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody has made the bucket.
    #[error("there is no bucket {bucket} in JetStream")]
    Missing {
        /// Its name.
        bucket: String,
    },
    /// A bucket of that name is there, and cannot be a cache.
    #[error(
        "the bucket {bucket} cannot be a cache: {difference}; delete it (`nats kv del {bucket}`) and have it made anew"
    )]
    Unfit {
        /// Its name.
        bucket: String,
        /// What is wrong with it.
        difference: Difference,
    },
    /// JetStream cannot be asked.
    #[error("JetStream cannot be asked for the bucket {bucket}")]
    Unavailable {
        /// Its name.
        bucket: String,
        /// Why not.
        #[source]
        source: Cause,
    },
}

/// Why the bucket did not do it.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(
        "there is no bucket {0}, or JetStream is off; `relais migrate` makes that of the application server, \
         `relais service add NAME` that of a service"
    )]
    Missing(String),
    #[error("it did not answer a moment ago; it is asked again in {} ms", .0.as_millis())]
    Resting(Duration),
    #[error(transparent)]
    Api(ApiError),
    #[error(transparent)]
    Bus(BusError),
}

impl Cache {
    /// On the bucket of `service`, which must be there (see [`super::Provisioner`]), over a connection of that service.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(bus: Arc<dyn Bus>, service: ServiceName, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let bucket = streams::cache_bucket(&service);
        match api::config(&*bus, &streams::cache(&service), PATIENCE_AT_START).await {
            Err(error) => Err(OpenError::Unavailable { bucket, source: error.into() }),
            Ok(None) => Err(OpenError::Missing { bucket }),
            Ok(Some(is)) => match bucket::unfit(&service, &is) {
                Some(difference) => Err(OpenError::Unfit { bucket, difference }),
                None => Ok(Self { bus, clock, service, limit: bucket::largest_value(&is), rest: Rest::default() }),
            },
        }
    }

    /// `$KV.{service}_cache.{key}`
    fn subject(&self, key: &CacheKey) -> String {
        format!("$KV.{}.{}", streams::cache_bucket(&self.service), key.as_str())
    }

    /// Asks, and takes note of whether there is an answer.
    async fn ask(&self, message: Message) -> Result<Message, BusError> {
        let answer = self.bus.request(message, PATIENCE).await;
        match &answer {
            Err(BusError::Timeout { .. } | BusError::Disconnected(_)) => self.rest.silent(self.clock.elapsed()),
            _ => self.rest.answered(),
        }
        answer
    }

    /// Whether now is a time to ask.
    fn may_ask(&self) -> Result<(), CacheError> {
        self.rest.may_ask(self.clock.elapsed()).map_err(|left| unavailable(Trouble::Resting(left)))
    }

    /// Writes under `key`, and reads what JetStream says to it.
    async fn write(&self, key: &CacheKey, headers: Headers, value: Bytes) -> Result<(), CacheError> {
        let size = value.len();
        let message = Message { headers, ..Message::new(parsed(self.subject(key)), value) };
        let answer = match self.ask(message).await {
            Ok(answer) => answer,
            Err(BusError::TooLarge { limit, .. }) => {
                return Err(CacheError::TooLarge { size, limit: bucket::value_in(limit) });
            }
            Err(error) => return Err(self.trouble(error)),
        };
        api::verdict(&answer.payload).map_err(|error| unavailable(Trouble::Api(error)))
    }

    fn trouble(&self, error: BusError) -> CacheError {
        unavailable(match error {
            BusError::NoResponders { .. } => Trouble::Missing(streams::cache_bucket(&self.service)),
            error => Trouble::Bus(error),
        })
    }

    /// The value in an answer, if it is one of ours and not over.
    fn value(&self, answer: Message) -> Option<Bytes> {
        if answer.headers.get(OPERATION).is_some() {
            return None;
        }
        // What another program has put there without an end is not taken for an answer of ours.
        let until: i64 = answer.headers.get(UNTIL)?.parse().ok()?;
        (self.clock.now().as_microsecond() < until).then_some(answer.payload)
    }
}

#[async_trait]
impl ports::Cache for Cache {
    async fn get(&self, key: &CacheKey) -> Result<Option<Bytes>, CacheError> {
        self.may_ask()?;
        // The last message on a subject (NATS ADR-31), told by whichever server of the cluster has it.
        let subject = format!("$JS.API.DIRECT.GET.{}.{}", streams::cache(&self.service), self.subject(key));
        match self.ask(Message::new(parsed(subject), Bytes::new())).await {
            Ok(answer) => Ok(self.value(answer)),
            Err(BusError::Malformed(Malformed::Status(404))) => Ok(None),
            Err(error) => Err(self.trouble(error)),
        }
    }

    async fn put(&self, key: &CacheKey, value: Bytes, ttl: Duration) -> Result<(), CacheError> {
        if ttl.is_zero() {
            return Err(CacheError::Ttl);
        }
        let (size, limit) = (value.len(), self.limit);
        if size > limit {
            return Err(CacheError::TooLarge { size, limit });
        }
        self.may_ask()?;
        let until = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        let until = self.clock.now().as_microsecond().saturating_add(until);
        let seconds = ttl.as_secs().saturating_add(u64::from(ttl.subsec_nanos() > 0)).min(LONGEST);
        let headers = [(UNTIL, until.to_string()), (TTL, seconds.to_string())];
        self.write(key, headers.iter().map(|(name, text)| (*name, text.as_str())).collect(), value).await
    }

    async fn delete(&self, key: &CacheKey) -> Result<(), CacheError> {
        // A marker in the place of the value, which is gone itself after a second: nothing is left of either.
        self.write(key, [(OPERATION, "DEL"), (TTL, "1")].into_iter().collect(), Bytes::new()).await
    }
}

fn unavailable(trouble: Trouble) -> CacheError {
    CacheError::Unavailable(trouble.into())
}

fn parsed(subject: String) -> Subject {
    Subject::new(subject).expect("a bucket's name and a key are tokens")
}
