//! What the NSC service is asked, as the document shows it. Rules are said in `document::rules` and enforced in the domain.

use poem_openapi::Object;
use serde::Deserialize;

use super::input::present;

/// The names of a new installation.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSetupRequest {
    /// The operator's name.
    pub(super) operator: String,
    /// The name of the application's account; not `SYS` or `OPS`.
    pub(super) account: String,
}

/// A new account.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccountRequest {
    /// Its name.
    pub(super) name: String,
}

/// A new user. With neither a role nor lists it gets what the settings say, which is the role `user` unless they say otherwise.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUserRequest {
    /// Its name, which becomes its user id.
    pub(super) name: String,
    /// In which account; without it, the application's.
    #[serde(default, deserialize_with = "present")]
    pub(super) account: Option<String>,
    /// The role whose member it is.
    #[serde(default, deserialize_with = "present")]
    pub(super) role: Option<String>,
    /// What it may publish to, with `{user}` for its own name. (What `nsc.force` names is let through as well.) Brokers read a JWT of
    /// 3 500 bytes, which is some 1 800 for both lists; more is refused.
    #[serde(default, deserialize_with = "present")]
    pub(super) allow_pub: Option<Vec<String>>,
    /// What it may listen to; of topics, those of the setting `topics`. (What `nsc.force` names is let through as well.)
    #[serde(default, deserialize_with = "present")]
    pub(super) allow_sub: Option<Vec<String>>,
    /// Its own public nkey (`U…`). Without one a pair is made, and the answer has `creds`.
    #[oai(validator(min_length = 56, max_length = 56))]
    #[serde(default, deserialize_with = "present")]
    pub(super) public_key: Option<String>,
    /// How long it holds, in nsc's syntax: `6M`, `30d`, `0` for ever; without it, `nsc.expiry`.
    #[serde(default, deserialize_with = "present")]
    pub(super) expiry: Option<String>,
    /// Whether the seed of a pair made here is kept on the server, with a creds file.
    #[serde(default, deserialize_with = "present")]
    pub(super) keep_seed: Option<bool>,
}

/// What a user may do: a role, or both lists; with neither, what the settings say.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
pub(super) struct PermissionsRequest {
    /// The role whose member it becomes.
    #[serde(default, deserialize_with = "present")]
    pub(super) role: Option<String>,
    /// What it may publish to, with `{user}` for its own name. (What `nsc.force` names is let through as well.) Brokers read a JWT of
    /// 3 500 bytes, which is some 1 800 for both lists; more is refused.
    #[serde(default, deserialize_with = "present")]
    pub(super) allow_pub: Option<Vec<String>>,
    /// What it may listen to; of topics, those of the setting `topics`. (What `nsc.force` names is let through as well.)
    #[serde(default, deserialize_with = "present")]
    pub(super) allow_sub: Option<Vec<String>>,
}

/// How signing keys are replaced.
#[derive(Object, Deserialize)]
#[oai(deny_unknown_fields, write_only_all)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateRequest {
    /// Whether the old keys are not believed any more from now on, as when a seed has leaked; `false`, unless it is said.
    #[serde(default, deserialize_with = "present")]
    pub(super) at_once: Option<bool>,
}
