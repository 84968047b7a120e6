//! A subscription, and how it ends without losing what is on its way.
//!
//! nats-server handles one connection in order: when it answers a PING that follows an UNSUB, it has sent everything that it
//! will send for that subscription. So a drain delivers what comes before that answer, and ends there.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use futures_util::Stream;
use relais_domain::ports::{BusError, Deliveries, Delivery, Malformed};
use tokio::sync::oneshot;

use super::{bus::Handle, state::Behind, wire::encode};

pub(super) struct Listening {
    handle: Arc<Handle>,
    sid: u64,
    /// Taken out of what has arrived, all at once.
    taken: VecDeque<Delivery>,
    drained: bool,
}

impl Listening {
    pub(super) fn new(handle: Arc<Handle>, sid: u64) -> Self {
        Self { handle, sid, taken: VecDeque::new(), drained: false }
    }
}

impl Stream for Listening {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if let Some(next) = self.taken.pop_front() {
            return Poll::Ready(Some(next));
        }
        let this = &mut *self;
        let mut state = this.handle.shared.lock();
        state.take_arrived(this.sid, &mut this.taken);
        let Some(own) = state.subscriptions.get_mut(&this.sid) else { return Poll::Ready(None) };
        if let Some(next) = this.taken.pop_front() {
            return Poll::Ready(Some(next));
        }
        if own.overrun > 0 {
            return Poll::Ready(Some(Err(Malformed::Overrun(std::mem::take(&mut own.overrun)))));
        }
        if own.ended {
            return Poll::Ready(None);
        }
        match &mut own.waker {
            Some(waker) if waker.will_wake(context.waker()) => {}
            other => *other = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

#[async_trait]
impl Deliveries for Listening {
    async fn drain(mut self: Pin<&mut Self>) -> Result<(), BusError> {
        if std::mem::replace(&mut self.drained, true) {
            return Ok(());
        }
        let (told, done) = oneshot::channel();
        {
            let mut state = self.handle.shared.lock();
            let sid = self.sid;
            let up = state.up;
            let Some(own) = state.subscriptions.get_mut(&sid) else { return Ok(()) };
            if !up {
                // The broker has forgotten it with the connection.
                own.ended = true;
                return Ok(());
            }
            state.control(|out| encode::unsubscribe(out, sid));
            state.ping(Behind::Unsubscribe(sid), Some(told));
        }
        match done.await {
            Ok(outcome) => outcome,
            Err(_) => Err(BusError::Disconnected(None)),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut state = self.handle.shared.lock();
        let Some(gone) = state.remove(self.sid) else { return };
        if !gone.ended && !self.drained {
            let sid = self.sid;
            state.control(|out| encode::unsubscribe(out, sid));
        }
    }
}
