//! Subjects, filters and patterns, parsed.
//!
//! - [`Subject`]: where one message goes; no wildcard. At most 512 bytes of `[!-~]` (printable ASCII without space),
//!   tokens separated by `.`, none empty. nats-server forwards far more (bytes that are no UTF-8 among them); Relais
//!   takes this much and no more, so that whatever is built from a subject is harmless.
//! - [`Filter`]: what one listens to: a subject in which a token may be `*` and the last one `>`.
//! - [`Pattern`]: a filter whose wildcards have names, as routes are written: `from.{user}.orders.{order}`, and
//!   `{rest..}` at the end for `>`.

mod filter;
mod pattern;

#[cfg(test)]
mod tests;

use std::{fmt, ops::Range, str::FromStr};

use bytes::Bytes;

pub use filter::Filter;
pub use pattern::Pattern;

/// The longest subject Relais takes, in bytes.
pub const MAX_SUBJECT: usize = 512;
/// The longest reply subject Relais takes, in bytes.
pub const MAX_REPLY: usize = 256;

/// Text that is no subject, filter or pattern: why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// Nothing at all, or nothing between two dots.
    #[error("it has an empty token")]
    EmptyToken,
    /// Longer than [`MAX_SUBJECT`] bytes (a reply: [`MAX_REPLY`]).
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// A byte that is not printable ASCII (a space, a control character, anything beyond `~`).
    #[error("it has a character that is not printable ASCII")]
    Character,
    /// `*` or `>` where none may stand.
    #[error("it has a wildcard where none may stand")]
    Wildcard,
    /// `{`, `}` or a name in a pattern that cannot be read.
    #[error("a capture is written {{name}}, or {{name..}} at the end, with a name of a-z, 0-9 and _")]
    Capture,
    /// One name twice in a pattern.
    #[error("it names two captures alike")]
    TwiceNamed,
}

fn check_token(token: &[u8], wildcard: bool) -> Result<(), InvalidSubject> {
    match token {
        [] => Err(InvalidSubject::EmptyToken),
        b"*" | b">" if wildcard => Ok(()),
        _ => token.iter().try_for_each(|byte| match byte {
            b'*' | b'>' => Err(InvalidSubject::Wildcard),
            b'!'..=b'~' => Ok(()),
            _ => Err(InvalidSubject::Character),
        }),
    }
}

/// The first token, and what comes behind its dot, if there is one.
fn cut(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&text[..dot], Some(&text[dot + 1..])),
        None => (text, None),
    }
}

/// Where one message goes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(Bytes);

impl Subject {
    /// Parses a subject of at most [`MAX_SUBJECT`] bytes.
    ///
    /// # Errors
    /// Says what is wrong with it; see [`InvalidSubject`].
    pub fn new(text: impl Into<Bytes>) -> Result<Self, InvalidSubject> {
        Self::bounded(text.into(), MAX_SUBJECT)
    }

    /// Parses a reply subject, of at most [`MAX_REPLY`] bytes.
    ///
    /// # Errors
    /// Says what is wrong with it; see [`InvalidSubject`].
    pub fn reply(text: impl Into<Bytes>) -> Result<Self, InvalidSubject> {
        Self::bounded(text.into(), MAX_REPLY)
    }

    fn bounded(text: Bytes, longest: usize) -> Result<Self, InvalidSubject> {
        if text.len() > longest {
            return Err(InvalidSubject::TooLong(longest));
        }
        text.split(|byte| *byte == b'.').try_for_each(|token| check_token(token, false))?;
        Ok(Self(text))
    }

    /// The subject as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a subject is ASCII, checked when it was made")
    }

    /// The subject as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The subject as bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Its tokens, from the left.
    pub fn tokens(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.as_str().split('.')
    }

    /// A part of it as bytes, without a copy.
    pub(crate) fn slice(&self, part: Range<usize>) -> Bytes {
        self.0.slice(part)
    }

    /// Whether it lies under `prefix`, that is, begins with it and a dot.
    #[must_use]
    pub fn is_under(&self, prefix: &str) -> bool {
        self.as_str().strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
    }
}

impl FromStr for Subject {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        Self::new(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({})", self.as_str())
    }
}
