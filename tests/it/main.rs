//! Contract and scenario tests against real servers, in one binary.
//!
//! A test that needs a tool fails when it is missing, with the command that installs it; none is skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of it is tests")]

mod contract;
mod scenario;
mod support;
mod tidy;
