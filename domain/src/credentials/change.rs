//! What can be changed about an account, and what the account is then.
//!
//! Both engines work by this: the native one signs what [`Change::apply`] makes, the one on the real `nsc` runs the commands
//! that mean the same and compares what came of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::claims::{Body as _, Unknown};
use crate::{
    credentials::{Account, AccountClaims, FOR_GOOD, PublicKey, UserLimits, UserScope, apart, permissions},
    subject::Filter,
};

/// A change of an account. Each can be repeated: what is so already is no change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Refuse JWTs for a user key that were made at or before the second `until`; [`FOR_GOOD`] bans the key.
    Revoke {
        /// Whose.
        key: PublicKey,
        /// In seconds since 1970.
        until: i64,
    },
    /// Refuse the JWTs of all users of the account that were made at or before the second `until`.
    RevokeAll {
        /// In seconds since 1970.
        until: i64,
    },
    /// Take over revocations that a broker knows, and become newer than the version that has them.
    TakeOver {
        /// Keys, or `*`, with the second until which their JWTs are refused.
        revocations: BTreeMap<String, i64>,
        /// The `iat` of that version.
        issued_at: i64,
    },
    /// Forget revocations whose JWTs have all ended.
    Prune {
        /// Which.
        keys: Vec<PublicKey>,
    },
    /// Give a role (a scoped signing key) this template, on every key that it has; a role that is new gets `key`.
    Role {
        /// Its name.
        role: String,
        /// What its members may do.
        template: Box<UserLimits>,
        /// For people.
        description: String,
        /// Its first key, whose seed is kept already; `None` changes nothing when there is no such role.
        key: Option<PublicKey>,
    },
    /// Take a role away: its members cannot connect any more.
    RemoveRole {
        /// Its name.
        role: String,
    },
    /// Add a signing key, whose seed is kept already: one without a scope, or a further one of a role.
    AddKey {
        /// Which.
        key: PublicKey,
        /// Of which role.
        role: Option<String>,
    },
    /// Take a signing key away: users that it signed cannot connect any more.
    RemoveKey {
        /// Which.
        key: PublicKey,
    },
    /// Let services in accounts of their own answer these routes ([`crate::credentials::apart`]).
    Share {
        /// What they answer.
        routes: Vec<Filter>,
    },
}

impl Change {
    /// Bans a key: every JWT for it, of the past and the future, is refused.
    #[must_use]
    pub fn ban(key: PublicKey) -> Self {
        Self::Revoke { key, until: FOR_GOOD }
    }

    /// The account with this change, as a newer version of itself; `None` when it is so already.
    #[must_use]
    pub fn apply(&self, account: &AccountClaims, now: Timestamp) -> Option<AccountClaims> {
        let mut next = account.clone();
        let mut newer_than = account.issued_at;
        match self {
            Self::Revoke { key, until } => revoke(&mut next.body.revocations, key.as_str(), *until),
            Self::RevokeAll { until } => revoke(&mut next.body.revocations, "*", *until),
            Self::TakeOver { revocations, issued_at } => {
                for (key, until) in revocations {
                    revoke(&mut next.body.revocations, key, *until);
                }
                newer_than = newer_than.max(*issued_at);
            }
            Self::Prune { keys } => next.body.revocations.retain(|own, _| keys.iter().all(|key| key.as_str() != own)),
            Self::Role { role, template, description, key } => {
                let keys = &mut next.body.signing_keys;
                for scope in keys.0.values_mut().flatten().filter(|scope| scope.role == *role) {
                    // nsc sorts lists; to put them back into another order would be a new version for nothing.
                    if !permissions::alike(&scope.template.known, template) {
                        scope.template.known = (**template).clone();
                    }
                    scope.description.clone_from(description);
                }
                if let (Some(key), None) = (key, keys.of_role(role)) {
                    let scope = UserScope {
                        kind: UserScope::KIND.to_owned(),
                        key: key.clone(),
                        role: role.clone(),
                        template: (**template).clone().into(),
                        description: description.clone(),
                        unknown: Unknown::default(),
                    };
                    keys.0.insert(key.clone(), Some(scope));
                }
            }
            Self::RemoveRole { role } => {
                next.body.signing_keys.0.retain(|_, scope| scope.as_ref().is_none_or(|scope| scope.role != *role));
            }
            Self::AddKey { key, role } => {
                let keys = &mut next.body.signing_keys;
                let scope = match role {
                    None => None,
                    Some(role) => Some(UserScope { key: key.clone(), ..keys.of_role(role)?.clone() }),
                };
                keys.0.entry(key.clone()).or_insert(scope);
            }
            Self::RemoveKey { key } => drop(next.body.signing_keys.0.remove(key)),
            Self::Share { routes } => apart::share(&mut next.body, routes),
        }
        if next.body == account.body && newer_than == account.issued_at && !self.must_be_newer(account) {
            return None;
        }
        // nsc and nats-server keep the version with the later `iat`, and take two with one `jti` for the same; as `jti` does
        // not cover the body, two versions of one second would be mistaken for each other.
        next.issued_at = now.as_second().max(newer_than.saturating_add(1));
        Some(next)
    }

    /// Whether a broker has a version of the same second, or a later one, with another body.
    fn must_be_newer(&self, account: &AccountClaims) -> bool {
        matches!(self, Self::TakeOver { issued_at, .. } if *issued_at >= account.issued_at)
    }
}

/// Whether two accounts mean the same: in which order permissions stand means nothing, nor does a local name that is the name.
#[must_use]
pub fn alike(one: &Account, other: &Account) -> bool {
    let settled = |account: &Account| {
        let mut account = account.clone();
        account.generic.kind.clear();
        account.generic.version = 0;
        account.tidy();
        let scopes = account.signing_keys.0.values_mut().flatten().map(|scope| &mut scope.template.known);
        let lists = scopes.flat_map(|limits| [&mut limits.publish, &mut limits.subscribe]);
        let default = &mut account.default_permissions;
        for list in lists.chain([&mut default.publish, &mut default.subscribe]) {
            list.allow.sort();
            list.deny.sort();
        }
        for import in account.imports.iter_mut().filter(|import| import.local_subject == import.subject) {
            import.local_subject.clear();
        }
        account
    };
    settled(one) == settled(other)
}

/// A revocation only grows.
fn revoke(list: &mut BTreeMap<String, i64>, key: &str, until: i64) {
    let own = list.entry(key.to_owned()).or_insert(until);
    *own = (*own).max(until);
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
