//! A router that runs on a bus.

use std::{sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Either, join_all, select},
};
use tokio::sync::watch;

use super::{
    Complete, RouteDescription, RouteError, RouteStats, StatsSnapshot,
    engine::{
        plan::{Phase, Plan},
        worker::Worker,
    },
    request::RouteContext,
    router::BoundRoute,
    visible::Visible,
};
use crate::{
    cache::Cache,
    identity::ServiceName,
    ports::{Bus, BusError, Clock, Rng, Spawner},
};

/// How long a handler may take unless told otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// How a service runs its routes.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// Its name and its queue group: of several instances with one name each message reaches one.
    pub name: ServiceName,
    /// Its version, as in semver (NATS ADR-32).
    pub version: String,
    /// What it is for, in words.
    pub about: String,
    /// Handlers in flight at once, a route.
    pub handlers: usize,
    /// Messages waiting for one of these, a route; beyond, callers get a 503 at once.
    pub line: usize,
    /// Bytes of these messages, a route.
    pub line_bytes: usize,
    /// How long a handler may take.
    pub timeout: Duration,
}

/// What a service needs from outside, and handlers through it.
#[derive(Clone)]
pub struct ServicePorts {
    /// The broker.
    pub bus: Arc<dyn Bus>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// What handlers keep for a while.
    pub cache: Cache,
}

impl ServiceOptions {
    /// 64 handlers in flight, 1 024 messages of 32 MiB waiting a route, 5 s a handler.
    #[must_use]
    pub fn new(name: ServiceName) -> Self {
        Self {
            name,
            version: "0.0.0".to_owned(),
            about: String::new(),
            handlers: 64,
            line: 1_024,
            line_bytes: 32 * 1024 * 1024,
            timeout: TIMEOUT,
        }
    }
}

/// A router that runs on a bus. Dropping it ends it at once; [`Service::drain`] ends it well.
pub struct Service {
    clock: Arc<dyn Clock>,
    phase: watch::Sender<Phase>,
    pub(super) name: ServiceName,
    pub(super) routes: Vec<(RouteDescription, Arc<RouteStats>)>,
    ends: Vec<BoxFuture<'static, ()>>,
}

/// Why a service did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The router has mistakes.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Routes(Vec<RouteError>),
    /// A route could not be subscribed to.
    #[error("the route {pattern} cannot be listened to")]
    Subscribe {
        /// The route.
        pattern: String,
        /// Why.
        #[source]
        source: BusError,
    },
}

/// What a drain left behind: messages taken from the broker that were given up at the deadline. Empty is good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Pattern, and how many.
    pub given_up: Vec<(String, usize)>,
}

impl Service {
    /// Subscribes every route and runs it in a task of its own. When this returns, requests are answered, and the service
    /// is seen by `nats micro` (NATS ADR-32).
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        router: impl Complete,
        ports: ServicePorts,
        spawner: &dyn Spawner,
        options: ServiceOptions,
    ) -> Result<Self, StartError> {
        let routes = router.complete().into_routes().map_err(StartError::Routes)?;
        let subscribe = |route: BoundRoute| {
            let queue = (!route.settings.broadcast).then(|| options.name.to_string());
            let subscribed = ports.bus.subscribe(route.pattern.filter().clone(), queue);
            let pattern = route.pattern.to_string();
            async move {
                match subscribed.await {
                    Ok(subscription) => Ok((route, subscription)),
                    Err(source) => Err(StartError::Subscribe { pattern, source }),
                }
            }
        };
        let subscribed: Vec<_> =
            join_all(routes.into_iter().map(subscribe)).await.into_iter().collect::<Result<_, _>>()?;
        let phase = watch::Sender::new(Phase::Running);
        let (clock, name) = (Arc::clone(&ports.clock), options.name.clone());
        let mut service = Self { clock, phase, name, routes: Vec::new(), ends: Vec::new() };
        for (route, subscription) in subscribed {
            let stats = Arc::new(RouteStats::default());
            let context = Arc::new(RouteContext { pattern: Arc::clone(&route.pattern), ports: ports.clone() });
            service.routes.push((route.description.clone(), Arc::clone(&stats)));
            let worker = Worker::new(Plan::new(route, &options), context, stats, service.phase.subscribe());
            service.ends.push(spawner.spawn(worker.run(subscription).boxed()));
        }
        let visible = Visible::new(&options, &ports, service.routes.clone());
        let seen = visible.listen(service.phase.subscribe()).await;
        service.ends.push(spawner.spawn(seen));
        Ok(service)
    }

    /// The counters of each route.
    #[must_use]
    pub fn stats(&self) -> Vec<(RouteDescription, StatsSnapshot)> {
        self.routes.iter().map(|(route, stats)| (route.clone(), stats.snapshot())).collect()
    }

    /// Takes no more messages, lets those that were taken be handled and answered, and gives up what is not done within
    /// `patience`. A repeat does nothing.
    pub async fn drain(&mut self, patience: Duration) -> DrainReport {
        self.phase.send_replace(Phase::Draining);
        let expiry = self.clock.sleep(patience);
        let ends = join_all(std::mem::take(&mut self.ends));
        let given_up = match select(ends, expiry).await {
            Either::Left(_) => false,
            Either::Right(((), ends)) => {
                self.phase.send_replace(Phase::GivingUp);
                ends.await;
                true
            }
        };
        let left = |(route, stats): &(RouteDescription, Arc<RouteStats>)| {
            let left = stats.left_behind();
            (given_up && left > 0).then(|| (route.pattern.clone(), left))
        };
        DrainReport { given_up: self.routes.iter().filter_map(left).collect() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::GivingUp);
    }
}
