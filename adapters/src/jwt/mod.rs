//! `jwt`
