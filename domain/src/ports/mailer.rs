//! The port to what brings mails to people.

use std::{fmt, str::FromStr};

use async_trait::async_trait;

use crate::{auth::Email, ports::Cause, secret::Secret};

/// What brings mails to people.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a mail to whoever brings it on. `Ok` says that it was taken, not that it has arrived; a repeat is another
    /// mail. It takes seconds at most.
    ///
    /// # Errors
    /// [`MailError`]. After [`MailError::Unavailable`] it may have been taken nonetheless.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// A mail of plain text. It holds codes, so it has no `Debug`, and its text is a [`Secret`].
///
/// ```compile_fail
/// fn shown(mail: relais_domain::ports::Mail) -> String {
///     format!("{mail:?}") // there is no Debug
/// }
/// ```
#[derive(Clone)]
pub struct Mail {
    /// To whom.
    pub to: Email,
    /// What it is about; never a code, since subjects are shown on locked screens.
    pub subject: Subject,
    /// The text, in lines; the last one need not end.
    pub body: Secret,
}

/// The subject of a mail: one line of 1 to 200 characters. A line break in it would begin another header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(String);

/// The text is no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subject of a mail is one line of 1 to 200 characters")]
pub struct InvalidSubject;

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// There is no such address, or it takes no mail from us; a repeat will not help.
    #[error("no mail can be sent to this address")]
    Refused(#[source] Cause),
    /// No mails can be sent now; trying again later may help.
    #[error("mails cannot be sent now")]
    Unavailable(#[source] Cause),
}

impl Subject {
    /// The subject as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Subject {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        // Two characters break lines and are no control characters to Unicode.
        let breaks = |c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c);
        let fits = (1..=200).contains(&text.chars().count()) && text.trim() == text;
        if fits && !text.chars().any(breaks) { Ok(Self(text.to_owned())) } else { Err(InvalidSubject) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line() {
        for text in ["Your code", "Dein Zugangscode für »Tea & Söhne«", "ログイン", &"ü".repeat(200)] {
            assert_eq!(text.parse::<Subject>().unwrap().as_str(), text);
        }
        for odd in ["", " ", " x", "x\n", "a\r\nBcc: eve@example.org", "a\nb", "a\rb", "a\0b", "a\u{85}b", "a\u{2028}b"]
        {
            assert_eq!(odd.parse::<Subject>(), Err(InvalidSubject), "{odd:?}");
        }
        assert_eq!("x".repeat(201).parse::<Subject>(), Err(InvalidSubject));
    }

    #[test]
    fn an_address_is_one_line_too() {
        for odd in
            ["ada@example.org\r\nBcc: eve@example.org", "ada\n@example.org", "ada@exa\rmple.org", "a\u{2028}@b.c"]
        {
            assert!(odd.parse::<Email>().is_err(), "{odd:?}");
        }
    }
}
