//! The client half of a bus: how a user's program asks, tells and listens.
//!
//! A [`Client`] speaks for one user. Subjects are written without the user's own prefix: `echo` is published to
//! `from.{user}.echo`, and listening to `news.>` hears `to.{user}.news.>`. A subject that bears the prefix already stays
//! as it is, so nothing breaks when somebody writes it out.

mod peer;
mod received;
mod replies;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

pub use peer::{Peer, TopicClient};
pub use received::{Messages, Received};
pub use replies::Replies;

use crate::{
    identity::UserId,
    message::Message,
    ports::{Bus, BusError, Clock},
    routing::{Fault, TraceContext},
    subject::{Filter, InvalidSubject, Subject},
};

/// How long a request waits for its answer unless told otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// A user's connection to the application. Cheap to clone.
///
/// ```
/// # use std::sync::Arc;
/// # use relais_domain::{client::Client, memory};
/// # #[derive(Clone, PartialEq, prost::Message)] struct Ask {}
/// # async fn example() -> Result<(), relais_domain::client::ClientError> {
/// let client = Client::new(Arc::new(memory::Bus::default()), "ada".parse().expect("a user id"));
/// let answer: Ask = client.request("orders.new", &Ask {}).await?; // asks from.ada.orders.new
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    bus: Arc<dyn Bus>,
    user: UserId,
    timeout: Duration,
    clock: Option<Arc<dyn Clock>>,
    trace: Option<TraceContext>,
}

/// Why something a client wanted did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The text given is no subject.
    #[error("{text:?} is no subject: {problem}")]
    Subject {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: InvalidSubject,
    },
    /// The bus said no; its kinds tell nobody there, nobody in time, not allowed, and no connection apart.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The service answered with an error.
    #[error("the service answered: {0}")]
    Fault(Fault),
    /// The answer is not the message that was expected.
    #[error("the answer is not the message that was expected")]
    Undecodable(#[source] prost::DecodeError),
    /// The message awaits no answer.
    #[error("the message awaits no answer")]
    NobodyWaits,
    /// Of many answers some were lost on the way.
    #[error("some answers were lost on the way: {taken} came{}", sent.map(|sent| format!(" of {sent}")).unwrap_or_default())]
    Incomplete {
        /// How many came.
        taken: u64,
        /// How many there were, if that is known.
        sent: Option<u64>,
    },
}

/// The subject that `text` means when `user` publishes: `from.{user}.` is put in front unless it is there.
///
/// # Errors
/// [`ClientError::Subject`].
pub fn outgoing(user: &UserId, text: &str) -> Result<Subject, ClientError> {
    let full = with_prefix(&format!("from.{user}."), text);
    full.parse().map_err(|problem| ClientError::Subject { text: text.to_owned(), problem })
}

/// The filter that `text` means when `user` listens: `to.{user}.` is put in front unless it is there.
///
/// # Errors
/// [`ClientError::Subject`].
pub fn incoming(user: &UserId, text: &str) -> Result<Filter, ClientError> {
    let full = with_prefix(&format!("to.{user}."), text);
    full.parse().map_err(|problem| ClientError::Subject { text: text.to_owned(), problem })
}

fn with_prefix(prefix: &str, text: &str) -> String {
    if text.starts_with(prefix) { text.to_owned() } else { format!("{prefix}{text}") }
}

impl Client {
    /// A client for `user` on a bus that is connected with that user's credentials.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>, user: UserId) -> Self {
        Self { bus, user, timeout: TIMEOUT, clock: None, trace: None }
    }

    /// The same client, whose requests wait for `timeout`.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same client, which waits for each of many answers no longer than its requests wait.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The same client, whose messages belong to this trace: with [`crate::routing::Request::trace`] of the message that a
    /// handler is at, or with what an exporter says of the current span ([`TraceContext::of`]).
    #[must_use]
    pub fn with_trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// A message of this user's.
    fn message(&self, subject: &str, payload: impl Into<Bytes>) -> Result<Message, ClientError> {
        let mut message = Message::new(outgoing(&self.user, subject)?, payload);
        if let Some(trace) = &self.trace {
            trace.write_to(&mut message.headers);
        }
        Ok(message)
    }

    /// Whom it speaks for.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError`]; a fault of the service is [`ClientError::Fault`].
    pub async fn request<Q: prost::Message, A: prost::Message + Default>(
        &self,
        subject: &str,
        question: &Q,
    ) -> Result<A, ClientError> {
        let answer = self.request_bytes(subject, question.encode_to_vec()).await?;
        A::decode(answer).map_err(ClientError::Undecodable)
    }

    /// As [`Client::request`], with bytes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn request_bytes(&self, subject: &str, payload: impl Into<Bytes> + Send) -> Result<Bytes, ClientError> {
        let message = self.message(subject, payload)?;
        let answer = self.bus.request(message, self.timeout).await?;
        match Fault::from_headers(&answer.headers) {
            Some(fault) => Err(ClientError::Fault(fault)),
            None => Ok(answer.payload),
        }
    }

    /// Tells, at most once. `Ok` says that the broker has taken it (one round trip, which concurrent calls share); nothing
    /// says that anybody listened.
    ///
    /// # Errors
    /// [`ClientError`]; that the broker refuses it is [`BusError::Denied`].
    pub async fn publish<T: prost::Message>(&self, subject: &str, message: &T) -> Result<(), ClientError> {
        self.publish_bytes(subject, message.encode_to_vec()).await
    }

    /// As [`Client::publish`], with bytes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn publish_bytes(&self, subject: &str, payload: impl Into<Bytes> + Send) -> Result<(), ClientError> {
        Ok(self.bus.publish_confirmed(self.message(subject, payload)?).await?)
    }

    /// Returns when the broker has taken everything published before.
    ///
    /// # Errors
    /// [`ClientError::Bus`].
    pub async fn flush(&self) -> Result<(), ClientError> {
        Ok(self.bus.flush().await?)
    }

    /// Sends what is under way and closes the connection.
    ///
    /// # Errors
    /// [`ClientError::Bus`].
    pub async fn close(&self) -> Result<(), ClientError> {
        Ok(self.bus.drain().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        memory,
        routing::{CurrentUser, Message, Router, Service, ServiceOptions},
    };

    #[derive(Clone, PartialEq, prost::Message)]
    struct Text {
        #[prost(string, tag = "1")]
        text: String,
    }

    #[test]
    fn subjects_are_the_users_own() {
        let ada: UserId = "ada".parse().unwrap();
        for (text, full) in
            [("echo", "from.ada.echo"), ("from.ada.echo", "from.ada.echo"), ("from.bob.x", "from.ada.from.bob.x")]
        {
            assert_eq!(outgoing(&ada, text).unwrap().as_str(), full);
        }
        assert_eq!(incoming(&ada, "news.>").unwrap().as_str(), "to.ada.news.>");
        assert_eq!(incoming(&ada, ">").unwrap().as_str(), "to.ada.>");
        for hostile in ["", ".", "a..b", "*", "a.>", "a b", "é", "x\r\nPUB y 0"] {
            assert!(matches!(outgoing(&ada, hostile), Err(ClientError::Subject { .. })), "{hostile:?}");
        }
        assert!(outgoing(&ada, &"x".repeat(10_000)).is_err());
    }

    #[tokio::test]
    async fn a_client_asks_tells_and_listens() {
        async fn echo(Message(ask): Message<Text>, user: CurrentUser) -> Result<Message<Text>, Fault> {
            match ask.text.as_str() {
                "fail" => Err(Fault::conflict("no")),
                text => Ok(Message(Text { text: format!("{text} from {}", user.id()) })),
            }
        }
        let (clock, bus, spawner) = (memory::Clock::default(), memory::Bus::default(), memory::Spawner::default());
        let router = Router::new().subscribe("from.{user}.echo", echo);
        let options = ServiceOptions::new("relais".parse().unwrap());
        let ports = memory::service_ports(&bus, &clock);
        let client = Client::new(Arc::new(bus.connect()), "ada".parse().unwrap());
        let ask = |text: &str| Text { text: text.to_owned() };
        spawner
            .drive(async {
                let _service = Service::start(router, ports, &spawner, options).await.unwrap();
                assert_eq!(client.request::<_, Text>("echo", &ask("hi")).await.unwrap(), ask("hi from ada"));
                let fault = client.request::<_, Text>("echo", &ask("fail")).await;
                assert!(matches!(fault, Err(ClientError::Fault(fault)) if fault.code() == 409));
                let nobody = client.request::<_, Text>("nowhere", &ask("")).await;
                assert!(matches!(nobody, Err(ClientError::Bus(BusError::NoResponders { .. }))));

                let mut news = client.subscribe::<Text>("news.>").await.unwrap();
                let send = |subject: &str, payload: Vec<u8>| {
                    let message = crate::message::Message::new(subject.parse().unwrap(), payload);
                    let bus = bus.clone();
                    async move { bus.publish(message).await.unwrap() }
                };
                send("to.bob.news.x", Vec::new()).await;
                send("to.ada.news.x", prost::Message::encode_to_vec(&ask("new"))).await;
                send("to.ada.news.y", vec![0xff]).await;
                let news_item = news.next().await.unwrap().unwrap();
                assert_eq!(news_item.subject.as_str(), "to.ada.news.x");
                assert_eq!((&news_item.message, news_item.from()), (&ask("new"), None));
                assert!(matches!(news_item.respond(&ask("")).await, Err(ClientError::NobodyWaits)));
                assert!(matches!(news.next().await, Some(Err(ClientError::Undecodable(_)))));
                client.close().await.unwrap();
                assert!(news.next().await.is_none());
            })
            .await;
    }
}
