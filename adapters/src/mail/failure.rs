//! Why an SMTP server has not taken a mail, in words for whoever runs it.

use std::fmt;

use lettre::transport::smtp;
use relais_domain::ports::MailError;

/// Why an SMTP server has not taken a mail: at which step, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {said}")]
pub struct Failure {
    /// What we were at.
    pub step: Step,
    /// The server's reply, code first, or what went wrong on the way; one line of printable characters.
    pub said: String,
    /// The code of the server's reply; none when there was no reply, or none that is one.
    pub code: Option<u16>,
    /// Whether nobody answered in time.
    pub timed_out: bool,
}

/// The steps of handing a mail over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Waiting for others' mails.
    Turn,
    /// Connecting, with TLS if it begins at once, and greetings.
    Connect,
    /// STARTTLS.
    Secure,
    /// User and password.
    Login,
    /// Who the mail is from.
    Sender,
    /// Whom it is for.
    Recipient,
    /// The mail itself.
    Text,
}

/// The longest reply that is told, in characters.
const LONGEST: usize = 300;

impl Failure {
    pub(super) fn new(step: Step, said: impl fmt::Display) -> Self {
        Self { step, said: printable(&said.to_string()), code: None, timed_out: false }
    }

    pub(super) fn timeout(step: Step) -> Self {
        Self { timed_out: true, ..Self::new(step, "no answer in time") }
    }

    pub(super) fn of(step: Step, error: &smtp::Error) -> Self {
        let code = error.status().map(u16::from);
        // The innermost cause says it; the others repeat it.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let said = match code {
            Some(code) => format!("{code} {cause}"),
            None => cause.to_string(),
        };
        Self { code, timed_out: error.is_timeout(), ..Self::new(step, said) }
    }

    /// Whether it is about this recipient or this mail, for good. 55x is what servers say of mailboxes; other codes are about
    /// the commands, or about us.
    fn is_refusal(&self) -> bool {
        matches!(self.step, Step::Recipient | Step::Text) && self.code.is_some_and(|code| (550..560).contains(&code))
    }
}

impl From<Failure> for MailError {
    fn from(failure: Failure) -> Self {
        if failure.is_refusal() { Self::Refused(failure.into()) } else { Self::Unavailable(failure.into()) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Turn => "too many mails at once",
            Self::Connect => "no connection to the mail server",
            Self::Secure => "no TLS with the mail server",
            Self::Login => "the mail server does not take user and password",
            Self::Sender => "the mail server takes no mail from this sender",
            Self::Recipient => "the mail server does not take this recipient",
            Self::Text => "the mail server does not take this mail",
        })
    }
}

/// What a server said may hold anything: what would steer a terminal or break a line of a log becomes a space.
fn printable(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c) { ' ' } else { c });
    let shown: String = shown.take(LONGEST).collect();
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_the_recipient_is_a_refusal() {
        let failure = |step, code| Failure { code, ..Failure::new(step, "x") };
        for (step, code, refused) in [
            (Step::Recipient, Some(550), true),
            (Step::Recipient, Some(553), true),
            (Step::Text, Some(554), true),
            (Step::Recipient, Some(450), false),
            (Step::Recipient, Some(530), false),
            (Step::Recipient, Some(503), false),
            (Step::Recipient, None, false),
            (Step::Sender, Some(550), false),
            (Step::Login, Some(535), false),
            (Step::Login, Some(554), false),
            (Step::Connect, Some(554), false),
        ] {
            let error = MailError::from(failure(step, code));
            assert_eq!(matches!(error, MailError::Refused(_)), refused, "{step:?} {code:?}");
        }
    }

    #[test]
    fn what_a_server_says_is_one_printable_line() {
        let failure = Failure::new(Step::Text, format!("\x1b[31mno\r\nX: y\u{2028}{}", "z".repeat(1_000)));
        assert!(failure.said.starts_with("[31mno  X: y z") && failure.said.chars().count() <= LONGEST, "{failure}");
        assert!(!failure.to_string().chars().any(char::is_control), "{failure}");
    }
}
