//! The gate: what a durable route does with what devices ask it to store.
//!
//! ```text
//! request of a lane ─► records (or voids) ─► groups of all users ─► the stream ─► stored, or wait, of each
//! ```
//!
//! - It gives no verdict. What it refuses for good is stored as a *void* in its place: the same name and link, no body, a reason. So
//!   the lane goes on behind it, and what became of it is told where all else is.
//! - The stream's `Nats-Msg-Id` is made here from who speaks and what the message is called ([`message_id`]): one that a client chose
//!   could swallow another's message.
//! - A lane is stored in order and stops at the first that waits ([`Storing`]).
//! - What came meanwhile of *all* users goes into one atomic batch ([`Group`]). One that the broker refuses is split by user, then into
//!   single messages: nobody's message stands in the way of another's.

mod group;
mod storing;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

pub use group::{Attempt, Group, Outcome};
pub use storing::{Limits, Record, Storing, Void};

use crate::{buffer::Identity, identity::UserId, subject::Subject};

/// A message as it was asked to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which one.
    pub identity: Identity,
    /// The one before it in its lane.
    pub after: Option<Identity>,
    /// Bytes of its headers.
    pub headers: usize,
    /// Bytes that it carries.
    pub payload: usize,
}

/// The `Nats-Msg-Id` of a message: a hash of who speaks, from which device, on which subject, and what the message is called there. A
/// repeat has the same, and nothing else has.
#[must_use]
pub fn message_id(caller: &UserId, device: &str, subject: &Subject, identity: Identity) -> String {
    let mut hash = Sha256::new();
    for part in [caller.as_str().as_bytes(), device.as_bytes(), subject.as_bytes(), &identity.opening.0] {
        // With its length before it, so that no two lists of parts are the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(identity.sequence.to_be_bytes());
    BASE64URL_NOPAD.encode(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::buffer::Opening;

    #[test]
    fn a_message_id_is_of_one_message() {
        let (ada, ad): (UserId, UserId) = ("ada".parse().unwrap(), "ad".parse().unwrap());
        let (a, b): (Subject, Subject) = ("from.ada.a".parse().unwrap(), "from.ada.b".parse().unwrap());
        let id = |opening, sequence| Identity { opening: Opening([opening; 16]), sequence };
        let all = [
            message_id(&ada, "phone", &a, id(1, 1)),
            message_id(&ad, "aphone", &a, id(1, 1)),
            message_id(&ada, "desk", &a, id(1, 1)),
            message_id(&ada, "phone", &b, id(1, 1)),
            message_id(&ada, "phone", &a, id(2, 1)),
            message_id(&ada, "phone", &a, id(1, 2)),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        assert_eq!(all[0], message_id(&ada, "phone", &a, id(1, 1)));
        assert!(all.iter().all(|id| id.len() == 43));
    }
}
