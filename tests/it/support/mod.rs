//! Real servers as children, each on ports and folders of its own, ended with the test.

mod broker;
mod tools;

pub(crate) use broker::Broker;
pub(crate) use tools::tool;
