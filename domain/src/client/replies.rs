//! Many answers to one request.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    future::{Either, select},
};

use super::{Client, ClientError};
use crate::{
    ports::{BusError, Clock, Malformed, Subscription},
    routing::{END, Fault},
};

/// The answers to one request, as they come. Dropped, the service stops making them.
pub struct Replies<A> {
    subscription: Subscription,
    subject: String,
    clock: Option<Arc<dyn Clock>>,
    timeout: Duration,
    taken: u64,
    over: bool,
    answer: PhantomData<fn() -> A>,
}

impl Client {
    /// Asks a route that gives many answers ([`crate::routing::Answers`]).
    ///
    /// # Errors
    /// [`ClientError`]; nobody there and a refusal are told here, what comes later by [`Replies::next`].
    pub async fn request_many<Q, A>(&self, subject: &str, question: &Q) -> Result<Replies<A>, ClientError>
    where
        Q: prost::Message,
        A: prost::Message + Default,
    {
        let message = self.message(subject, question.encode_to_vec())?;
        let name = message.subject.to_string();
        let subscription = self.bus.request_many(message).await?;
        let clock = self.clock.clone();
        let timeout = self.timeout;
        Ok(Replies { subscription, subject: name, clock, timeout, taken: 0, over: false, answer: PhantomData })
    }
}

impl<A: prost::Message + Default> Replies<A> {
    /// The next answer; `None` behind the last.
    ///
    /// # Errors
    /// A fault of the service, an answer that cannot be read, nothing within the client's time limit, or
    /// [`ClientError::Incomplete`] when some were lost on the way. Nothing comes behind an error.
    pub async fn next(&mut self) -> Option<Result<A, ClientError>> {
        if self.over {
            return None;
        }
        let next = self.step().await;
        self.over = !matches!(next, Some(Ok(_)));
        next
    }

    async fn step(&mut self) -> Option<Result<A, ClientError>> {
        let delivery = match self.wait().await {
            Ok(delivery) => delivery,
            Err(error) => return Some(Err(error)),
        };
        let message = match delivery {
            Some(Ok(message)) => message,
            Some(Err(Malformed::Overrun(_))) => return Some(Err(self.incomplete(None))),
            Some(Err(malformed)) => return Some(Err(BusError::Malformed(malformed).into())),
            None => return Some(Err(BusError::Closed.into())),
        };
        if let Some(fault) = Fault::from_headers(&message.headers) {
            return Some(Err(ClientError::Fault(fault)));
        }
        if let Some(count) = message.headers.get(END) {
            let count = count.parse().ok();
            return (count != Some(self.taken)).then(|| Err(self.incomplete(count)));
        }
        self.taken += 1;
        Some(A::decode(message.payload).map_err(ClientError::Undecodable))
    }

    fn incomplete(&self, sent: Option<u64>) -> ClientError {
        ClientError::Incomplete { taken: self.taken, sent }
    }

    async fn wait(&mut self) -> Result<Option<crate::ports::Delivery>, ClientError> {
        let Some(clock) = &self.clock else { return Ok(self.subscription.next().await) };
        let next = self.subscription.next();
        match select(next, clock.sleep(self.timeout)).await {
            Either::Left((delivery, _)) => Ok(delivery),
            Either::Right(_) => Err(BusError::Timeout { subject: self.subject.clone(), after: self.timeout }.into()),
        }
    }
}
