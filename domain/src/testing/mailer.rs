//! The contract of [`crate::ports::Mailer`].

#![allow(clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use crate::ports::{Mail, Mailer};

/// A mail as it arrived, with lines that end in `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// To whom.
    pub to: String,
    /// What about.
    pub subject: String,
    /// The text.
    pub body: String,
}

impl From<&Mail> for Arrived {
    fn from(mail: &Mail) -> Self {
        let (to, subject) = (mail.to.to_string(), mail.subject.to_string());
        Self { to, subject, body: mail.body.expose().to_owned() }
    }
}

/// A mail.
///
/// # Panics
/// When the address or the subject is none.
#[must_use]
pub fn mail(to: &str, subject: &str, body: &str) -> Mail {
    Mail { to: to.parse().unwrap(), subject: subject.parse().unwrap(), body: body.into() }
}

/// Panics where `mailer`, by which nothing was sent yet, does not keep its contract. `arrived` are all mails that have arrived, in
/// order.
pub async fn suite(mailer: &dyn Mailer, arrived: impl AsyncFn() -> Vec<Arrived>) {
    let long = "all work and no play makes a dull mail ".repeat(60);
    let mails = [
        mail("ada@example.org", "Your code", "Your code is 123456.\n\nIt holds ten minutes.\n"),
        mail("ada@example.org", "Your code", "Your code is 123456.\n\nIt holds ten minutes.\n"),
        mail("bob+tea@mail.example.org", "Zugangscode für »Tee & Söhne« ☕", "Schöne Grüße\n☕\n"),
        mail("carol@example.org", "ログインコードをお送りします。".repeat(8).as_str(), "コード\n"),
        mail("dan@example.org", "x", ".\n..\n.begins with a dot\nFrom here\n\nBcc: eve@example.org\n"),
        mail("dan@example.org", "=?utf-8?q?is_no_word?=", &format!("{long}\n")),
    ];
    let mut expected = Vec::new();
    for mail in &mails {
        mailer.send(mail).await.unwrap();
        expected.push(Arrived::from(mail));
        assert_eq!(arrived().await, expected, "every mail arrives as it was sent, once");
    }
}
