//! The claims of a user: what one connection may do (`user_claims.go` and `types.go` of jwt/v2).

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    claims::{Body, Claims, Generic, Unknown, is_default},
    keys::{ACCOUNT_ID, account_id},
    validation,
};
use crate::{
    credentials::{Issues, KeyKind, KeyUse, PublicKey, UserJwt},
    ports::KeyPairs,
};

/// jwt/v2's number for "no limit".
pub const NO_LIMIT: i64 = -1;

/// The claims of a user, signed by its account or one of the account's signing keys.
pub type UserClaims = Claims<User>;

/// What an account says of a user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Permissions and limits. All empty when a scoped key signs: then those of the scope hold, and nats-server refuses
    /// a user that brings its own.
    #[serde(flatten)]
    pub limits: UserLimits,
    /// The account, when a signing key of it is the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "account_id")]
    pub issuer_account: Option<PublicKey>,
    /// Tags, kind, version.
    #[serde(flatten)]
    pub generic: Generic,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Permissions and limits of a user, or of all users of a scoped signing key (`UserPermissionLimits` of jwt/v2).
///
/// The default is what a scoped user has: nothing of its own. 0 is *none*, [`NO_LIMIT`] is no limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserLimits {
    /// What it may publish to.
    #[serde(rename = "pub", default)]
    pub publish: Permission,
    /// What it may listen to; an entry may end in a space and a queue group.
    #[serde(rename = "sub", default)]
    pub subscribe: Permission,
    /// Whether it may answer on any reply subject.
    #[serde(rename = "resp", default, skip_serializing_if = "Option::is_none")]
    pub respond: Option<ResponsePermission>,
    /// Networks (CIDR) it may come from; empty is any.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "networks")]
    pub src: Vec<String>,
    /// Times of day at which it may connect; empty is any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<TimeRange>,
    /// The time zone of `times`.
    #[serde(rename = "times_location", default, skip_serializing_if = "String::is_empty")]
    pub locale: String,
    /// How many subscriptions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub subs: i64,
    /// How many bytes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: i64,
    /// How many bytes a message.
    #[serde(default, skip_serializing_if = "is_default")]
    pub payload: i64,
    /// Whether the JWT alone is enough, without the key's signature. Never in what Relais makes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bearer_token: bool,
    /// Whether it must come through a proxy that the broker trusts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub proxy_required: bool,
    /// `STANDARD`, `WEBSOCKET`, `LEAFNODE`, …; empty is any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_connection_types: Vec<String>,
}

/// Subjects that are allowed and denied. Two empty lists mean *everything* to nats-server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Permission {
    /// Allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Denied, also where allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Leave to answer on the reply subjects of received messages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponsePermission {
    /// How many answers.
    #[serde(default)]
    pub max: i64,
    /// For how long, in nanoseconds.
    #[serde(default)]
    pub ttl: i64,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A span of the day, `15:04:05` to `16:00:00`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeRange {
    /// From.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub start: String,
    /// To.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub end: String,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Body for User {
    const TYPE: &'static str = "user";
    const SUBJECT: Option<KeyKind> = Some(KeyKind::User);
    const WRONG_SUBJECT: &'static str = "expected subject to be user public key";
    const ISSUERS: &'static [KeyKind] = &[KeyKind::Account];
    type Subject = PublicKey;
    type Jwt = UserJwt;

    fn wrap(text: String) -> UserJwt {
        UserJwt::from_text(text)
    }

    fn generic(&self) -> &Generic {
        &self.generic
    }

    fn generic_mut(&mut self) -> &mut Generic {
        &mut self.generic
    }

    fn tidy(&mut self) {}

    fn settle(&mut self) {}

    fn keys(&self) -> Vec<KeyUse<'_>> {
        let account = self.issuer_account.iter();
        account.map(|key| KeyUse::library(key.as_str(), KeyKind::Account, ACCOUNT_ID.to_owned())).collect()
    }

    fn unsignable(&self) -> Option<String> {
        None
    }

    fn check(claims: &Claims<Self>, _: &dyn KeyPairs, found: &mut Issues) {
        validation::user(&claims.body.limits, found);
    }
}

impl Permission {
    /// Exactly these subjects and nothing else.
    ///
    /// Of an empty list nats-server would make *everything*, so it becomes a denial of `>`.
    #[must_use]
    pub fn only(subjects: Vec<String>) -> Self {
        if subjects.is_empty() { Self::nothing() } else { Self { allow: subjects, ..Self::default() } }
    }

    /// Nothing at all.
    #[must_use]
    pub fn nothing() -> Self {
        Self { deny: vec![">".to_owned()], ..Self::default() }
    }
}

/// jwt/v2 reads a list or one text with commas.
fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Form::deserialize(from)? {
        Form::List(list) => list,
        Form::Text(text) => {
            let mut list: Vec<String> = Vec::new();
            for part in text.split(',').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty()) {
                if !list.contains(&part) {
                    list.push(part);
                }
            }
            list
        }
    })
}
