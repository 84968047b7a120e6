//! How a route's task comes to what it does next, and takes messages meanwhile.

use std::{
    future::{poll_fn, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};

use super::{
    flight::{InFlight, Step, guarded, panic_words},
    line::Key,
    plan::Phase,
    worker::Worker,
};
use crate::{
    ports::{Bus, BusError, Delivery, Subscription},
    routing::{Answer, Fault, Refusal, Request, admission::admit, stats::count},
};

/// What a route's task has to do next.
pub(super) enum Event<'a> {
    Phase(Phase),
    Alarm,
    Step(InFlight, Step),
    /// An answer that the bus does not take at once.
    Sending(Request, BoxFuture<'a, Result<(), BusError>>),
    /// A message that has to wait.
    Queue(Key, Request),
    Turn,
    Ended,
    Idle,
}

impl Worker {
    /// What is to be done next. Messages are handled meanwhile, and their answers sent, as long as nothing has to be waited
    /// for: so a message that is handled at once never leaves this function.
    pub(super) async fn next<'a>(
        &mut self,
        bus: &'a dyn Bus,
        changed: &mut BoxFuture<'static, Phase>,
        mut subscription: Option<&mut Subscription>,
    ) -> Event<'a> {
        let mut slept = false;
        poll_fn(|context| {
            if std::mem::replace(&mut slept, true) {
                self.now = self.clock.elapsed();
            }
            // Messages are taken here, one after another, as long as there is nothing to do about them but to handle them.
            loop {
                if let Poll::Ready((one, step)) = self.flight.poll_next(context) {
                    return Poll::Ready(Event::Step(one, step));
                }
                if let Some(alarm) = &mut self.alarm
                    && alarm.as_mut().poll(context).is_ready()
                {
                    self.alarm = None;
                    self.now = self.clock.elapsed();
                    return Poll::Ready(Event::Alarm);
                }
                match &mut subscription {
                    Some(subscription) => match subscription.as_mut().poll_next(context) {
                        Poll::Ready(Some(delivery)) => {
                            if let Some(event) = self.take(bus, delivery, context) {
                                return Poll::Ready(event);
                            }
                            if self.left == 0 {
                                return Poll::Ready(Event::Turn);
                            }
                            self.left -= 1;
                            continue;
                        }
                        Poll::Ready(None) => return Poll::Ready(Event::Ended),
                        Poll::Pending => {}
                    },
                    None if self.flight.len() == 0 => return Poll::Ready(Event::Idle),
                    None => {}
                }
                self.spare = None;
                self.show();
                // Last, for it hardly ever says anything; a busy route looks at the end of each turn.
                return changed.as_mut().poll(context).map(Event::Phase);
            }
        })
        .await
    }

    /// Takes a message, and says what is to be done about it beyond handling it.
    fn take<'a>(&mut self, bus: &'a dyn Bus, delivery: Delivery, context: &mut Context<'_>) -> Option<Event<'a>> {
        let request = match self.admit(delivery) {
            Ok(request) => request,
            Err(refusal) => {
                count(&self.stats.refused);
                tracing::debug!(route = %self.context.pattern, %refusal, "message refused");
                return None;
            }
        };
        if let Err(fault) = self.may_call(&request) {
            count(&self.stats.turned_away);
            return self.say_now(bus, request, Answer::Fault(fault), context);
        }
        // Without an order the lane matters only for those who wait.
        let Some(key_of) = &self.plan.key else {
            if self.flight.has_room() {
                let (request, answer) = self.start(request, None)?;
                return self.say_now(bus, request, answer, context);
            }
            let lane = request.caller().map_or_else(Bytes::new, |caller| caller.clone().into_bytes());
            return Some(Event::Queue(lane, request));
        };
        match guarded(self.plan.isolate, || key_of(&request)) {
            Ok(key) if self.flight.has_room() && self.line.lets_pass(&key) => {
                self.line.occupy(&key);
                let (request, answer) = self.start(request, Some(key))?;
                self.say_now(bus, request, answer, context)
            }
            Ok(key) => Some(Event::Queue(key, request)),
            Err(panic) => {
                let answer = self.panicked(panic);
                self.say_now(bus, request, answer, context)
            }
        }
    }

    /// Sends what is to be said of a message that is done; says so when the bus does not take it at once.
    fn say_now<'a>(
        &mut self,
        bus: &'a dyn Bus,
        request: Request,
        answer: Answer,
        context: &mut Context<'_>,
    ) -> Option<Event<'a>> {
        if let Some(message) = self.outgoing.message(&request, answer) {
            let mut sending = bus.publish(message);
            match sending.as_mut().poll(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(failed) => return Some(Event::Sending(request, ready(failed).boxed())),
                Poll::Pending => return Some(Event::Sending(request, sending)),
            }
        }
        self.spare = Some(request);
        None
    }

    fn admit(&mut self, delivery: Delivery) -> Result<Request, Refusal> {
        let message = delivery?;
        let caller = admit(&message, &self.context.pattern)?;
        Ok(Request::new(message, caller, &self.context, self.spare.take()))
    }

    fn may_call(&mut self, request: &Request) -> Result<(), Fault> {
        for check in &self.plan.authenticate {
            match guarded(self.plan.isolate, || check(request)) {
                Ok(outcome) => outcome?,
                Err(panic) => {
                    tracing::error!(route = %self.context.pattern, panic = panic_words(&*panic), "a check of callers panicked");
                    return Err(Fault::internal("the caller could not be checked"));
                }
            }
        }
        if let (Some(limiter), Some(user)) = (&mut self.plan.limiter, request.caller()) {
            limiter.call(user, self.now).map_err(|wait| {
                Fault::too_many_requests(format!("too many requests; try again in {} ms", wait.as_millis() + 1))
            })?;
        }
        Ok(())
    }
}
