//! The port to core NATS.

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use futures_util::Stream;

use crate::{
    message::Message,
    ports::Cause,
    subject::{Filter, InvalidSubject},
};

/// Core NATS: publish and subscribe, at most once.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Bus: Send + Sync {
    /// Sends a message. `Ok` says that it is on its way, not that anybody got it: a message to nobody is no error, and
    /// a refusal by the broker comes later (see [`Bus::flush`]).
    ///
    /// # Errors
    /// [`BusError::TooLarge`] at once; [`BusError::Closed`] after [`Bus::drain`].
    async fn publish(&self, message: Message) -> Result<(), BusError>;

    /// As [`Bus::publish`], and returns when the broker has taken or refused it: one round trip, which concurrent calls
    /// share.
    ///
    /// # Errors
    /// As [`Bus::publish`]; [`BusError::Denied`] when the broker refuses this very message.
    async fn publish_confirmed(&self, message: Message) -> Result<(), BusError>;

    /// Sends a message and waits for the first answer, in an inbox of its own. `message.reply` is overwritten.
    ///
    /// # Errors
    /// [`BusError::NoResponders`] at once when nobody listens; [`BusError::Timeout`] when nobody has answered within
    /// `timeout`; [`BusError::Denied`] when the broker refuses the publish or the inbox. An answer that carries an
    /// error of the service (ADR-32) is `Ok` here: see [`crate::routing::Fault::from_headers`].
    async fn request(&self, message: Message, timeout: Duration) -> Result<Message, BusError>;

    /// Sends a message and listens, in an inbox of its own, to however many answers come; dropping the subscription ends
    /// that. `message.reply` is overwritten.
    ///
    /// # Errors
    /// [`BusError::NoResponders`] when nobody listens; [`BusError::Denied`] when the broker refuses the publish or the
    /// inbox.
    async fn request_many(&self, message: Message) -> Result<Subscription, BusError>;

    /// Listens to `filter`; with a `queue`, each message reaches one member of that queue group. Messages published
    /// after this has returned, by anybody on the same broker, are delivered.
    ///
    /// # Errors
    /// [`BusError::Denied`] when the broker refuses.
    async fn subscribe(&self, filter: Filter, queue: Option<String>) -> Result<Subscription, BusError>;

    /// Returns when the broker has taken everything published before.
    ///
    /// # Errors
    /// [`BusError::Denied`] when it refused any of that since the last call (the first refusal is told).
    async fn flush(&self) -> Result<(), BusError>;

    /// Ends every subscription after what has already arrived, flushes, and closes. A repeat does nothing.
    ///
    /// # Errors
    /// [`BusError::Disconnected`] when the connection broke before all was flushed; it is closed nonetheless.
    async fn drain(&self) -> Result<(), BusError>;
}

/// What arrives on a subscription: messages, and word of what could not be read as one.
pub type Delivery = Result<Message, Malformed>;

/// A subscription: a stream of [`Delivery`], which ends when the bus is drained. Dropping it ends it at once.
pub type Subscription = Pin<Box<dyn Deliveries>>;

/// The stream behind a [`Subscription`].
#[async_trait]
pub trait Deliveries: Stream<Item = Delivery> + Send {
    /// Takes no more messages from the broker; what has arrived is still delivered, then the stream ends.
    ///
    /// # Errors
    /// As [`Bus::subscribe`]; a repeat does nothing.
    async fn drain(self: Pin<&mut Self>) -> Result<(), BusError>;
}

/// A message that came, but is none Relais takes. It is dropped and counted by whoever reads the subscription.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Its subject is none.
    #[error("its subject is malformed: {0}")]
    Subject(InvalidSubject),
    /// Its reply subject is none.
    #[error("its reply subject is malformed: {0}")]
    Reply(InvalidSubject),
    /// Its headers are larger than [`crate::message::MAX_HEADERS`].
    #[error("its headers take {0} bytes")]
    Headers(usize),
    /// Its headers are none: no text, a line without a name and a colon, a status that is no number.
    #[error("its headers cannot be read")]
    HeaderBlock,
    /// So many messages came faster than they were taken, and there was no room for them.
    #[error("{0} messages came faster than they were taken")]
    Overrun(u64),
    /// It carries a NATS status line, as the broker's own answers do.
    #[error("it carries the status {0}")]
    Status(u16),
}

/// What can go wrong on a bus.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Nobody listens there.
    #[error("nobody answers on {subject}")]
    NoResponders {
        /// Where the request went.
        subject: String,
    },
    /// Somebody may listen there, but nobody answered in time.
    #[error("no answer from {subject} within {} ms", after.as_millis())]
    Timeout {
        /// Where the request went.
        subject: String,
        /// How long was waited.
        after: Duration,
    },
    /// The broker does not let this credential do that.
    #[error("not allowed to {operation} {subject}")]
    Denied {
        /// "publish to" or "listen to".
        operation: &'static str,
        /// Where.
        subject: String,
    },
    /// An answer came that is no message.
    #[error("the answer cannot be read")]
    Malformed(#[source] Malformed),
    /// The broker does not believe the credential: it is unknown, expired or revoked.
    #[error("the broker refuses the credential: it is unknown, expired or revoked")]
    Unauthorized,
    /// Larger than the broker takes.
    #[error("the message has {size} bytes, the broker takes {limit}")]
    TooLarge {
        /// Bytes of the payload and headers.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// No connection, now.
    #[error("no connection to the broker")]
    Disconnected(#[source] Option<Cause>),
    /// Drained: this bus is not used any more.
    #[error("the connection has been closed")]
    Closed,
}
