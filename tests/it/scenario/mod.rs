//! Whole flows against a running Relais.

mod clients;
mod flow;
mod library;
pub(crate) mod lifecycle;
mod secrets;
mod security;
mod shop;
mod terminal;
