//! Accounts (`account_claims.go` of jwt/v2).

use std::collections::BTreeMap;

use super::{Issues, KeyUse, Level, Source, quoted, sharing, subjects, url};
use crate::{
    credentials::{
        Account, AccountClaims, AccountLimits, JetStreamLimits, KeyKind, MsgTrace, NO_LIMIT, WeightedMapping,
    },
    ports::KeyPairs,
};

/// What allows every account, and revokes every key.
const ANY: &str = "*";

/// Every key in an account.
pub(in crate::credentials) fn account_keys(account: &Account) -> Vec<KeyUse<'_>> {
    let mut keys = Vec::new();
    for (key, scope) in &account.signing_keys.0 {
        let says = if scope.is_some() {
            format!("{key} is not an account public key")
        } else {
            format!("{} is not a valid account signing key", quoted(key.as_str()))
        };
        keys.push(KeyUse::library(key.as_str(), KeyKind::Account, says));
    }
    for user in &account.authorization.auth_users {
        let says = format!("AuthUser {} is not a valid user public key", quoted(user));
        keys.push(KeyUse::library(user, KeyKind::User, says));
    }
    for allowed in account.authorization.allowed_accounts.iter().filter(|allowed| *allowed != ANY) {
        let says = format!("Account {} is not a valid account public key", quoted(allowed));
        keys.push(KeyUse::library(allowed, KeyKind::Account, says));
    }
    let xkey = account.authorization.xkey.as_str();
    if !xkey.is_empty() {
        keys.push(KeyUse::curve(xkey, Source::Library, format!("XKey {} is not a valid public xkey", quoted(xkey))));
    }
    for user in account.revocations.keys().filter(|user| *user != ANY) {
        let says = format!("revocation {} is not a user public key", quoted(user));
        keys.push(KeyUse::ours(user, KeyKind::User, says));
    }
    for importer in account.exports.iter().flat_map(|export| export.revocations.keys()).filter(|key| *key != ANY) {
        let says = format!("activation revocation {} is not an account public key", quoted(importer));
        keys.push(KeyUse::ours(importer, KeyKind::Account, says));
    }
    for exporter in account.imports.iter().filter_map(|import| import.account.as_ref()) {
        let says = format!("account to import from {exporter} is not an account public key");
        keys.push(KeyUse::ours(exporter.as_str(), KeyKind::Account, says));
    }
    keys
}

/// `AccountClaims.Validate`.
pub(in crate::credentials) fn account(claims: &AccountClaims, keys: &dyn KeyPairs, found: &mut Issues) {
    let body = &claims.body;
    sharing::imports(&body.imports, &claims.subject, keys, found);
    sharing::exports(&body.exports, found);
    limits(&body.limits, found);
    subjects::permission(&body.default_permissions.subscribe, true, found);
    subjects::permission(&body.default_permissions.publish, false, found);
    mappings(&body.mappings, found);
    let authorization = &body.authorization;
    if !authorization.allowed_accounts.is_empty() && authorization.auth_users.is_empty() {
        found.error("External authorization cannot have accounts without users specified".to_owned());
    }
    if authorization.allowed_accounts.len() > 1 {
        for _ in authorization.allowed_accounts.iter().filter(|allowed| *allowed == ANY) {
            found.error(format!("AllowedAccounts can only be a list of accounts or {}", quoted(ANY)));
        }
    }
    if let Some(trace) = &body.trace {
        message_trace(trace, found);
    }
    shares_within_limits(body, found);
    url::info(&body.description, &body.info_url, found);
    if !matches!(body.cluster_traffic.as_str(), "" | "system" | "owner") {
        found.error(format!("unknown cluster traffic option: {}", quoted(&body.cluster_traffic)));
    }
    let self_signed = claims.issuer.as_ref().is_some_and(|issuer| issuer.kind() == KeyKind::Account);
    if self_signed && !is_empty(&body.limits) {
        found.warning("self-signed account JWTs shouldn't contain operator limits".to_owned());
    }
}

/// `OperatorLimits.IsEmpty`, which knows nothing of unknown fields.
fn is_empty(limits: &AccountLimits) -> bool {
    let known = AccountLimits { unknown: serde_json::Map::new(), ..limits.clone() };
    known == AccountLimits::default()
}

/// `OperatorLimits.Validate`.
fn limits(limits: &AccountLimits, found: &mut Issues) {
    if limits.tiered_limits.is_empty() {
        return;
    }
    if limits.jetstream != JetStreamLimits::default() {
        found.error("JetStream Limits and tiered JetStream Limits are mutually exclusive".to_owned());
    }
    if limits.tiered_limits.contains_key("") {
        found.error("Tiered JetStream Limits can not contain a blank \"\" tier name".to_owned());
    }
}

/// The limits of imports and exports in `Account.Validate`; the first of them stands there twice, and is said twice.
fn shares_within_limits(body: &Account, found: &mut Issues) {
    let (limits, count) = (&body.limits, |list: usize| i64::try_from(list).unwrap_or(i64::MAX));
    let (imports, exports) = (count(body.imports.len()), count(body.exports.len()));
    const IMPORTS: &str = "the account contains more imports than allowed by the operator";
    if !is_empty(limits) && limits.imports >= 0 && imports > limits.imports {
        found.error(IMPORTS.to_owned());
    }
    if limits.imports != NO_LIMIT && imports > limits.imports {
        found.error(IMPORTS.to_owned());
    }
    if limits.exports != NO_LIMIT {
        if exports > limits.exports {
            found.error("the account contains more exports than allowed by the operator".to_owned());
        }
        let wild = body.exports.iter().filter(|export| subjects::has_wildcards(&export.subject));
        for _ in wild.filter(|_| !limits.wildcard_exports) {
            found.error("the account contains wildcard exports that are not allowed by the operator".to_owned());
        }
    }
}

/// `Mapping.Validate`.
fn mappings(mappings: &BTreeMap<String, Vec<WeightedMapping>>, found: &mut Issues) {
    for (from, destinations) in mappings {
        subjects::subject(from, found);
        let (from, mut total, mut clusters) = (quoted(from), 0_u32, BTreeMap::<&str, u32>::new());
        for destination in destinations {
            subjects::subject(&destination.subject, found);
            let weight = if destination.weight == 0 { 100 } else { destination.weight };
            if weight > 100 {
                found.error(format!("Mapping {from} has a weight {weight} that exceeds 100"));
            }
            if destination.cluster.is_empty() {
                total += u32::from(weight);
                continue;
            }
            let sum = clusters.entry(&destination.cluster).or_default();
            *sum += u32::from(weight);
            if *sum > 100 {
                let cluster = quoted(&destination.cluster);
                found.error(format!(
                    "Mapping {from} in cluster {cluster} exceeds 100% among all of it's weighted to mappings"
                ));
            }
        }
        if total > 100 {
            found.error(format!("Mapping {from} exceeds 100% among all of it's weighted to mappings"));
        }
    }
}

/// The trace in `Account.Validate`.
fn message_trace(trace: &MsgTrace, found: &mut Issues) {
    let mut wrong = Issues::default();
    subjects::subject(&trace.destination, &mut wrong);
    if let Some(first) = wrong.of(Level::Error).next() {
        found.error(format!("the account Trace.Destination {first}"));
    }
    if subjects::has_wildcards(&trace.destination) {
        let destination = quoted(&trace.destination);
        found.error(format!("the account Trace.Destination subject {destination} is not a valid publish subject"));
    }
    if !(0..=100).contains(&trace.sampling) {
        let sampling = trace.sampling;
        found.error(format!(
            "the account Trace.Sampling value '{sampling}' is not valid, should be in the range [1..100]"
        ));
    }
}
