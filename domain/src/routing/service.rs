//! A router that runs on a bus.

use std::{collections::VecDeque, future::poll_fn, panic::AssertUnwindSafe, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either, join_all, select},
    stream::FuturesUnordered,
};
use tokio::sync::watch;

use super::{
    Answer, Fault, Refusal, Request, RouteError, RouteStats, Router, StatsSnapshot, admission::admit, router::Route,
    stats::count,
};
use crate::{
    identity::ServiceName,
    message::Message,
    ports::{Bus, BusError, Clock, Delivery, Spawner, Subscription},
    subject::Pattern,
};

/// How a service runs its routes.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// Its name and its queue group: of several instances with one name each message reaches one.
    pub name: ServiceName,
    /// Handlers in flight at once, a route.
    pub handlers: usize,
    /// Messages waiting for one of these, a route; beyond, callers get a 503 at once.
    pub line: usize,
    /// How long a handler may take.
    pub timeout: Duration,
}

impl ServiceOptions {
    /// 64 handlers in flight and 1 024 messages waiting a route, 5 s a handler.
    #[must_use]
    pub fn new(name: ServiceName) -> Self {
        Self { name, handlers: 64, line: 1_024, timeout: Duration::from_secs(5) }
    }
}

/// A router that runs on a bus. Dropping it ends it at once; [`Service::drain`] ends it well.
pub struct Service {
    clock: Arc<dyn Clock>,
    phase: watch::Sender<Phase>,
    routes: Vec<(Arc<Pattern>, Arc<RouteStats>)>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Phase {
    Running,
    Draining,
    GivingUp,
}

impl Service {
    /// Subscribes every route and runs it in a task of its own. When this returns, requests are answered.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        router: Router,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        spawner: &dyn Spawner,
        options: ServiceOptions,
    ) -> Result<Self, StartError> {
        let routes = router.into_routes().map_err(StartError::Routes)?;
        let subscribe = |route: Route| {
            let subscribed = bus.subscribe(route.pattern.filter().clone(), Some(options.name.to_string()));
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
        let mut service = Self { clock: Arc::clone(&clock), phase, routes: Vec::new(), ends: Vec::new() };
        let options = Arc::new(options);
        for (route, subscription) in subscribed {
            let stats = Arc::new(RouteStats::default());
            service.routes.push((Arc::clone(&route.pattern), Arc::clone(&stats)));
            let worker = Worker {
                route,
                bus: Arc::clone(&bus),
                clock: Arc::clone(&clock),
                options: Arc::clone(&options),
                stats,
                phase: service.phase.subscribe(),
            };
            service.ends.push(spawner.spawn(worker.run(subscription).boxed()));
        }
        Ok(service)
    }

    /// The counters of each route, by its pattern.
    #[must_use]
    pub fn stats(&self) -> Vec<(String, StatsSnapshot)> {
        self.routes.iter().map(|(pattern, stats)| (pattern.to_string(), stats.snapshot())).collect()
    }

    /// Takes no more messages, lets those that were taken be handled and answered, and gives up what is not done within
    /// `patience`. A repeat does nothing.
    pub async fn drain(&mut self, patience: Duration) -> DrainReport {
        self.phase.send_replace(Phase::Draining);
        let deadline = self.clock.now().saturating_add(jiff::SignedDuration::try_from(patience).unwrap_or_default());
        let expiry = self.clock.sleep_until(deadline.unwrap_or(jiff::Timestamp::MAX));
        let ends = join_all(std::mem::take(&mut self.ends));
        let given_up = match select(ends, expiry).await {
            Either::Left(_) => false,
            Either::Right(((), ends)) => {
                self.phase.send_replace(Phase::GivingUp);
                ends.await;
                true
            }
        };
        let left = |(pattern, stats): &(Arc<Pattern>, Arc<RouteStats>)| {
            let left = stats.left_behind();
            (given_up && left > 0).then(|| (pattern.to_string(), left))
        };
        DrainReport { given_up: self.routes.iter().filter_map(left).collect() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::GivingUp);
    }
}

/// What runs one route: reads its subscription, keeps at most so many handlers in flight, polls them in place.
struct Worker {
    route: Route,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    options: Arc<ServiceOptions>,
    stats: Arc<RouteStats>,
    phase: watch::Receiver<Phase>,
}

enum Event {
    Phase(Phase),
    Arrived(Delivery),
    Ended,
    Done,
    Idle,
}

impl Worker {
    async fn run(self, mut subscription: Subscription) {
        let mut running = FuturesUnordered::new();
        let mut line = VecDeque::new();
        let mut open = true;
        let phase = self.phase.clone();
        let mut changed = Box::pin(next_phase(phase.clone(), Phase::Running));
        loop {
            let event = poll_fn(|context| {
                if let Poll::Ready(phase) = changed.as_mut().poll_unpin(context) {
                    return Poll::Ready(Event::Phase(phase));
                }
                if let Poll::Ready(Some(())) = running.poll_next_unpin(context) {
                    return Poll::Ready(Event::Done);
                }
                if open {
                    return subscription
                        .as_mut()
                        .poll_next(context)
                        .map(|arrived| arrived.map_or(Event::Ended, Event::Arrived));
                }
                if running.is_empty() { Poll::Ready(Event::Idle) } else { Poll::Pending }
            })
            .await;
            match event {
                Event::Phase(Phase::GivingUp) => {
                    self.stats.set_left_behind(running.len() + line.len());
                    return;
                }
                Event::Phase(now) => {
                    if let Err(error) = subscription.as_mut().drain().await {
                        tracing::warn!(route = %self.route.pattern, %error, "the subscription could not be drained");
                        open = false;
                    }
                    changed = Box::pin(next_phase(phase.clone(), now));
                }
                Event::Arrived(delivery) => self.arrived(delivery, &mut running, &mut line).await,
                Event::Ended => open = false,
                Event::Done => {
                    if let Some(next) = line.pop_front() {
                        running.push(self.handle(next));
                    }
                }
                Event::Idle => return,
            }
        }
    }

    async fn arrived<'a>(
        &'a self,
        delivery: Delivery,
        running: &mut FuturesUnordered<BoxFuture<'a, ()>>,
        line: &mut VecDeque<Request>,
    ) {
        let request = match self.admit(delivery) {
            Ok(request) => request,
            Err(refusal) => {
                count(&self.stats.refused);
                tracing::debug!(route = %self.route.pattern, %refusal, "message refused");
                return;
            }
        };
        if running.len() < self.options.handlers {
            running.push(self.handle(request));
        } else if line.len() < self.options.line {
            line.push_back(request);
        } else {
            count(&self.stats.overloads);
            let words = "too many messages are waiting on this route; try again in a moment";
            self.answer(&request, Answer::Fault(Fault::unavailable(words))).await;
        }
    }

    fn admit(&self, delivery: Delivery) -> Result<Request, Refusal> {
        let message = delivery?;
        let caller = admit(&message, &self.route.pattern)?;
        Ok(Request::new(message, Arc::clone(&self.route.pattern), caller, Arc::clone(&self.bus)))
    }

    fn handle(&self, request: Request) -> BoxFuture<'_, ()> {
        async move {
            // The handler's own code runs inside the guard, its first line too.
            let handler = AssertUnwindSafe(async { (self.route.handler)(request.clone()).await }).catch_unwind();
            let limit = jiff::SignedDuration::try_from(self.options.timeout).unwrap_or(jiff::SignedDuration::MAX);
            let deadline = self.clock.now().saturating_add(limit).unwrap_or(jiff::Timestamp::MAX);
            let expiry = self.clock.sleep_until(deadline);
            futures_util::pin_mut!(handler);
            let answer = match select(handler, expiry).await {
                Either::Left((Ok(answer), _)) => {
                    count(&self.stats.handled);
                    answer
                }
                Either::Left((Err(panic), _)) => {
                    count(&self.stats.panics);
                    tracing::error!(route = %self.route.pattern, panic = panic_words(&*panic), "handler panicked");
                    Answer::Fault(Fault::internal("the handler failed"))
                }
                Either::Right(_) => {
                    count(&self.stats.timeouts);
                    tracing::warn!(route = %self.route.pattern, limit = ?self.options.timeout, "handler took too long");
                    Answer::Fault(Fault::new(504, "the handler took too long"))
                }
            };
            self.answer(&request, answer).await;
        }
        .boxed()
    }

    async fn answer(&self, request: &Request, answer: Answer) {
        if matches!(answer, Answer::Fault(_)) {
            count(&self.stats.faults);
        }
        let by_hand = match &answer {
            // A handler that answers by hand has nothing more to say, unless it failed before its first word.
            Answer::Empty => request.is_by_hand(),
            Answer::Fault(_) => request.is_answered(),
            Answer::Payload(_) => false,
        };
        if by_hand {
            return;
        }
        let Some(reply) = request.message().reply.clone() else {
            if let Answer::Fault(fault) = &answer {
                tracing::debug!(route = %self.route.pattern, %fault, "nobody awaits this fault");
            }
            count(&self.stats.unanswered);
            return;
        };
        let message = match answer {
            Answer::Empty => Message::new(reply, Bytes::new()),
            Answer::Payload(payload) => Message::new(reply, payload),
            Answer::Fault(fault) => Message { headers: fault.to_headers(), ..Message::new(reply, Bytes::new()) },
        };
        match self.bus.publish(message).await {
            Ok(()) => {}
            Err(BusError::TooLarge { size, limit }) => {
                count(&self.stats.unsent);
                let words = format!("the answer has {size} bytes, the broker takes {limit}");
                let reply = request.message().reply.clone().expect("an answer was being sent to it");
                let fault =
                    Message { headers: Fault::internal(words).to_headers(), ..Message::new(reply, Bytes::new()) };
                let _ = self.bus.publish(fault).await;
            }
            Err(error) => {
                count(&self.stats.unsent);
                tracing::warn!(route = %self.route.pattern, %error, "an answer could not be sent");
            }
        }
    }
}

/// The first phase after `known`; for ever when the service is gone without one.
async fn next_phase(mut phase: watch::Receiver<Phase>, known: Phase) -> Phase {
    match phase.wait_for(|now| *now > known).await {
        Ok(now) => *now,
        Err(_) => Phase::GivingUp,
    }
}

fn panic_words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no words)")
}
