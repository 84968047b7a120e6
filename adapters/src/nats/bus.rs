//! The bus.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{PublishErrorKind, Request, RequestErrorKind};
use async_trait::async_trait;
use relais_domain::{
    message::Message,
    ports::{self, BusError, Subscription},
    subject::{Filter, Subject},
};
use tokio::sync::{Mutex, broadcast, watch};

use super::{
    connect::Link,
    convert::{headers_out, message_in, subject_out},
    subscription::Listening,
    violation::{PUBLISH, SUBSCRIBE, Violation},
};

/// How long the broker may take to answer a probe, and a drain may take to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// A refusal and the probe's answer come in one piece but through two tasks; the refusal has this long to arrive behind.
const BEHIND: Duration = Duration::from_millis(10);

/// A connection to nats-server. Clones share it.
#[derive(Clone)]
pub struct Bus {
    client: async_nats::Client,
    violations: broadcast::Sender<Violation>,
    link: watch::Receiver<Link>,
    probe: Option<Subject>,
    closed: Arc<AtomicBool>,
    refused: Arc<Mutex<Refused>>,
}

/// What was refused since the last flush, save what a request was told itself.
struct Refused {
    heard: broadcast::Receiver<Violation>,
    kept: Vec<Violation>,
}

impl Refused {
    /// Takes in what has been heard by now.
    fn catch_up(&mut self) {
        loop {
            match self.heard.try_recv() {
                Ok(violation) => self.kept.push(violation),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return,
            }
        }
    }

    /// Forgets one refusal that its caller has been told.
    fn told(&mut self, violation: &Violation) {
        self.catch_up();
        if let Some(at) = self.kept.iter().position(|kept| kept == violation) {
            self.kept.remove(at);
        }
    }

    /// The first refused publish, and forgets the others with it.
    fn take_first(&mut self) -> Option<Violation> {
        self.catch_up();
        std::mem::take(&mut self.kept).into_iter().find(|violation| violation.operation == PUBLISH)
    }
}

impl Bus {
    pub(super) fn new(
        client: async_nats::Client,
        violations: broadcast::Sender<Violation>,
        link: watch::Receiver<Link>,
        probe: Option<Subject>,
    ) -> Self {
        let refused = Arc::new(Mutex::new(Refused { heard: violations.subscribe(), kept: Vec::new() }));
        Self { client, violations, link, probe, closed: Arc::default(), refused }
    }

    /// Returns when this connection has ended for good: it was drained, or the broker no longer believes its credential.
    pub async fn ended(&self) {
        let mut link = self.link.clone();
        // An error says that the sender is gone, which is an end too.
        let _ = link.wait_for(|link| *link == Link::Closed).await;
    }

    /// Returns at the next connection after the first `known` ones, with how many there have been by then; `None` when the
    /// connection has ended for good. What was told to a broker that has been away since may have to be told again.
    pub async fn reconnected(&self, known: u64) -> Option<u64> {
        let mut link = self.link.clone();
        let next = |link: &Link| matches!(link, Link::Closed) || matches!(link, Link::Up(times) if *times > known);
        match link.wait_for(next).await.as_deref() {
            Ok(Link::Up(times)) => Some(*times),
            _ => None,
        }
    }

    /// Whether it is connected at this moment.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(*self.link.borrow(), Link::Up(_))
    }

    /// How many connections there have been.
    pub(super) fn connections(&self) -> u64 {
        self.link.borrow().connections()
    }

    /// Returns when there is no connection.
    async fn lost(&self) {
        let mut link = self.link.clone();
        let _ = link.wait_for(|link| !matches!(link, Link::Up(_))).await;
    }

    fn open(&self) -> Result<(), BusError> {
        if self.closed.load(Ordering::Acquire) { Err(BusError::Closed) } else { Ok(()) }
    }

    fn fits(&self, message: &Message) -> Result<(), BusError> {
        let (size, limit) = (message.payload.len() + message.headers.size(), self.client.max_payload());
        if size > limit { Err(BusError::TooLarge { size, limit }) } else { Ok(()) }
    }

    /// Waits until the broker has seen everything sent before.
    pub(super) async fn round_trip(&self) -> Result<(), BusError> {
        let Some(probe) = self.probe.clone() else {
            let flushed = tokio::time::timeout(PATIENCE, self.client.flush()).await;
            return flushed.map_err(disconnected)?.map_err(disconnected);
        };
        let request = Request::new().timeout(Some(PATIENCE));
        match self.client.send_request(subject_out(probe), request).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == RequestErrorKind::NoResponders => Ok(()),
            Err(error) => Err(disconnected(error)),
        }
    }

    /// The refusal of `operation` on `subject`, if one comes within `BEHIND`.
    async fn refusal(
        violations: &mut broadcast::Receiver<Violation>,
        operation: &str,
        subject: &str,
    ) -> Option<BusError> {
        let ours = async {
            loop {
                match violations.recv().await {
                    Ok(violation) if violation.operation == operation && violation.subject == subject => {
                        return violation;
                    }
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::time::timeout(BEHIND, ours).await.ok().map(denied)
    }
}

fn denied(violation: Violation) -> BusError {
    BusError::Denied { operation: violation.operation, subject: violation.subject }
}

pub(super) fn disconnected(error: impl Into<ports::Cause>) -> BusError {
    BusError::Disconnected(Some(error.into()))
}

fn kept(error: async_nats::PublishError, message_size: usize, limit: usize) -> BusError {
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => BusError::TooLarge { size: message_size, limit },
        _ => disconnected(error),
    }
}

#[async_trait]
impl ports::Bus for Bus {
    async fn publish(&self, message: Message) -> Result<(), BusError> {
        self.open()?;
        self.fits(&message)?;
        let (size, limit) = (message.payload.len() + message.headers.size(), self.client.max_payload());
        let subject = subject_out(message.subject);
        let sent = match (message.reply.map(subject_out), headers_out(&message.headers)) {
            (None, None) => self.client.publish(subject, message.payload).await,
            (None, Some(headers)) => self.client.publish_with_headers(subject, headers, message.payload).await,
            (Some(reply), None) => self.client.publish_with_reply(subject, reply, message.payload).await,
            (Some(reply), Some(headers)) => {
                self.client.publish_with_reply_and_headers(subject, reply, headers, message.payload).await
            }
        };
        sent.map_err(|error| kept(error, size, limit))
    }

    async fn request(&self, message: Message, timeout: Duration) -> Result<Message, BusError> {
        self.open()?;
        self.fits(&message)?;
        let text = message.subject.to_string();
        let mut violations = self.violations.subscribe();
        let mut request = Request::new().payload(message.payload).timeout(Some(timeout));
        if let Some(headers) = headers_out(&message.headers) {
            request = request.headers(headers);
        }
        let answer = self.client.send_request(subject_out(message.subject), request);
        let refused = async {
            loop {
                match violations.recv().await {
                    Ok(violation) if violation.operation == PUBLISH && violation.subject == text => return violation,
                    // An inbox that may not be listened to would let every request time out.
                    Ok(violation) if violation.operation == SUBSCRIBE && violation.subject.ends_with(".*") => {
                        return violation;
                    }
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let answer = tokio::select! {
            biased;
            violation = refused => {
                self.refused.lock().await.told(&violation);
                return Err(denied(violation));
            }
            answer = answer => answer,
        };
        match answer {
            Ok(answer) => message_in(answer).map_err(disconnected),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => BusError::NoResponders { subject: text },
                RequestErrorKind::TimedOut if self.is_up() => BusError::Timeout { subject: text, after: timeout },
                RequestErrorKind::MaxPayloadExceeded => {
                    BusError::TooLarge { size: 0, limit: self.client.max_payload() }
                }
                _ => disconnected(error),
            }),
        }
    }

    async fn subscribe(&self, filter: Filter, queue: Option<String>) -> Result<Subscription, BusError> {
        self.open()?;
        let mut violations = self.violations.subscribe();
        let text = filter.to_string();
        let subscribed = match queue {
            Some(queue) => self.client.queue_subscribe(text.clone(), queue).await,
            None => self.client.subscribe(text.clone()).await,
        };
        let subscriber = subscribed.map_err(disconnected)?;
        self.round_trip().await?;
        if let Some(denied) = Self::refusal(&mut violations, SUBSCRIBE, &text).await {
            return Err(denied);
        }
        Ok(Box::pin(Listening::new(subscriber, self.clone())))
    }

    async fn flush(&self) -> Result<(), BusError> {
        self.open()?;
        let mut refused = self.refused.lock().await;
        self.round_trip().await?;
        if let Some(violation) = refused.take_first() {
            return Err(denied(violation));
        }
        let behind = async {
            loop {
                match refused.heard.recv().await {
                    Ok(violation) if violation.operation == PUBLISH => return violation,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        match tokio::time::timeout(BEHIND, behind).await {
            Ok(violation) => {
                refused.take_first();
                Err(denied(violation))
            }
            Err(_) => Ok(()),
        }
    }

    async fn drain(&self) -> Result<(), BusError> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // Without a connection there is nothing to wait for: async-nats takes the wish to drain when it has one again.
        let arrived = tokio::select! {
            biased;
            () = self.lost() => Err(BusError::Disconnected(None)),
            arrived = self.round_trip() => arrived,
        };
        self.client.drain().await.map_err(disconnected)?;
        arrived?;
        tokio::time::timeout(PATIENCE, self.ended()).await.map_err(disconnected)
    }
}
