//! A Router that runs on a bus which hands it what the test says, malformed messages too, and keeps what it sends.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::Stream;
use relais_domain::{
    memory,
    message::Message,
    ports::{Bus, BusError, Deliveries, Delivery, Subscription},
    routing::{Router, Service, ServiceOptions, ServicePorts, StatsSnapshot},
    subject::Filter,
};

/// A service, started once; what it counts is compared before and after each message.
pub(crate) struct App {
    line: Line,
    service: Service,
    spawner: memory::Spawner,
}

/// What became of one message.
#[derive(Debug)]
pub(crate) struct Happened {
    /// It was dropped before any handler.
    pub(crate) refused: bool,
    /// A handler had it, or told why it could not.
    pub(crate) handled: bool,
    /// A fault was told.
    pub(crate) fault: bool,
    /// What was sent.
    pub(crate) said: Vec<Message>,
}

impl App {
    pub(crate) fn start(router: Router) -> Self {
        let (line, spawner, clock) = (Line::default(), memory::Spawner::default(), memory::Clock::default());
        let ports = ServicePorts {
            bus: Arc::new(line.clone()),
            ..memory::service_ports(&memory::Bus::new(Arc::new(clock.clone())), &clock)
        };
        let options = ServiceOptions::new("fuzz".parse().expect("a name"));
        let service = run(Service::start(router, ports, &spawner, options)).expect("a router without mistakes");
        run(spawner.settle());
        Self { line, service, spawner }
    }

    /// Hands a message to the route of this pattern.
    pub(crate) fn hand(&mut self, pattern: &str, delivery: Delivery) -> Happened {
        let before = self.counted(pattern);
        self.line.hand(pattern, delivery);
        run(self.spawner.settle());
        let after = self.counted(pattern);
        assert_eq!((after.in_flight, after.waiting), (0, 0), "no handler here waits for anything");
        assert_eq!((after.panics, after.timeouts, after.overloads, after.unsent), (0, 0, 0, 0));
        let rose = |of: fn(&StatsSnapshot) -> u64| {
            let by = of(&after) - of(&before);
            assert!(by <= 1, "one message is counted once");
            by == 1
        };
        let happened = Happened {
            refused: rose(|stats| stats.refused),
            handled: rose(|stats| stats.handled),
            fault: rose(|stats| stats.faults),
            said: self.line.said(),
        };
        assert_ne!(happened.refused, happened.handled, "every message is one or the other: {happened:?}");
        happened
    }

    fn counted(&self, pattern: &str) -> StatsSnapshot {
        let all = self.service.stats();
        all.into_iter().find(|(route, _)| route.pattern == pattern).expect("a route of the router").1
    }
}

/// Runs what waits for nothing from outside.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

#[derive(Clone, Default)]
struct Line(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    heard: BTreeMap<String, Heard>,
    said: Vec<Message>,
}

#[derive(Default)]
struct Heard {
    waiting: VecDeque<Delivery>,
    waker: Option<Waker>,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it is held")
    }

    fn hand(&self, pattern: &str, delivery: Delivery) {
        let filter = pattern.parse::<relais_domain::subject::Pattern>().expect("a pattern").filter().to_string();
        let waker = {
            let mut state = self.lock();
            let heard = state.heard.get_mut(&filter).expect("the route listens");
            heard.waiting.push_back(delivery);
            heard.waker.take()
        };
        waker.expect("the route waits for a message").wake();
    }

    fn said(&self) -> Vec<Message> {
        std::mem::take(&mut self.lock().said)
    }
}

struct Listening {
    line: Line,
    filter: String,
}

impl Stream for Listening {
    type Item = Delivery;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let mut state = self.line.lock();
        let heard = state.heard.get_mut(&self.filter).expect("it was made with the subscription");
        match heard.waiting.pop_front() {
            Some(delivery) => Poll::Ready(Some(delivery)),
            None => {
                heard.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[async_trait]
impl Deliveries for Listening {
    async fn drain(self: Pin<&mut Self>) -> Result<(), BusError> {
        Ok(())
    }
}

#[async_trait]
impl Bus for Line {
    async fn publish(&self, message: Message) -> Result<(), BusError> {
        self.lock().said.push(message);
        Ok(())
    }

    async fn publish_confirmed(&self, message: Message) -> Result<(), BusError> {
        self.publish(message).await
    }

    async fn request(&self, _: Message, _: Duration) -> Result<Message, BusError> {
        Err(BusError::Closed)
    }

    async fn request_many(&self, _: Message) -> Result<Subscription, BusError> {
        Err(BusError::Closed)
    }

    async fn subscribe(&self, filter: Filter, _: Option<String>) -> Result<Subscription, BusError> {
        self.lock().heard.insert(filter.to_string(), Heard::default());
        Ok(Box::pin(Listening { line: self.clone(), filter: filter.to_string() }))
    }

    async fn flush(&self) -> Result<(), BusError> {
        Ok(())
    }

    async fn drain(&self) -> Result<(), BusError> {
        Ok(())
    }
}
