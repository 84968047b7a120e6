//! What runs one route.

use std::{
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::watch;

use super::{
    flight::{Flight, InFlight, Panic, Step, Work, guarded, panic_words},
    line::{Key, Line},
    outgoing::Outgoing,
    plan::{Phase, Plan, next_phase},
};
use crate::{
    give_way::give_way,
    ports::{Clock, Delivery, Subscription},
    routing::{
        Answer, Fault, Refusal, Request,
        admission::admit,
        request::RouteContext,
        stats::{RouteStats, count},
    },
};

/// What is done in one go before others get their turn on this thread.
const TURN: u32 = 128;

/// What runs one route: reads its subscription, keeps at most so many handlers in flight, polls them in place.
pub(in crate::routing) struct Worker {
    plan: Plan,
    context: Arc<RouteContext>,
    clock: Arc<dyn Clock>,
    stats: Arc<RouteStats>,
    outgoing: Outgoing,
    phase: watch::Receiver<Phase>,
    flight: Flight,
    line: Line,
    /// Rings when somebody's time may be over.
    alarm: Option<BoxFuture<'static, ()>>,
    /// The time, as last looked at: once a message and after each wait.
    now: Duration,
}

enum Event {
    Phase(Phase),
    Alarm,
    Step(InFlight, Step),
    Arrived(Delivery),
    Ended,
    Idle,
}

impl Worker {
    pub(in crate::routing) fn new(
        plan: Plan,
        context: Arc<RouteContext>,
        stats: Arc<RouteStats>,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        let bus = Arc::clone(&context.ports.bus);
        let clock = Arc::clone(&context.ports.clock);
        let outgoing = Outgoing { bus, stats: Arc::clone(&stats), route: context.pattern.to_string() };
        let flight = Flight::new(plan.handlers, plan.isolate);
        let line = Line::new(plan.key.is_some(), plan.line, plan.line_bytes);
        let now = clock.elapsed();
        Self { plan, context, clock, stats, outgoing, phase, flight, line, alarm: None, now }
    }

    /// Runs until the service is drained or dropped.
    pub(in crate::routing) async fn run(mut self, mut subscription: Subscription) {
        let mut open = true;
        let mut changed = next_phase(self.phase.clone(), Phase::Running).boxed();
        let mut left = TURN;
        loop {
            let mut event = None;
            if left == 0 {
                left = TURN;
                give_way().await;
                event = (&mut changed).now_or_never().map(Event::Phase);
            }
            left -= 1;
            let event = match event {
                Some(event) => event,
                None => self.next(&mut changed, open.then_some(&mut subscription)).await,
            };
            match event {
                Event::Phase(Phase::GivingUp) => {
                    self.stats.set_left_behind(self.flight.len() + self.line.len());
                    return;
                }
                Event::Phase(now) => {
                    if let Err(error) = subscription.as_mut().drain().await {
                        tracing::warn!(route = %self.context.pattern, %error, "the subscription could not be drained");
                        open = false;
                    }
                    changed = next_phase(self.phase.clone(), now).boxed();
                }
                Event::Alarm => self.end_overdue().await,
                Event::Step(one, step) => {
                    self.step(one, step).await;
                    self.let_in().await;
                }
                Event::Arrived(delivery) => self.arrived(delivery).await,
                Event::Ended => open = false,
                Event::Idle => return,
            }
            self.stats.in_flight.store(self.flight.len(), Ordering::Relaxed);
            self.stats.waiting.store(self.line.len(), Ordering::Relaxed);
        }
    }

    async fn next(
        &mut self,
        changed: &mut BoxFuture<'static, Phase>,
        mut subscription: Option<&mut Subscription>,
    ) -> Event {
        let mut slept = false;
        poll_fn(|context| {
            if std::mem::replace(&mut slept, true) {
                self.now = self.clock.elapsed();
            }
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
            let arrived = match &mut subscription {
                Some(subscription) => {
                    subscription.as_mut().poll_next(context).map(|arrived| arrived.map_or(Event::Ended, Event::Arrived))
                }
                None if self.flight.len() == 0 => Poll::Ready(Event::Idle),
                None => Poll::Pending,
            };
            // Last, for it hardly ever says anything; a busy route looks at the end of each turn.
            if arrived.is_pending() { changed.as_mut().poll(context).map(Event::Phase) } else { arrived }
        })
        .await
    }

    async fn arrived(&mut self, delivery: Delivery) {
        let request = match self.admit(delivery) {
            Ok(request) => request,
            Err(refusal) => {
                count(&self.stats.refused);
                tracing::debug!(route = %self.context.pattern, %refusal, "message refused");
                return;
            }
        };
        if let Err(fault) = self.may_call(&request) {
            count(&self.stats.turned_away);
            self.outgoing.answer(&request, Answer::Fault(fault)).await;
            return;
        }
        // Without an order the lane matters only for those who wait.
        let Some(key_of) = &self.plan.key else {
            if self.flight.has_room() {
                self.start(request, None).await;
            } else {
                let lane = request.caller().map_or_else(Bytes::new, |caller| caller.clone().into_bytes());
                self.queue(lane, request).await;
            }
            return;
        };
        let key = match guarded(self.plan.isolate, || key_of(&request)) {
            Ok(key) => key,
            Err(panic) => return self.panicked(&request, panic).await,
        };
        if self.flight.has_room() && self.line.lets_pass(&key) {
            self.line.occupy(&key);
            self.start(request, Some(key)).await;
            self.let_in().await;
        } else {
            self.queue(key, request).await;
        }
    }

    fn admit(&self, delivery: Delivery) -> Result<Request, Refusal> {
        let message = delivery?;
        let caller = admit(&message, &self.context.pattern)?;
        Ok(Request::new(message, caller, Arc::clone(&self.context)))
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

    async fn queue(&mut self, lane: Key, request: Request) {
        for request in self.line.push(lane, request) {
            count(&self.stats.overloads);
            let words = "too many messages are waiting on this route; try again in a moment";
            self.outgoing.answer(&request, Answer::Fault(Fault::unavailable(words))).await;
        }
    }

    /// Lets those in who wait, as far as there is room.
    async fn let_in(&mut self) {
        while self.flight.has_room() {
            let Some((key, request)) = self.line.pop() else { return };
            self.line.occupy(&key);
            self.start(request, Some(key)).await;
        }
    }

    /// Begins to handle a message. One that does not wait for anything is done when this returns.
    async fn start(&mut self, request: Request, key: Option<Key>) {
        let span = if self.plan.traced { span(&self.context, &request) } else { tracing::Span::none() };
        // Its time begins when it leaves the line.
        let (began, deadline) = (self.now, self.plan.timeout.map(|limit| self.now.saturating_add(limit)));
        request.set_deadline(deadline);
        let mut handler = match guarded(self.plan.isolate, || (self.plan.handler)(request.clone())) {
            Ok(handler) => handler,
            Err(panic) => {
                self.done(key.as_ref(), began);
                return self.panicked(&request, panic).await;
            }
        };
        match self.flight.try_now(&mut handler, &span) {
            Poll::Ready(Ok(answer)) if !matches!(answer, Answer::Stream(_)) => {
                self.done(key.as_ref(), began);
                count(&self.stats.handled);
                self.outgoing.answer(&request, answer).await;
            }
            Poll::Ready(outcome) => {
                let step = outcome.map_or_else(Step::Panicked, Step::Answered);
                self.step(InFlight { request, key, began, deadline, span, work: Work::Handler(handler) }, step).await;
            }
            Poll::Pending => {
                self.flight.put(InFlight { request, key, began, deadline, span, work: Work::Handler(handler) });
                self.set_alarm();
            }
        }
    }

    /// What follows from what a handler came to.
    async fn step(&mut self, mut one: InFlight, step: Step) {
        match step {
            Step::Answered(Answer::Stream(stream)) if one.request.message().reply.is_some() => {
                one.work = Work::Answers { stream, sent: 0, alive: None };
                self.go_on(one);
                return;
            }
            Step::Answered(answer) => {
                self.done(one.key.as_ref(), one.began);
                count(&self.stats.handled);
                self.outgoing.answer(&one.request, answer).await;
            }
            Step::Item(item) => {
                let Work::Answers { sent, alive, .. } = &mut one.work else { return };
                let (taken, asked) = self.outgoing.item(&one.request, item, *sent).await;
                if taken {
                    *alive = asked.or(alive.take());
                    self.go_on(one);
                    return;
                }
                self.done(one.key.as_ref(), one.began);
                count(&self.stats.abandoned);
            }
            Step::End(sent, fault) => {
                self.done(one.key.as_ref(), one.began);
                count(&self.stats.handled);
                self.outgoing.end(&one.request, sent, fault).await;
            }
            Step::Abandoned => {
                self.done(one.key.as_ref(), one.began);
                count(&self.stats.abandoned);
            }
            Step::Panicked(panic) => {
                self.done(one.key.as_ref(), one.began);
                self.panicked(&one.request, panic).await;
            }
        }
        one.give_up(self.plan.isolate);
    }

    /// Lets one that gives many answers give the next, within a new limit of time.
    fn go_on(&mut self, mut one: InFlight) {
        self.now = self.clock.elapsed();
        one.deadline = self.plan.timeout.map(|limit| self.now.saturating_add(limit));
        one.request.set_deadline(one.deadline);
        self.flight.put_back(one);
        self.set_alarm();
    }

    /// Frees the lane of one that is done, and takes its time.
    fn done(&mut self, key: Option<&Key>, began: Duration) {
        if let Some(key) = key {
            self.line.release(key);
        }
        if self.plan.measured {
            self.now = self.clock.elapsed();
            self.stats.took(self.now.saturating_sub(began));
        }
    }

    async fn panicked(&mut self, request: &Request, panic: Panic) {
        count(&self.stats.panics);
        tracing::error!(route = %self.context.pattern, panic = panic_words(&*panic), "handler panicked");
        drop(panic);
        self.outgoing.answer(request, Answer::Fault(Fault::internal("the handler failed"))).await;
    }

    async fn end_overdue(&mut self) {
        while let Some(one) = self.flight.take_overdue(self.now) {
            self.done(one.key.as_ref(), one.began);
            count(&self.stats.timeouts);
            tracing::warn!(route = %self.context.pattern, limit = ?self.plan.timeout, "handler took too long");
            let fault = Fault::new(504, "the handler took too long");
            let sent = match &one.work {
                Work::Handler(_) => None,
                Work::Answers { sent, .. } => Some(*sent),
            };
            let request = one.give_up(self.plan.isolate);
            match sent {
                Some(sent) => self.outgoing.end(&request, sent, Some(fault)).await,
                None => self.outgoing.answer(&request, Answer::Fault(fault)).await,
            }
        }
        self.let_in().await;
        self.set_alarm();
    }

    /// Sets the alarm for the next end of somebody's time, if none is set: so there is one timer a route, not one a message.
    fn set_alarm(&mut self) {
        if self.alarm.is_some() {
            return;
        }
        if let Some(next) = self.flight.next_deadline() {
            let (clock, wait) = (Arc::clone(&self.clock), next.saturating_sub(self.clock.elapsed()));
            self.alarm = Some(async move { clock.sleep(wait).await }.boxed());
        }
    }
}

fn span(context: &RouteContext, request: &Request) -> tracing::Span {
    let span = tracing::debug_span!(
        "message",
        route = %context.pattern,
        subject = %request.message().subject,
        trace_id = tracing::field::Empty,
        span_id = tracing::field::Empty,
        parent_id = tracing::field::Empty,
    );
    if let Some(trace) = request.trace() {
        span.record("trace_id", trace.trace_id());
        span.record("span_id", tracing::field::display(trace.span_id()));
        span.record("parent_id", trace.parent_id());
    }
    span
}
