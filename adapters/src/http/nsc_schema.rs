//! What the NSC service answers, as the document shows it.

use poem_openapi::Object;
use relais_domain::{
    credentials::{Body, Claims, Operator, Permission},
    live::{Report, Standing},
    nsc::{AccountOverview, MadeUser, Overview, Rotation, UserOverview},
    ports::{Cause, EngineError, Held},
};
use serde_json::Value;

use super::{problem::Problem, schema::Time};

/// An operator.
#[derive(Object)]
pub(super) struct SetupAnswer {
    /// Its name.
    operator: String,
    /// Its identity key (`O…`).
    public_key: String,
    /// Its JWT: `operator` of a nats-server's configuration.
    jwt: String,
    /// The system account's key: `system_account` there.
    #[oai(skip_serializing_if_is_none)]
    system_account: Option<String>,
    /// The name of the application's account.
    account: String,
}

/// Operator and accounts.
#[derive(Object)]
pub(super) struct InfoAnswer {
    /// The operator.
    operator: OperatorInfo,
    /// Its accounts, by name.
    accounts: Vec<AccountAnswer>,
}

/// The operator.
#[derive(Object)]
struct OperatorInfo {
    /// Its name.
    name: String,
    /// Its identity key.
    public_key: String,
    /// The keys that sign accounts.
    signing_keys: Vec<String>,
}

/// An account.
#[derive(Object)]
pub(super) struct AccountAnswer {
    /// Its name.
    name: String,
    /// Its identity key.
    public_key: String,
    /// The keys that sign its users.
    signing_keys: Vec<SigningKey>,
    /// How many long-lived users are kept.
    users: usize,
    /// How many keys are revoked.
    revocations: usize,
    /// When this version was made, in seconds since 1970.
    issued_at: i64,
    /// The size of its JWT in bytes; brokers take as much as their `max_payload`.
    jwt_bytes: usize,
}

/// A key that signs users.
#[derive(Object)]
struct SigningKey {
    /// The key.
    public_key: String,
    /// The role whose members it signs.
    #[oai(skip_serializing_if_is_none)]
    role: Option<String>,
    /// Whether it signs from now on; one that does not is only believed until its rotation is ended.
    signs: bool,
}

/// All that something claims.
#[derive(Object)]
pub(super) struct ClaimsAnswer {
    /// Its name.
    name: String,
    /// Its key.
    public_key: String,
    /// What stands in the JWT (`github.com/nats-io/jwt`).
    claims: Value,
    /// The JWT.
    jwt: String,
}

/// A user with its JWT.
#[derive(Object)]
pub(super) struct NewUserAnswer {
    /// Its name.
    name: String,
    /// Its account.
    account: String,
    /// Its key.
    public_key: String,
    /// What brokers believe.
    jwt: String,
    /// JWT and seed as a creds file, when the pair was made here; on a repeat only when the seed was kept.
    #[oai(skip_serializing_if_is_none)]
    creds: Option<String>,
    /// When the JWT ends; without it, never.
    #[oai(skip_serializing_if_is_none)]
    expires_at: Option<Time>,
    /// What goes in front of its inboxes; a NATS client must be told.
    inbox_prefix: String,
}

/// Users of an account, by name.
#[derive(Object)]
pub(super) struct NscUsersAnswer {
    /// The users.
    users: Vec<NscUserAnswer>,
}

/// A user that is kept.
#[derive(Object)]
pub(super) struct NscUserAnswer {
    /// Its name.
    name: String,
    /// Its key.
    public_key: String,
    /// The role whose member it is; without it, it has lists of its own.
    #[oai(skip_serializing_if_is_none)]
    role: Option<String>,
    /// What its own lists let it publish to.
    #[oai(skip_serializing_if_is_none)]
    allow_pub: Option<Vec<String>>,
    /// What they let it listen to.
    #[oai(skip_serializing_if_is_none)]
    allow_sub: Option<Vec<String>>,
    /// When its JWT was made, in seconds since 1970.
    issued_at: i64,
    /// When its JWT ends; without it, never.
    #[oai(skip_serializing_if_is_none)]
    expires_at: Option<Time>,
    /// Why brokers do not believe it: `revoked`, `expired`, …; without it, they do.
    #[oai(skip_serializing_if_is_none)]
    refused: Option<String>,
    /// What stands in the JWT; only when one user was asked for.
    #[oai(skip_serializing_if_is_none)]
    claims: Option<Value>,
    /// The JWT; only when one user was asked for.
    #[oai(skip_serializing_if_is_none)]
    jwt: Option<String>,
}

/// What a rotation has done.
#[derive(Object)]
pub(super) struct RotationAnswer {
    /// Keys that sign from now on.
    added: Vec<String>,
    /// Keys that sign no more, and are still believed.
    retired: Vec<String>,
    /// Keys that are not believed any more.
    removed: Vec<String>,
    /// Long-lived users whom a removed key had signed: they need new creds.
    cut_off: Vec<String>,
}

/// Whose key was banned.
#[derive(Object)]
pub(super) struct RevokedAnswer {
    /// The key.
    pub(super) public_key: String,
}

/// How the brokers stand.
#[derive(Object)]
pub(super) struct PushAnswer {
    /// Whether every broker has ours.
    agree: bool,
    /// One an account.
    accounts: Vec<PushedAccount>,
}

/// How the brokers stand to an account.
#[derive(Object)]
struct PushedAccount {
    /// Its name.
    name: String,
    /// How many brokers there are.
    brokers: usize,
    /// How many of them have our version.
    agree: usize,
}

impl SetupAnswer {
    pub(super) fn new(held: &Held<Operator>, account: String) -> Self {
        Self {
            operator: held.claims.name.clone(),
            public_key: held.claims.subject.to_string(),
            jwt: held.jwt.as_str().to_owned(),
            system_account: held.claims.body.system_account.as_ref().map(ToString::to_string),
            account,
        }
    }
}

impl From<Overview> for InfoAnswer {
    fn from(overview: Overview) -> Self {
        let claims = &overview.operator.claims;
        Self {
            operator: OperatorInfo {
                name: claims.name.clone(),
                public_key: claims.subject.to_string(),
                signing_keys: claims.body.signing_keys.iter().map(ToString::to_string).collect(),
            },
            accounts: overview.accounts.into_iter().map(AccountAnswer::from).collect(),
        }
    }
}

impl From<AccountOverview> for AccountAnswer {
    fn from(account: AccountOverview) -> Self {
        let claims = &account.held.claims;
        let keys = claims.body.signing_keys.0.iter().map(|(key, scope)| SigningKey {
            public_key: key.to_string(),
            role: scope.as_ref().map(|scope| scope.role.clone()),
            signs: account.signing.contains(key),
        });
        Self {
            name: claims.name.clone(),
            public_key: claims.subject.to_string(),
            signing_keys: keys.collect(),
            users: account.users,
            revocations: claims.body.revocations.len(),
            issued_at: claims.issued_at,
            jwt_bytes: account.held.jwt.as_str().len(),
        }
    }
}

impl ClaimsAnswer {
    pub(super) fn new<B: Body>(claims: &Claims<B>, jwt: &str) -> Result<Self, Problem> {
        Ok(Self {
            name: claims.name.clone(),
            public_key: claims.subject.to_string(),
            claims: json(claims)?,
            jwt: jwt.to_owned(),
        })
    }
}

fn json<B: Body>(claims: &Claims<B>) -> Result<Value, Problem> {
    let shown = serde_json::to_value(claims);
    shown.map_err(|error| relais_domain::nsc::NscError::from(EngineError::Store(Cause::from(error))).into())
}

impl From<MadeUser> for NewUserAnswer {
    fn from(made: MadeUser) -> Self {
        Self {
            inbox_prefix: format!("_INBOX.{}", made.name),
            name: made.name,
            account: made.account,
            public_key: made.public_key.into(),
            jwt: made.jwt.as_str().to_owned(),
            creds: made.creds.map(|creds| creds.expose().to_owned()),
            expires_at: Time::of_seconds(made.expires_at),
        }
    }
}

impl From<Vec<UserOverview>> for NscUsersAnswer {
    fn from(users: Vec<UserOverview>) -> Self {
        Self { users: users.iter().map(NscUserAnswer::new).collect() }
    }
}

impl NscUserAnswer {
    fn new(user: &UserOverview) -> Self {
        let claims = &user.held.claims;
        let limits = &claims.body.limits;
        let own = |list: &Permission| user.role.is_none().then(|| list.allow.clone());
        Self {
            name: claims.name.clone(),
            public_key: claims.subject.to_string(),
            role: user.role.clone(),
            allow_pub: own(&limits.publish),
            allow_sub: own(&limits.subscribe),
            issued_at: claims.issued_at,
            expires_at: Time::of_seconds(claims.expires_at),
            refused: user.refused.map(str::to_owned),
            claims: None,
            jwt: None,
        }
    }

    pub(super) fn with_claims(user: &UserOverview) -> Result<Self, Problem> {
        let claims = Some(json(&user.held.claims)?);
        Ok(Self { claims, jwt: Some(user.held.jwt.as_str().to_owned()), ..Self::new(user) })
    }
}

impl From<Rotation> for RotationAnswer {
    fn from(rotation: Rotation) -> Self {
        let texts = |keys: Vec<relais_domain::credentials::PublicKey>| keys.into_iter().map(String::from).collect();
        Self {
            added: texts(rotation.added.into_iter().map(|(key, _)| key).collect()),
            retired: texts(rotation.retired),
            removed: texts(rotation.removed),
            cut_off: rotation.cut_off,
        }
    }
}

impl From<Vec<Report>> for PushAnswer {
    fn from(reports: Vec<Report>) -> Self {
        let accounts = reports.iter().map(|report| PushedAccount {
            name: report.name.clone(),
            brokers: report.brokers,
            agree: report.found.iter().filter(|found| found.standing == Standing::Same).count(),
        });
        Self { agree: reports.iter().all(Report::agrees), accounts: accounts.collect() }
    }
}
