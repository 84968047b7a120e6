//! Sending answers.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    message::{Headers, Message},
    ports::{Bus, BusError},
    routing::{
        Answer, Fault, Request,
        answer::END,
        stats::{RouteStats, count},
    },
    subject::Subject,
};

/// After how many of many answers it is asked whether somebody still listens.
const ASK_EVERY: u64 = 64;
/// How long nobody may say no.
const ASK_FOR: std::time::Duration = std::time::Duration::from_secs(1);

/// Sends the answers of one route.
pub(in crate::routing) struct Outgoing {
    pub(in crate::routing) bus: Arc<dyn Bus>,
    pub(in crate::routing) stats: Arc<RouteStats>,
    pub(in crate::routing) route: String,
}

impl Outgoing {
    /// Sends what a handler had to say, to who awaits it.
    pub(in crate::routing) async fn answer(&self, request: &Request, answer: Answer) {
        if let Some(message) = self.message(request, answer) {
            self.sent(request, self.bus.publish(message).await).await;
        }
    }

    /// What a handler had to say, as a message; `None` when nobody awaits it, or it was said by hand.
    pub(in crate::routing) fn message(&self, request: &Request, answer: Answer) -> Option<Message> {
        if let Answer::Fault(fault) = &answer {
            self.stats.fault(fault);
        }
        let silent = match &answer {
            // A handler that answers by hand has nothing more to say, unless it failed before its first word.
            Answer::Empty => request.is_by_hand(),
            Answer::Fault(_) => request.is_answered(),
            Answer::Payload(_) => false,
            // Many answers are sent one by one, by whoever polls them.
            Answer::Stream(_) => request.message().reply.is_some(),
        };
        if silent {
            return None;
        }
        let Some(reply) = request.message().reply.clone() else {
            if let Answer::Fault(fault) = &answer {
                tracing::debug!(route = %self.route, %fault, "nobody awaits this fault");
            }
            count(&self.stats.unanswered);
            return None;
        };
        Some(match answer {
            Answer::Payload(payload) => Message::new(reply, payload),
            Answer::Fault(fault) => told(reply, fault.to_headers()),
            Answer::Empty | Answer::Stream(_) => Message::new(reply, Bytes::new()),
        })
    }

    /// Sends one of many answers; says whether it was taken. Now and then, in what comes back beside, asks whether somebody
    /// still listens.
    pub(in crate::routing) async fn item(
        &self,
        request: &Request,
        item: Bytes,
        sent: u64,
    ) -> (bool, Option<BoxFuture<'static, bool>>) {
        let Some(reply) = request.message().reply.clone() else { return (false, None) };
        if !sent.is_multiple_of(ASK_EVERY) {
            return (self.sent(request, self.bus.publish(Message::new(reply, item)).await).await, None);
        }
        // As a request, so that the broker says when nobody is there. Whoever gets it takes it as any other.
        let bus = Arc::clone(&self.bus);
        let mut asked = async move {
            let answered = bus.request(Message::new(reply, item), ASK_FOR).await;
            !matches!(answered, Err(BusError::NoResponders { .. } | BusError::Closed))
        }
        .boxed();
        // It is sent with the first poll, so before the next item.
        match futures_util::poll!(&mut asked) {
            std::task::Poll::Ready(alive) => (alive, None),
            std::task::Poll::Pending => (true, Some(asked)),
        }
    }

    /// Sends the end of many answers.
    pub(in crate::routing) async fn end(&self, request: &Request, sent: u64, fault: Option<Fault>) {
        let mut headers = Headers::default();
        if let Some(fault) = &fault {
            self.stats.fault(fault);
            headers = fault.to_headers();
        }
        headers.append(END, &sent.to_string());
        if let Some(reply) = request.message().reply.clone() {
            self.sent(request, self.bus.publish(told(reply, headers)).await).await;
        }
    }

    /// What follows from how the sending went; says whether the message was taken.
    pub(in crate::routing) async fn sent(&self, request: &Request, outcome: Result<(), BusError>) -> bool {
        match outcome {
            Ok(()) => return true,
            Err(BusError::TooLarge { size, limit }) => {
                count(&self.stats.unsent);
                let words = format!("the answer has {size} bytes, the broker takes {limit}");
                if let Some(reply) = request.message().reply.clone() {
                    let _ = self.bus.publish(told(reply, Fault::internal(words).to_headers())).await;
                }
            }
            Err(error) => {
                count(&self.stats.unsent);
                tracing::warn!(route = %self.route, %error, "an answer could not be sent");
            }
        }
        false
    }
}

/// A message of headers alone.
fn told(to: Subject, headers: Headers) -> Message {
    Message { headers, ..Message::new(to, Bytes::new()) }
}
