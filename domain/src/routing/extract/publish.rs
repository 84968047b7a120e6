//! Sending messages in the service's name.

use std::convert::Infallible;

use bytes::Bytes;

use super::{Extract, Fault, Request};
use crate::{
    message,
    ports::BusError,
    subject::{InvalidSubject, Subject},
};

/// The way to send messages in the service's name. Every one is built anew: nothing of the request but its trace goes along.
///
/// The broker lets a service publish to `to.>`, `out.>` and `topic.*.*`; for users [`super::ToUser`] is the shorter way.
#[derive(Clone)]
pub struct Publish(Request);

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Where it should go is no subject.
    #[error("{subject:?} is no subject: {problem}")]
    Subject {
        /// What was given.
        subject: String,
        /// What is wrong with it.
        problem: InvalidSubject,
    },
    /// What only a user may be seen to say: `to.{user}.from.` is where messages of users come from.
    #[error("{subject} is kept for messages that one user sends another")]
    Reserved {
        /// What was given.
        subject: String,
    },
    /// The bus would not take it.
    #[error("the message could not be sent")]
    Bus(#[from] BusError),
}

impl From<PublishError> for Fault {
    fn from(_: PublishError) -> Self {
        Self::internal("a message could not be sent")
    }
}

impl Publish {
    pub(super) fn of(request: &Request) -> Self {
        Self(request.clone())
    }

    /// Sends a protobuf message.
    ///
    /// # Errors
    /// [`PublishError`]. `Ok` says that it is on its way.
    pub async fn message<T: prost::Message>(&self, subject: &str, message: &T) -> Result<(), PublishError> {
        self.bytes(subject, message.encode_to_vec()).await
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// [`PublishError`]. `Ok` says that it is on its way.
    pub async fn bytes(&self, subject: &str, payload: impl Into<Bytes> + Send) -> Result<(), PublishError> {
        let parsed: Subject =
            subject.parse().map_err(|problem| PublishError::Subject { subject: subject.to_owned(), problem })?;
        let tokens: [Option<&str>; 3] = {
            let mut tokens = parsed.tokens();
            [tokens.next(), tokens.next(), tokens.next()]
        };
        if matches!(tokens, [Some("to"), Some(_), Some("from")]) {
            return Err(PublishError::Reserved { subject: subject.to_owned() });
        }
        let mut message = message::Message::new(parsed, payload);
        if let Some(trace) = self.0.trace() {
            trace.write_to(&mut message.headers);
        }
        Ok(self.0.ports().bus.publish(message).await?)
    }
}

impl<S: Sync> Extract<S> for Publish {
    type Rejection = Infallible;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(request))
    }
}
