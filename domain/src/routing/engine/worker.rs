//! What runs one route.

use std::{
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::watch;

use super::{
    flight::{Flight, InFlight, Panic, Step, Work, guarded, panic_words},
    intake::Event,
    line::{Key, Line},
    outgoing::Outgoing,
    plan::{Phase, Plan, next_phase},
};
use crate::{
    give_way::give_way,
    ports::{Clock, Subscription},
    routing::{
        Answer, Fault, Request,
        bound::Run,
        request::RouteContext,
        stats::{RouteStats, count},
    },
};

/// What is done in one go before others get their turn on this thread.
const TURN: u32 = 128;

/// What runs one route: reads its subscription, keeps at most so many handlers in flight, polls them in place.
pub(in crate::routing) struct Worker {
    pub(super) plan: Plan,
    pub(super) context: Arc<RouteContext>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stats: Arc<RouteStats>,
    pub(super) outgoing: Outgoing,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) flight: Flight,
    pub(super) line: Line,
    /// Places for handlers that nobody runs in now.
    pub(super) idle: Vec<Box<dyn Run>>,
    /// A request that is done with, while more are at hand.
    pub(super) spare: Option<Request>,
    /// What may still be done before others get their turn.
    pub(super) left: u32,
    /// Rings when somebody's time may be over.
    pub(super) alarm: Option<BoxFuture<'static, ()>>,
    /// The time, as last looked at: once a message and after each wait.
    pub(super) now: Duration,
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
        let (idle, spare, left, alarm) = (Vec::new(), None, TURN, None);
        Self { plan, context, clock, stats, outgoing, phase, flight, line, idle, spare, left, alarm, now }
    }

    /// Runs until the service is drained or dropped.
    pub(in crate::routing) async fn run(mut self, mut subscription: Subscription) {
        let mut open = true;
        let bus = Arc::clone(&self.outgoing.bus);
        let mut changed = next_phase(self.phase.clone(), Phase::Running).boxed();
        loop {
            let mut event = None;
            if self.left == 0 {
                self.left = TURN;
                give_way().await;
                event = (&mut changed).now_or_never().map(Event::Phase);
            }
            self.left -= 1;
            let event = match event {
                Some(event) => event,
                None => self.next(&*bus, &mut changed, open.then_some(&mut subscription)).await,
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
                Event::Sending(request, sending) => {
                    self.outgoing.sent(&request, sending.await).await;
                }
                Event::Queue(lane, request) => self.queue(lane, request).await,
                Event::Turn => {}
                Event::Ended => open = false,
                Event::Idle => return,
            }
            self.show();
        }
    }

    pub(super) fn show(&self) {
        self.stats.in_flight.store(self.flight.len(), Ordering::Relaxed);
        self.stats.waiting.store(self.line.len(), Ordering::Relaxed);
    }

    async fn queue(&mut self, lane: Key, request: Request) {
        for request in self.line.push(lane, request) {
            count(&self.stats.overloads);
            let words = "too many messages are waiting on this route; try again in a moment";
            self.say(request, Answer::Fault(Fault::unavailable(words))).await;
        }
    }

    /// Lets those in who wait, as far as there is room.
    async fn let_in(&mut self) {
        while self.line.len() > 0 && self.flight.has_room() {
            let Some((key, request)) = self.line.pop() else { return };
            self.line.occupy(&key);
            if let Some((request, answer)) = self.start(request, Some(key)) {
                self.say(request, answer).await;
            }
        }
    }

    /// Begins to handle a message; gives the answer of one that does not wait for anything.
    pub(super) fn start(&mut self, request: Request, key: Option<Key>) -> Option<(Request, Answer)> {
        let span = if self.plan.traced { span(&self.context, &request) } else { tracing::Span::none() };
        // Its time begins when it leaves the line.
        let (began, deadline) = (self.now, self.plan.timeout.map(|limit| self.now.saturating_add(limit)));
        request.set_deadline(deadline);
        let mut run = self.idle.pop().unwrap_or_else(|| self.plan.handler.run());
        match self.flight.try_now(&mut *run, request.clone(), &span) {
            Poll::Pending => {
                self.flight.put(InFlight { request, key, began, deadline, span, work: Work::Handler(run) });
                self.set_alarm();
                None
            }
            Poll::Ready(outcome) => {
                self.put_away(run, &span);
                match outcome {
                    Ok(Answer::Stream(stream)) if request.message().reply.is_some() => {
                        let work = Work::Answers { stream, sent: 0, alive: None };
                        self.go_on(InFlight { request, key, began, deadline, span, work });
                        None
                    }
                    Ok(answer) => {
                        self.done(key.as_ref(), began);
                        count(&self.stats.handled);
                        Some((request, answer))
                    }
                    Err(panic) => {
                        self.done(key.as_ref(), began);
                        let answer = self.panicked(panic);
                        Some((request, answer))
                    }
                }
            }
        }
    }

    /// Keeps a place for the next handler, when what ran there could be dropped in peace.
    fn put_away(&mut self, mut run: Box<dyn Run>, span: &tracing::Span) {
        let _inside = span.enter();
        match guarded(self.plan.isolate, || run.end()) {
            Ok(()) => self.idle.push(run),
            Err(panic) => tracing::error!(panic = panic_words(&*panic), "a handler panicked while it was ended"),
        }
    }

    /// Sends what is to be said of a message that is done.
    async fn say(&mut self, request: Request, answer: Answer) {
        self.outgoing.answer(&request, answer).await;
        self.spare = Some(request);
    }

    /// What follows from what a handler came to.
    async fn step(&mut self, mut one: InFlight, step: Step) {
        match step {
            Step::Answered(Answer::Stream(stream)) if one.request.message().reply.is_some() => {
                let answers = Work::Answers { stream, sent: 0, alive: None };
                if let Work::Handler(run) = std::mem::replace(&mut one.work, answers) {
                    self.put_away(run, &one.span);
                }
                self.go_on(one);
                return;
            }
            Step::Answered(answer) => {
                self.done(one.key.as_ref(), one.began);
                count(&self.stats.handled);
                let InFlight { request, work, span, .. } = one;
                if let Work::Handler(run) = work {
                    self.put_away(run, &span);
                }
                return self.say(request, answer).await;
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
                let answer = self.panicked(panic);
                self.say(one.request.clone(), answer).await;
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

    pub(super) fn panicked(&self, panic: Panic) -> Answer {
        count(&self.stats.panics);
        tracing::error!(route = %self.context.pattern, panic = panic_words(&*panic), "handler panicked");
        drop(panic);
        Answer::Fault(Fault::internal("the handler failed"))
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
