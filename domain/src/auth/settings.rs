//! What can be set about logins.

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::auth::{Expiry, RateLimits};

/// What can be set about logins. [`AuthSettings::default`] is what DESIGN §7 says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthSettings {
    /// How users prove who they are.
    pub proof: Proof,
    /// How long the credentials of a device hold; 6 months.
    pub credentials_expiry: Expiry,
    /// How long the credentials of a browser hold at most; 15 minutes.
    pub browser_expiry: Duration,
    /// How long an access token holds; 15 minutes.
    pub access_token_expiry: Duration,
    /// How long a session lasts that is not used; 90 days.
    pub session_idle: Duration,
    /// How long after a refresh it may be repeated, because its answer was lost; 60 seconds.
    pub refresh_retry: Duration,
    /// Whether nobody gets in before the address is proven by a mailed code; no.
    pub verify: bool,
    /// What mails call this service; `Relais`.
    pub mail_name: String,
    /// How long what is mailed waits at most, a random time: what is done behind an answer for an address that is somebody's, and
    /// not for another, is then not done beside the request that follows it, whose time would tell; half a second.
    pub mail_pause: Duration,
    /// How long a login or a reset takes at least that is refused for who asks or for the proof, so that its time does not tell what
    /// was looked at; a tenth of a second.
    pub refusal: Duration,
    /// How often somebody may try.
    pub limits: RateLimits,
    /// How many devices a user may have at once; 20.
    pub devices_per_user: usize,
    /// Addresses of brokers that clients are told: `nats://…` or `tls://…`.
    pub servers: Vec<String>,
    /// Addresses of brokers that browsers are told: `ws://…` or `wss://…`.
    pub websocket: Vec<String>,
}

/// How users prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// By a password; or by a mailed code, where there is a mailer.
    #[default]
    Password,
    /// By a code that is mailed for each login.
    Code,
    /// Not at all: the email address is enough. For play on one machine only.
    None,
}

/// The text names no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proof is \"password\", \"code\" or \"none\"")]
pub struct InvalidProof;

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            proof: Proof::Password,
            credentials_expiry: Expiry::default(),
            browser_expiry: Duration::from_secs(15 * 60),
            access_token_expiry: Duration::from_secs(15 * 60),
            session_idle: Duration::from_secs(90 * 24 * 60 * 60),
            refresh_retry: Duration::from_secs(60),
            verify: false,
            mail_name: "Relais".to_owned(),
            mail_pause: Duration::from_millis(500),
            refusal: Duration::from_millis(100),
            limits: RateLimits::default(),
            devices_per_user: 20,
            servers: Vec::new(),
            websocket: Vec::new(),
        }
    }
}

impl AuthSettings {
    /// The same, where nothing waits that only waits to hide something: for tests, whose clock may stand still.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { mail_pause: Duration::ZERO, refusal: Duration::ZERO, ..self }
    }
}

impl FromStr for Proof {
    type Err = InvalidProof;

    fn from_str(text: &str) -> Result<Self, InvalidProof> {
        match text {
            "password" => Ok(Self::Password),
            "code" => Ok(Self::Code),
            "none" => Ok(Self::None),
            _ => Err(InvalidProof),
        }
    }
}
