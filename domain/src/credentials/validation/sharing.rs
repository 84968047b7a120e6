//! Exports and imports (`exports.go` and `imports.go` of jwt/v2).

use std::collections::{BTreeMap, BTreeSet};

use super::{Issues, quoted, subjects, text_of, url};
use crate::{
    credentials::{Activation, Export, Import, PublicKey, Sampling, ServiceLatency, ShareKind, decode},
    ports::KeyPairs,
};

/// `Exports.Validate`.
pub(super) fn exports(exports: &[Export], found: &mut Issues) {
    for one in exports {
        export(one, found);
    }
    let of = |service: bool| {
        let chosen = exports.iter().filter(move |export| (export.kind == ShareKind::Service) == service);
        chosen.map(|export| export.subject.as_str()).collect::<Vec<_>>()
    };
    contained(ShareKind::Service, &of(true), found);
    contained(ShareKind::Stream, &of(false), found);
}

/// `isContainedIn`: of those that one subject contains, the first is told.
fn contained(kind: ShareKind, subjects: &[&str], found: &mut Issues) {
    let mut pairs: BTreeMap<&str, &str> = BTreeMap::new();
    for (at, subject) in subjects.iter().enumerate() {
        for (_, other) in subjects.iter().enumerate().filter(|(other, _)| *other != at) {
            if subjects::is_contained_in(subject, other) {
                pairs.entry(other).or_insert(subject);
            }
        }
    }
    for (outer, inner) in pairs {
        found.error(format!("{kind} export subject {} already exports {}", quoted(outer), quoted(inner)));
    }
}

/// `Export.Validate`.
fn export(export: &Export, found: &mut Issues) {
    let (service, answers) = (export.kind == ShareKind::Service, export.response_type.as_str());
    match export.kind {
        ShareKind::Unknown => found.error(format!("invalid export type: {}", quoted("unknown"))),
        ShareKind::Service if !matches!(answers, "" | "Singleton" | "Chunked" | "Stream") => {
            found.error(format!("invalid response type for service: {}", quoted(answers)));
        }
        ShareKind::Service => {}
        ShareKind::Stream => {
            if !answers.is_empty() {
                found.error(format!("invalid response type for stream: {}", quoted(answers)));
            }
            if export.allow_trace {
                found.error("AllowTrace only valid for service export".to_owned());
            }
        }
    }
    if let Some(latency) = &export.latency {
        if !service {
            found.error("latency tracking only permitted for services".to_owned());
        }
        service_latency(latency, found);
    }
    if export.response_threshold < 0 {
        found.error("negative response threshold is invalid".to_owned());
    }
    if export.response_threshold > 0 && !service {
        found.error("response threshold only valid for services".to_owned());
    }
    subjects::subject(&export.subject, found);
    if export.account_token_position > 0 {
        account_token(&export.subject, export.account_token_position, found);
    }
    url::info(&export.description, &export.info_url, found);
}

fn service_latency(latency: &ServiceLatency, found: &mut Issues) {
    if matches!(latency.sampling, Sampling::Percent(percent) if !(1..=100).contains(&percent)) {
        found.error("sampling percentage needs to be between 1-100".to_owned());
    }
    subjects::subject(&latency.results, found);
    if subjects::has_wildcards(&latency.results) {
        found.error("results subject can not contain wildcards".to_owned());
    }
}

fn account_token(subject: &str, position: u64, found: &mut Issues) {
    if !subjects::has_wildcards(subject) {
        found.error(format!("Account Token Position can only be used with wildcard subjects: {subject}"));
        return;
    }
    let at = usize::try_from(position - 1).unwrap_or(usize::MAX);
    match subject.split('.').nth(at) {
        None => found.error(format!("Account Token Position {position} exceeds length of subject '{subject}'")),
        Some("*") => {}
        Some(token) => {
            let why = format!("matches '{token}' but must match a * in: {subject}");
            found.error(format!("Account Token Position {position} {why}"));
        }
    }
}

/// `Imports.Validate`: services of one account must not overlap here.
pub(super) fn imports(imports: &[Import], own: &PublicKey, keys: &dyn KeyPairs, found: &mut Issues) {
    let mut taken: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for one in imports {
        if one.kind == ShareKind::Service {
            let account = text_of(one.account.as_ref());
            let named = [one.to.clone(), subjects::without_references(&one.local_subject), one.subject.clone()];
            let local = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
            let others = taken.entry(account).or_default();
            let (name, account) = (quoted(&local), quoted(account));
            for other in others.iter() {
                if subjects::is_contained_in(&local, other) || subjects::is_contained_in(other, &local) {
                    let other = quoted(other);
                    found.error(format!(
                        "overlapping subject namespace for {name} and {other} in same account {account}"
                    ));
                }
            }
            if !others.insert(local) {
                found.error(format!("overlapping subject namespace for {name} in account {account}"));
            }
        }
        import(one, own, keys, found);
    }
}

/// `Import.Validate`.
fn import(import: &Import, own: &PublicKey, keys: &dyn KeyPairs, found: &mut Issues) {
    let (service, subject) = (import.kind == ShareKind::Service, quoted(&import.subject));
    if import.kind == ShareKind::Unknown {
        found.error(format!("invalid import type: {}", quoted("unknown")));
    }
    if service && import.allow_trace {
        found.error("AllowTrace only valid for stream import".to_owned());
    }
    if import.account.is_none() {
        found.error("account to import from is not specified".to_owned());
    }
    if !import.to.is_empty() {
        found.warning("the field to has been deprecated (use LocalSubject instead)".to_owned());
    }
    subjects::subject(&import.subject, found);
    if !import.local_subject.is_empty() {
        subjects::renaming(&import.local_subject, &import.subject, found);
        if !import.to.is_empty() {
            found.error("Local Subject replaces To".to_owned());
        }
    }
    if import.share && !service {
        found.error(format!("sharing information (for latency tracking) is only valid for services: {subject}"));
    }
    if import.token.is_empty() {
        return;
    }
    match decode::<Activation>(&import.token, keys) {
        Err(_) => found.error(format!("import {subject} contains an invalid activation token")),
        Ok(activation) => activated(import, &activation, own, found),
    }
}

/// Whether an activation fits the import that it stands in.
fn activated(import: &Import, activation: &crate::credentials::ActivationClaims, own: &PublicKey, found: &mut Issues) {
    let (subject, body) = (quoted(&import.subject), &activation.body);
    let account = text_of(import.account.as_ref());
    if text_of(activation.issuer.as_ref()) != account && text_of(body.issuer_account.as_ref()) != account {
        found.error(format!("activation token doesn't match account for import {subject}"));
    }
    if activation.subject != *own {
        found.error(format!("activation token doesn't match account it is being included in, {subject}"));
    }
    if body.import_kind != import.kind {
        let (given, wanted) = (body.import_kind, import.kind);
        found.error(format!("mismatch between token import type {given} and type of import {wanted}"));
    }
    super::activation(body, found);
    if body.issuer_account.as_ref().is_some_and(|key| key.kind() != crate::credentials::KeyKind::Account) {
        found.error(crate::credentials::keys::ACCOUNT_ID.to_owned());
    }
    let imported =
        if import.kind == ShareKind::Service && !import.to.is_empty() { &import.to } else { &import.subject };
    if !subjects::is_contained_in(imported, &body.import_subject) {
        let allowed = quoted(&body.import_subject);
        found.error(format!("activation token import subject {allowed} doesn't match import {subject}"));
    }
}
