//! Mails: through an SMTP server ([`Smtp`], by lettre), or caught in memory for a developer to read ([`Catcher`]).
//!
//! - Plain text in UTF-8, in quoted-printable, so that no line of a mail means something to a server on the way; one recipient.
//! - A connection a mail, [`AT_ONCE`] at a time, and [`Times`] for all of it: whoever waits for a mail to be taken waits seconds.
//! - TLS before a password or a mail leaves this machine: [`Server`] knows no other way. Certificates are those that the system
//!   trusts, or those that were named instead.
//! - What a server answers is told (cleaned, since it may hold anything); what is sent to it never is: lettre is built without
//!   its `tracing`, which logs passwords and mails.

mod catcher;
mod failure;
mod guarded;
mod message;
mod server;
mod smtp;

pub use catcher::{Catcher, Caught};
pub use failure::{Failure, Step};
pub use server::{InvalidServer, Server};
pub use smtp::{AT_ONCE, InvalidOptions, Options, Smtp, Times};
