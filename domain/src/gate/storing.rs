//! One lane's request on its way into the stream: [`Storing`].

use std::time::Duration;

use super::{Asked, message_id};
use crate::{
    buffer::{Came, Identity, Said},
    identity::UserId,
    message::MAX_HEADERS,
    subject::Subject,
};

/// What a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a payload.
    pub payload: usize,
    /// Bytes of headers.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { payload: 256 * 1024, headers: MAX_HEADERS }
    }
}

/// Why a message is refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// Its payload is too large.
    #[error("its payload has {0} bytes, and this route takes {1}")]
    Payload(usize, usize),
    /// Its headers are too large.
    #[error("its headers have {0} bytes, and this route takes {1}")]
    Headers(usize, usize),
}

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The stream's name for it.
    pub message_id: String,
    /// The device's name for it.
    pub identity: Identity,
    /// The one before it in its lane.
    pub after: Option<Identity>,
    /// Why it is stored without a body, if it is.
    pub void: Option<Void>,
}

/// A request of a lane on its way: its messages in order, and how far it has come.
#[derive(Debug)]
pub struct Storing {
    caller: UserId,
    records: Vec<Record>,
    stored: usize,
    stopped: Option<Option<Duration>>,
}

impl Storing {
    /// What `caller` asks for on a lane. How many messages a request has was looked at before.
    #[must_use]
    pub fn new(caller: UserId, device: &str, lane: &Subject, asked: &[Asked], limits: Limits) -> Self {
        let record = |asked: &Asked| Record {
            message_id: message_id(&caller, device, lane, asked.identity),
            identity: asked.identity,
            after: asked.after,
            void: limits.refuses(asked),
        };
        Self { records: asked.iter().map(record).collect(), caller, stored: 0, stopped: None }
    }

    /// Whose it is.
    #[must_use]
    pub fn caller(&self) -> &UserId {
        &self.caller
    }

    /// What is still to be stored, in order; none when it has stopped.
    #[must_use]
    pub fn left(&self) -> &[Record] {
        if self.stopped.is_some() { &[] } else { &self.records[self.stored..] }
    }

    /// The next so many are in the stream, now or since before.
    pub fn stored(&mut self, count: usize) {
        self.stored = (self.stored + count).min(self.records.len());
    }

    /// The next one waits, at least for so long when that is known, and with it all behind it.
    pub fn stop(&mut self, at_least: Option<Duration>) {
        self.stopped = Some(at_least);
    }

    /// What is answered, once nothing is left.
    #[must_use]
    pub fn answer(&self) -> Came {
        let said = |at| if at < self.stored { Said::Stored } else { Said::Wait };
        Came::Answered((0..self.records.len()).map(said).collect(), self.stopped.flatten())
    }
}

impl Limits {
    fn refuses(self, asked: &Asked) -> Option<Void> {
        if asked.payload > self.payload {
            Some(Void::Payload(asked.payload, self.payload))
        } else if asked.headers > self.headers {
            Some(Void::Headers(asked.headers, self.headers))
        } else {
            None
        }
    }
}
