//! The claims of an activation: leave for one account to import a private export of another (`activation_claims.go` of
//! jwt/v2). Its text stands in the import.

use data_encoding::BASE32;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    claims::{Body, Claims, Generic, Unknown, is_default},
    keys::{ACCOUNT_ID, account_id},
    validation,
};
use crate::{
    credentials::{ActivationJwt, Issues, KeyKind, KeyUse, PublicKey, ShareKind},
    ports::KeyPairs,
};

/// The claims of an activation about the account that imports, signed by the one that exports.
pub type ActivationClaims = Claims<Activation>;

/// What the exporting account allows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Activation {
    /// What may be imported; all imports under it are covered.
    #[serde(rename = "subject", default, skip_serializing_if = "String::is_empty")]
    pub import_subject: String,
    /// Which way messages flow.
    #[serde(rename = "kind", default, skip_serializing_if = "is_default")]
    pub import_kind: ShareKind,
    /// The exporting account, when a signing key of it is the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "account_id")]
    pub issuer_account: Option<PublicKey>,
    /// Tags, kind, version.
    #[serde(flatten)]
    pub generic: Generic,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Body for Activation {
    const TYPE: &'static str = "activation";
    const SUBJECT: Option<KeyKind> = Some(KeyKind::Account);
    const WRONG_SUBJECT: &'static str = "expected subject to be an account";
    const ISSUERS: &'static [KeyKind] = &[KeyKind::Account, KeyKind::Operator];
    type Subject = PublicKey;
    type Jwt = ActivationJwt;

    fn wrap(text: String) -> ActivationJwt {
        ActivationJwt::from_text(text)
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
        validation::activation(&claims.body, found);
    }
}

impl Claims<Activation> {
    /// What identifies it: base32 of SHA-256 over issuer, subject and what is imported, without wildcards (`HashID` of
    /// jwt/v2); `None` when one of them is missing.
    #[must_use]
    pub fn hash_id(&self) -> Option<String> {
        let (issuer, subject) = (self.issuer.as_ref()?, self.body.import_subject.as_str());
        if subject.is_empty() {
            return None;
        }
        let fixed: Vec<&str> = subject.split('.').take_while(|token| !matches!(*token, "*" | ">")).collect();
        let fixed = if fixed.is_empty() { "_".to_owned() } else { fixed.join(".") };
        Some(BASE32.encode(&Sha256::digest(format!("{issuer}.{}.{fixed}", self.subject))))
    }
}
