//! The contract suites of the ports on real systems.

mod bus;
mod nsc;
pub(crate) mod resolver;
