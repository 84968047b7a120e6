//! What travels: the JSON of requests and answers (DESIGN §5), and RFC 9457 problems.

use jiff::Timestamp;
use relais_domain::{
    auth::Email,
    credentials::PublicKey,
    identity::{DeviceId, UserId},
    secret::Secret,
    subject::Subject,
};
use serde::{Deserialize, Deserializer, Serialize};

/// What `POST /admin/claim` takes.
#[derive(Serialize)]
pub(super) struct Claim<'a> {
    pub(super) token: &'a str,
}

/// What `POST /login/code` and `POST /password/reset` take.
#[derive(Serialize)]
pub(super) struct Address<'a> {
    pub(super) email: &'a str,
}

/// What `POST /password/reset/confirm` takes.
#[derive(Serialize)]
pub(super) struct Reset<'a> {
    pub(super) email: &'a str,
    pub(super) code: &'a str,
    pub(super) password: &'a str,
}

/// What `POST /token` takes.
#[derive(Serialize)]
pub(super) struct Refresh<'a> {
    pub(super) refresh_token: &'a str,
}

/// What `POST /password` takes.
#[derive(Serialize)]
pub(super) struct Passwords<'a> {
    pub(super) old: &'a str,
    pub(super) new: &'a str,
    pub(super) remove_other_devices: bool,
}

/// What `GET /me/devices` answers.
#[derive(Deserialize)]
pub(super) struct Devices {
    pub(super) devices: Vec<Device>,
}

/// A device of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Registered {
    /// Made by the server.
    pub id: UserId,
    /// As the server normalised it.
    pub email: String,
    /// When.
    pub created_at: Timestamp,
    /// Whether a code was mailed that the first login needs.
    #[serde(default)]
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
#[derive(Clone, Deserialize)]
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
    #[serde(default)]
    pub websocket: Vec<String>,
    /// What goes in front of this user's inboxes.
    pub inbox_prefix: String,
    /// What the JWT allows.
    pub permissions: PermissionLists,
    /// For the HTTP API; lives minutes.
    #[serde(deserialize_with = "secret")]
    pub access_token: Secret,
    /// How long it lives, in seconds.
    pub expires_in: u64,
    /// Gets another access token; servers that have no sessions send none.
    #[serde(default, deserialize_with = "optional_secret")]
    pub refresh_token: Option<Secret>,
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Me {
    /// The user.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// When they registered.
    pub created_at: Timestamp,
}

#[derive(Serialize)]
pub(super) struct Credentials<'a> {
    pub(super) email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct LoginBody<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    public_key: &'a str,
}

impl Login<'_> {
    pub(super) fn wire(&self) -> LoginBody<'_> {
        LoginBody {
            email: self.email.as_str(),
            password: self.password.map(Secret::expose),
            code: self.code.map(Secret::expose),
            device: self.device,
            public_key: self.public_key.as_str(),
        }
    }
}

impl LoggedIn {
    /// Refuses what would do harm in a creds file or as part of a subject.
    pub(super) fn check(&self) -> Result<(), String> {
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
        let token = self.access_token.expose();
        if token.is_empty() || !token.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
            return Err("the access_token of its answer is none".to_owned());
        }
        if self.refresh_token.as_ref().is_some_and(|token| {
            let token = token.expose();
            token.is_empty() || !token.bytes().all(|byte| (b'!'..=b'~').contains(&byte))
        }) {
            return Err("the refresh_token of its answer is none".to_owned());
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

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::from)
}

fn optional_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::from))
}
