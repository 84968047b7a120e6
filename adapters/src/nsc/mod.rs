//! `nsc`
