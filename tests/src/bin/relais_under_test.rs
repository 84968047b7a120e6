//! The `relais` binary, built for the tests.
fn main() {}
