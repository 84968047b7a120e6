//! The server half of a bus: which handler answers which message, and how.
//!
//! A [`Router`] pairs patterns with handlers. A [`Handler`] is a plain async function; what it takes is said by its
//! argument types ([`Extract`]), what it answers by its return type ([`IntoAnswer`]). A [`Service`] runs a router on a
//! bus, the real one or [`crate::memory::Bus`] alike.
//!
//! # What happens to a message
//!
//! | what arrives | outcome | counted as |
//! |---|---|---|
//! | a message of the route | the handler runs; its answer goes to the reply subject | `handled` |
//! | … whose caller awaits no answer | the handler runs; its answer is dropped | `handled`, `unanswered` |
//! | … whose payload does not decode | the handler does not run; fault 400 | `faults` |
//! | … whose handler returns an error | its fault | `faults` |
//! | … whose handler panics | fault 500 without the panic's words, which go to the log; others go on | `panics` |
//! | … whose handler takes longer than the time limit | it is dropped; fault 504 | `timeouts` |
//! | … while 64 run and 1 024 wait | fault 503 at once | `overloads` |
//! | a reply subject outside the caller's own inboxes | dropped: nobody may aim our voice | `refused` |
//! | a subject, caller or headers that are none, a header of JetStream's | dropped: nothing is built from it | `refused` |
//!
//! # Who calls
//!
//! The caller is the `{user}` after `from` in the subject the message was published to. The broker lets nobody else
//! publish there, so neither payload nor header can forge it. The broker does *not* check reply subjects, and who
//! answers publishes in its own name: so an answer goes only to `_INBOX.{caller}.…`.

mod admission;
mod answer;
pub mod asyncapi;
mod bound;
mod describe;
mod engine;
mod extract;
mod fault;
mod handler;
mod hint;
mod layer;
mod metrics;
mod request;
mod rivals;
mod route;
mod router;
mod service;
mod stats;
mod test_app;
mod trace;
mod visible;

#[cfg(test)]
mod service_tests;
#[cfg(test)]
mod tests;

pub use admission::Refusal;
pub use answer::{Answer, Answers, END, IntoAnswer, IntoItem};
pub use describe::{AnswerType, PayloadType, RouteDescription, Signature};
pub use engine::{rate::RateLimit, retry::Retry};
pub use extract::*;
pub use fault::Fault;
pub use handler::{Arguments, Function, Handler};
pub use hint::{Complete, FromTokens, IntoFault, IsAsync, Protobuf};
pub use layer::{Layer, LayerFunction, Next};
pub use metrics::Metrics;
pub use request::Request;
pub use rivals::{Rivals, rivals};
pub use route::Route;
pub use router::{RouteError, RouteProblem, Router};
pub use service::{DrainReport, Service, ServiceOptions, ServicePorts, StartError};
pub use stats::{RouteStats, StatsSnapshot, TimesSnapshot};
pub use test_app::TestApp;
pub use trace::TraceContext;
