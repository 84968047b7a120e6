//! What happens to a message, row by row of the table in [`super`], on the bus in memory.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all};
use tokio::sync::{Notify, Semaphore};

use super::{
    CurrentUser, DrainReport, Fault, FromRef, Message, Reply, Request, Router, Service, ServiceOptions, ServicePorts,
    StartError, State, StatsSnapshot,
};
use crate::{
    memory,
    message::{Headers, Message as Envelope},
    ports::{Bus, BusError, MockBus, Subscription},
    subject::Subject,
};

const LONG: Duration = Duration::from_secs(3_600);

#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

struct World {
    clock: memory::Clock,
    bus: memory::Bus,
    spawner: memory::Spawner,
}

impl World {
    fn new() -> Self {
        let clock = memory::Clock::default();
        Self { bus: memory::Bus::new(Arc::new(clock.clone())), clock, spawner: memory::Spawner::default() }
    }

    fn ports(&self) -> ServicePorts {
        memory::service_ports(&self.bus, &self.clock)
    }

    async fn start(&self, router: Router) -> Service {
        self.start_with(router, |_| {}).await
    }

    async fn start_with(&self, router: Router, set: impl FnOnce(&mut ServiceOptions)) -> Service {
        let mut options = ServiceOptions::new("relais".parse().unwrap());
        set(&mut options);
        Service::start(router, self.ports(), &self.spawner, options).await.unwrap()
    }

    async fn ask(&self, subject: &str, payload: impl Into<Bytes>) -> Result<Bytes, Fault> {
        let answer = self.bus.request(Envelope::new(subject.parse().unwrap(), payload), LONG).await.unwrap();
        Fault::from_headers(&answer.headers).map_or(Ok(answer.payload), Err)
    }

    async fn inbox(&self, subject: &str) -> Subscription {
        self.bus.subscribe(subject.parse().unwrap(), None).await.unwrap()
    }
}

fn of(service: &Service, pattern: &str) -> StatsSnapshot {
    service.stats().into_iter().find(|(own, _)| own.pattern == pattern).unwrap().1
}

async fn echo(Message(request): Message<Text>, user: CurrentUser) -> Message<Text> {
    Message(text(&format!("echo {} from {}", request.text, user.id())))
}

#[tokio::test]
async fn a_message_of_the_route_is_answered_to_its_caller() {
    let world = World::new();
    world
        .spawner
        .drive(async {
            let service = world.start(Router::new().subscribe("from.{user}.echo", echo)).await;
            let answer = world.ask("from.ada.echo", prost::Message::encode_to_vec(&text("hello"))).await.unwrap();
            assert_eq!(<Text as prost::Message>::decode(answer).unwrap(), text("echo hello from ada"));
            let stats = of(&service, "from.{user}.echo");
            assert_eq!((stats.handled, stats.faults, stats.times.count), (1, 0, 1));
        })
        .await;
}

#[tokio::test]
async fn what_goes_wrong_has_an_outcome_and_a_count() {
    async fn fails() -> Result<(), Fault> {
        Err(Fault::conflict("no more tea"))
    }
    async fn panics() {
        panic!("on purpose: secret words")
    }
    fn panics_before_its_future() -> std::future::Ready<()> {
        panic!("on purpose")
    }
    let world = World::new();
    let router = Router::new()
        .subscribe("from.{user}.echo", echo)
        .subscribe("from.{user}.fails", fails)
        .subscribe("from.{user}.panics", panics)
        .subscribe("from.{user}.early", panics_before_its_future)
        .subscribe("from.{user}.nothing", async || {});
    world
        .spawner
        .drive(async {
            let service = world.start(router).await;
            let undecodable = world.ask("from.ada.echo", vec![0xff; 9]).await.unwrap_err();
            assert_eq!(undecodable.code(), 400);
            assert!(undecodable.message().contains("not the message this route takes"), "{undecodable}");
            assert_eq!(world.ask("from.ada.fails", "").await, Err(Fault::conflict("no more tea")));
            for _ in 0..3 {
                let fault = world.ask("from.ada.panics", "").await.unwrap_err();
                assert_eq!((fault.code(), fault.message()), (500, "the handler failed"), "its words stay in the log");
                assert_eq!(world.ask("from.ada.early", "").await.unwrap_err().code(), 500);
            }
            assert_eq!(world.ask("from.ada.nothing", "").await, Ok(Bytes::new()), "() is an empty answer");
            assert_eq!(of(&service, "from.{user}.echo").faults, 1);
            assert_eq!(of(&service, "from.{user}.fails").faults, 1);
            assert_eq!((of(&service, "from.{user}.panics").panics, of(&service, "from.{user}.early").panics), (3, 3));
        })
        .await;
}

#[tokio::test]
async fn a_caller_without_a_reply_subject_is_handled_and_counted() {
    let world = World::new();
    let handled = Arc::new(Notify::new());
    let (told, router) = (Arc::clone(&handled), Router::new());
    let router = router.subscribe("from.{user}.note", move || {
        let told = Arc::clone(&told);
        async move {
            told.notify_one();
            b"an answer for nobody".to_vec()
        }
    });
    world
        .spawner
        .drive(async {
            let mut service = world.start(router).await;
            world.bus.publish(Envelope::new("from.ada.note".parse().unwrap(), "")).await.unwrap();
            handled.notified().await;
            assert_eq!(service.drain(LONG).await, DrainReport::default());
        })
        .await;
}

#[tokio::test]
async fn a_reply_aimed_elsewhere_is_dropped_before_the_handler() {
    let world = World::new();
    let router = Router::new().subscribe("from.{user}.echo", async || -> () { panic!("must not run") });
    world
        .spawner
        .drive(async {
            let mut service = world.start(router).await;
            let mut victim = world.inbox("from.bob.pay").await;
            let mut bobs = world.inbox("_INBOX.bob.>").await;
            for aim in ["from.bob.pay", "_INBOX.bob.1"] {
                let mut message = Envelope::new("from.ada.echo".parse().unwrap(), "");
                message.reply = Some(aim.parse::<Subject>().unwrap());
                world.bus.publish(message).await.unwrap();
            }
            let mut forged = Envelope::new("from.ada.echo".parse().unwrap(), "");
            forged.headers = Headers::from_iter([("Nats-Sequence", "7")]);
            world.bus.publish(forged).await.unwrap();
            let last = Envelope::new("from.svc-x.echo".parse().unwrap(), "");
            world.bus.publish(last).await.unwrap();
            assert_eq!(service.drain(LONG).await, DrainReport::default());
            assert_eq!(of(&service, "from.{user}.echo"), StatsSnapshot { refused: 4, ..StatsSnapshot::default() });
            world.bus.drain().await.unwrap();
            assert!(victim.next().await.is_none() && bobs.next().await.is_none(), "nothing was sent in our name");
        })
        .await;
}

#[tokio::test]
async fn a_handler_may_answer_by_hand_more_than_once() {
    async fn by_hand(reply: Reply) -> Result<(), Fault> {
        reply.message(&text("one")).await?;
        reply.bytes("two").await?;
        Err(Fault::internal("told to nobody, for the caller has its answers"))
    }
    async fn fails_first(_: Reply) -> Result<(), Fault> {
        Err(Fault::forbidden("no"))
    }
    async fn nobody(reply: Reply) -> Vec<u8> {
        assert!(!reply.is_awaited());
        assert!(reply.bytes("").await.is_err());
        Vec::new()
    }
    let world = World::new();
    let router = Router::new()
        .subscribe("from.{user}.two", by_hand)
        .subscribe("from.{user}.none", fails_first)
        .subscribe("from.{user}.nobody", nobody);
    world
        .spawner
        .drive(async {
            let mut service = world.start(router).await;
            let mut inbox = world.inbox("_INBOX.ada.>").await;
            let mut message = Envelope::new("from.ada.two".parse().unwrap(), "");
            message.reply = Some("_INBOX.ada.7".parse().unwrap());
            world.bus.publish(message).await.unwrap();
            assert_eq!(inbox.next().await.unwrap().unwrap().payload, prost::Message::encode_to_vec(&text("one")));
            assert_eq!(inbox.next().await.unwrap().unwrap().payload, "two");
            assert_eq!(world.ask("from.ada.none", "").await, Err(Fault::forbidden("no")));
            world.bus.publish(Envelope::new("from.ada.nobody".parse().unwrap(), "")).await.unwrap();
            assert_eq!(service.drain(LONG).await, DrainReport::default());
            let stats = of(&service, "from.{user}.nobody");
            assert_eq!((stats.panics, stats.unanswered), (0, 1));
        })
        .await;
}

#[tokio::test]
async fn handlers_take_the_routers_state_or_a_part_of_it() {
    #[derive(Clone)]
    struct Shop {
        name: String,
        count: Arc<AtomicUsize>,
    }
    impl FromRef<Shop> for Arc<AtomicUsize> {
        fn from_ref(shop: &Shop) -> Self {
            Arc::clone(&shop.count)
        }
    }
    async fn whole(State(shop): State<Shop>, request: Request) -> Vec<u8> {
        format!("{} {}", shop.name, request.capture("order").unwrap()).into_bytes()
    }
    async fn part(State(count): State<Arc<AtomicUsize>>) {
        count.fetch_add(1, Ordering::Relaxed);
    }
    let world = World::new();
    let shop = Shop { name: "tea".to_owned(), count: Arc::default() };
    let router = Router::new()
        .subscribe("from.{user}.orders.{order}", whole)
        .subscribe("from.{user}.count", part)
        .with_state(shop.clone());
    world
        .spawner
        .drive(async {
            let _service = world.start(router).await;
            assert_eq!(world.ask("from.ada.orders.7", "").await.unwrap(), "tea 7");
            world.ask("from.ada.count", "").await.unwrap();
            assert_eq!(shop.count.load(Ordering::Relaxed), 1);
        })
        .await;
}

#[tokio::test]
async fn a_slow_handler_is_ended_and_delays_nobody() {
    let world = World::new();
    let router = Router::new()
        .subscribe("from.{user}.slow", async || std::future::pending::<()>().await)
        .subscribe("from.{user}.quick", async || b"quick".to_vec());
    world
        .spawner
        .drive(async {
            let service = world.start(router).await;
            let slow = world.ask("from.ada.slow", "");
            let quick = async {
                assert_eq!(world.ask("from.ada.quick", "").await.unwrap(), "quick");
                world.clock.advance(Duration::from_secs(5));
            };
            let (slow, ()) = futures_util::future::join(slow, quick).await;
            assert_eq!(slow.unwrap_err().code(), 504);
            assert_eq!(of(&service, "from.{user}.slow").timeouts, 1);
        })
        .await;
}

#[tokio::test]
async fn beyond_the_line_callers_are_told_at_once_and_nothing_is_lost() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&gate);
    let router = Router::new().subscribe("from.{user}.work", move |request: Request| {
        let gate = Arc::clone(&own);
        async move {
            gate.acquire().await.unwrap().forget();
            request.message().payload.clone()
        }
    });
    world
        .spawner
        .drive(async {
            let service = world.start_with(router, |options| (options.handlers, options.line) = (2, 3)).await;
            let asked = join_all((0..20_u8).map(|number| world.ask("from.ada.work", vec![number])));
            let opened = async {
                while of(&service, "from.{user}.work").overloads < 15 {
                    tokio::task::yield_now().await;
                }
                gate.add_permits(5);
            };
            let (answers, ()) = futures_util::future::join(asked, opened).await;
            let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
            let done: BTreeSet<_> = done.into_iter().map(|answer| answer.unwrap()[0]).collect();
            assert_eq!(done, (0..5).collect(), "two in flight and three in line are handled");
            assert!(refused.into_iter().all(|answer| answer.unwrap_err().code() == 503));
        })
        .await;
}

#[tokio::test]
async fn a_drain_finishes_what_was_taken_and_reports_what_it_gave_up() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&gate);
    let work = move || {
        let gate = Arc::clone(&own);
        async move {
            gate.acquire().await.unwrap().forget();
            b"done".to_vec()
        }
    };
    world
        .spawner
        .drive(async {
            let router = Router::new().subscribe("from.{user}.work", work.clone());
            let mut service = world.start_with(router, |options| options.handlers = 1).await;
            let asked = join_all((0..3).map(|_| world.ask("from.ada.work", "")));
            let drained = async {
                gate.add_permits(3);
                assert_eq!(service.drain(LONG).await, DrainReport::default());
            };
            let (answers, ()) = futures_util::future::join(asked, drained).await;
            assert!(
                answers.into_iter().all(|answer| answer.unwrap() == "done"),
                "one ran, two waited: all are answered"
            );

            let router = Router::new().subscribe("from.{user}.work", work);
            let mut service =
                world.start_with(router, |options| (options.handlers, options.timeout) = (1, LONG * 2)).await;
            for _ in 0..3 {
                world.bus.publish(Envelope::new("from.ada.work".parse().unwrap(), "")).await.unwrap();
            }
            let late = async { world.clock.advance(Duration::from_secs(10)) };
            let (report, ()) = futures_util::future::join(service.drain(Duration::from_secs(10)), late).await;
            assert_eq!(report.given_up, [("from.{user}.work".to_owned(), 3)]);
            let nobody = world.bus.request(Envelope::new("from.ada.work".parse().unwrap(), ""), LONG).await;
            assert!(matches!(nobody, Err(BusError::NoResponders { .. })));
        })
        .await;
}

#[tokio::test]
async fn a_refused_subscription_is_told_and_leaves_nothing_running() {
    let mut bus = MockBus::new();
    bus.expect_subscribe()
        .withf(|filter, queue| filter.as_str() == "from.*.a" && queue.as_deref() == Some("relais"))
        .returning(|filter, _| Err(BusError::Denied { operation: "listen to", subject: filter.to_string() }));
    let options = ServiceOptions::new("relais".parse().unwrap());
    let router = Router::new().subscribe("from.{user}.a", async || {});
    let world = World::new();
    let ports = ServicePorts { bus: Arc::new(bus), ..world.ports() };
    let started = Service::start(router, ports, &world.spawner, options).await;
    assert!(matches!(started.map(|_| ()), Err(StartError::Subscribe { pattern, .. }) if pattern == "from.{user}.a"));
}

#[tokio::test]
async fn an_answer_that_the_broker_would_not_take_becomes_a_fault() {
    let world = World::new();
    let router = Router::new().subscribe("from.{user}.large", async || vec![0_u8; 2 * 1024 * 1024]);
    world
        .spawner
        .drive(async {
            let service = world.start(router).await;
            let fault = world.ask("from.ada.large", "").await.unwrap_err();
            assert!(fault.code() == 500 && fault.message().contains("2097152 bytes"), "{fault}");
            assert_eq!(of(&service, "from.{user}.large").unsent, 1);
        })
        .await;
}
