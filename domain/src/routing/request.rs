//! A message that a route has taken.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{identity::UserId, message::Message, ports::Bus, subject::Pattern};

/// A message that a route has taken, as extractors see it. Cheap to clone.
#[derive(Clone)]
pub struct Request(Arc<Inner>);

struct Inner {
    message: Message,
    pattern: Arc<Pattern>,
    caller: Option<UserId>,
    bus: Arc<dyn Bus>,
    by_hand: AtomicBool,
    answered: AtomicBool,
}

impl Request {
    pub(super) fn new(message: Message, pattern: Arc<Pattern>, caller: Option<UserId>, bus: Arc<dyn Bus>) -> Self {
        let (by_hand, answered) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(Inner { message, pattern, caller, bus, by_hand, answered }))
    }

    /// The message as it came. Its reply subject lies inside the caller's inboxes, if it has one.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// The pattern of the route.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.0.pattern
    }

    /// Who published it, on a route that begins with `from.{user}`.
    #[must_use]
    pub fn caller(&self) -> Option<&UserId> {
        self.0.caller.as_ref()
    }

    /// What the pattern's `{name}` stands for in this message.
    #[must_use]
    pub fn capture(&self, name: &str) -> Option<&str> {
        self.0.pattern.capture(&self.0.message.subject, name)
    }

    pub(super) fn bus(&self) -> &Arc<dyn Bus> {
        &self.0.bus
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
