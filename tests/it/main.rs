//! Contract and scenario tests against real servers, in one binary.
//!
//! A test that needs a tool fails when it is missing, with the command that installs it; none is skipped.

mod contract;
mod scenario;
mod support;
mod tidy;
