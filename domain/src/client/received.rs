//! Messages that come in.

use std::{marker::PhantomData, sync::Arc};

use bytes::Bytes;
use futures_util::StreamExt;

use super::{Client, ClientError, incoming};
use crate::{
    identity::UserId,
    message::Message,
    ports::{Bus, Subscription},
    routing::Fault,
    subject::{Filter, Subject},
};

/// Messages of type `T`, as they come in.
pub struct Messages<T> {
    subscription: Subscription,
    bus: Arc<dyn Bus>,
    message: PhantomData<fn() -> T>,
}

/// A message that came in.
#[derive(Clone)]
pub struct Received<T> {
    /// Where it was published.
    pub subject: Subject,
    /// What it says.
    pub message: T,
    reply: Option<Subject>,
    bus: Arc<dyn Bus>,
}

impl Client {
    /// Listens to what the server sends this user, and to what other users tell them (`from.*.…`, see [`Client::peer`]).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn subscribe<T: prost::Message + Default>(&self, filter: &str) -> Result<Messages<T>, ClientError> {
        self.listen(incoming(&self.user, filter)?).await
    }

    pub(super) async fn listen<T>(&self, filter: Filter) -> Result<Messages<T>, ClientError> {
        let subscription = self.bus.subscribe(filter, None).await?;
        Ok(Messages { subscription, bus: Arc::clone(&self.bus), message: PhantomData })
    }
}

impl<T: prost::Message + Default> Messages<T> {
    /// The next message; `None` when the connection has been closed. What cannot be read as a message at all is passed
    /// over; what is no `T` is an error, and the next call goes on behind it.
    pub async fn next(&mut self) -> Option<Result<Received<T>, ClientError>> {
        loop {
            match self.subscription.next().await? {
                Ok(Message { subject, reply, payload, .. }) => {
                    let decoded = T::decode(payload).map_err(ClientError::Undecodable);
                    let bus = Arc::clone(&self.bus);
                    return Some(decoded.map(|message| Received { subject, message, reply, bus }));
                }
                Err(malformed) => tracing::warn!(%malformed, "message passed over"),
            }
        }
    }
}

impl<T> Received<T> {
    /// The user who sent it, vouched for by the server; `None` when the server itself did.
    #[must_use]
    pub fn from(&self) -> Option<UserId> {
        origin(&self.subject)
    }

    /// Whether its sender awaits an answer.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.reply.is_some()
    }

    /// Answers its sender.
    ///
    /// # Errors
    /// [`ClientError::NobodyWaits`] when no answer is awaited; [`ClientError::Bus`].
    pub async fn respond<A: prost::Message>(&self, answer: &A) -> Result<(), ClientError> {
        self.respond_bytes(answer.encode_to_vec()).await
    }

    /// As [`Received::respond`], with bytes.
    ///
    /// # Errors
    /// As [`Received::respond`].
    pub async fn respond_bytes(&self, payload: impl Into<Bytes> + Send) -> Result<(), ClientError> {
        let reply = self.reply.clone().ok_or(ClientError::NobodyWaits)?;
        Ok(self.bus.publish_confirmed(Message::new(reply, payload)).await?)
    }

    /// Answers with an error.
    ///
    /// # Errors
    /// As [`Received::respond`].
    pub async fn respond_fault(&self, fault: &Fault) -> Result<(), ClientError> {
        let reply = self.reply.clone().ok_or(ClientError::NobodyWaits)?;
        let answer = Message { headers: fault.to_headers(), ..Message::new(reply, Bytes::new()) };
        Ok(self.bus.publish_confirmed(answer).await?)
    }
}

/// The user who speaks in `to.{user}.from.{peer}.…` and `topic.{topic}.{peer}`: subjects where only the server publishes,
/// after the broker has told it who spoke.
fn origin(subject: &Subject) -> Option<UserId> {
    let mut tokens = subject.tokens();
    match (tokens.next()?, tokens.next()?, tokens.next()?) {
        ("to", _, "from") => tokens.next()?.parse().ok(),
        ("topic", _, peer) => peer.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_stands_where_only_the_server_writes() {
        for (subject, from) in [
            ("to.ada.from.bob.chat", Some("bob")),
            ("topic.news.bob", Some("bob")),
            ("to.ada.chat.from.bob", None),
            ("to.ada.ping", None),
            ("from.bob.from.eve", None),
            ("to.ada", None),
        ] {
            assert_eq!(origin(&subject.parse().unwrap()).map(|user| user.to_string()).as_deref(), from, "{subject}");
        }
    }
}
