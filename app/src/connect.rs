//! Where the commands meet the broker and the keys: the only functions through which they reach either.

use std::sync::Arc;

use relais_domain::{
    credentials::UserJwt,
    ports::{Bus, BusError, CredentialsIssuer, KeyPairs},
    secret::Secret,
};

use crate::{
    exit::{Exit, Failure},
    settings::Settings,
};

/// What connecting takes.
pub struct ConnectOptions {
    /// Brokers, one after the other until one answers.
    pub servers: Vec<String>,
    /// The user JWT and its seed.
    pub creds: Creds,
    /// What goes in front of inboxes; the broker lets this user listen to no other.
    pub inbox_prefix: String,
    /// What the connection is called in the broker's reports.
    pub name: String,
}

/// A user JWT and the seed of its key. It has no `Debug`: it holds a secret.
#[derive(Clone)]
pub struct Creds {
    /// What the broker believes.
    pub jwt: UserJwt,
    /// What proves that it is ours.
    pub seed: Secret,
}

impl Creds {
    /// The text of a creds file (`nats-io/jwt` v2, `creds_utils.go`).
    #[must_use]
    pub fn to_text(&self) -> Secret {
        let (jwt, seed) = (self.jwt.as_str(), self.seed.expose());
        Secret::from(format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             ************************* IMPORTANT *************************\n\
             NKEY Seed printed below can be used to sign and prove identity.\n\
             NKEYs are sensitive and should be treated as secrets.\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n\n\
             *************************************************************\n"
        ))
    }

    /// Reads the text of a creds file; `None` when a JWT or a user's seed is not in it.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let block = |title: &str| {
            let begin = format!("-----BEGIN {title}-----");
            let mut lines = text.lines().map(str::trim);
            lines.find(|line| *line == begin)?;
            lines.find(|line| !line.is_empty()).filter(|line| !line.starts_with('-'))
        };
        let jwt = block("NATS USER JWT")?;
        let seed = block("USER NKEY SEED").filter(|seed| seed.starts_with("SU"))?;
        Some(Self { jwt: UserJwt::from_text(jwt.to_owned()), seed: Secret::from(seed) })
    }
}

/// Connects to a broker.
///
/// # Errors
/// [`BusError::Unauthorized`] when the broker does not believe the credential, [`BusError::Disconnected`] when none
/// answers.
pub async fn connect(options: ConnectOptions) -> Result<Arc<dyn Bus>, BusError> {
    let cause = format!("this build reaches no broker ({})", options.servers.join(", "));
    Err(BusError::Disconnected(Some(cause.into())))
}

/// Key pairs from the system's randomness.
///
/// # Errors
/// None once an adapter stands behind it.
pub fn key_pairs() -> Result<Arc<dyn KeyPairs>, Failure> {
    Err(Failure::new(Exit::Failed, "this build makes no keys"))
}

/// The engine that signs for the installation in `nsc.creds_directory`.
///
/// # Errors
/// When the store there cannot be used.
pub fn issuer(settings: &Settings) -> Result<Arc<dyn CredentialsIssuer>, Failure> {
    let folder = settings.creds_directory();
    Err(Failure::new(Exit::Failed, format!("this build cannot sign with the keys in {}", folder.display())))
}

/// The OpenAPI document of the HTTP API.
///
/// # Errors
/// None once an adapter stands behind it.
pub fn openapi() -> Result<String, Failure> {
    Err(Failure::new(Exit::Failed, "this build has no HTTP API"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creds_text_goes_there_and_back() {
        let creds = Creds { jwt: UserJwt::from_text("a.b.c".to_owned()), seed: Secret::from("SUABC") };
        let back = Creds::from_text(creds.to_text().expose()).unwrap();
        assert_eq!((back.jwt.as_str(), back.seed.expose()), ("a.b.c", "SUABC"));
        let windows = creds.to_text().expose().replace('\n', "\r\n");
        assert!(Creds::from_text(&windows).is_some());
        for wrong in [
            "",
            "-----BEGIN NATS USER JWT-----",
            "-----BEGIN NATS USER JWT-----\na.b.c",
            "-----BEGIN NATS USER JWT-----\n------END NATS USER JWT------\n-----BEGIN USER NKEY SEED-----\nSUABC",
            "-----BEGIN NATS USER JWT-----\na.b.c\n-----BEGIN USER NKEY SEED-----\nSAABC",
        ] {
            assert!(Creds::from_text(wrong).is_none(), "{wrong}");
        }
    }
}
