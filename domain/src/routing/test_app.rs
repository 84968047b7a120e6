//! A router that runs without a server, for tests.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Complete, DrainReport, Metrics, Service, ServiceOptions, ServicePorts, StartError, StatsSnapshot};
use crate::{
    client::{Client, ClientError},
    memory,
    message::Message,
    ports::{Bus, BusError, Subscription},
    subject::Filter,
};

/// A router that runs without a server: the real routes, layers and limits on a broker in memory, with a clock that is
/// moved by hand. Everything that happens, happens within the calls of a test, in the same order every time.
///
/// ```
/// use std::time::Duration;
/// use relais_domain::routing::{CurrentUser, Payload, Router, TestApp, ToUser};
///
/// async fn greet(Payload(name): Payload, user: CurrentUser, to: ToUser) -> Vec<u8> {
///     let _ = to.bytes(user.id(), "greeted", name.clone()).await;
///     [b"hello ", &name[..]].concat()
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let app = TestApp::start(Router::new().subscribe("from.{user}.greet", greet)).await?;
/// assert_eq!(app.request_bytes("ada", "greet", "you").await.unwrap(), "hello you");
/// assert_eq!(app.sent("to.ada.>")[0].payload, "you");
/// # Ok::<(), relais_domain::routing::StartError>(())
/// # }).unwrap();
/// ```
///
/// # Panics
/// Where a test names a user, subject or filter that is none.
pub struct TestApp {
    bus: Recorded,
    clock: memory::Clock,
    spawner: memory::Spawner,
    service: Mutex<Option<Service>>,
}

/// A connection to the bus in memory that keeps a copy of everything sent through it.
#[derive(Clone)]
struct Recorded {
    bus: memory::Bus,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Recorded {
    fn connect(&self) -> Self {
        Self { bus: self.bus.connect(), seen: Arc::clone(&self.seen) }
    }

    fn keep(&self, message: &Message) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
    }
}

#[async_trait]
impl Bus for Recorded {
    async fn publish(&self, message: Message) -> Result<(), BusError> {
        self.keep(&message);
        self.bus.publish(message).await
    }

    async fn publish_confirmed(&self, message: Message) -> Result<(), BusError> {
        self.keep(&message);
        self.bus.publish_confirmed(message).await
    }

    async fn request_many(&self, message: Message) -> Result<Subscription, BusError> {
        self.keep(&message);
        self.bus.request_many(message).await
    }

    async fn request(&self, message: Message, timeout: Duration) -> Result<Message, BusError> {
        self.keep(&message);
        self.bus.request(message, timeout).await
    }

    async fn subscribe(&self, filter: Filter, queue: Option<String>) -> Result<Subscription, BusError> {
        self.bus.subscribe(filter, queue).await
    }

    async fn flush(&self) -> Result<(), BusError> {
        self.bus.flush().await
    }

    async fn drain(&self) -> Result<(), BusError> {
        self.bus.drain().await
    }
}

impl TestApp {
    /// Runs `router` as the service `app`.
    ///
    /// # Errors
    /// [`StartError`]: every mistake in the router.
    pub async fn start(router: impl Complete) -> Result<Self, StartError> {
        Self::start_with(router, ServiceOptions::new("app".parse().expect("a fixed name"))).await
    }

    /// Runs `router` with other limits than a service has by default.
    ///
    /// # Errors
    /// [`StartError`]: every mistake in the router.
    pub async fn start_with(router: impl Complete, options: ServiceOptions) -> Result<Self, StartError> {
        let (clock, spawner) = (memory::Clock::default(), memory::Spawner::default());
        let bus = Recorded { bus: memory::Bus::new(Arc::new(clock.clone())), seen: Arc::default() };
        let ports = ServicePorts { bus: Arc::new(bus.connect()), ..memory::service_ports(&bus.bus, &clock) };
        let service = Service::start(router, ports, &spawner, options).await?;
        Ok(Self { bus, clock, spawner, service: Mutex::new(Some(service)) })
    }

    /// Asks as `user`, on `from.{user}.{subject}`, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError`], as a real client gets it: the fault, nobody there, …. The clock stands still, so a request that
    /// nobody answers waits until the test moves it.
    pub async fn request<Q, A>(&self, user: &str, subject: &str, message: &Q) -> Result<A, ClientError>
    where
        Q: prost::Message,
        A: prost::Message + Default,
    {
        self.drive(self.client(user).request(subject, message)).await
    }

    /// As [`TestApp::request`], with bytes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn request_bytes(
        &self,
        user: &str,
        subject: &str,
        payload: impl Into<Bytes> + Send,
    ) -> Result<Bytes, ClientError> {
        self.drive(self.client(user).request_bytes(subject, payload)).await
    }

    /// Publishes as `user`, on `from.{user}.{subject}`, and lets the app do with it what it can.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn publish<T: prost::Message>(&self, user: &str, subject: &str, message: &T) -> Result<(), ClientError> {
        self.drive(self.client(user).publish(subject, message)).await?;
        self.settle().await;
        Ok(())
    }

    /// Publishes any message at all, as somebody might who is no honest client, and lets the app do with it what it can.
    pub async fn publish_raw(&self, message: Message) {
        self.bus.publish(message).await.expect("a bus in memory takes every message");
        self.settle().await;
    }

    /// As [`TestApp::publish_raw`], without letting the app run.
    #[cfg(test)]
    pub(super) async fn publish_unsettled(&self, message: Message) {
        self.bus.publish(message).await.expect("a bus in memory takes every message");
    }

    /// Listens to `filter` as somebody who may hear everything, another service for instance.
    pub async fn subscribe(&self, filter: &str) -> Subscription {
        let filter = filter.parse().expect("a filter");
        self.bus.subscribe(filter, None).await.expect("a bus in memory takes every subscription")
    }

    /// A client of `user`. What waits for the app must be driven ([`TestApp::drive`]).
    #[must_use]
    pub fn client(&self, user: &str) -> Client {
        let client = Client::new(Arc::new(self.bus.connect()), user.parse().expect("a user id"));
        client.with_clock(Arc::new(self.clock.clone()))
    }

    /// Waits for `future` while the app runs.
    pub async fn drive<F: Future>(&self, future: F) -> F::Output {
        self.spawner.drive(future).await
    }

    /// Lets the app run until it can do no more by itself.
    pub async fn settle(&self) {
        self.spawner.settle().await;
    }

    /// Moves the clock, and lets the app run.
    pub async fn advance(&self, step: Duration) {
        self.settle().await;
        self.clock.advance(step);
        self.settle().await;
    }

    /// Everything that has been sent to `filter` by anybody, in order: `to.ada.>` is what ada heard, `_INBOX.ada.>` the
    /// answers to her, `>` all of it.
    #[must_use]
    pub fn sent(&self, filter: &str) -> Vec<Message> {
        let filter: Filter = filter.parse().expect("a filter");
        let seen = self.bus.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|message| filter.matches(&message.subject)).cloned().collect()
    }

    /// What has been counted of the route with this pattern.
    #[must_use]
    pub fn stats(&self, pattern: &str) -> StatsSnapshot {
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        let routes = service.as_ref().map(Service::stats).unwrap_or_default();
        let route = routes.into_iter().find(|(route, _)| route.pattern == pattern);
        route.map(|(_, stats)| stats).expect("a pattern of the router")
    }

    /// What Prometheus would read of it.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        service.as_ref().map(Service::metrics).expect("the app has been started and is not being drained")
    }

    /// Drains the app, as at the end of a program; gives up what is not done within `patience`.
    pub async fn drain(&self, patience: Duration) -> DrainReport {
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut service) = service else { return DrainReport::default() };
        let report = self.drive(service.drain(patience)).await;
        *self.service.lock().unwrap_or_else(PoisonError::into_inner) = Some(service);
        report
    }
}
