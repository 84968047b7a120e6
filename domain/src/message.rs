//! What travels on a bus: [`Message`] and its [`Headers`].

use bytes::Bytes;

use crate::subject::Subject;

/// The largest block of headers a route takes, in bytes of names and values.
pub const MAX_HEADERS: usize = 4 * 1024;

/// A message as it stands on the bus, in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it was published.
    pub subject: Subject,
    /// Where an answer is awaited, if one is. The broker does not check it: see [`crate::routing`].
    pub reply: Option<Subject>,
    /// NATS headers (ADR-4).
    pub headers: Headers,
    /// The bytes it carries.
    pub payload: Bytes,
}

impl Message {
    /// A message without headers or reply subject.
    #[must_use]
    pub fn new(subject: Subject, payload: impl Into<Bytes>) -> Self {
        Self { subject, reply: None, headers: Headers::default(), payload: payload.into() }
    }
}

/// NATS headers (ADR-4): names are case-sensitive, a name may occur more than once, and the values of one name keep their
/// order. The order of names means nothing: some clients do not keep it.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, String)>);

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        let values = |headers: &Self, name: &str| -> Vec<String> {
            headers.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value.clone()).collect()
        };
        self.0.len() == other.0.len() && self.0.iter().all(|(name, _)| values(self, name) == values(other, name))
    }
}

impl Eq for Headers {}

impl Headers {
    /// The first value under `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Adds a value under `name`, after those that are there.
    ///
    /// Line breaks cannot stand in a header; they are replaced by spaces, so that no text can forge a further one.
    pub fn append(&mut self, name: &str, value: &str) {
        let one_line = |text: &str| text.replace(['\r', '\n'], " ");
        self.0.push((one_line(name).replace(':', ""), one_line(value)));
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of all names and values.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut headers = Self::default();
        pairs.into_iter().for_each(|(name, value)| headers.append(name, value));
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_forge_a_further_header() {
        let mut headers = Headers::default();
        headers.append("A: x\r\nB", "1\r\nNats-Rollup: all");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("A x  B", "1  Nats-Rollup: all")]);
    }
}
