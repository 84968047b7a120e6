//! `argon2`
