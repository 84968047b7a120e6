//! `nats`
