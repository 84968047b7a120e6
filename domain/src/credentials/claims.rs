//! What a NATS JWT says: the envelope that all kinds share ([`Claims`]) and the kinds ([`Body`]).
//!
//! Field names, their order and what is left out when empty are those of `github.com/nats-io/jwt/v2`, so that what we
//! write is byte for byte what the Go library would write. Fields that this version does not know are kept in
//! [`Unknown`] and written back, at the end of their object: reading and writing loses nothing.

use std::fmt;

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};

use crate::{
    credentials::{Issues, KeyKind, KeyUse, PublicKey},
    ports::KeyPairs,
};

/// Fields of a JSON object that this version does not know, kept as they are.
pub type Unknown = serde_json::Map<String, serde_json::Value>;

/// The claims of one JWT (`ClaimsData` of jwt/v2): who says what about whom, and until when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Claims<B: Body> {
    /// `aud`: whom it is meant for; empty for all that Relais makes.
    #[serde(rename = "aud", default, skip_serializing_if = "String::is_empty")]
    pub audience: String,
    /// `exp`: when it ends, in seconds since 1970; 0 is never.
    #[serde(rename = "exp", default, skip_serializing_if = "is_default")]
    pub expires_at: i64,
    /// `jti`: base32 of SHA-512/256 over the envelope without it (not over the body); written by
    /// [`crate::credentials::encode`].
    #[serde(rename = "jti", default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// `iat`: when it was made, in seconds since 1970.
    #[serde(rename = "iat", default, skip_serializing_if = "is_default")]
    pub issued_at: i64,
    /// `iss`: the key that signed it; written by [`crate::credentials::encode`].
    #[serde(rename = "iss", default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<PublicKey>,
    /// `name`: for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `nbf`: when it begins, in seconds since 1970; 0 is at once.
    #[serde(rename = "nbf", default, skip_serializing_if = "is_default")]
    pub not_before: i64,
    /// `sub`: the key it is about (a word of nats-server in an authorization request).
    #[serde(rename = "sub", deserialize_with = "subject::<_, B>")]
    pub subject: B::Subject,
    /// `nats`: what it says.
    #[serde(rename = "nats")]
    pub body: B,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Tags, kind and version, which stand at the end of every body (`GenericFields` of jwt/v2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Generic {
    /// Lower-case words; permission templates read `name:value` tags of a user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// `operator`, `account`, `user`, …; written by [`crate::credentials::encode`].
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// 2; written by [`crate::credentials::encode`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub version: i64,
}

/// A kind of claims.
pub trait Body: Serialize + DeserializeOwned + Clone {
    /// What stands under `type`.
    const TYPE: &'static str;
    /// What kind of key it is about; none when it is about no key.
    const SUBJECT: Option<KeyKind>;
    /// What is said of another subject, in the words of jwt/v2.
    const WRONG_SUBJECT: &'static str;
    /// What kinds of key may sign it.
    const ISSUERS: &'static [KeyKind];
    /// What it is about.
    type Subject: About;
    /// The encoded form.
    type Jwt;

    /// Names the encoded form.
    fn wrap(text: String) -> Self::Jwt;
    /// The common end of the body.
    fn generic(&self) -> &Generic;
    /// The common end of the body, to be written.
    fn generic_mut(&mut self) -> &mut Generic;
    /// Brings lists into the order in which jwt/v2 writes them.
    fn tidy(&mut self);
    /// Drops what jwt/v2 drops when it reads.
    fn settle(&mut self);
    /// Every key in the body, with what it must be.
    fn keys(&self) -> Vec<KeyUse<'_>>;
    /// Why claims of this kind are never signed, beside keys of a wrong kind.
    fn unsignable(&self) -> Option<String>;
    /// The rules of jwt/v2's `Validate` for this kind, without those of the envelope and of [`Body::keys`].
    fn check(claims: &Claims<Self>, keys: &dyn KeyPairs, found: &mut Issues)
    where
        Self: Sized;
}

/// What claims can be about.
pub trait About: fmt::Debug + fmt::Display + Clone + PartialEq + Serialize {
    /// What the text names, if it names something.
    fn read(text: String) -> Option<Self>;

    /// The kind of key that it is.
    fn kind(&self) -> Option<KeyKind>;
}

impl About for PublicKey {
    fn read(text: String) -> Option<Self> {
        text.parse().ok()
    }

    fn kind(&self) -> Option<KeyKind> {
        Some(Self::kind(self))
    }
}

impl About for String {
    fn read(text: String) -> Option<Self> {
        Some(text)
    }

    fn kind(&self) -> Option<KeyKind> {
        None
    }
}

/// A known part and the fields beside it that this version does not know.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Open<T> {
    /// What this version knows.
    #[serde(flatten)]
    pub known: T,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl<T> From<T> for Open<T> {
    fn from(known: T) -> Self {
        Self { known, unknown: Unknown::default() }
    }
}

impl<B: Body> Claims<B> {
    /// Claims about `subject`, made at `now`, that never end.
    #[must_use]
    pub fn new(name: &str, subject: B::Subject, body: B, now: Timestamp) -> Self {
        Self {
            audience: String::new(),
            expires_at: 0,
            id: String::new(),
            issued_at: now.as_second(),
            issuer: None,
            name: name.to_owned(),
            not_before: 0,
            subject,
            body,
            unknown: Unknown::default(),
        }
    }

    /// Whether they have ended at `now`. As in jwt/v2, the second of `exp` itself still counts.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at > 0 && now.as_second() > self.expires_at
    }
}

/// Reads `sub`; of what is none it says what jwt/v2 would.
fn subject<'de, D: Deserializer<'de>, B: Body>(from: D) -> Result<B::Subject, D::Error> {
    B::Subject::read(String::deserialize(from)?).ok_or_else(|| D::Error::custom(B::WRONG_SUBJECT))
}

/// Go's `omitempty` for numbers and booleans.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
