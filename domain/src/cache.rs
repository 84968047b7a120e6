//! Answers that are computed once and kept for a while.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    ports::{self, CacheError, CacheKey},
    routing::Fault,
};

/// A cache as handlers use it: finds a value, or computes it once and keeps it.
///
/// Of many who want the same absent value at a time, one computes it and the others wait for it (in one instance of the
/// service; two instances may each compute it once). A computation that fails is told to who asked for it, and the next one
/// who waits computes again. A cache that cannot be reached costs computations, and never a request. Cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use relais_domain::{cache::Cache, routing::{CurrentUser, Fault, Router}};
///
/// async fn price(user: CurrentUser, cache: Cache) -> Result<Vec<u8>, Fault> {
///     let key = ["price", user.id().as_str()];
///     let price = cache.bytes(key, Duration::from_secs(5), || async { Ok::<_, Fault>("3 coins") }).await?;
///     Ok(price.to_vec())
/// }
/// let router: Router = Router::new().subscribe("from.{user}.price", price);
/// ```
#[derive(Clone)]
pub struct Cache {
    port: Arc<dyn ports::Cache>,
    flights: Arc<Flights>,
    /// Whether the last that was heard of it is that it cannot be reached.
    away: Arc<AtomicBool>,
}

/// The values that are being computed, each with those who wait for it.
#[derive(Default)]
struct Flights(Mutex<BTreeMap<CacheKey, watch::Receiver<Option<Bytes>>>>);

/// One who computes. When it is gone, with a value or without, those who wait look again.
struct Computing<'a> {
    flights: &'a Flights,
    key: CacheKey,
    told: watch::Sender<Option<Bytes>>,
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<CacheKey, watch::Receiver<Option<Bytes>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the part of who computes, or that of who waits.
    fn join(&self, key: &CacheKey) -> Result<Computing<'_>, watch::Receiver<Option<Bytes>>> {
        let mut flights = self.lock();
        if let Some(flight) = flights.get(key) {
            return Err(flight.clone());
        }
        let (told, flight) = watch::channel(None);
        flights.insert(key.clone(), flight);
        Ok(Computing { flights: self, key: key.clone(), told })
    }
}

impl Drop for Computing<'_> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

impl Cache {
    /// On a cache of any kind.
    #[must_use]
    pub fn new(port: Arc<dyn ports::Cache>) -> Self {
        Self { port, flights: Arc::default(), away: Arc::default() }
    }

    /// The bytes under the key of these parts; absent, those that `compute` gives, which are then kept for `ttl`.
    ///
    /// # Errors
    /// Those of `compute`, and a fault 500 when `ttl` is zero or the value is larger than the cache takes.
    pub async fn bytes<P, V, E, F, Fut>(
        &self,
        key: impl IntoIterator<Item = P>,
        ttl: Duration,
        compute: F,
    ) -> Result<Bytes, Fault>
    where
        P: AsRef<[u8]>,
        V: Into<Bytes>,
        E: Into<Fault>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, E>>,
    {
        if ttl.is_zero() {
            return Err(told(&CacheError::Ttl));
        }
        let key = CacheKey::of(key);
        loop {
            if let Some(found) = self.find(&key).await {
                return Ok(found);
            }
            let computing = match self.flights.join(&key) {
                Ok(computing) => computing,
                Err(mut flight) => {
                    // An error says that whoever computed it is gone without a value.
                    match flight.wait_for(Option::is_some).await.map(|value| value.clone()) {
                        Ok(Some(value)) => return Ok(value),
                        _ => continue,
                    }
                }
            };
            // It may have been put there between the look and now.
            if let Some(found) = self.find(&key).await {
                return Ok(found);
            }
            let value: Bytes = compute().await.map_err(Into::into)?.into();
            match self.port.put(&key, value.clone(), ttl).await {
                Ok(()) => self.reached(),
                Err(error @ CacheError::Unavailable(_)) => self.missed(&error),
                Err(error) => return Err(told(&error)),
            }
            computing.told.send_replace(Some(value.clone()));
            return Ok(value);
        }
    }

    /// As [`Cache::bytes`], for a protobuf message.
    ///
    /// # Errors
    /// As [`Cache::bytes`].
    pub async fn message<P, T, E, F, Fut>(
        &self,
        key: impl IntoIterator<Item = P>,
        ttl: Duration,
        compute: F,
    ) -> Result<T, Fault>
    where
        P: AsRef<[u8]>,
        T: prost::Message + Default,
        E: Into<Fault>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let encoded = async || Ok::<_, Fault>(compute().await.map_err(Into::into)?.encode_to_vec());
        let bytes = self.bytes(key, ttl, encoded).await?;
        T::decode(bytes).map_err(|_| Fault::internal("what is kept under this key is another message"))
    }

    /// Forgets what is kept under the key of these parts.
    ///
    /// # Errors
    /// A fault 503 when the cache cannot be reached: then it may still be found.
    pub async fn forget<P: AsRef<[u8]>>(&self, key: impl IntoIterator<Item = P>) -> Result<(), Fault> {
        self.port.delete(&CacheKey::of(key)).await.map_err(|error| told(&error))
    }

    async fn find(&self, key: &CacheKey) -> Option<Bytes> {
        match self.port.get(key).await {
            Ok(found) => {
                self.reached();
                found
            }
            Err(error) => {
                self.missed(&error);
                None
            }
        }
    }

    fn reached(&self) {
        if self.away.load(Ordering::Relaxed) && self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the cache is back");
        }
    }

    /// Says it once, not with every request.
    fn missed(&self, error: &CacheError) {
        let error = error as &dyn std::error::Error;
        if self.away.swap(true, Ordering::Relaxed) {
            tracing::debug!(error, "the cache is still away");
        } else {
            tracing::warn!(error, "the cache is away: what it should keep is computed each time");
        }
    }
}

fn told(error: &CacheError) -> Fault {
    match error {
        CacheError::Unavailable(_) => Fault::unavailable(error.to_string()),
        CacheError::Ttl | CacheError::TooLarge { .. } => Fault::internal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::{FutureExt, future::join_all};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{memory, ports::MockCache};

    const SECOND: Duration = Duration::from_secs(1);

    fn in_memory() -> (memory::Clock, Cache) {
        let clock = memory::Clock::default();
        let port = memory::Cache::with_defaults(Arc::new(clock.clone()));
        (clock, Cache::new(Arc::new(port)))
    }

    #[tokio::test]
    async fn a_stampede_computes_once() {
        let (clock, cache) = in_memory();
        let (computed, gate) = (AtomicUsize::new(0), Semaphore::new(0));
        let ask = || {
            cache.bytes(["key"], SECOND, || async {
                let number = computed.fetch_add(1, Ordering::Relaxed) + 1;
                gate.acquire().await.unwrap().forget();
                Ok::<_, Fault>(number.to_string())
            })
        };
        let asked = join_all((0..1_000).map(|_| ask()));
        let opened = async { gate.add_permits(1) };
        let (answers, ()) = futures_util::future::join(asked, opened).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap() == "1"));
        assert_eq!(ask().await.unwrap(), "1");
        clock.advance(SECOND);
        gate.add_permits(1);
        assert_eq!(ask().await.unwrap(), "2", "after its time it is computed anew");
        assert!(cache.flights.lock().is_empty());
    }

    #[tokio::test]
    async fn a_computation_that_fails_or_is_given_up_is_taken_over() {
        let (_, cache) = in_memory();
        let never = cache.bytes(["key"], SECOND, std::future::pending::<Result<Bytes, Fault>>);
        let mut never = Box::pin(never);
        assert!((&mut never).now_or_never().is_none());
        let mut waits = Box::pin(cache.bytes(["key"], SECOND, || async { Err::<Bytes, _>(Fault::conflict("no")) }));
        assert!((&mut waits).now_or_never().is_none(), "it waits for the first");
        let mut last = Box::pin(cache.bytes(["key"], SECOND, || async { Ok::<_, Fault>("fine") }));
        assert!((&mut last).now_or_never().is_none());
        drop(never);
        assert_eq!(waits.await, Err(Fault::conflict("no")), "its own failure is told to it, and not kept");
        assert_eq!(last.await.unwrap(), "fine");
    }

    #[tokio::test]
    async fn a_cache_that_is_away_costs_no_request() {
        let away = || CacheError::Unavailable("away".into());
        let mut port = MockCache::new();
        port.expect_get().returning(move |_| Err(away()));
        port.expect_put().returning(move |_, _, _| Err(away()));
        let cache = Cache::new(Arc::new(port));
        assert_eq!(cache.bytes(["key"], SECOND, || async { Ok::<_, Fault>("fine") }).await.unwrap(), "fine");
    }

    #[tokio::test]
    async fn no_time_to_live_is_an_error_before_anything_is_computed() {
        let (_, cache) = in_memory();
        let zero =
            cache.bytes(["key"], Duration::ZERO, || async { panic!("must not run") as Result<Bytes, Fault> }).await;
        assert_eq!(zero.unwrap_err().code(), 500);
    }

    #[tokio::test]
    async fn messages_are_kept_and_forgotten() {
        #[derive(Clone, PartialEq, prost::Message)]
        struct Number {
            #[prost(uint64, tag = "1")]
            number: u64,
        }
        let (_, cache) = in_memory();
        let ask = |number| cache.message(["n"], SECOND, move || async move { Ok::<_, Fault>(Number { number }) });
        assert_eq!(ask(1).await.unwrap().number, 1);
        assert_eq!(ask(2).await.unwrap().number, 1);
        cache.forget(["n"]).await.unwrap();
        assert_eq!(ask(3).await.unwrap().number, 3);
    }
}
