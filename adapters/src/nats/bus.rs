//! The bus.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use relais_domain::{
    credentials::UserJwt,
    message::Message,
    ports::{self, BusError, Subscription},
    subject::{Filter, Subject},
};
use tokio::sync::oneshot;

use super::{
    connect::Link,
    state::{Behind, MOST_OUT, Shared, Subscribed},
    subscription::Listening,
    wire::encode,
};

/// How long the broker may take to answer, or to come back, and a drain may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to nats-server. Clones share it; without any it ends.
#[derive(Clone)]
pub struct Bus {
    handle: Arc<Handle>,
}

/// A connection as somebody knows it who does not hold it.
#[derive(Clone)]
pub struct WeakBus(Weak<Handle>);

impl WeakBus {
    /// The connection, if anybody holds it still.
    #[must_use]
    pub fn upgrade(&self) -> Option<Bus> {
        self.0.upgrade().map(|handle| Bus { handle })
    }
}

/// What holds a connection.
pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
    closed: AtomicBool,
    /// What the next connection shows.
    jwt: Arc<Mutex<UserJwt>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// Awaits one answer; gone, it awaits it no more.
struct Asking<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.shared.lock().forget(self.number);
    }
}

impl Bus {
    pub(super) fn new(shared: Arc<Shared>, jwt: Arc<Mutex<UserJwt>>) -> Self {
        Self { handle: Arc::new(Handle { shared, closed: AtomicBool::new(false), jwt }) }
    }

    /// Returns when this connection has ended for good: it was drained, or the broker no longer believes its credential.
    pub async fn ended(&self) {
        let mut link = self.shared().link.subscribe();
        // An error says that the sender is gone, which is an end too.
        let _ = link.wait_for(|link| *link == Link::Closed).await;
    }

    /// The same, for somebody who does not hold it.
    pub fn life(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut link = self.shared().link.subscribe();
        async move {
            let _ = link.wait_for(|link| *link == Link::Closed).await;
        }
    }

    /// The connection for somebody who does not hold it.
    #[must_use]
    pub fn downgrade(&self) -> WeakBus {
        WeakBus(Arc::downgrade(&self.handle))
    }

    /// Returns at the next connection after the first `known` ones, with how many there have been by then; `None` when the
    /// connection has ended for good. What was told to a broker that has been away since may have to be told again.
    pub async fn reconnected(&self, known: u64) -> Option<u64> {
        let mut link = self.shared().link.subscribe();
        let next = |link: &Link| matches!(link, Link::Closed) || matches!(link, Link::Up(times) if *times > known);
        match link.wait_for(next).await.as_deref() {
            Ok(Link::Up(times)) => Some(*times),
            _ => None,
        }
    }

    /// Goes on with another JWT for the same key, before the one it has ends: another connection takes over, and no message is
    /// missed on the way; returns when it has. Where there is no connection now, the next one shows that JWT.
    ///
    /// # Errors
    /// [`BusError::Disconnected`]: no broker lets us in with it, or the connection was lost meanwhile; the next one shows it.
    pub async fn renew(&self, jwt: UserJwt) -> Result<(), BusError> {
        self.open()?;
        *self.handle.jwt.lock().unwrap_or_else(PoisonError::into_inner) = jwt;
        let (told, done) = oneshot::channel();
        {
            let mut state = self.shared().lock();
            if !state.up {
                return Ok(());
            }
            state.renewed = Some(told);
            state.wake_driver();
        }
        done.await.unwrap_or(Err(BusError::Disconnected(None)))
    }

    /// Whether it is connected at this moment.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(*self.shared().link.borrow(), Link::Up(_))
    }

    /// The most bytes of payload and headers that the broker takes, as it has said last.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.shared().max_payload()
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    fn open(&self) -> Result<(), BusError> {
        if self.handle.closed.load(Ordering::Acquire) { Err(BusError::Closed) } else { Ok(()) }
    }

    /// Bytes of a message as the broker counts them, if it takes so many.
    fn fits(&self, message: &Message) -> Result<usize, BusError> {
        let block = if message.headers.is_empty() { 0 } else { encode::block_size(&message.headers) };
        let (size, limit) = (message.payload.len() + block, self.shared().max_payload());
        if size > limit { Err(BusError::TooLarge { size, limit }) } else { Ok(size) }
    }

    /// Returns when there is a connection.
    async fn up(&self) -> Result<(), BusError> {
        if self.is_up() {
            return Ok(());
        }
        let mut link = self.shared().link.subscribe();
        let found = link.wait_for(|link| !matches!(link, Link::Down(_)));
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Ok(link)) if matches!(*link, Link::Up(_)) => Ok(()),
            _ => Err(BusError::Disconnected(None)),
        }
    }

    /// Returns when there is room for a message of this size. Without a connection there is none beyond what is kept for the
    /// next.
    async fn room(&self, size: usize) -> Result<(), BusError> {
        loop {
            // First this, then the look: whoever makes room in between rings.
            let mut rings = std::pin::pin!(self.shared().room.notified());
            rings.as_mut().enable();
            {
                let state = self.shared().lock();
                if state.closing {
                    return Err(BusError::Closed);
                }
                if state.out.len() + size <= MOST_OUT || state.out.is_empty() {
                    return Ok(());
                }
                if !state.up {
                    return Err(BusError::Disconnected(None));
                }
            }
            rings.await;
        }
    }

    /// Has the broker do everything before, and gives what it says to that.
    async fn behind(&self, behind: Behind, before: impl FnOnce(&mut super::state::State)) -> Result<(), BusError> {
        let (told, done) = oneshot::channel();
        {
            let mut state = self.shared().lock();
            if !state.up {
                return Err(BusError::Disconnected(None));
            }
            before(&mut state);
            state.ping(behind, Some(told));
        }
        match tokio::time::timeout(PATIENCE, done).await {
            Ok(Ok(outcome)) => outcome,
            _ => Err(BusError::Disconnected(None)),
        }
    }

    /// Subscribes to the inboxes of requests, once a connection's life.
    fn listen_to_inboxes(&self, state: &mut super::state::State) {
        if state.inboxes.is_none() {
            let (sid, filter) = (state.number(), format!("{}*", self.shared().inbox));
            state.control(|out| encode::subscribe(out, &filter, None, sid));
            state.subscriptions.insert(sid, Subscribed::new(filter, None));
            state.inboxes = Some(sid);
        }
    }

    fn inbox(&self, number: u64) -> Subject {
        Subject::reply(format!("{}{number}", self.shared().inbox))
            .expect("the prefix was checked when it was connected")
    }
}

#[async_trait]
impl ports::Bus for Bus {
    async fn publish(&self, message: Message) -> Result<(), BusError> {
        self.open()?;
        let size = self.fits(&message)?;
        {
            // Nearly always there is room, and one look is enough.
            let mut state = self.shared().lock();
            if !state.closing && state.out.len() + size <= MOST_OUT {
                encode::publish(&mut state.out, &message);
                state.wake_driver();
                return Ok(());
            }
        }
        self.room(size).await?;
        let mut state = self.shared().lock();
        encode::publish(&mut state.out, &message);
        state.wake_driver();
        Ok(())
    }

    async fn publish_confirmed(&self, message: Message) -> Result<(), BusError> {
        self.open()?;
        let size = self.fits(&message)?;
        self.up().await?;
        self.room(size).await?;
        let subject = message.subject.to_string();
        self.behind(Behind::Publish(subject), |state| encode::publish(&mut state.out, &message)).await
    }

    async fn request(&self, mut message: Message, timeout: Duration) -> Result<Message, BusError> {
        self.open()?;
        let size = self.fits(&message)?;
        let subject = message.subject.to_string();
        let asked = async {
            self.room(size).await?;
            let (answer, answered) = oneshot::channel();
            let _asking = {
                let mut state = self.shared().lock();
                self.listen_to_inboxes(&mut state);
                let number = state.number();
                message.reply = Some(self.inbox(number));
                state.ask(number, subject.clone(), answer);
                encode::publish(&mut state.out, &message);
                state.wake_driver();
                Asking { shared: self.shared(), number }
            };
            answered.await.unwrap_or(Err(BusError::Closed))
        };
        match tokio::time::timeout(timeout, asked).await {
            Ok(outcome) => outcome,
            Err(_) if self.is_up() => Err(BusError::Timeout { subject, after: timeout }),
            Err(late) => Err(BusError::Disconnected(Some(late.into()))),
        }
    }

    async fn request_many(&self, mut message: Message) -> Result<Subscription, BusError> {
        self.open()?;
        let size = self.fits(&message)?;
        self.up().await?;
        self.room(size).await?;
        let subject = message.subject.to_string();
        // An inbox of its own that ends with it, so that the broker can say when nobody listens there any more.
        let (sid, inbox) = {
            let mut state = self.shared().lock();
            let sid = state.number();
            let inbox = format!("{}many.{sid}", self.shared().inbox);
            state.subscriptions.insert(sid, Subscribed::new(inbox.clone(), None));
            (sid, inbox)
        };
        let listening = Listening::new(Arc::clone(&self.handle), sid);
        message.reply = Some(Subject::reply(inbox.clone()).expect("the prefix was checked when it was connected"));
        self.behind(Behind::Publish(subject.clone()), |state| {
            state.control(|out| encode::subscribe(out, &inbox, None, sid));
            encode::publish(&mut state.out, &message);
        })
        .await?;
        // That nobody is there comes before the answer to the PING.
        let state = self.shared().lock();
        let first = state.subscriptions.get(&sid).and_then(|own| own.arrived.front());
        if matches!(first, Some(Err(ports::Malformed::Status(503)))) {
            drop(state);
            return Err(BusError::NoResponders { subject });
        }
        drop(state);
        Ok(Box::pin(listening))
    }

    async fn subscribe(&self, filter: Filter, queue: Option<String>) -> Result<Subscription, BusError> {
        self.open()?;
        self.up().await?;
        let text = filter.to_string();
        let sid = {
            let mut state = self.shared().lock();
            let sid = state.number();
            state.subscriptions.insert(sid, Subscribed::new(text.clone(), queue.clone()));
            sid
        };
        // From here on it ends with this call, should it be given up.
        let listening = Listening::new(Arc::clone(&self.handle), sid);
        self.behind(Behind::Subscribe(text.clone()), |state| {
            state.control(|out| encode::subscribe(out, &text, queue.as_deref(), sid));
        })
        .await?;
        Ok(Box::pin(listening))
    }

    async fn flush(&self) -> Result<(), BusError> {
        self.open()?;
        self.up().await?;
        self.behind(Behind::Flush, |_| {}).await
    }

    async fn drain(&self) -> Result<(), BusError> {
        if self.handle.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let arrived = self
            .behind(Behind::UnsubscribeAll, |state| {
                for sid in state.subscriptions.keys().copied().collect::<Vec<_>>() {
                    state.control(|out| encode::unsubscribe(out, sid));
                }
            })
            .await;
        self.shared().close();
        arrived?;
        tokio::time::timeout(PATIENCE, self.ended()).await.map_err(|late| BusError::Disconnected(Some(late.into())))
    }
}
