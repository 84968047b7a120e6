//! What is wrong with claims, in the words of jwt/v2 ([`Claims::validate`]; `validation.go` and the `Validate` of each
//! kind there).
//!
//! The rules are those of jwt/v2 v2.8.2, which nsc and nats-server judge by; a test compares the verdicts. Where Go and
//! Rust walk a map in another order, issues come in another order. Rules of our own are about key types that jwt/v2 does
//! not look at, and are marked [`Source::Relais`].

mod account;
mod sharing;
mod subjects;
mod text;
mod times;
mod url;

use jiff::Timestamp;

pub(super) use account::{account, account_keys};
pub(super) use text::quoted;
pub(super) use url::{account_server_url, operator};

use super::{
    claims::{Body, Claims},
    keys::{is_curve_key, is_public_key},
};
use crate::{
    credentials::{Activation, KeyKind, PublicKey, ShareKind, UserLimits},
    ports::KeyPairs,
};

/// How bad an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The claims must not be used.
    Error,
    /// They can be used.
    Warning,
    /// They are good, at another time: expired, or not yet valid.
    Time,
}

/// Whose rule it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// jwt/v2's, in its words.
    Library,
    /// Ours.
    Relais,
}

/// One thing that is wrong (`ValidationIssue` of jwt/v2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Issue {
    /// How bad it is.
    pub level: Level,
    /// Whose rule it is.
    pub source: Source,
    /// What is wrong.
    pub text: String,
}

/// Everything that is wrong with some claims (`ValidationResults` of jwt/v2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issues(Vec<Issue>);

/// A key that stands somewhere in claims, what it must be, and what is said when it is not.
#[derive(Debug, Clone)]
pub struct KeyUse<'a> {
    text: &'a str,
    /// `None` is a curve key.
    kind: Option<KeyKind>,
    source: Source,
    says: String,
}

impl Issues {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Issue> {
        self.0.iter()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the claims must not be used; with `times`, also when it is not their time.
    #[must_use]
    pub fn is_blocking(&self, times: bool) -> bool {
        self.iter().any(|issue| issue.level == Level::Error || (times && issue.level == Level::Time))
    }

    /// The texts of one level.
    pub fn of(&self, level: Level) -> impl Iterator<Item = &str> {
        self.iter().filter(move |issue| issue.level == level).map(|issue| issue.text.as_str())
    }

    pub(super) fn error(&mut self, text: String) {
        self.0.push(Issue { level: Level::Error, source: Source::Library, text });
    }

    fn warning(&mut self, text: String) {
        self.0.push(Issue { level: Level::Warning, source: Source::Library, text });
    }

    fn time(&mut self, text: &str) {
        self.0.push(Issue { level: Level::Time, source: Source::Library, text: text.to_owned() });
    }
}

impl<'a> KeyUse<'a> {
    /// A key of which jwt/v2 says `says` when it is of another kind.
    pub(super) fn library(text: &'a str, kind: KeyKind, says: String) -> Self {
        Self { text, kind: Some(kind), source: Source::Library, says }
    }

    /// A key that jwt/v2 does not look at.
    pub(super) fn ours(text: &'a str, kind: KeyKind, says: String) -> Self {
        Self { text, kind: Some(kind), source: Source::Relais, says }
    }

    /// A curve key.
    pub(super) fn curve(text: &'a str, source: Source, says: String) -> Self {
        Self { text, kind: None, source, says }
    }

    /// What is wrong with it.
    #[must_use]
    pub fn wrong(self) -> Option<Issue> {
        let good = self.kind.map_or_else(|| is_curve_key(self.text), |kind| is_public_key(self.text, kind));
        (!good).then_some(Issue { level: Level::Error, source: self.source, text: self.says })
    }
}

impl<B: Body> Claims<B> {
    /// Everything that is wrong with the claims at `now`, in jwt/v2's words. `keys` verify the activations in imports.
    ///
    /// Whether they are signed, and by whom, is asked of [`crate::credentials::decode`] and of the claims above.
    #[must_use]
    pub fn validate(&self, now: Timestamp, keys: &dyn KeyPairs) -> Issues {
        let mut found = Issues::default();
        if self.has_expired(now) {
            found.time("claim is expired");
        }
        if self.not_before > 0 && self.not_before > now.as_second() {
            found.time("claim is not yet valid");
        }
        found.0.extend(self.body.keys().into_iter().filter_map(KeyUse::wrong));
        B::check(self, keys, &mut found);
        found
    }
}

/// `User.Validate` and what it calls.
pub(super) fn user(limits: &UserLimits, found: &mut Issues) {
    subjects::permission(&limits.subscribe, true, found);
    subjects::permission(&limits.publish, false, found);
    times::sources(&limits.src, found);
    for range in &limits.times {
        times::range(range, found);
    }
    times::location(&limits.locale, found);
}

/// `Activation.Validate`.
pub(super) fn activation(body: &Activation, found: &mut Issues) {
    if body.import_kind == ShareKind::Unknown {
        found.error(format!("invalid import type: {}", quoted("unknown")));
    }
    subjects::subject(&body.import_subject, found);
}

/// A key's text, or nothing.
fn text_of(key: Option<&PublicKey>) -> &str {
    key.map_or("", PublicKey::as_str)
}

#[cfg(test)]
mod tests;
