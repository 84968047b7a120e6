//! A message that a route has taken.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{ServicePorts, TraceContext};
use crate::{identity::UserId, message::Message, subject::Pattern};

/// A message that a route has taken, as extractors and layers see it. Cheap to clone.
#[derive(Clone)]
pub struct Request(Arc<Inner>);

struct Inner {
    message: Message,
    caller: Option<UserId>,
    context: Arc<RouteContext>,
    /// Nanoseconds on the clock's count; the largest is none.
    deadline: AtomicU64,
    trace: Option<Box<TraceContext>>,
    by_hand: AtomicBool,
    answered: AtomicBool,
}

/// What all messages of a route share.
pub(super) struct RouteContext {
    pub(super) pattern: Arc<Pattern>,
    pub(super) ports: ServicePorts,
}

impl Request {
    /// A request of this route. `spare` is one that is done with: when nobody else has it any more, its memory is used again.
    pub(super) fn new(
        message: Message,
        caller: Option<UserId>,
        context: &Arc<RouteContext>,
        spare: Option<Self>,
    ) -> Self {
        let trace = if message.headers.is_empty() {
            None
        } else {
            TraceContext::from_headers(&message.headers, &*context.ports.rng).map(Box::new)
        };
        if let Some(mut own) = spare
            && let Some(inner) = Arc::get_mut(&mut own.0)
        {
            (inner.message, inner.caller, inner.trace) = (message, caller, trace);
            *inner.deadline.get_mut() = u64::MAX;
            (*inner.by_hand.get_mut(), *inner.answered.get_mut()) = (false, false);
            return own;
        }
        let (by_hand, answered) = (AtomicBool::new(false), AtomicBool::new(false));
        let (deadline, context) = (AtomicU64::new(u64::MAX), Arc::clone(context));
        Self(Arc::new(Inner { message, caller, context, deadline, trace, by_hand, answered }))
    }

    /// The message as it came. Its reply subject lies inside the caller's inboxes, if it has one.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// The pattern of the route.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.0.context.pattern
    }

    /// Who published it, on a route that begins with `from.{user}`.
    #[must_use]
    pub fn caller(&self) -> Option<&UserId> {
        self.0.caller.as_ref()
    }

    /// What the pattern's `{name}` stands for in this message.
    #[must_use]
    pub fn capture(&self, name: &str) -> Option<&str> {
        self.0.context.pattern.capture(&self.0.message.subject, name)
    }

    /// The trace it belongs to, when it carries a `traceparent` header.
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.trace.as_deref()
    }

    /// How much of the handler's time is left; `None` without a limit.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let deadline = self.0.deadline.load(Ordering::Relaxed);
        (deadline != u64::MAX)
            .then(|| Duration::from_nanos(deadline).saturating_sub(self.0.context.ports.clock.elapsed()))
    }

    /// Its handler has until then, on the clock's count.
    pub(super) fn set_deadline(&self, deadline: Option<Duration>) {
        let nanos = deadline.map_or(u64::MAX, |end| u64::try_from(end.as_nanos()).unwrap_or(u64::MAX));
        self.0.deadline.store(nanos, Ordering::Relaxed);
    }

    pub(crate) fn ports(&self) -> &ServicePorts {
        &self.0.context.ports
    }

    /// The handler answers by hand from here on.
    pub(super) fn take_reply(&self) {
        self.0.by_hand.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_by_hand(&self) -> bool {
        self.0.by_hand.load(Ordering::Relaxed)
    }

    pub(super) fn set_answered(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_answered(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory;

    fn context() -> Arc<RouteContext> {
        let clock = memory::Clock::default();
        let ports = memory::service_ports(&memory::Bus::new(Arc::new(clock.clone())), &clock);
        Arc::new(RouteContext { pattern: Arc::new("from.{user}.x".parse().unwrap()), ports })
    }

    fn message(payload: &'static str, trace: bool) -> Message {
        let mut message = Message::new("from.ada.x".parse().unwrap(), payload);
        if trace {
            message.headers.append("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        }
        message
    }

    #[test]
    fn a_request_in_used_memory_knows_nothing_of_the_one_before() {
        let context = context();
        let first = Request::new(message("first", true), "ada".parse().ok(), &context, None);
        first.take_reply();
        first.set_answered();
        first.set_deadline(Some(Duration::ZERO));
        assert!(first.trace().is_some());
        let at = Arc::as_ptr(&first.0);
        let second = Request::new(message("second", false), None, &context, Some(first));
        assert_eq!(Arc::as_ptr(&second.0), at);
        assert_eq!(second.message().payload, "second");
        let left = (second.caller(), second.trace(), second.time_left());
        assert_eq!(left, (None, None, None));
        assert!(!second.is_by_hand() && !second.is_answered());
    }

    #[test]
    fn a_request_that_somebody_keeps_stays_as_it_is() {
        let context = context();
        let first = Request::new(message("first", false), "ada".parse().ok(), &context, None);
        let kept = first.clone();
        let second = Request::new(message("second", false), None, &context, Some(first));
        assert_eq!((&kept.message().payload[..], &second.message().payload[..]), (&b"first"[..], &b"second"[..]));
        assert!(kept.caller().is_some() && second.caller().is_none());
    }
}
