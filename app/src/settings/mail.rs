//! `mail.…`: how mails reach people.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

use relais_domain::auth::Email;

use super::{SecretUrl, SettingsError};

/// How mails reach people.
#[derive(Debug, Clone)]
pub struct Mail {
    /// `mail.smtp_url`: the server that mails are given to; `None` is the catcher in `up`, and no mail in `serve`.
    pub smtp_url: Option<SecretUrl>,
    /// `mail.smtp_password_file`: the file with the password of the user in it.
    pub smtp_password_file: Option<PathBuf>,
    /// `mail.tls_ca`: the certificates that the server's is checked against, instead of the system's.
    pub tls_ca: Option<PathBuf>,
    /// `mail.from`: who mails are from.
    pub from: Option<Sender>,
    /// `mail.name`: what the app is called in mails.
    pub name: String,
}

/// Who mails are from: an address, or a name and an address, as in `Tea & Co <no-reply@example.org>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name, if there is one.
    pub name: Option<String>,
    /// The address.
    pub address: Email,
}

/// The text names no sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sender is an address, or a name and an address, as in Tea & Co <no-reply@example.org>")]
pub struct InvalidSender;

impl Default for Mail {
    fn default() -> Self {
        Self { smtp_url: None, smtp_password_file: None, tls_ca: None, from: None, name: "Relais".to_owned() }
    }
}

impl Mail {
    /// What no single value shows.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let Some(url) = &self.smtp_url else { return Ok(()) };
        if self.from.is_none() {
            return Err(SettingsError::NoSender);
        }
        let (user, host) = parts(url.expose());
        if self.smtp_password_file.is_some() && user.is_some_and(|user| user.contains(':')) {
            return Err(SettingsError::TwoMailPasswords);
        }
        let tls = url.expose().starts_with("smtps:") || url.expose().ends_with("?tls=required");
        if !tls && host != "localhost" && !host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
            return Err(SettingsError::PlainMail { url: url.to_string() });
        }
        Ok(())
    }
}

/// What stands before the @ of a URL, and its host.
fn parts(url: &str) -> (Option<&str>, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
    let host = match place.strip_prefix('[') {
        Some(place) => place.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    };
    (user, host)
}

/// A name that stands in mails: one line of 1 to 60 characters, and nothing that a reader would decode.
pub(super) fn is_name(text: &str) -> bool {
    let breaks = |c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c);
    (1..=60).contains(&text.chars().count()) && text.trim() == text && !text.contains(breaks) && !text.contains("=?")
}

impl FromStr for Sender {
    type Err = InvalidSender;

    fn from_str(text: &str) -> Result<Self, InvalidSender> {
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(text) => text.rsplit_once('<').ok_or(InvalidSender)?,
            None => ("", text),
        };
        let name = name.trim();
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        let fits = name.is_empty() || (is_name(name) && !name.contains(['<', '>', '"', '\\']));
        let address = address.parse().map_err(|_| InvalidSender)?;
        if !fits {
            return Err(InvalidSender);
        }
        Ok(Self { name: Some(name.to_owned()).filter(|name| !name.is_empty()), address })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_read_and_shown() {
        for (text, shown) in [
            ("no-reply@example.org", "no-reply@example.org"),
            ("<No-Reply@example.org>", "no-reply@example.org"),
            ("Tea & Söhne <a@b.c>", "Tea & Söhne <a@b.c>"),
            (" \"Tea, Ltd.\"  <a@b.c> ", "Tea, Ltd. <a@b.c>"),
        ] {
            let sender: Sender = text.parse().unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(sender.to_string(), shown);
            assert_eq!(shown.parse::<Sender>().unwrap(), sender);
        }
        for odd in [
            "",
            "tea",
            "<a@b.c",
            "a@b.c>",
            "x\r\nBcc: e@v.e <a@b.c>",
            "x\u{2028}y <a@b.c>",
            "=?utf-8?q?x?= <a@b.c>",
            "a@b.c, d@e.f",
            "x <y> <a@b.c>",
            "Tea <a@b.c\r\nBcc: e@v.e>",
            &format!("{} <a@b.c>", "x".repeat(61)),
        ] {
            assert_eq!(odd.parse::<Sender>(), Err(InvalidSender), "{odd:?}");
        }
    }

    fn check(url: &str, password_file: bool) -> Result<(), SettingsError> {
        let from = Some("a@b.c".parse().unwrap());
        let smtp_password_file = password_file.then(|| "p".into());
        Mail { smtp_url: Some(url.into()), from, smtp_password_file, ..Mail::default() }.check()
    }

    #[test]
    fn mails_leave_this_machine_under_tls_alone() {
        for url in
            ["smtp://127.0.0.1:1025", "smtp://u:p@[::1]", "smtp://localhost", "smtps://h", "smtp://h?tls=required"]
        {
            assert!(check(url, false).is_ok(), "{url}");
        }
        for url in ["smtp://h", "smtp://u:p@h:25", "smtp://localhost.h", "smtp://localhost@h", "smtp://[::2]:25"] {
            assert!(matches!(check(url, false), Err(SettingsError::PlainMail { .. })), "{url}");
        }
    }

    #[test]
    fn there_is_a_sender_and_one_password() {
        let mail = Mail { smtp_url: Some("smtps://h".into()), ..Mail::default() };
        assert!(matches!(mail.check(), Err(SettingsError::NoSender)));
        assert!(check("smtps://u@h", true).is_ok());
        assert!(matches!(check("smtps://u:p@h", true), Err(SettingsError::TwoMailPasswords)));
    }
}
