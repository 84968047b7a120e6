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
    /// surrounding spaces are taken off and letters made small, so that `Ada@Example.org ` is `ada@example.org`. Lengths are those of
    /// RFC 5321 (64 before the `@`, 63 between dots), in characters, as a JSON schema counts them.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text: String = text.trim().chars().map(small).collect();
        let length = |text: &str| text.chars().count();
        if length(&text) > 254 {
            return Err(InvalidEmail("it is longer than 254 characters"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]".contains(c)) {
            return Err(InvalidEmail("it has a character that no address has"));
        }
        let Some((local, domain)) = text.split_once('@') else {
            return Err(InvalidEmail("there is no @ in it"));
        };
        if local.is_empty() || length(local) > 64 || domain.contains('@') {
            return Err(InvalidEmail("there must be 1 to 64 characters before one @"));
        }
        let label =
            |label: &str| !label.is_empty() && length(label) <= 63 && !label.starts_with('-') && !label.ends_with('-');
        if !domain.split('.').all(label) {
            return Err(InvalidEmail("what follows the @ is no domain"));
        }
        Ok(Self(text))
    }
}

/// The small letter, where it is one character: what is looked at never grows.
fn small(letter: char) -> char {
    let mut small = letter.to_lowercase();
    match (small.next(), small.next()) {
        (Some(one), None) => one,
        _ => letter,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<Email>().ok().map(|email| email.0)
    }

    #[test]
    fn one_address_has_one_text() {
        assert_eq!(read(" Ada@Example.ORG\n").as_deref(), Some("ada@example.org"));
        assert_eq!(read("ÄΣ@bücher.example").as_deref(), Some("äσ@bücher.example"));
        for text in ["ada@example.org", "äσ@bücher.example", "İ@İ.example", "ǆ@ß.example"] {
            let once = read(text).unwrap();
            assert_eq!(read(&once), Some(once.clone()), "{text}");
            assert_eq!(once.chars().count(), text.chars().count(), "{text}");
        }
    }

    #[test]
    fn lengths_are_of_characters() {
        for letter in ["a", "ü", "😀", "İ"] {
            let text = |before: usize, label: usize| format!("{}@{}.org", letter.repeat(before), letter.repeat(label));
            assert!(read(&text(64, 63)).is_some(), "{letter}");
            assert!(read(&text(65, 63)).is_none() && read(&text(64, 64)).is_none(), "{letter}");
            let long =
                |last: usize| format!("{0}@{1}.{1}.{2}", letter.repeat(64), letter.repeat(62), letter.repeat(last));
            assert!(read(&long(63)).is_some(), "254 {letter}");
            assert!(read(&(long(60) + ".abc")).is_none(), "255 {letter}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.org",
            "a@b@c",
            "a b@c",
            "a@b..c",
            "a@.b",
            "a@-b",
            "a@b-",
            "a@b,c",
            "a\0@b",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
