//! The wire without a line, for tests that live outside this crate (tests/fuzz): what a connection would read out of bytes,
//! and the bytes it would write.

use bytes::BytesMut;
use relais_domain::{message::Message, ports::Delivery};

use super::wire::{
    encode,
    frame::{Frame, take},
};

/// What a connection reads out of the bytes that come, however they are cut.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: BytesMut,
}

/// One thing that was read.
#[derive(Debug, PartialEq)]
pub enum Read {
    /// A message for the subscription of this number, of so many bytes as it travelled.
    Message {
        /// The number of the subscription.
        sid: u64,
        /// The message, or why it is none.
        delivery: Delivery,
        /// Its bytes, line and line breaks among them.
        size: usize,
    },
    /// Something else that the broker says, in the words of its `Debug`.
    Other(String),
}

impl Reader {
    /// Takes further bytes, and gives what can be read by now.
    ///
    /// # Errors
    /// In words, why the connection would be broken: the bytes are not of the protocol.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<Read>, String> {
        self.buffer.extend_from_slice(bytes);
        let mut all = Vec::new();
        while let Some(frame) = take(&mut self.buffer).map_err(|broken| broken.to_string())? {
            all.push(match frame {
                Frame::Message { sid, delivery, size, .. } => Read::Message { sid, delivery, size },
                other => Read::Other(format!("{other:?}")),
            });
        }
        Ok(all)
    }

    /// Bytes that have come and wait for more.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }
}

/// A message as a connection writes it.
#[must_use]
pub fn published(message: &Message) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode::publish(&mut out, message);
    out.to_vec()
}
