//! What goes in and out for admins: users and the audit.

use poem_openapi::{Enum, Object};
use relais_domain::{audit::Entry, ports};
use serde::Deserialize;

use super::{
    input::present,
    schema::{Password, Time},
};

/// Who wants to be the first admin.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimRequest {
    /// The one-time token.
    pub(super) token: Password,
}

/// What is changed about a user.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeUserRequest {
    /// Another role.
    #[serde(default, deserialize_with = "present")]
    pub(super) role: Option<String>,
    /// Whether the user is an admin.
    #[serde(default, deserialize_with = "present")]
    pub(super) admin: Option<bool>,
    /// Whether the user is kept out. Who is has no devices: they are removed.
    #[serde(default, deserialize_with = "present")]
    pub(super) disabled: Option<bool>,
}

/// A user, as admins see it.
#[derive(Object)]
pub(super) struct UserAnswer {
    /// The user's id.
    id: String,
    /// The address, as it is kept.
    email: String,
    /// When the user registered.
    created_at: Time,
    /// What the user may do on NATS.
    role: String,
    /// Whether the user is an admin.
    admin: bool,
    /// `active`, `disabled` (kept out), or `leaving` (being removed).
    standing: Standing,
}

/// Whether a user is let in.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum Standing {
    /// Yes.
    Active,
    /// Not until an admin says so.
    Disabled,
    /// Never again.
    Leaving,
}

/// Users, by id.
#[derive(Object)]
pub(super) struct UsersAnswer {
    /// The users.
    users: Vec<UserAnswer>,
}

/// Who did what, newest first.
#[derive(Object)]
pub(super) struct AuditAnswer {
    /// The entries.
    entries: Vec<AuditEntry>,
}

/// Somebody did something.
#[derive(Object)]
struct AuditEntry {
    /// Its place in time.
    id: String,
    /// When.
    at: Time,
    /// Who: `user:…`, `command:…` (on the server), `relais`.
    actor: String,
    /// What: `nsc.user.add`, `users.role`, ….
    action: String,
    /// To whom or what.
    target: String,
    /// `done`, `there` (it was so already), `refused`, `failed`.
    outcome: String,
    /// More, in words.
    detail: String,
}

impl From<ports::User> for UserAnswer {
    fn from(user: ports::User) -> Self {
        Self {
            id: user.id.into(),
            email: user.email.to_string(),
            created_at: Time(user.created_at),
            role: user.role.into(),
            admin: user.admin,
            standing: match user.standing {
                ports::Standing::Active => Standing::Active,
                ports::Standing::Disabled => Standing::Disabled,
                ports::Standing::Leaving => Standing::Leaving,
            },
        }
    }
}

impl From<Vec<ports::User>> for UsersAnswer {
    fn from(users: Vec<ports::User>) -> Self {
        Self { users: users.into_iter().map(UserAnswer::from).collect() }
    }
}

impl From<Vec<Entry>> for AuditAnswer {
    fn from(entries: Vec<Entry>) -> Self {
        let shown = entries.into_iter().map(|entry| AuditEntry {
            id: entry.id.to_string(),
            at: Time(entry.at),
            actor: entry.actor.to_string(),
            action: entry.action.to_string(),
            target: entry.target,
            outcome: entry.outcome.to_string(),
            detail: entry.detail,
        });
        Self { entries: shown.collect() }
    }
}
