//! Whole flows against a running Relais.

mod admin;
mod asyncapi;
mod bytes;
mod cache;
mod clients;
mod codes;
mod examples;
mod flow;
mod library;
mod lifecycle;
mod live;
mod mail;
mod nsc;
mod off_loopback;
mod openapi;
mod peers;
mod recovery;
mod renewal;
mod secrets;
pub(crate) mod security;
mod sessions;
mod shop;
mod sql;
mod terminal;
mod tokens;
mod traces;
mod typescript;
