//! The claims of an operator: whom every broker of an installation trusts (`operator_claims.go` of jwt/v2).

use serde::{Deserialize, Serialize};

use super::{
    claims::{Body, Claims, Generic, Unknown, is_default},
    keys::{account_key, operator_keys},
    validation,
};
use crate::{
    credentials::{Account, Issues, KeyKind, KeyUse, OperatorJwt, PublicKey},
    ports::KeyPairs,
};

/// The claims of an operator, signed by itself.
pub type OperatorClaims = Claims<Operator>;

/// What an operator says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    /// Keys that sign accounts in its name, so that the identity key can be kept offline.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "operator_keys")]
    pub signing_keys: Vec<PublicKey>,
    /// Where tools push accounts to; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account_server_url: String,
    /// Where tools reach the brokers; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator_service_urls: Vec<String>,
    /// The system account.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "account_key")]
    pub system_account: Option<PublicKey>,
    /// The oldest nats-server that is accepted, as `2.14.3`; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assert_server_version: String,
    /// Accounts and users are signed by signing keys only, never by identity keys.
    #[serde(default, skip_serializing_if = "is_default")]
    pub strict_signing_key_usage: bool,
    /// Tags, kind, version.
    #[serde(flatten)]
    pub generic: Generic,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Body for Operator {
    const TYPE: &'static str = "operator";
    const SUBJECT: Option<KeyKind> = Some(KeyKind::Operator);
    const WRONG_SUBJECT: &'static str = "expected subject to be an operator public key";
    const ISSUERS: &'static [KeyKind] = &[KeyKind::Operator];
    type Subject = PublicKey;
    type Jwt = OperatorJwt;

    fn wrap(text: String) -> OperatorJwt {
        OperatorJwt::from_text(text)
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
        let says = |key: &PublicKey, kind| format!("{key} is not an {kind} public key");
        let signing = self.signing_keys.iter();
        let signing = signing.map(|key| KeyUse::library(key.as_str(), KeyKind::Operator, says(key, "operator")));
        let system = self.system_account.iter();
        signing.chain(system.map(|key| KeyUse::library(key.as_str(), KeyKind::Account, says(key, "account")))).collect()
    }

    fn unsignable(&self) -> Option<String> {
        validation::account_server_url(&self.account_server_url).err()
    }

    fn check(claims: &Claims<Self>, _: &dyn KeyPairs, found: &mut Issues) {
        validation::operator(&claims.body, found);
    }
}

impl Claims<Operator> {
    /// Whether the operator signed this account: with its identity key (unless it is strict) or a signing key.
    ///
    /// The account must have been decoded, which verifies that its issuer really signed it.
    #[must_use]
    pub fn signed(&self, account: &Claims<Account>) -> bool {
        account.issuer.as_ref().is_some_and(|issuer| {
            (*issuer == self.subject && !self.body.strict_signing_key_usage) || self.body.signing_keys.contains(issuer)
        })
    }
}
