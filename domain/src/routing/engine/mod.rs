//! How routes run: what is in flight, what waits, what is counted, and what is sent back.
//!
//! Each route is one task. It reads its own subscription, takes everything that is ready in one go, and polls each handler
//! in place, first thing: one that does not wait is done and answered there and then. Only what waits takes a place among
//! the [`flight`], which is polled in place too, woken one by one. So a message costs no task and no timer of its own, and
//! a route's handlers never run at the same moment on two threads; the routes do.

pub(super) mod dedup;
pub(super) mod flight;
mod intake;
pub(super) mod line;
pub(super) mod outgoing;
pub(super) mod plan;
pub(super) mod rate;
pub(super) mod retry;
pub(super) mod worker;
