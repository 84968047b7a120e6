//! Other users, and topics: what the server relays.

use bytes::Bytes;

use super::{Client, ClientError, Messages};
use crate::identity::{Topic, UserId};

/// Another user, reached through the server, if its policy allows. Made by [`Client::peer`].
///
/// ```
/// # use relais_domain::{client::{Client, ClientError}, identity::UserId};
/// # #[derive(Clone, PartialEq, prost::Message)] struct Text {}
/// # async fn example(ada: Client, bob: Client) -> Result<(), ClientError> {
/// // Bob listens, and answers.
/// let mut heard = bob.subscribe::<Text>("from.*.chat").await?;
/// while let Some(Ok(received)) = heard.next().await {
///     println!("{:?} says {:?}", received.from(), received.message);
///     received.respond(&Text {}).await?;
/// }
/// // Ada asks.
/// let answer: Text = ada.peer(bob.user()).request("chat", &Text {}).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Peer<'c> {
    client: &'c Client,
    user: &'c UserId,
}

/// A topic: what is said there reaches everybody who may hear it. Made by [`Client::topic`].
#[derive(Clone)]
pub struct TopicClient<'c> {
    client: &'c Client,
    topic: Topic,
}

impl Client {
    /// Another user.
    #[must_use]
    pub fn peer<'c>(&'c self, user: &'c UserId) -> Peer<'c> {
        Peer { client: self, user }
    }

    /// A topic.
    #[must_use]
    pub fn topic(&self, topic: Topic) -> TopicClient<'_> {
        TopicClient { client: self, topic }
    }
}

impl Peer<'_> {
    /// Tells them, at most once: `to.{peer}.from.{user}.{subject}`. `Ok` says that the broker has taken it. That the policy
    /// refuses it only a request is told.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn publish<T: prost::Message>(&self, subject: &str, message: &T) -> Result<(), ClientError> {
        self.publish_bytes(subject, message.encode_to_vec()).await
    }

    /// As [`Peer::publish`], with bytes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn publish_bytes(&self, subject: &str, payload: impl Into<Bytes> + Send) -> Result<(), ClientError> {
        self.client.publish_bytes(&self.told(subject), payload).await
    }

    /// Asks them, and waits for their answer.
    ///
    /// # Errors
    /// [`ClientError`]; a refusal by the policy is the fault 403; that they are away is a [`crate::ports::BusError::Timeout`].
    pub async fn request<Q: prost::Message, A: prost::Message + Default>(
        &self,
        subject: &str,
        question: &Q,
    ) -> Result<A, ClientError> {
        self.client.request(&self.told(subject), question).await
    }

    /// As [`Peer::request`], with bytes.
    ///
    /// # Errors
    /// As [`Peer::request`].
    pub async fn request_bytes(&self, subject: &str, payload: impl Into<Bytes> + Send) -> Result<Bytes, ClientError> {
        self.client.request_bytes(&self.told(subject), payload).await
    }

    fn told(&self, subject: &str) -> String {
        format!("tell.{}.{subject}", self.user)
    }
}

impl TopicClient<'_> {
    /// Says something to everybody who listens now; `Ok` says that the server has passed it on.
    ///
    /// # Errors
    /// [`ClientError`]; that there is no such topic is the fault 404.
    pub async fn publish<T: prost::Message>(&self, message: &T) -> Result<(), ClientError> {
        self.publish_bytes(message.encode_to_vec()).await
    }

    /// As [`TopicClient::publish`], with bytes.
    ///
    /// # Errors
    /// As [`TopicClient::publish`].
    pub async fn publish_bytes(&self, payload: impl Into<Bytes> + Send) -> Result<(), ClientError> {
        self.client.request_bytes(&format!("topic.{}", self.topic), payload).await.map(drop)
    }

    /// Listens to what users say there, one's own words among it.
    ///
    /// # Errors
    /// [`ClientError`]; a topic that one's credentials do not cover is [`crate::ports::BusError::Denied`].
    pub async fn subscribe<T: prost::Message + Default>(&self) -> Result<Messages<T>, ClientError> {
        let filter = format!("topic.{}.*", self.topic);
        let filter = filter.parse().map_err(|problem| ClientError::Subject { text: filter, problem })?;
        self.client.listen(filter).await
    }
}
