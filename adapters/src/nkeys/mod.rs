//! `nkeys`
