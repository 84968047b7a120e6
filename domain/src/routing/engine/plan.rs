//! What a route is run with, and how far its service is from its end.

use std::time::Duration;

use tokio::sync::watch;

use super::{dedup, rate::Limiter, retry};
use crate::routing::{
    ServiceOptions,
    bound::BoundHandler,
    route::{Authenticate, KeyOf},
    router::BoundRoute,
};

/// How far a service is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(in crate::routing) enum Phase {
    Running,
    Draining,
    GivingUp,
}

/// What one route is run with.
pub(in crate::routing) struct Plan {
    pub(in crate::routing) handler: BoundHandler,
    pub(in crate::routing) handlers: usize,
    pub(in crate::routing) line: usize,
    pub(in crate::routing) line_bytes: usize,
    pub(in crate::routing) timeout: Option<Duration>,
    pub(in crate::routing) key: Option<KeyOf>,
    pub(in crate::routing) authenticate: Vec<Authenticate>,
    pub(in crate::routing) limiter: Option<Limiter>,
    pub(in crate::routing) isolate: bool,
    pub(in crate::routing) traced: bool,
    pub(in crate::routing) measured: bool,
}

impl Plan {
    /// What is set for the route, and the service's defaults.
    pub(in crate::routing) fn new(route: BoundRoute, options: &ServiceOptions) -> Self {
        let own = route.settings;
        let mut handler = route.handler;
        if let Some(window) = own.dedup {
            handler = dedup::once(handler, window);
        }
        if let Some(retry) = own.retry {
            handler = retry::again(handler, retry);
        }
        Self {
            handler,
            handlers: own.handlers.unwrap_or(options.handlers).max(1),
            line: own.line.unwrap_or(options.line),
            line_bytes: options.line_bytes,
            timeout: own.timeout.unwrap_or(Some(options.timeout)),
            key: own.key,
            authenticate: own.authenticate,
            limiter: own.rate_limit.map(Limiter::new),
            isolate: !own.panics_end_it,
            traced: !own.untraced,
            measured: !own.unmeasured,
        }
    }
}

/// The first phase after `known`; giving up when the service is gone without one.
pub(in crate::routing) async fn next_phase(mut phase: watch::Receiver<Phase>, known: Phase) -> Phase {
    match phase.wait_for(|now| *now > known).await {
        Ok(now) => *now,
        Err(_) => Phase::GivingUp,
    }
}
