//! The contract suites of the ports on real systems.

pub(crate) mod bus;
mod cache;
mod certificates;
mod claims;
mod mailer;
mod matrix;
mod nsc;
mod renewal;
pub(crate) mod resolver;
mod sql;
