//! Support for the tests: real servers as children.
