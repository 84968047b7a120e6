//! The settings of `mail.…`.

use super::{FILE, Key, json, key};
use crate::settings::{SecretUrl, mail, read};

pub(super) const KEYS: &[Key] = &[
    key!(
        "mail.smtp_url",
        "the server that mails are given to (unset: `up` catches mails and shows them, `serve` sends none)",
        "smtps://user:password@host:465 or smtp://user:password@host:587?tls=required; without TLS on this machine alone",
        true,
        |s, given| {
            let read = |text: &str| read::is_url(text, &["smtp", "smtps"]).then(|| text.into());
            given.optional(read).map(|url| s.mail.smtp_url = url)
        },
        |s| json!(s.mail.smtp_url.as_ref().map(SecretUrl::to_string))
    ),
    key!(
        "mail.smtp_password_file",
        "the file with the password of the user in mail.smtp_url",
        FILE,
        |s, given| given.optional_path().map(|path| s.mail.smtp_password_file = path),
        |s| json!(s.mail.smtp_password_file)
    ),
    key!(
        "mail.tls_ca",
        "the file with the certificates (PEM) that the mail server's is checked against (unset: those of the system)",
        FILE,
        |s, given| given.optional_path().map(|path| s.mail.tls_ca = path),
        |s| json!(s.mail.tls_ca)
    ),
    key!(
        "mail.from",
        "who mails are from",
        "an address, or a name and an address, such as Tea & Co <no-reply@example.org>",
        |s, given| given.optional(|text| text.parse().ok()).map(|from| s.mail.from = from),
        |s| json!(s.mail.from.as_ref().map(ToString::to_string))
    ),
    key!(
        "mail.name",
        "what the app is called in mails",
        "one line of at most 60 characters",
        |s, given| given.text().filter(|text| mail::is_name(text)).map(|text| s.mail.name = text.to_owned()),
        |s| json!(s.mail.name)
    ),
];
