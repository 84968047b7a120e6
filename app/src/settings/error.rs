//! Why settings cannot be used.

use std::{net::SocketAddr, path::PathBuf};

use super::Source;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The working directory or a variable cannot be read.
    #[error("cannot tell the working directory")]
    Directory(#[source] std::io::Error),
    /// The file is no TOML. What stands on that line is not shown: it may be a secret.
    #[error("{}:{line}: this is no TOML: {reason}", path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A name that is no setting.
    #[error("{source_name} sets {name}, which is no setting{}", nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    Unknown {
        /// Where.
        source_name: Source,
        /// What was set.
        name: String,
        /// The nearest known name, as it is written there.
        nearest: Option<String>,
    },
    /// A value that is not of its setting's kind.
    #[error("{source_name} sets {key} to {given}; expected {expected}")]
    Value {
        /// Where.
        source_name: Source,
        /// Which setting.
        key: &'static str,
        /// What was given, with secrets hidden.
        given: String,
        /// What would do.
        expected: &'static str,
    },
    /// A variable whose value is no text.
    #[error("the variable {0} is not UTF-8")]
    NotText(String),
    /// Lists of subjects that would let users reach beyond themselves.
    #[error("the settings allow users what they must not be allowed:\n  {}", .0.join("\n  "))]
    Lint(Vec<String>),
    /// The key that seals, twice.
    #[error("both nsc.seal_key and nsc.seal_key_file are set, and there is one key; leave one of them out")]
    TwoSealKeys,
    /// Mails that would come from nobody.
    #[error("mail.smtp_url is set, but not mail.from: who are mails from? Such as Tea & Co <no-reply@example.org>")]
    NoSender,
    /// Codes without mails.
    #[error("auth.proof = \"code\" and auth.verify = true need mails: set mail.smtp_url and mail.from")]
    NoMail,
    /// The password of the mail server, twice.
    #[error("mail.smtp_url has a password, and mail.smtp_password_file is set; leave one of them out")]
    TwoMailPasswords,
    /// A mail server on another machine, without TLS.
    #[error(
        "mail.smtp_url is {url}: password and mails would travel in plain text; write smtps://… or smtp://…?tls=required"
    )]
    PlainMail {
        /// Which, with secrets hidden.
        url: String,
    },
    /// `--set` without a `=`.
    #[error("--set {0} has no =; write --set http.listen=127.0.0.1:8080")]
    NoEquals(String),
    /// A listener that other machines reach, without TLS.
    #[error(
        "{setting} is {listen}, which other machines reach, and passwords and messages would travel in plain text; \
         listen on 127.0.0.1, give it a certificate ({}), or put a proxy that ends TLS in front and set behind_proxy to true",
        if setting.starts_with("http") { "http.tls_cert and http.tls_key" } else { "nats.tls_cert and nats.tls_key" }
    )]
    Plain {
        /// Which.
        setting: &'static str,
        /// Where it would listen.
        listen: SocketAddr,
    },
    /// A certificate without its key, or the other way about.
    #[error("{set} is set and {missing} is not; a certificate and its key go together")]
    Half {
        /// What is set.
        set: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// A certificate and its key that cannot be shown.
    #[cfg(feature = "server")]
    #[error("{certificate} and {key} cannot be used")]
    Certificate {
        /// The setting of the certificate.
        certificate: &'static str,
        /// The setting of the key.
        key: &'static str,
        /// Why not, with the name of the file.
        #[source]
        source: relais_adapters::tls::PairError,
    },
    /// The file of an authority that is none.
    #[error("{setting} is {}, which cannot be used", path.display())]
    Ca {
        /// Which setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// `auth.proof = "none"` behind a proxy, which lets others reach it.
    #[error(
        "auth.proof is none, so anybody can log in as anybody, and behind_proxy says that others come through a proxy; \
         set auth.proof to password"
    )]
    OpenProxy,
    /// `auth.proof = "none"` where others can reach it.
    #[error(
        "auth.proof is none, so anybody can log in as anybody, and http.listen is {listen}, which other machines reach; \
         listen on 127.0.0.1, or set auth.proof to password"
    )]
    OpenDoor {
        /// Where HTTP would listen.
        listen: SocketAddr,
    },
}
