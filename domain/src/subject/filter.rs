//! What one listens to.

use std::{fmt, str::FromStr};

use super::{InvalidSubject, MAX_SUBJECT, Subject, check_token, cut};

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
        let (mut filter, mut rest) = (Some(self.0.as_bytes()), Some(subject.as_bytes()));
        while let (Some(parts), Some(tokens)) = (filter, rest) {
            let (part, parts) = cut(parts);
            if part == b">" {
                return true;
            }
            let (token, tokens) = cut(tokens);
            if part != b"*" && part != token {
                return false;
            }
            (filter, rest) = (parts, tokens);
        }
        filter.is_none() && rest.is_none()
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
