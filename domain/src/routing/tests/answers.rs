//! Many answers to one request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, StreamExt, future::join, stream};

use super::*;
use crate::{
    memory, message,
    ports::{Bus as _, BusError},
};

fn asked(subject: &str) -> message::Message {
    let mut message = message::Message::new(subject.parse().unwrap(), "");
    message.reply = Some("_INBOX.ada.1".parse().unwrap());
    message
}

#[tokio::test]
async fn every_item_is_a_message_and_the_end_says_how_many_there_were() {
    async fn count() -> Answers<impl Stream<Item = Message<Text>>> {
        Answers(stream::iter(["one", "two"]).map(|word| Message(text(word))))
    }
    async fn none() -> Result<Answers<impl Stream<Item = Vec<u8>>>, Fault> {
        Ok(Answers(stream::empty()))
    }
    let router = Router::new().subscribe("from.{user}.count", count).subscribe("from.{user}.none", none);
    let app = TestApp::start(router).await.unwrap();
    app.publish_raw(asked("from.ada.count")).await;
    let sent = app.sent("_INBOX.ada.1");
    let payloads: Vec<_> = sent.iter().map(|message| message.payload.to_vec()).collect();
    let encoded = |word| prost::Message::encode_to_vec(&text(word));
    assert_eq!(payloads, [encoded("one"), encoded("two"), Vec::new()]);
    assert_eq!(sent.iter().map(|message| message.headers.get(END)).collect::<Vec<_>>(), [None, None, Some("2")]);
    app.publish_raw(asked("from.ada.none")).await;
    assert_eq!(app.sent("_INBOX.ada.1")[3].headers.get(END), Some("0"));
    assert_eq!(app.stats("from.{user}.count").handled, 1);
}

#[tokio::test]
async fn a_fault_ends_them_and_is_told_with_the_end() {
    async fn fails() -> Answers<impl Stream<Item = Result<Vec<u8>, Fault>>> {
        Answers(stream::iter([Ok(b"one".to_vec()), Err(Fault::conflict("no more")), Ok(b"three".to_vec())]))
    }
    let app = TestApp::start(Router::new().subscribe("from.{user}.x", fails)).await.unwrap();
    app.publish_raw(asked("from.ada.x")).await;
    let sent = app.sent("_INBOX.ada.1");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].headers.get(END), Some("1"));
    assert_eq!(Fault::from_headers(&sent[1].headers), Some(Fault::conflict("no more")));
}

#[tokio::test]
async fn the_time_limit_holds_for_each_item() {
    async fn slow(request: Request) -> Answers<impl Stream<Item = Vec<u8>>> {
        let waits = [4, 4, 6].map(Duration::from_secs);
        Answers(stream::iter(waits).then(move |wait| {
            let request = request.clone();
            async move {
                request.ports().clock.sleep(wait).await;
                b"item".to_vec()
            }
        }))
    }
    let app = TestApp::start(Router::new().subscribe("from.{user}.x", slow)).await.unwrap();
    app.publish_raw(asked("from.ada.x")).await;
    app.advance(Duration::from_secs(4)).await;
    app.advance(Duration::from_secs(4)).await;
    assert_eq!(app.sent("_INBOX.ada.1").len(), 2, "eight seconds in all are no matter");
    app.advance(Duration::from_secs(5)).await;
    let sent = app.sent("_INBOX.ada.1");
    assert_eq!((sent.len(), sent[2].headers.get(END)), (3, Some("2")));
    assert_eq!(Fault::from_headers(&sent[2].headers).unwrap().code(), 504);
    assert_eq!(app.stats("from.{user}.x").timeouts, 1);
}

#[tokio::test]
async fn when_nobody_listens_any_more_the_rest_is_not_made() {
    let made = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&made);
    let endless = move || {
        let made = Arc::clone(&own);
        async move {
            Answers(stream::repeat_with(move || {
                made.fetch_add(1, Ordering::Relaxed);
                b"more".to_vec()
            }))
        }
    };
    let (clock, spawner) = (memory::Clock::default(), memory::Spawner::default());
    let bus = memory::Bus::new(Arc::new(clock.clone()));
    let ports = memory::service_ports(&bus, &clock);
    let router = Router::new().subscribe("from.{user}.x", endless);
    let options = ServiceOptions::new("app".parse().unwrap());
    let service = Service::start(router, ports, &spawner, options).await.unwrap();
    let mut inbox = bus.subscribe("_INBOX.ada.1".parse().unwrap(), None).await.unwrap();
    bus.publish(asked("from.ada.x")).await.unwrap();
    let heard = spawner.drive(async { inbox.by_ref().take(200).count().await }).await;
    assert_eq!(heard, 200, "as long as somebody listens there are more");
    drop(inbox);
    spawner.settle().await;
    let stats = service.stats().remove(0).1;
    assert_eq!((stats.abandoned, stats.in_flight), (1, 0));
    assert!(made.load(Ordering::Relaxed) >= 200);
}

#[tokio::test]
async fn nobody_who_waits_means_no_items() {
    let made = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&made);
    let items = move || {
        let made = Arc::clone(&own);
        async move {
            Answers(stream::iter(0..9).map(move |_| made.fetch_add(1, Ordering::Relaxed).to_string().into_bytes()))
        }
    };
    let app = TestApp::start(Router::new().subscribe("from.{user}.x", items)).await.unwrap();
    let silent = message::Message::new("from.ada.x".parse().unwrap(), "");
    app.publish_raw(silent).await;
    assert_eq!((made.load(Ordering::Relaxed), app.stats("from.{user}.x").unanswered), (0, 1));
}

#[tokio::test]
async fn an_endless_stream_delays_neither_its_route_nor_a_drain() {
    async fn clock(request: Request) -> Answers<impl Stream<Item = Vec<u8>>> {
        if request.message().payload == "one" {
            return Answers(stream::iter([b"one".to_vec()]).boxed());
        }
        Answers(
            stream::repeat(())
                .then(move |()| {
                    let request = request.clone();
                    async move {
                        request.ports().clock.sleep(Duration::from_secs(1)).await;
                        b"tick".to_vec()
                    }
                })
                .boxed(),
        )
    }
    let app = TestApp::start(Router::new().subscribe("from.{user}.x", clock)).await.unwrap();
    app.publish_raw(asked("from.ada.x")).await;
    app.advance(Duration::from_secs(1)).await;
    assert_eq!(app.request_bytes("bob", "x", "one").await.unwrap(), "one");
    let late = async { app.advance(Duration::from_secs(2)).await };
    let (report, ()) = join(app.drain(Duration::from_secs(2)), late).await;
    assert_eq!(report.given_up, [("from.{user}.x".to_owned(), 1)]);
}

#[tokio::test]
async fn a_client_takes_them_one_by_one_to_the_end() {
    async fn count(Message(upto): Message<Text>) -> Answers<impl Stream<Item = Result<Message<Text>, Fault>>> {
        let words = ["one", "two"].map(|word| Ok(Message(text(word)))).into_iter();
        let last = (upto.text == "fail").then(|| Err(Fault::conflict("no more")));
        Answers(stream::iter(words.chain(last)))
    }
    async fn stalls() -> Answers<impl Stream<Item = Message<Text>>> {
        Answers(stream::iter([Message(text("one"))]).chain(stream::pending()))
    }
    let router = Router::new()
        .subscribe("from.{user}.count", count)
        .route(Route::new("from.{user}.stalls", stalls).no_timeout());
    let app = TestApp::start(router).await.unwrap();
    let client = app.client("ada");
    app.drive(async {
        let mut answers = client.request_many::<_, Text>("count", &text("")).await.unwrap();
        assert_eq!(answers.next().await.unwrap().unwrap(), text("one"));
        assert_eq!(answers.next().await.unwrap().unwrap(), text("two"));
        assert!(answers.next().await.is_none() && answers.next().await.is_none());

        let mut answers = client.request_many::<_, Text>("count", &text("fail")).await.unwrap();
        assert!(answers.next().await.unwrap().is_ok() && answers.next().await.unwrap().is_ok());
        assert!(matches!(answers.next().await, Some(Err(ClientError::Fault(fault))) if fault.code() == 409));
        assert!(answers.next().await.is_none());

        let nobody = client.request_many::<_, Text>("nowhere", &text("")).await.map(drop);
        assert!(matches!(nobody, Err(ClientError::Bus(BusError::NoResponders { .. }))));

        let mut answers = client.request_many::<_, Text>("stalls", &text("")).await.unwrap();
        assert!(answers.next().await.unwrap().is_ok());
        let (stalled, ()) = join(answers.next(), app.advance(Duration::from_secs(5))).await;
        assert!(matches!(stalled, Some(Err(ClientError::Bus(BusError::Timeout { .. })))));
    })
    .await;
}

#[tokio::test]
async fn a_client_is_told_when_some_were_lost() {
    let app = TestApp::start(Router::new()).await.unwrap();
    let mut asked = app.subscribe("from.ada.x").await;
    let client = app.client("ada");
    let serve = async {
        let reply = asked.next().await.unwrap().unwrap().reply.unwrap();
        app.publish_raw(message::Message::new(reply.clone(), "")).await;
        let mut end = message::Message::new(reply, "");
        end.headers.append(END, "2");
        app.publish_raw(end).await;
    };
    let (answers, ()) = join(client.request_many::<_, Text>("x", &text("")), serve).await;
    let mut answers = answers.unwrap();
    assert!(answers.next().await.unwrap().is_ok());
    assert!(matches!(answers.next().await, Some(Err(ClientError::Incomplete { taken: 1, sent: Some(2) }))));
}

/// A bus whose requests take a moment to be sent.
struct Late(memory::Bus);

#[async_trait::async_trait]
impl crate::ports::Bus for Late {
    async fn publish(&self, message: message::Message) -> Result<(), BusError> {
        self.0.publish(message).await
    }

    async fn publish_confirmed(&self, message: message::Message) -> Result<(), BusError> {
        self.0.publish_confirmed(message).await
    }

    async fn request(&self, message: message::Message, timeout: Duration) -> Result<message::Message, BusError> {
        tokio::task::yield_now().await;
        self.0.request(message, timeout).await
    }

    async fn request_many(&self, message: message::Message) -> Result<crate::ports::Subscription, BusError> {
        self.0.request_many(message).await
    }

    async fn subscribe(
        &self,
        filter: crate::subject::Filter,
        queue: Option<String>,
    ) -> Result<crate::ports::Subscription, BusError> {
        self.0.subscribe(filter, queue).await
    }

    async fn flush(&self) -> Result<(), BusError> {
        self.0.flush().await
    }

    async fn drain(&self) -> Result<(), BusError> {
        self.0.drain().await
    }
}

#[tokio::test]
async fn that_nobody_listens_any_more_may_be_told_later() {
    async fn many() -> Answers<impl Stream<Item = Vec<u8>>> {
        Answers(stream::iter((0..100_000).map(|_| b"more".to_vec())))
    }
    let (clock, spawner) = (memory::Clock::default(), memory::Spawner::default());
    let bus = memory::Bus::new(Arc::new(clock.clone()));
    let ports = ServicePorts { bus: Arc::new(Late(bus.connect())), ..memory::service_ports(&bus, &clock) };
    let router = Router::new().subscribe("from.{user}.x", many);
    let options = ServiceOptions::new("app".parse().unwrap());
    let service = Service::start(router, ports, &spawner, options).await.unwrap();
    bus.publish(asked("from.ada.x")).await.unwrap();
    spawner.settle().await;
    let stats = service.stats().remove(0).1;
    assert_eq!((stats.abandoned, stats.handled), (1, 0));
}
