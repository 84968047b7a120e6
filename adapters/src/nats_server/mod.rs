//! `nats_server`
