//! Subjects, filters and patterns, parsed.
//!
//! - [`Subject`]: where one message goes; no wildcard. At most 512 bytes of `[!-~]` (printable ASCII without space),
//!   tokens separated by `.`, none empty. nats-server forwards far more (bytes that are no UTF-8 among them); Relais
//!   takes this much and no more, so that whatever is built from a subject is harmless.
//! - [`Filter`]: what one listens to: a subject in which a token may be `*` and the last one `>`.
//! - [`Pattern`]: a filter whose wildcards have names, as routes are written: `from.{user}.orders.{order}`, and
//!   `{rest..}` at the end for `>`.

use std::{fmt, str::FromStr};

use bytes::Bytes;

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

    /// The subject as bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Its tokens, from the left.
    pub fn tokens(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.as_str().split('.')
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

/// What one listens to: a subject in which a token may be `*` and the last one `>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Filter(String);

impl Filter {
    /// The filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a message on `subject` reaches a subscription to this filter.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        let mut tokens = subject.tokens();
        for part in self.0.split('.') {
            match (part, tokens.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (part, Some(token)) if part == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }

    /// Whether some subject reaches both this filter and the other.
    ///
    /// ```
    /// use relais_domain::subject::Filter;
    /// let overlap = |a: &str, b: &str| a.parse::<Filter>().unwrap().overlaps(&b.parse().unwrap());
    /// assert!(overlap("from.*.echo", "from.ada.>"));
    /// assert!(!overlap("in.>", "from.*.echo"));
    /// ```
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut left, mut right) = (self.0.split('.'), other.0.split('.'));
        loop {
            match (left.next(), right.next()) {
                (None, None) => return true,
                (Some(">"), Some(_)) | (Some(_), Some(">")) => return true,
                (Some(a), Some(b)) if a == b || a == "*" || b == "*" => {}
                _ => return false,
            }
        }
    }
}

impl FromStr for Filter {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        if text.len() > MAX_SUBJECT {
            return Err(InvalidSubject::TooLong(MAX_SUBJECT));
        }
        let mut tokens = text.split('.').peekable();
        while let Some(token) = tokens.next() {
            check_token(token.as_bytes(), true)?;
            if token == ">" && tokens.peek().is_some() {
                return Err(InvalidSubject::Wildcard);
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&Subject> for Filter {
    fn from(subject: &Subject) -> Self {
        Self(subject.as_str().to_owned())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    One(String),
    Rest(String),
}

/// A filter whose wildcards have names: `from.{user}.orders.{order}`, `from.{user}.files.{rest..}`.
///
/// ```
/// use relais_domain::subject::{Pattern, Subject};
/// let pattern: Pattern = "from.{user}.orders.{order}".parse().unwrap();
/// assert_eq!(pattern.filter().as_str(), "from.*.orders.*");
/// let subject: Subject = "from.ada.orders.7".parse().unwrap();
/// assert_eq!(pattern.capture(&subject, "order"), Some("7"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
    filter: Filter,
}

impl Pattern {
    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What to subscribe to.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether it begins with `from.{user}`, so that the broker vouches for who published.
    #[must_use]
    pub fn names_caller(&self) -> bool {
        matches!(self.parts.as_slice(),
            [Part::Literal(from), Part::One(user), ..] if from == "from" && user == "user")
    }

    /// Whether a message on `subject` belongs to this pattern.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        self.filter.matches(subject)
    }

    /// What stands in `subject` where the pattern says `{name}`; for `{name..}` everything from there on.
    /// `None` when the pattern has no such name or the subject does not match.
    #[must_use]
    pub fn capture<'s>(&self, subject: &'s Subject, name: &str) -> Option<&'s str> {
        if !self.matches(subject) {
            return None;
        }
        let mut rest = subject.as_str();
        for part in &self.parts {
            let (token, after) = rest.split_once('.').unwrap_or((rest, ""));
            match part {
                Part::One(own) if own == name => return Some(token),
                Part::Rest(own) if own == name => return Some(rest),
                _ => rest = after,
            }
        }
        None
    }

    /// The names of its captures, from the left.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::One(name) | Part::Rest(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }
}

fn parse_part(token: &str, last: bool) -> Result<Part, InvalidSubject> {
    let Some(inner) = token.strip_prefix('{').and_then(|t| t.strip_suffix('}')) else {
        if token.contains(['{', '}']) {
            return Err(InvalidSubject::Capture);
        }
        check_token(token.as_bytes(), false)?;
        return Ok(Part::Literal(token.to_owned()));
    };
    let (name, rest) = inner.strip_suffix("..").map_or((inner, false), |name| (name, true));
    let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(named) || (rest && !last) {
        return Err(InvalidSubject::Capture);
    }
    Ok(if rest { Part::Rest(name.to_owned()) } else { Part::One(name.to_owned()) })
}

impl FromStr for Pattern {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        // `{rest..}` holds dots of its own, so it is taken off before the text is cut at dots.
        let (head, tail) = match text.rfind('{') {
            Some(at) if text.ends_with("..}") => (text[..at].strip_suffix('.').unwrap_or(""), Some(&text[at..])),
            _ => (text, None),
        };
        let mut parts = Vec::new();
        if !(head.is_empty() && tail.is_some_and(|tail| tail.len() == text.len())) {
            for token in head.split('.') {
                parts.push(parse_part(token, false)?);
            }
        }
        if let Some(tail) = tail {
            parts.push(parse_part(tail, true)?);
        }
        let mut seen = Vec::new();
        for part in &parts {
            if let Part::One(name) | Part::Rest(name) = part {
                if seen.contains(&name) {
                    return Err(InvalidSubject::TwiceNamed);
                }
                seen.push(name);
            }
        }
        let filter = parts.iter().map(|part| match part {
            Part::Literal(token) => token.as_str(),
            Part::One(_) => "*",
            Part::Rest(_) => ">",
        });
        let filter = filter.collect::<Vec<_>>().join(".").parse()?;
        Ok(Self { text: text.to_owned(), parts, filter })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subject(text: &str) -> Subject {
        text.parse().unwrap()
    }

    #[test]
    fn hostile_text_is_no_subject() {
        use InvalidSubject::{Character, EmptyToken, TooLong, Wildcard};
        let long = "a".repeat(MAX_SUBJECT + 1);
        for (text, why) in [
            ("", EmptyToken),
            (".", EmptyToken),
            ("a..b", EmptyToken),
            ("a.", EmptyToken),
            ("a.*", Wildcard),
            (">", Wildcard),
            ("a.b>c", Wildcard),
            ("a b", Character),
            ("a\tb", Character),
            ("a\r\nPUB x 0", Character),
            ("a\u{b}b", Character),
            ("é", Character),
            (long.as_str(), TooLong(MAX_SUBJECT)),
        ] {
            assert_eq!(text.parse::<Subject>(), Err(why), "{text:?}");
        }
        assert_eq!(Subject::new(vec![0xff, 0xfe]), Err(Character));
        assert_eq!(Subject::reply("a".repeat(MAX_REPLY + 1)), Err(TooLong(MAX_REPLY)));
    }

    #[test]
    fn a_filter_takes_wildcards_as_whole_tokens_only() {
        assert!("from.*.echo".parse::<Filter>().is_ok());
        assert!("to.ada.>".parse::<Filter>().is_ok());
        for wrong in ["a.>.b", "a*", "a.b>", "", "a..b"] {
            assert!(wrong.parse::<Filter>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn filters_match_as_nats_does() {
        for (filter, text, expected) in [
            ("a.*", "a.b", true),
            ("a.*", "a.b.c", false),
            ("a.*", "a", false),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
        ] {
            assert_eq!(filter.parse::<Filter>().unwrap().matches(&subject(text)), expected, "{filter} {text}");
        }
    }

    #[test]
    fn patterns_name_their_wildcards() {
        let pattern: Pattern = "from.{user}.files.{path..}".parse().unwrap();
        assert_eq!(pattern.filter().as_str(), "from.*.files.>");
        assert_eq!(pattern.capture(&subject("from.ada.files.a.b"), "path"), Some("a.b"));
        assert_eq!(pattern.capture(&subject("from.ada.files.a.b"), "user"), Some("ada"));
        assert_eq!(pattern.capture(&subject("from.ada.files.a.b"), "other"), None);
        assert_eq!(pattern.capture(&subject("from.ada.other.a"), "user"), None);
        assert!(pattern.names_caller());
        assert_eq!(pattern.names().collect::<Vec<_>>(), ["user", "path"]);
        let all: Pattern = "{rest..}".parse().unwrap();
        assert_eq!(all.filter().as_str(), ">");
        assert!(!"{user}.echo".parse::<Pattern>().unwrap().names_caller());
        assert!(!"from.{peer}.echo".parse::<Pattern>().unwrap().names_caller());
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for wrong in [
            "", "a..b", "a.*", "a.>", "{}", "{..}", "{a..}.b", "a{b}", "{A}", "{a}.{a}", "{a", "a}", "a.{b c}",
            ".{a..}",
        ] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_a_panic(text in ".{0,64}") {
            let _ = text.parse::<Subject>();
            let _ = text.parse::<Filter>();
            let _ = text.parse::<Pattern>();
        }

        #[test]
        fn filters_that_share_a_subject_overlap(
            a in "(a|b|\\*)(\\.(a|b|\\*)){0,3}(\\.>)?",
            b in "(a|b|\\*)(\\.(a|b|\\*)){0,3}(\\.>)?",
            s in "(a|b)(\\.(a|b)){0,5}",
        ) {
            let (a, b): (Filter, Filter) = (a.parse().unwrap(), b.parse().unwrap());
            let s = subject(&s);
            prop_assert!(!(a.matches(&s) && b.matches(&s)) || a.overlaps(&b));
            prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
        }
    }
}
