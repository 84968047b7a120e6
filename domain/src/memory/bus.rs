//! A broker in memory.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{FutureExt, Stream, future::Either};
use tokio::sync::mpsc;

use crate::{
    message::Message,
    ports::{BusError, Clock, Deliveries, Delivery, Subscription},
    subject::{Filter, Subject},
};

/// The largest message it takes, as nats-server's default.
const MAX_PAYLOAD: usize = 1024 * 1024;

/// A broker and a connection to it in one, in memory. Clones share both, save that each may be drained on its own.
///
/// It does what core NATS does: wildcards, queue groups (in turn), no responders, drain. It has no accounts and no
/// permissions: everybody may do everything.
#[derive(Clone)]
pub struct Bus {
    broker: Arc<Broker>,
    connection: Arc<Connection>,
}

struct Broker {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    subscribers: BTreeMap<u64, Subscriber>,
    next_id: u64,
    turns: u64,
}

struct Subscriber {
    filter: Filter,
    queue: Option<String>,
    connection: u64,
    sender: mpsc::UnboundedSender<Delivery>,
}

struct Connection {
    id: u64,
    closed: Mutex<bool>,
}

struct Listening {
    id: u64,
    broker: Arc<Broker>,
    receiver: mpsc::UnboundedReceiver<Delivery>,
}

impl Bus {
    /// A broker whose timeouts go by `clock`, and a first connection.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let broker = Arc::new(Broker { clock, state: Mutex::default() });
        Self { connection: broker.connection(), broker }
    }

    /// Another connection to the same broker.
    #[must_use]
    pub fn connect(&self) -> Self {
        Self { broker: Arc::clone(&self.broker), connection: self.broker.connection() }
    }

    fn open(&self) -> Result<(), BusError> {
        if *self.connection.closed.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(BusError::Closed);
        }
        Ok(())
    }

    /// Hands `message` to whom it concerns and says how many they are.
    fn deliver(&self, message: &Message) -> Result<usize, BusError> {
        self.open()?;
        let size = message.payload.len() + message.headers.size();
        if size > MAX_PAYLOAD {
            return Err(BusError::TooLarge { size, limit: MAX_PAYLOAD });
        }
        let mut state = self.broker.lock();
        state.turns += 1;
        let turn = usize::try_from(state.turns).unwrap_or(0);
        let mut receivers = Vec::new();
        let mut groups: BTreeMap<(&str, &str), Vec<&Subscriber>> = BTreeMap::new();
        for subscriber in state.subscribers.values().filter(|s| s.filter.matches(&message.subject)) {
            match &subscriber.queue {
                None => receivers.push(subscriber),
                // As in nats-server, a group is a queue name on one filter.
                Some(queue) => groups.entry((subscriber.filter.as_str(), queue)).or_default().push(subscriber),
            }
        }
        receivers.extend(groups.values().map(|members| members[turn % members.len()]));
        Ok(receivers.iter().filter(|receiver| receiver.sender.send(Ok(message.clone())).is_ok()).count())
    }
}

impl Default for Bus {
    /// A broker with a clock that stands still, so that no request ever times out.
    fn default() -> Self {
        Self::new(Arc::new(super::Clock::default()))
    }
}

impl Broker {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connection(&self) -> Arc<Connection> {
        let mut state = self.lock();
        state.next_id += 1;
        Arc::new(Connection { id: state.next_id, closed: Mutex::new(false) })
    }
}

#[async_trait]
impl crate::ports::Bus for Bus {
    async fn publish(&self, message: Message) -> Result<(), BusError> {
        self.deliver(&message).map(|_| ())
    }

    async fn publish_confirmed(&self, message: Message) -> Result<(), BusError> {
        self.publish(message).await
    }

    async fn request(&self, message: Message, timeout: Duration) -> Result<Message, BusError> {
        let subject = message.subject.to_string();
        let mut answers = self.request_many(message).await?;
        let expiry = self.broker.clock.sleep(timeout);
        let first = std::future::poll_fn(|context| answers.as_mut().poll_next(context));
        match futures_util::future::select(first.boxed(), expiry).await {
            Either::Left((Some(Ok(answer)), _)) => Ok(answer),
            Either::Left(_) => Err(BusError::Closed),
            Either::Right(_) => Err(BusError::Timeout { subject, after: timeout }),
        }
    }

    async fn request_many(&self, mut message: Message) -> Result<Subscription, BusError> {
        let subject = message.subject.to_string();
        let prefix = if message.subject.tokens().next() == Some("from") {
            // What our clients do: a user's inboxes lie under the user's own prefix.
            format!("_INBOX.{}", message.subject.tokens().nth(1).unwrap_or("memory"))
        } else {
            "_INBOX.memory".to_owned()
        };
        let number = {
            let mut state = self.broker.lock();
            state.next_id += 1;
            state.next_id
        };
        let inbox = Subject::reply(format!("{prefix}.{number}")).expect("a number after a token of a subject");
        let answers = self.subscribe(Filter::from(&inbox), None).await?;
        message.reply = Some(inbox);
        if self.deliver(&message)? == 0 {
            return Err(BusError::NoResponders { subject });
        }
        Ok(answers)
    }

    async fn subscribe(&self, filter: Filter, queue: Option<String>) -> Result<Subscription, BusError> {
        self.open()?;
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut state = self.broker.lock();
        state.next_id += 1;
        let id = state.next_id;
        state.subscribers.insert(id, Subscriber { filter, queue, connection: self.connection.id, sender });
        Ok(Box::pin(Listening { id, broker: Arc::clone(&self.broker), receiver }))
    }

    async fn flush(&self) -> Result<(), BusError> {
        self.open()
    }

    async fn drain(&self) -> Result<(), BusError> {
        *self.connection.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        // Without its sender a subscription ends after what has arrived.
        self.broker.lock().subscribers.retain(|_, subscriber| subscriber.connection != self.connection.id);
        Ok(())
    }
}

impl Stream for Listening {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.receiver.poll_recv(context)
    }
}

#[async_trait]
impl Deliveries for Listening {
    async fn drain(self: Pin<&mut Self>) -> Result<(), BusError> {
        self.broker.lock().subscribers.remove(&self.id);
        Ok(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.broker.lock().subscribers.remove(&self.id);
    }
}
