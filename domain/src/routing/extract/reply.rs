//! Answering by hand.

use std::convert::Infallible;

use bytes::Bytes;

use super::{Extract, Fault, Request};
use crate::{message, ports::BusError, subject::Subject};

/// The way to answer by hand, also more than once, also after the handler has returned. A handler that takes it sends
/// its answers itself: returning `()` sends nothing. A fault that the handler returns is still told, unless it has
/// answered before.
#[derive(Clone)]
pub struct Reply {
    request: Request,
    to: Option<Subject>,
}

/// Why an answer could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// The caller published without a reply subject.
    #[error("the caller awaits no answer")]
    NobodyWaits,
    /// The bus would not take it.
    #[error("the answer could not be sent")]
    Bus(#[from] BusError),
}

impl From<ReplyError> for Fault {
    fn from(_: ReplyError) -> Self {
        Self::internal("the answer could not be sent")
    }
}

impl Reply {
    /// Whether the caller awaits an answer.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.to.is_some()
    }

    /// Sends a protobuf message.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub async fn message<T: prost::Message>(&self, message: &T) -> Result<(), ReplyError> {
        self.bytes(message.encode_to_vec()).await
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub async fn bytes(&self, payload: impl Into<Bytes> + Send) -> Result<(), ReplyError> {
        let to = self.to.clone().ok_or(ReplyError::NobodyWaits)?;
        self.send(message::Message::new(to, payload)).await
    }

    /// Sends a fault.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub async fn fault(&self, fault: &Fault) -> Result<(), ReplyError> {
        let to = self.to.clone().ok_or(ReplyError::NobodyWaits)?;
        let mut answer = message::Message::new(to, Bytes::new());
        answer.headers = fault.to_headers();
        self.send(answer).await
    }

    async fn send(&self, answer: message::Message) -> Result<(), ReplyError> {
        self.request.ports().bus.publish(answer).await?;
        self.request.set_answered();
        Ok(())
    }
}

impl<S: Sync> Extract<S> for Reply {
    type Rejection = Infallible;
    const BY_HAND: bool = true;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        request.take_reply();
        Ok(Self { to: request.message().reply.clone(), request: request.clone() })
    }
}
