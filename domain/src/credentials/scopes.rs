//! The signing keys of an account and the roles bound to them (`signingkeys.go` of jwt/v2).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    claims::{Open, Unknown},
    keys::account_key,
    validation::quoted,
};
use crate::credentials::{NO_LIMIT, PublicKey, UserLimits};

/// The keys that sign users, each with the scope of its users or none.
///
/// In JSON a list of texts and objects, sorted by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SigningKeys(pub BTreeMap<PublicKey, Option<UserScope>>);

/// What all users of one signing key may do: a role (`UserScope` of jwt/v2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserScope {
    /// `user_scope`.
    pub kind: String,
    /// The signing key.
    #[serde(deserialize_with = "scope_key")]
    pub key: PublicKey,
    /// The role's name.
    #[serde(default)]
    pub role: String,
    /// What its users may do; `{{tag(name)}}` in a subject stands for the user's tag.
    #[serde(default)]
    pub template: Open<UserLimits>,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl SigningKeys {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scoped key of a role, or the first of several.
    #[must_use]
    pub fn of_role(&self, role: &str) -> Option<&UserScope> {
        self.0.values().flatten().find(|scope| scope.role == role)
    }

    /// Every key of a role; there are several while they are rotated.
    pub fn all_of_role(&self, role: &str) -> impl Iterator<Item = &PublicKey> {
        self.0.values().flatten().filter(move |scope| scope.role == role).map(|scope| &scope.key)
    }

    /// The keys without a scope.
    pub fn plain(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter().filter(|(_, scope)| scope.is_none()).map(|(key, _)| key)
    }
}

impl UserScope {
    /// What nats-io calls the only kind there is.
    pub const KIND: &'static str = "user_scope";
}

impl Serialize for SigningKeys {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Entry<'a> {
            Plain(&'a PublicKey),
            Scoped(&'a UserScope),
        }
        to.collect_seq(self.0.iter().map(|(key, scope)| scope.as_ref().map_or(Entry::Plain(key), Entry::Scoped)))
    }
}

impl<'de> Deserialize<'de> for SigningKeys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut keys = BTreeMap::new();
        for value in Vec::<serde_json::Value>::deserialize(from)? {
            if let serde_json::Value::String(text) = value {
                let wrong = || D::Error::custom(format!("{} is not a valid account signing key", quoted(&text)));
                keys.insert(text.parse().map_err(|_| wrong())?, None);
            } else {
                let scope = scope(value).map_err(D::Error::custom)?;
                keys.insert(scope.key.clone(), Some(scope));
            }
        }
        Ok(Self(keys))
    }
}

fn scope_key<'de, D: Deserializer<'de>>(from: D) -> Result<PublicKey, D::Error> {
    account_key(from)?.ok_or_else(|| D::Error::custom(" is not an account public key"))
}

/// As jwt/v2 reads it: limits that a template does not name are no limits, where elsewhere they would be 0.
fn scope(value: serde_json::Value) -> Result<UserScope, String> {
    let named = |limit: &str| value.pointer(&format!("/template/{limit}")).is_some();
    let (subs, data, payload) = (named("subs"), named("data"), named("payload"));
    let mut scope: UserScope = serde_json::from_value(value).map_err(|e| e.to_string())?;
    if scope.kind != UserScope::KIND {
        return Err(format!("unknown signing key scope {:?}", scope.kind));
    }
    let limits = &mut scope.template.known;
    for (named, limit) in [(subs, &mut limits.subs), (data, &mut limits.data), (payload, &mut limits.payload)] {
        if !named {
            *limit = NO_LIMIT;
        }
    }
    Ok(scope)
}
