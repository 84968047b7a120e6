//! A message in the Buffer, and what becomes of it.

use bytes::Bytes;
use jiff::Timestamp;

use super::Identity;
use crate::{message::Headers, subject::Subject};

/// A message that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Where it goes: its lane.
    pub subject: Subject,
    /// The name of its type, such as `relais.v1.EchoRequest`; empty when it has none. A newer app that finds it in an older file
    /// knows by it what it reads.
    pub kind: String,
    /// The version of that type, as the app counts.
    pub version: u32,
    /// Headers.
    pub headers: Headers,
    /// The bytes it carries.
    pub payload: Bytes,
}

/// A message that is kept, or what is remembered of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which one.
    pub identity: Identity,
    /// Where it stands among all that were ever saved in this file, from 1.
    pub place: u64,
    /// What it is. Of what is [`Standing::Stored`], or more, headers and payload are forgotten.
    pub draft: Draft,
    /// When it was saved, to the millisecond.
    pub saved_at: Timestamp,
    /// The one before it in its lane, once it was sent; `None` for the first.
    pub after: Option<Identity>,
    /// What has become of it.
    pub standing: Standing,
}

/// What has become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It waits, and was never sent.
    Queued,
    /// It was sent, and whether it has arrived is not known: it is sent again, the same.
    Sent,
    /// The server has it on disk. What comes of it is not known yet.
    Stored,
    /// It was handled, with this answer.
    Handled(Bytes),
    /// It was refused for good: why.
    Refused(String),
    /// Handling it failed for good, and it lies among the dead letters: why.
    Dead(String),
    /// What became of it cannot be told any more: why.
    Unknown(String),
}

/// A lane in which messages wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Its subject.
    pub subject: Subject,
    /// How many wait in it.
    pub entries: u64,
}

/// Whether a message was discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// It is gone, and was never sent.
    Done,
    /// It stays, since it was sent: it may have arrived.
    Sent,
    /// It is not there.
    Absent,
}

impl Draft {
    /// How many bytes it counts for: those of all its parts.
    #[must_use]
    pub fn size(&self) -> u64 {
        let parts = [self.subject.as_bytes().len(), self.kind.len(), self.headers.size(), self.payload.len()];
        parts.into_iter().fold(0, |sum, part| sum.saturating_add(part as u64))
    }
}

impl Standing {
    /// Whether it waits in the Buffer for the server to have it.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Queued | Self::Sent)
    }

    /// Whether nothing changes it any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Handled(_) | Self::Refused(_) | Self::Dead(_) | Self::Unknown(_))
    }

    /// Whether this news means something for it: nothing is taken back. Of what was never sent here an end may be known, when a copy of
    /// this file has sent it.
    #[must_use]
    pub fn takes(&self, news: &Self) -> bool {
        match self {
            Self::Sent => *news == Self::Stored || news.is_final(),
            Self::Queued | Self::Stored => news.is_final(),
            // The server knows after all.
            Self::Unknown(_) => news.is_final() && !matches!(news, Self::Unknown(_)),
            _ => false,
        }
    }
}

/// Links what is sent for the first time, and marks it as sent: `entries` in the order of one lane, behind `last`, the last one of the
/// lane that was sent. Returns the last one that is now.
///
/// What was sent before keeps its link: it is the same message, whatever has been discarded meanwhile.
pub fn link(entries: &mut [Entry], last: Option<Identity>) -> Option<Identity> {
    entries.iter_mut().filter(|entry| entry.standing == Standing::Queued).fold(last, |last, entry| {
        entry.after = last;
        entry.standing = Standing::Sent;
        Some(entry.identity)
    })
}
