//! The NATS client protocol: what the broker says ([`frame`]), what we say ([`encode`]), and the line it travels on
//! ([`transport`]).
//!
//! The protocol is nats-server's (`server/parser.go`, `server/client.go`) and <https://docs.nats.io/reference/nats-protocol>.
//! Everything that a *user* can put into a message is read as bytes from outside: a subject, reply or header that is no
//! text, a header line without a colon, a status that is none make one malformed message, told to its subscriber. Only
//! what the *broker* itself writes (lengths, numbers, verbs) is trusted to be well-formed; where it is not, the connection
//! is broken and made anew.

pub(super) mod encode;
pub(super) mod frame;
pub(super) mod transport;

#[cfg(test)]
mod tests;
