//! Email addresses: what is unique about a user.

use std::{fmt, str::FromStr};

/// An email address, normalised: what is unique about a user, and never a subject token.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

/// The text is no email address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no email address: {0}")]
pub struct InvalidEmail(&'static str);

impl Email {
    /// The normalised address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    /// Takes `local@domain` with at most 254 characters, without spaces, control characters, quotes or comments;
    /// surrounding spaces are taken off and letters made small, so that `Ada@Example.org ` is `ada@example.org`.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        if text.len() > 254 {
            return Err(InvalidEmail("it is longer than 254 characters"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]".contains(c)) {
            return Err(InvalidEmail("it has a character that no address has"));
        }
        let Some((local, domain)) = text.split_once('@') else {
            return Err(InvalidEmail("there is no @ in it"));
        };
        if local.is_empty() || local.len() > 64 || domain.contains('@') {
            return Err(InvalidEmail("there must be 1 to 64 characters before one @"));
        }
        let label =
            |label: &str| !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-');
        if !domain.split('.').all(label) {
            return Err(InvalidEmail("what follows the @ is no domain"));
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.0)
    }
}
