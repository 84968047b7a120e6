//! What accounts share with each other: exports and imports (`exports.go` and `imports.go` of jwt/v2).

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

use super::{
    claims::{Unknown, is_default},
    keys::account_key,
};
use crate::credentials::PublicKey;

/// Whether messages flow out (`stream`, the exporter publishes) or in (`service`, the importer asks).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShareKind {
    /// Nothing is said; [`crate::credentials::Claims::validate`] refuses it.
    #[default]
    #[serde(skip)]
    Unknown,
    /// The exporter publishes, the importer listens.
    Stream,
    /// The importer asks, the exporter answers.
    Service,
}

/// How many answers a service gives. With one ([`ResponseKind::Singleton`], the default) nats-server forgets the way
/// back after the first answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseKind {
    /// One.
    Singleton,
    /// Any number, also from many responders.
    Stream,
    /// One, in parts.
    Chunked,
}

/// How often the latency of a service is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sampling {
    /// `"headers"`, or 0: when the request's headers ask for it.
    #[default]
    Headers,
    /// One in a hundred to all: 1–100. Other numbers are read and cannot be written, as in jwt/v2.
    Percent(i64),
}

/// Where the latency of a service is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceLatency {
    /// How often.
    #[serde(default)]
    pub sampling: Sampling,
    /// Where.
    #[serde(default)]
    pub results: String,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A subject that other accounts may import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What is shared.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Which way messages flow.
    #[serde(rename = "type", default, skip_serializing_if = "is_default")]
    pub kind: ShareKind,
    /// Whether an importer needs an activation token.
    #[serde(default, skip_serializing_if = "is_default")]
    pub token_req: bool,
    /// Activations that no longer count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub revocations: BTreeMap<String, i64>,
    /// How many answers, for a service: [`ResponseKind::as_str`]; empty is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub response_type: String,
    /// How long answers are waited for, in nanoseconds; 0 is nats-server's default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub response_threshold: i64,
    /// Whether latency is measured.
    #[serde(rename = "service_latency", default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<ServiceLatency>,
    /// Which `*` of the subject must be the importer's own account key; 0 is none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub account_token_position: u64,
    /// Whether it is advertised.
    #[serde(default, skip_serializing_if = "is_default")]
    pub advertise: bool,
    /// Whether message traces may cross.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_trace: bool,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub info_url: String,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A subject taken from another account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What is taken, as the first publisher of a message writes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// From whom.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "account_key")]
    pub account: Option<PublicKey>,
    /// The activation, where the export asks for one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// Out of use in favour of `local_subject`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// What it is called here, when not as there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub local_subject: String,
    /// Which way messages flow.
    #[serde(rename = "type", default, skip_serializing_if = "is_default")]
    pub kind: ShareKind,
    /// Whether the exporter is told who asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub share: bool,
    /// Whether message traces may cross.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_trace: bool,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl fmt::Display for ShareKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Stream => "stream",
            Self::Service => "service",
        })
    }
}

impl ResponseKind {
    /// As it stands in an export.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Singleton => "Singleton",
            Self::Stream => "Stream",
            Self::Chunked => "Chunked",
        }
    }
}

impl Serialize for Sampling {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Headers => to.serialize_str("headers"),
            Self::Percent(percent @ 1..=100) => to.serialize_i64(*percent),
            Self::Percent(_) => Err(S::Error::custom("unknown sampling rate")),
        }
    }
}

impl<'de> Deserialize<'de> for Sampling {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Percent(i64),
            Word(String),
        }
        match Form::deserialize(from)? {
            Form::Percent(0) => Ok(Self::Headers),
            Form::Percent(percent) => Ok(Self::Percent(percent)),
            Form::Word(word) if word.eq_ignore_ascii_case("headers") => Ok(Self::Headers),
            Form::Word(_) => Err(D::Error::custom("the sampling is a number or \"headers\"")),
        }
    }
}

impl Export {
    /// A service that every account of the operator may import (accounts are signed by the operator only).
    #[must_use]
    pub fn service(name: &str, subject: &str, answers: ResponseKind) -> Self {
        Self {
            name: name.to_owned(),
            subject: subject.to_owned(),
            kind: ShareKind::Service,
            token_req: false,
            revocations: BTreeMap::new(),
            response_type: answers.as_str().to_owned(),
            response_threshold: 0,
            latency: None,
            account_token_position: 0,
            advertise: false,
            allow_trace: false,
            description: String::new(),
            info_url: String::new(),
            unknown: Unknown::default(),
        }
    }
}

impl Export {
    /// Whether an activation for the account `key`, made in the second `issued_at`, is revoked.
    #[must_use]
    pub fn has_revoked(&self, key: &PublicKey, issued_at: i64) -> bool {
        [key.as_str(), "*"].iter().any(|name| self.revocations.get(*name).is_some_and(|until| issued_at <= *until))
    }
}

impl Import {
    /// A service of `account`, under the name it has there.
    #[must_use]
    pub fn service(name: &str, subject: &str, account: &PublicKey) -> Self {
        Self {
            name: name.to_owned(),
            subject: subject.to_owned(),
            account: Some(account.clone()),
            token: String::new(),
            to: String::new(),
            local_subject: String::new(),
            kind: ShareKind::Service,
            share: false,
            allow_trace: false,
            unknown: Unknown::default(),
        }
    }
}
