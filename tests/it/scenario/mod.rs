//! Whole flows against a running Relais.

mod clients;
mod flow;
mod lifecycle;
mod secrets;
mod security;
mod shop;
