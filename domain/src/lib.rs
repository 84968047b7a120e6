//! The pure heart of Relais.
//!
//! Decisions live here and nothing else does: this crate opens no socket and no file, reads no clock, draws no random
//! number, starts no task, and names no vendor. What it needs from outside stands in [`ports`], one trait a file; the
//! crate `relais-adapters` implements them on real systems, and [`memory`] in memory, for tests and for trying things.
//!
//! | room | what it decides |
//! |---|---|
//! | [`routing`] | which handler answers which message, and how (the server half of a bus) |
//! | [`client`] | how a program asks and tells (the client half) |
//! | [`buffer`] | what a device keeps of what it sends, until the server has it |
//! | [`gate`] | what is stored of what devices ask for, and how together |
//! | [`lane`] | which message of a lane is next, and which was applied |
//! | [`peers`] | who may tell whom what, through the server |
//! | [`auth`] | users, passwords, logins, devices |
//! | [`credentials`] | what NATS believes: nkeys, claims, permissions, creds |
//! | [`nsc`] | operators, accounts, users: what the NSC service does, over an engine and the brokers |
//! | [`live`] | what brokers serve beside what we have: push, take over, alarm |

pub mod audit;
pub mod cache;
pub mod identity;
pub mod message;
pub mod secret;
pub mod subject;

pub mod routing;

pub mod client;

pub mod buffer;

pub mod gate;

pub mod lane;

pub mod peers;

pub mod auth;

pub mod credentials;

pub mod live;

pub mod nsc;

pub mod ports;

mod give_way;

pub mod memory;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
