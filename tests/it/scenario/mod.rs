//! Whole flows against a running Relais.

mod clients;
mod flow;
mod lifecycle;
mod security;
mod shop;
