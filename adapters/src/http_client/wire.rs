//! Requests and answers as the rest of Relais has them: what came over the wire (`generated`, made from the document) is parsed into the
//! domain's types here, and RFC 9457 problems are read.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;
use relais_domain::{
    auth::Email,
    credentials::PublicKey,
    identity::{DeviceId, UserId},
    secret::Secret,
    subject::Subject,
};
use serde::{Deserialize, Serialize};

use super::{call::Sealed, generated::types};

/// A device of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// What its user calls it.
    pub name: String,
    /// Its public nkey.
    pub public_key: PublicKey,
    /// First login.
    pub created_at: Timestamp,
    /// Newest login or refresh.
    pub seen_at: Timestamp,
    /// When its credentials end; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A new user, as `POST /register` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Made by the server.
    pub id: UserId,
    /// As the server normalised it.
    pub email: String,
    /// When.
    pub created_at: Timestamp,
    /// Whether a code was mailed that the first login needs.
    pub to_be_verified: bool,
}

/// What a login takes.
pub struct Login<'a> {
    /// Who.
    pub email: &'a Email,
    /// The password; a login needs that or a code.
    pub password: Option<&'a Secret>,
    /// A code that was mailed.
    pub code: Option<&'a Secret>,
    /// What the user calls this device; at most 64 characters.
    pub device: Option<&'a str>,
    /// The device's own key (`U…`). The seed stays with the device.
    pub public_key: &'a PublicKey,
}

/// What a login gives. It has no `Debug`: it holds a token.
#[derive(Clone)]
pub struct LoggedIn {
    /// Who logged in.
    pub user_id: UserId,
    /// The device that the key belongs to.
    pub device_id: DeviceId,
    /// The user JWT for the device's key; worthless without its seed.
    pub jwt: String,
    /// When the JWT ends; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Brokers, as `nats://…` or `tls://…`.
    pub servers: Vec<String>,
    /// The same for browsers, as `ws://…` or `wss://…`.
    pub websocket: Vec<String>,
    /// What goes in front of this user's inboxes.
    pub inbox_prefix: String,
    /// What the JWT allows.
    pub permissions: PermissionLists,
    /// For the HTTP API; lives minutes.
    pub access_token: Secret,
    /// How long it lives, in seconds.
    pub expires_in: u64,
    /// Gets another access token; good once.
    pub refresh_token: Secret,
}

/// Subjects that may be published to and listened to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionLists {
    /// Publish.
    pub publish: Vec<String>,
    /// Subscribe.
    pub subscribe: Vec<String>,
}

/// Whose token it is, as `GET /me` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The user.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// When they registered.
    pub created_at: Timestamp,
}

impl From<&Login<'_>> for types::LoginRequest {
    fn from(login: &Login<'_>) -> Self {
        Self {
            email: login.email.as_str().to_owned(),
            password: login.password.map(Sealed::from),
            code: login.code.map(Sealed::from),
            device: login.device.map(str::to_owned),
            public_key: Some(login.public_key.as_str().to_owned()),
            client: None,
        }
    }
}

/// A field that must parse, or the answer is none of ours.
pub(super) fn parsed<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("the {field} of its answer is none: {error}"))
}

impl TryFrom<types::RegisterAnswer> for Registered {
    type Error = String;

    fn try_from(answer: types::RegisterAnswer) -> Result<Self, String> {
        Ok(Self {
            id: parsed("id", &answer.id)?,
            email: answer.email,
            created_at: answer.created_at,
            to_be_verified: answer.to_be_verified,
        })
    }
}

impl TryFrom<types::MeAnswer> for Me {
    type Error = String;

    fn try_from(answer: types::MeAnswer) -> Result<Self, String> {
        Ok(Self { id: parsed("id", &answer.id)?, email: answer.email, created_at: answer.created_at })
    }
}

impl TryFrom<types::Device> for Device {
    type Error = String;

    fn try_from(answer: types::Device) -> Result<Self, String> {
        Ok(Self {
            id: parsed("id", &answer.id)?,
            name: answer.name,
            public_key: parsed("public_key", &answer.public_key)?,
            created_at: answer.created_at,
            seen_at: answer.seen_at,
            expires_at: answer.expires_at,
            current: answer.current,
        })
    }
}

impl TryFrom<types::LoginAnswer> for LoggedIn {
    type Error = String;

    fn try_from(answer: types::LoginAnswer) -> Result<Self, String> {
        let login = Self {
            user_id: parsed("user_id", &answer.user_id)?,
            device_id: parsed("device_id", &answer.device_id)?,
            jwt: answer.jwt,
            expires_at: answer.expires_at,
            servers: answer.servers,
            websocket: answer.websocket,
            inbox_prefix: answer.inbox_prefix,
            permissions: PermissionLists {
                publish: answer.permissions.publish,
                subscribe: answer.permissions.subscribe,
            },
            access_token: answer.access_token.0,
            expires_in: answer.expires_in,
            refresh_token: answer.refresh_token.0,
        };
        login.check()?;
        Ok(login)
    }
}

impl LoggedIn {
    /// Refuses what would do harm in a creds file or as part of a subject.
    fn check(&self) -> Result<(), String> {
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        if self.jwt.split('.').count() != 3 || !self.jwt.split('.').all(part) {
            return Err("the jwt of its answer is none".to_owned());
        }
        if self.inbox_prefix.parse::<Subject>().is_err() {
            return Err("the inbox_prefix of its answer is no subject".to_owned());
        }
        if self.servers.is_empty() {
            return Err("its answer names no broker".to_owned());
        }
        for (field, token) in [("access_token", &self.access_token), ("refresh_token", &self.refresh_token)] {
            let token = token.expose();
            if token.is_empty() || !token.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
                return Err(format!("the {field} of its answer is none"));
            }
        }
        Ok(())
    }
}

/// RFC 9457, as far as a person needs it.
#[derive(Default, Deserialize)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    title: Option<String>,
    detail: Option<String>,
}

impl Problem {
    /// What to tell a person: one line, at most 300 characters, without control characters.
    pub(super) fn text(&self) -> Option<String> {
        let text = self.detail.as_ref().or(self.title.as_ref())?;
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    }
}
