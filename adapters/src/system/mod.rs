//! `system`
