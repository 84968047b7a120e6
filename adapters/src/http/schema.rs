//! What goes in and out, as the document shows it. Rules that stand here are enforced in the domain.

use std::borrow::Cow;

use jiff::Timestamp;
use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use relais_domain::{
    auth::{ClientKind, LoggedIn, Me, PASSWORD_MAX, PASSWORD_MIN, REFRESH_PREFIX, Registered},
    ports,
    secret::Secret,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::input::present;

/// A password on its way in. It has neither `Debug` nor a way out.
pub(super) struct Password(pub(super) Secret);

/// A refresh token on its way in; as a [`Password`].
pub(super) struct RefreshToken(pub(super) Secret);

/// A one-time code on its way in; as a [`Password`].
pub(super) struct Code(pub(super) Secret);

/// A point in time (RFC 3339, UTC).
pub(super) struct Time(pub(super) Timestamp);

/// Who wants to register.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterRequest {
    /// An address; capitals and small letters are the same.
    #[oai(validator(max_length = 254))]
    pub(super) email: String,
    /// At least 8 characters of any kind. Not needed where the server asks for no proof (`auth.proof = "none"`).
    #[serde(default, deserialize_with = "present")]
    pub(super) password: Option<Password>,
}

/// Who wants to log in, on which device.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginRequest {
    /// The address that was registered.
    #[oai(validator(max_length = 254))]
    pub(super) email: String,
    /// The password; or a code.
    #[serde(default, deserialize_with = "present")]
    pub(super) password: Option<Password>,
    /// A code that was mailed to the address (`POST /login/code`, or with the registration).
    #[serde(default, deserialize_with = "present")]
    pub(super) code: Option<Code>,
    /// What to call the device.
    #[oai(validator(
        min_length = 1,
        max_length = 64,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"
    ))]
    #[serde(default, deserialize_with = "present")]
    pub(super) device: Option<String>,
    /// The device's own public nkey (`U…`). Its seed then never leaves the device. Without one the server makes the
    /// pair, and the answer has `creds`.
    #[oai(validator(min_length = 56, max_length = 56))]
    #[serde(default, deserialize_with = "present")]
    pub(super) public_key: Option<String>,
    /// What kind of program asks; a device, unless it is said.
    #[serde(default, deserialize_with = "present")]
    pub(super) client: Option<Client>,
}

/// What kind of program logs in: the credentials of a browser hold for 15 minutes.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "lowercase")]
pub(super) enum Client {
    /// One that keeps its credentials safe.
    Device,
    /// A web page.
    Browser,
}

/// A new user.
#[derive(Object)]
pub(super) struct RegisterAnswer {
    /// The user's id, made by the server.
    id: String,
    /// The address, as it is kept.
    email: String,
    /// When the user registered.
    created_at: Time,
    /// Whether the address has to be proven by the code that was mailed to it, at the first login.
    to_be_verified: bool,
}

/// A device with its credentials.
#[derive(Object)]
pub(super) struct LoginAnswer {
    /// The user's id: the `{user}` of subjects.
    user_id: String,
    /// The device's id.
    device_id: String,
    /// The user JWT that the brokers believe.
    jwt: String,
    /// JWT and seed as a creds file; only when the request had no `public_key`, and only this once.
    #[oai(skip_serializing_if_is_none)]
    creds: Option<String>,
    /// When the JWT ends; without it, never.
    #[oai(skip_serializing_if_is_none)]
    expires_at: Option<Time>,
    /// Addresses of the brokers.
    servers: Vec<String>,
    /// Addresses of the brokers for browsers.
    websocket: Vec<String>,
    /// What goes in front of the device's inboxes; a NATS client must be told.
    inbox_prefix: String,
    /// What the brokers let the device do.
    permissions: Permissions,
    /// For this API.
    access_token: String,
    /// How the access token is sent.
    token_type: TokenType,
    /// How long the access token holds, in seconds.
    expires_in: u64,
    /// For `POST /token`, which renews all of this without a password; good once.
    refresh_token: String,
}

/// What the brokers let a device do, as NATS filters.
#[derive(Object)]
struct Permissions {
    /// Where it may publish.
    publish: Vec<String>,
    /// What it may listen to.
    subscribe: Vec<String>,
}

/// How an access token is sent (RFC 6750).
#[derive(Enum)]
enum TokenType {
    Bearer,
}

/// Who is asking.
#[derive(Object)]
pub(super) struct MeAnswer {
    /// The user's id.
    id: String,
    /// The address, as it is kept.
    email: String,
    /// When the user registered.
    created_at: Time,
    /// Whether the address is proven.
    verified: bool,
    /// The device that is asking.
    device_id: String,
}

/// The devices of a user, oldest first.
#[derive(Object)]
pub(super) struct DevicesAnswer {
    /// The devices.
    devices: Vec<Device>,
}

/// A device of a user.
#[derive(Object)]
struct Device {
    /// Its id.
    id: String,
    /// What its user calls it.
    name: String,
    /// Its public nkey.
    public_key: String,
    /// First login.
    created_at: Time,
    /// Newest login or refresh.
    seen_at: Time,
    /// When its credentials end; without it, never.
    #[oai(skip_serializing_if_is_none)]
    expires_at: Option<Time>,
    /// Whether it is the one that is asking.
    current: bool,
}

/// How the server is.
#[derive(Object)]
pub(super) struct HealthAnswer {
    /// Always `ok`.
    pub(super) status: String,
}

impl From<Client> for ClientKind {
    fn from(client: Client) -> Self {
        match client {
            Client::Device => Self::Device,
            Client::Browser => Self::Browser,
        }
    }
}

impl From<Registered> for RegisterAnswer {
    fn from(user: Registered) -> Self {
        Self {
            id: user.id.into(),
            email: user.email.to_string(),
            created_at: Time(user.created_at),
            to_be_verified: user.to_be_verified,
        }
    }
}

impl Time {
    /// A moment of a JWT; 0 is never.
    pub(super) fn of_seconds(at: i64) -> Option<Self> {
        if at == 0 { None } else { Timestamp::from_second(at).ok().map(Self) }
    }
}

impl From<LoggedIn> for LoginAnswer {
    fn from(login: LoggedIn) -> Self {
        Self {
            user_id: login.user_id.into(),
            device_id: login.device_id.into(),
            jwt: login.jwt.as_str().to_owned(),
            creds: login.creds.map(|creds| creds.expose().to_owned()),
            expires_at: login.expires_at.map(Time),
            servers: login.servers,
            websocket: login.websocket,
            inbox_prefix: login.inbox_prefix,
            permissions: Permissions { publish: login.permissions.publish, subscribe: login.permissions.subscribe },
            access_token: login.access_token.expose().to_owned(),
            token_type: TokenType::Bearer,
            expires_in: login.expires_in.as_secs(),
            refresh_token: login.refresh_token.expose().to_owned(),
        }
    }
}

impl MeAnswer {
    pub(super) fn new(me: Me, access: ports::Access) -> Self {
        Self {
            id: me.id.into(),
            email: me.email.to_string(),
            created_at: Time(me.created_at),
            verified: me.verified,
            device_id: access.device.into(),
        }
    }
}

impl DevicesAnswer {
    pub(super) fn new(devices: Vec<ports::Device>, access: &ports::Access) -> Self {
        let shown = devices.into_iter().map(|device| Device {
            current: device.id == access.device,
            id: device.id.into(),
            name: device.name,
            public_key: device.key.into(),
            created_at: Time(device.created_at),
            seen_at: Time(device.seen_at),
            expires_at: device.expires_at.map(Time),
        });
        Self { devices: shown.collect() }
    }
}

/// Of its name alone: what is derived would also read `{"browser": null}`.
impl<'de> Deserialize<'de> for Client {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "device" => Ok(Self::Device),
            "browser" => Ok(Self::Browser),
            other => Err(D::Error::unknown_variant(other, &["device", "browser"])),
        }
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl<'de> Deserialize<'de> for RefreshToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

/// The types that the framework has no equal of: how they look in the document.
macro_rules! text {
    ($type:ident, $schema:expr) => {
        impl Type for $type {
            const IS_REQUIRED: bool = true;

            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(self.as_raw_value().into_iter())
            }
        }

        impl ParseFromJSON for $type {
            /// Bodies are read by [`super::input`], so this is asked by nobody.
            fn parse_from_json(_: Option<Value>) -> ParseResult<Self> {
                Err(ParseError::expected_input())
            }
        }
    };
}

text!(
    Password,
    MetaSchema {
        min_length: Some(PASSWORD_MIN),
        max_length: Some(PASSWORD_MAX),
        ..MetaSchema::new_with_format("string", "password")
    }
);
text!(
    Code,
    MetaSchema {
        min_length: Some(8),
        max_length: Some(32),
        pattern: Some("^[0-9A-Za-z -]+$".to_owned()),
        ..MetaSchema::new("string")
    }
);
text!(
    RefreshToken,
    MetaSchema {
        pattern: Some(format!("^{REFRESH_PREFIX}[A-Za-z0-9_-]{{64}}$")),
        ..MetaSchema::new_with_format("string", "password")
    }
);
text!(Time, MetaSchema::new_with_format("string", "date-time"));

impl ToJSON for Time {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}
