//! A subscription, and how it ends without losing what is on its way.
//!
//! async-nats forgets a subscription as soon as the wish to end it has been written, and drops what the broker had sent by
//! then: a request that a member of a queue group was given and nobody answers. What both sides *count* ends well,
//! though: "end after so many messages" is kept by the broker and by async-nats alike, and they count the same ones. So a
//! drain asks for an end a few messages ahead; under load it comes at once. Where too few come for that, it asks for an
//! end after the very next one; and where none comes any more, it just ends.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{FutureExt, Stream, StreamExt};
use relais_domain::ports::{BusError, Deliveries, Delivery};

use super::{
    bus::{Bus, disconnected},
    convert::message_in,
};

/// How far ahead the end is asked for: more than can be on its way at a time.
const AHEAD: [u64; 2] = [64, 1];
/// How long each of these is waited for.
const QUIET: Duration = Duration::from_millis(25);

pub(super) struct Listening {
    subscriber: async_nats::Subscriber,
    bus: Bus,
    /// Messages taken from async-nats, and how many connections there had been when it began to count them.
    taken: u64,
    connections: u64,
    /// Taken while draining, to be delivered yet.
    held: VecDeque<Delivery>,
    drained: bool,
}

impl Listening {
    pub(super) fn new(subscriber: async_nats::Subscriber, bus: Bus) -> Self {
        let connections = bus.connections();
        Self { subscriber, bus, taken: 0, connections, held: VecDeque::new(), drained: false }
    }

    /// Takes what is there and what comes within `wait`; says whether it was the last.
    async fn hold(&mut self, wait: Duration) -> bool {
        let all = async {
            while let Some(message) = self.subscriber.next().await {
                self.taken += 1;
                self.held.push_back(message_in(message));
            }
        };
        tokio::time::timeout(wait, all).await.is_ok()
    }

    fn hold_what_is_there(&mut self) {
        while let Some(Some(message)) = self.subscriber.next().now_or_never() {
            self.taken += 1;
            self.held.push_back(message_in(message));
        }
    }
}

impl Stream for Listening {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if let Some(held) = self.held.pop_front() {
            return Poll::Ready(Some(held));
        }
        let next = self.subscriber.poll_next_unpin(context);
        if let Poll::Ready(Some(_)) = &next {
            self.taken += 1;
        }
        next.map(|message| message.map(message_in))
    }
}

#[async_trait]
impl Deliveries for Listening {
    async fn drain(mut self: Pin<&mut Self>) -> Result<(), BusError> {
        if std::mem::replace(&mut self.drained, true) {
            return Ok(());
        }
        for ahead in AHEAD {
            // After a reconnect the broker counts from nought, and async-nats does not.
            if self.connections != self.bus.connections() {
                break;
            }
            self.hold_what_is_there();
            let end = self.taken + ahead;
            self.subscriber.unsubscribe_after(end).await.map_err(disconnected)?;
            if self.hold(QUIET).await {
                return Ok(());
            }
        }
        // What the broker had sent before it saw this must be here first.
        let arrived = self.bus.round_trip().await;
        self.hold_what_is_there();
        self.subscriber.drain().await.map_err(disconnected)?;
        arrived
    }
}
