//! The contract suites of the ports on real systems.

mod bus;
mod nsc;
mod resolver;
