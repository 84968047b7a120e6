//! The Buffer: what a device keeps of what it sends, until the server has it.
//!
//! ```text
//! send ─► queued ─► sent ─► stored ─► handled, refused or dead
//!            │        │         └───► unknown: a gap went over it
//!            └ discarded          (only what was never sent can be)
//! ```
//!
//! A message is on disk before [`save`](crate::ports::Buffer::save) returns, and nothing waits for the network. Three rules make
//! every repeat harmless:
//!
//! - **Identity.** Each opening of a file draws 16 random bytes, its [`Opening`], kept before the first message is. A message gets
//!   the opening and a number in it when it is saved. Neither changes, and no pair is given twice: a file that was restored or
//!   copied goes on under another opening.
//! - **Link.** When a message is sent first, it gets the identity of the one before it in its lane that was sent
//!   ([`Entry::after`]), across openings. That is on disk before the request leaves, together with the mark that it was sent. So
//!   the server sees a gap where one is.
//! - **Removal.** What was marked as sent may have arrived. It goes when the server says that it has it, and no earlier; what was
//!   not may be discarded, and leaves no gap.
//!
//! A lane is a subject: order holds within it. Numbers rise within an opening, over all lanes (docs/adr/0019).

mod bounds;
mod drain;
mod entry;
mod identity;

pub use bounds::{Batch, Bounds, Count, Full};
pub use drain::{Came, Drain, FIRST_PAUSE, LAST_PAUSE, Said};
pub use entry::{Discarded, Draft, Entry, Lane, Standing, link};
pub use identity::{Identity, InvalidIdentity, Opening};
