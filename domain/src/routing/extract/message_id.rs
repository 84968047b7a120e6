//! The caller's own name for a message.

use super::{Extract, Fault, OptionalExtract, Request};

/// The header that carries it.
pub const MESSAGE_ID: &str = "Relais-Id";
/// The longest one, in bytes.
const LONGEST: usize = 64;

/// The caller's own name for a message, from the header `Relais-Id`: 1 to 64 printable ASCII characters. Two messages of a
/// caller with one name are the same message. Two callers may use the same name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// There is no such name: the caller is told 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessageId {
    /// The message has none.
    #[error("this route needs the header Relais-Id: a name of your own for each message, such as a UUID")]
    Missing,
    /// It is none.
    #[error("the header Relais-Id is no name: write 1 to 64 printable ASCII characters")]
    Malformed,
}

impl From<InvalidMessageId> for Fault {
    fn from(error: InvalidMessageId) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl<S: Sync> Extract<S> for MessageId {
    type Rejection = InvalidMessageId;

    async fn extract(request: &Request, state: &S) -> Result<Self, InvalidMessageId> {
        Self::extract_optional(request, state).await?.ok_or(InvalidMessageId::Missing)
    }
}

/// `None` when the message has no such header.
impl<S: Sync> OptionalExtract<S> for MessageId {
    async fn extract_optional(request: &Request, _: &S) -> Result<Option<Self>, InvalidMessageId> {
        let Some(name) = request.message().headers.get(MESSAGE_ID) else { return Ok(None) };
        let printable = name.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
        if name.is_empty() || name.len() > LONGEST || !printable {
            return Err(InvalidMessageId::Malformed);
        }
        Ok(Some(Self(name.to_owned())))
    }
}
