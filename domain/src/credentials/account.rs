//! The claims of an account: what its users may do together (`account_claims.go` of jwt/v2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    claims::{Body, Claims, Generic, Open, Unknown, is_default},
    validation,
};
use crate::{
    credentials::{
        AccountJwt, Activation, Export, Import, Issues, KeyKind, KeyUse, NO_LIMIT, Permission, PublicKey,
        ResponsePermission, SigningKeys, User, UserLimits,
    },
    ports::KeyPairs,
};

/// The claims of an account, signed by its operator.
pub type AccountClaims = Claims<Account>;

/// The moment until which a key is revoked for good: 9999-12-31T23:59:59Z.
///
/// nats-server refuses a user whose `iat` is at or before the number in the list, so this one refuses every JWT for the
/// key, also those of the future. It is the last second that Go (`nsc revocations list-users`) can print.
pub const FOR_GOOD: i64 = 253_402_300_799;

/// What an operator says of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// What it takes from others, sorted by subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<Import>,
    /// What others may take, sorted by subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<Export>,
    /// What its operator allows it.
    #[serde(default)]
    pub limits: AccountLimits,
    /// Keys that sign users in its name.
    #[serde(default, skip_serializing_if = "SigningKeys::is_empty")]
    pub signing_keys: SigningKeys,
    /// User keys, or `*` for all: JWTs made at or before the second are refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub revocations: BTreeMap<String, i64>,
    /// What users may do that bring no permissions of their own.
    #[serde(default)]
    pub default_permissions: DefaultPermissions,
    /// Subjects that are rewritten.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mappings: BTreeMap<String, Vec<WeightedMapping>>,
    /// Auth callout.
    #[serde(default)]
    pub authorization: ExternalAuthorization,
    /// Where message traces go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<MsgTrace>,
    /// `system`, `owner`, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster_traffic: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub info_url: String,
    /// Tags, kind, version.
    #[serde(flatten)]
    pub generic: Generic,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `OperatorLimits` of jwt/v2. 0 is *none*, [`NO_LIMIT`] is no limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AccountLimits {
    /// Subscriptions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub subs: i64,
    /// Bytes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: i64,
    /// Bytes a message.
    #[serde(default, skip_serializing_if = "is_default")]
    pub payload: i64,
    /// Imports.
    #[serde(default, skip_serializing_if = "is_default")]
    pub imports: i64,
    /// Exports.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exports: i64,
    /// Whether exports may have wildcards.
    #[serde(rename = "wildcards", default, skip_serializing_if = "is_default")]
    pub wildcard_exports: bool,
    /// Whether users that need no key are refused.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disallow_bearer: bool,
    /// Connections.
    #[serde(default, skip_serializing_if = "is_default")]
    pub conn: i64,
    /// Connections of leaf nodes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub leaf: i64,
    /// JetStream.
    #[serde(flatten)]
    pub jetstream: JetStreamLimits,
    /// JetStream by number of replicas (`R1`, `R3`), instead of `jetstream`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tiered_limits: BTreeMap<String, Open<JetStreamLimits>>,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What an account may store. JetStream is off when memory and disk are both 0, as in the default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JetStreamLimits {
    /// Bytes in memory.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mem_storage: i64,
    /// Bytes on disk.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disk_storage: i64,
    /// Streams.
    #[serde(default, skip_serializing_if = "is_default")]
    pub streams: i64,
    /// Consumers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub consumer: i64,
    /// Unacknowledged messages of a consumer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_ack_pending: i64,
    /// Bytes of one stream in memory; 0 is no limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mem_max_stream_bytes: i64,
    /// Bytes of one stream on disk; 0 is no limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disk_max_stream_bytes: i64,
    /// Whether every stream must say how large it may grow.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_bytes_required: bool,
}

/// What users may do that bring no permissions of their own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DefaultPermissions {
    /// Publish.
    #[serde(rename = "pub", default)]
    pub publish: Permission,
    /// Listen.
    #[serde(rename = "sub", default)]
    pub subscribe: Permission,
    /// Answer.
    #[serde(rename = "resp", default, skip_serializing_if = "Option::is_none")]
    pub respond: Option<ResponsePermission>,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// One destination of a mapping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightedMapping {
    /// Where to.
    #[serde(default)]
    pub subject: String,
    /// How much of it, in percent; 0 is all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weight: u8,
    /// In which cluster; empty is any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Auth callout: who decides about connections.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExternalAuthorization {
    /// Users that need not be asked about; empty is off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth_users: Vec<String>,
    /// Accounts that a user may be placed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_accounts: Vec<String>,
    /// The curve key that requests are encrypted for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub xkey: String,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Where traces of messages go.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MsgTrace {
    /// Where.
    #[serde(rename = "dest", default, skip_serializing_if = "String::is_empty")]
    pub destination: String,
    /// How many in a hundred.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sampling: i64,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Why an account does not stand behind a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVouched {
    /// Another account's, or a key that the account does not have (any more).
    #[error("the user was signed by a key that is none of the account's")]
    Issuer,
    /// A scoped key signed it, so it may bring no permissions or limits of its own.
    #[error("scoped users require no permissions or limits set")]
    Scope,
    /// Its key is in the list of revocations.
    #[error("the key of the user has been revoked")]
    Revoked,
}

impl Body for Account {
    const TYPE: &'static str = "account";
    const SUBJECT: Option<KeyKind> = Some(KeyKind::Account);
    const WRONG_SUBJECT: &'static str = "expected subject to be account public key";
    const ISSUERS: &'static [KeyKind] = &[KeyKind::Account, KeyKind::Operator];
    type Subject = PublicKey;
    type Jwt = AccountJwt;

    fn wrap(text: String) -> AccountJwt {
        AccountJwt::from_text(text)
    }

    fn generic(&self) -> &Generic {
        &self.generic
    }

    fn generic_mut(&mut self) -> &mut Generic {
        &mut self.generic
    }

    fn tidy(&mut self) {
        self.imports.sort_by(|a, b| a.subject.cmp(&b.subject));
        self.exports.sort_by(|a, b| a.subject.cmp(&b.subject));
    }

    fn settle(&mut self) {
        if !self.limits.tiered_limits.is_empty() {
            self.limits.jetstream = JetStreamLimits::default();
        }
    }

    fn keys(&self) -> Vec<KeyUse<'_>> {
        validation::account_keys(self)
    }

    fn unsignable(&self) -> Option<String> {
        None
    }

    fn check(claims: &Claims<Self>, keys: &dyn KeyPairs, found: &mut Issues) {
        validation::account(claims, keys, found);
    }
}

impl Claims<Account> {
    /// Whether the account stands behind a user, as nats-server checks it at CONNECT.
    ///
    /// The user must have been decoded, which verifies that its issuer really signed it.
    ///
    /// # Errors
    /// Says why not; see [`NotVouched`].
    pub fn vouches_for(&self, user: &Claims<User>) -> Result<(), NotVouched> {
        let issuer = user.issuer.as_ref().ok_or(NotVouched::Issuer)?;
        if *issuer != self.subject {
            if user.body.issuer_account.as_ref() != Some(&self.subject) {
                return Err(NotVouched::Issuer);
            }
            match self.body.signing_keys.0.get(issuer) {
                None => return Err(NotVouched::Issuer),
                Some(Some(_)) if user.body.limits != UserLimits::default() => return Err(NotVouched::Scope),
                Some(_) => {}
            }
        }
        if self.has_revoked(&user.subject, user.issued_at) { Err(NotVouched::Revoked) } else { Ok(()) }
    }

    /// Whether the account, or a signing key of it, made an activation (`DidSign` of jwt/v2).
    ///
    /// The activation must have been decoded, which verifies that its issuer really signed it.
    #[must_use]
    pub fn activated(&self, activation: &Claims<Activation>) -> bool {
        activation.issuer.as_ref().is_some_and(|issuer| {
            *issuer == self.subject
                || (activation.body.issuer_account.as_ref() == Some(&self.subject)
                    && self.body.signing_keys.0.contains_key(issuer))
        })
    }

    /// Up to which second JWTs are revoked whatever their key is; `None` when none were.
    #[must_use]
    pub fn all_revoked_until(&self) -> Option<i64> {
        self.body.revocations.get("*").copied()
    }

    /// Whether a JWT for `key`, made in the second `issued_at`, is revoked.
    #[must_use]
    pub fn has_revoked(&self, key: &PublicKey, issued_at: i64) -> bool {
        let list = &self.body.revocations;
        [key.as_str(), "*"].iter().any(|name| list.get(*name).is_some_and(|until| issued_at <= *until))
    }
}

impl AccountLimits {
    /// No limits, and no JetStream, bearer tokens or leaf nodes.
    #[must_use]
    pub fn ample() -> Self {
        Self {
            subs: NO_LIMIT,
            data: NO_LIMIT,
            payload: NO_LIMIT,
            imports: NO_LIMIT,
            exports: NO_LIMIT,
            wildcard_exports: true,
            disallow_bearer: true,
            conn: NO_LIMIT,
            leaf: 0,
            jetstream: JetStreamLimits::default(),
            tiered_limits: BTreeMap::new(),
            unknown: Unknown::default(),
        }
    }
}
