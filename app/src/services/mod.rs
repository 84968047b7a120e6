//! The built-in routes.

pub mod types;
