//! What a service needs, all of it in memory.

use std::sync::Arc;

use super::{Bus, Cache, Clock, Rng};
use crate::{cache, routing::ServicePorts};

/// What a service needs, all of it in memory: a new connection to `bus`, the time of `clock`, a cache of its own.
#[must_use]
pub fn service_ports(bus: &Bus, clock: &Clock) -> ServicePorts {
    let clock = Arc::new(clock.clone());
    ServicePorts {
        bus: Arc::new(bus.connect()),
        clock: clock.clone(),
        rng: Arc::new(Rng::default()),
        cache: cache::Cache::new(Arc::new(Cache::with_defaults(clock))),
    }
}
