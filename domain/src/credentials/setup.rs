//! The first set-up of an installation: one operator and three accounts, as claims.
//!
//! | account | for | JetStream | may |
//! |---|---|---|---|
//! | `SYS` | the issuer | no | what nats-server gives the system account; it exports nothing |
//! | the application's | users and services | yes | everything of DESIGN §4; exports the view for `OPS` |
//! | `OPS` | persons who look | no | the imported view |
//!
//! The operator is strict: identity keys sign nothing but the operator itself, so they can be taken offline later.
//! Every account denies `>` to users that bring no permissions of their own.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;

use super::claims::Unknown;
use crate::{
    credentials::{
        Account, AccountClaims, AccountJwt, AccountLimits, ClaimsError, DefaultPermissions, Export, Import,
        JetStreamLimits, KeyKind, NO_LIMIT, Operator, OperatorClaims, OperatorJwt, Permission, PublicKey, SigningKeys,
        UserScope, encode, permissions,
    },
    ports::{AccountRole, KeyPair, KeyPairs},
};

/// The name of the system account.
pub const SYSTEM: &str = "SYS";
/// The name of the account of persons who look.
pub const OPERATIONS: &str = "OPS";

/// The name of an operator or account: `^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`. It becomes the name of folders and files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityName(String);

/// The text is no name of an operator, account or user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of an operator, account or user: 1 to 64 letters (a user's: 160), digits, _ and -, beginning with a \
     letter or digit, and no public key"
)]
pub struct InvalidEntityName(String);

/// The name of a user in a store: `{user}_{device}`, `svc-shop`; `^[A-Za-z0-9][A-Za-z0-9_-]{0,159}$`. It becomes the name of
/// files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

/// The names of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The operator's.
    pub operator: EntityName,
    /// The application account's.
    pub application: EntityName,
}

/// Every key pair of an installation.
#[derive(Clone)]
pub struct Keys {
    /// The operator's identity.
    pub operator: KeyPair,
    /// Signs accounts.
    pub operator_signing: KeyPair,
    /// The system account's identity and what signs its users.
    pub system: AccountKeys,
    /// The application account's identity and what signs services and the provisioner.
    pub application: AccountKeys,
    /// The scoped key of the role `user`, which signs devices.
    pub user_role: KeyPair,
    /// The identity of `OPS` and what signs persons.
    pub operations: AccountKeys,
}

/// The keys of one account.
#[derive(Clone)]
pub struct AccountKeys {
    /// Who it is.
    pub identity: KeyPair,
    /// Signs its users.
    pub signing: KeyPair,
}

/// An installation as claims.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// The operator.
    pub operator: OperatorClaims,
    /// The accounts; the application's before those that import from it.
    pub accounts: Vec<(AccountRole, AccountClaims)>,
}

/// An installation as JWTs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedSetup {
    /// The operator.
    pub operator: OperatorJwt,
    /// The accounts with their names.
    pub accounts: Vec<(AccountRole, String, AccountJwt)>,
}

/// What a nats-server needs to believe an installation: `operator`, `system_account` and `resolver_preload` of its
/// configuration.
///
/// With the full resolver (`resolver { type: full, dir: … }`), nats-server 2.15 writes each preloaded account into the
/// resolver's folder at every start *unless* the folder has one with the same `jti` or a later `iat`
/// (`DirJWTStore.saveIfNewer`): an old preload never replaces a newer account that was pushed meanwhile, but one of the
/// same second does, and so does any preload when the folder was emptied. Accounts made here grow their `iat` by at
/// least a second with every change. A push (`$SYS.REQ.CLAIMS.UPDATE`) by contrast replaces whatever is there, newer or
/// not. So a generated configuration is written anew from this at every start of the broker, or with the system account
/// alone, and the rest pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// For `operator`.
    pub operator: OperatorJwt,
    /// For `system_account`.
    pub system_account: PublicKey,
    /// For `resolver_preload`, each account by its identity key.
    pub accounts: Vec<(PublicKey, AccountJwt)>,
}

impl Keys {
    /// New keys for everything.
    #[must_use]
    pub fn generate(keys: &dyn KeyPairs) -> Self {
        let account =
            || AccountKeys { identity: keys.generate(KeyKind::Account), signing: keys.generate(KeyKind::Account) };
        Self {
            operator: keys.generate(KeyKind::Operator),
            operator_signing: keys.generate(KeyKind::Operator),
            system: account(),
            application: account(),
            user_role: keys.generate(KeyKind::Account),
            operations: account(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &KeyPair> {
        [&self.operator, &self.operator_signing, &self.user_role].into_iter().chain(
            [&self.system, &self.application, &self.operations]
                .into_iter()
                .flat_map(|account| [&account.identity, &account.signing]),
        )
    }
}

impl Setup {
    /// The claims of an installation with these names and keys, made at `now`.
    #[must_use]
    pub fn new(names: &Names, keys: &Keys, now: Timestamp) -> Self {
        let operator = Operator {
            signing_keys: vec![keys.operator_signing.public.clone()],
            system_account: Some(keys.system.identity.public.clone()),
            strict_signing_key_usage: true,
            ..Operator::default()
        };
        let application = keys.application.identity.public.clone();
        let account = |role, name: &str, keys: &AccountKeys, body| {
            (role, AccountClaims::new(name, keys.identity.public.clone(), body, now))
        };
        Self {
            operator: OperatorClaims::new(names.operator.as_str(), keys.operator.public.clone(), operator, now),
            accounts: vec![
                account(AccountRole::System, SYSTEM, &keys.system, base(&keys.system)),
                account(
                    AccountRole::Application,
                    names.application.as_str(),
                    &keys.application,
                    application_body(keys),
                ),
                account(AccountRole::Operations, OPERATIONS, &keys.operations, operations_body(keys, &application)),
            ],
        }
    }

    /// The same as JWTs: the operator signed by itself, accounts by the operator's signing key.
    ///
    /// # Errors
    /// [`ClaimsError`] when `keys` holds seeds that `pairs` cannot read.
    pub fn sign(&self, keys: &Keys, pairs: &dyn KeyPairs) -> Result<SignedSetup, ClaimsError> {
        let accounts = self
            .accounts
            .iter()
            .map(|(role, claims)| Ok((*role, claims.name.clone(), encode(claims, &keys.operator_signing, pairs)?)));
        Ok(SignedSetup {
            operator: encode(&self.operator, &keys.operator, pairs)?,
            accounts: accounts.collect::<Result<_, ClaimsError>>()?,
        })
    }
}

/// What all accounts have: no limits but those of [`AccountLimits::ample`], its signing key, nothing by default.
#[must_use]
pub fn base(keys: &AccountKeys) -> Account {
    Account {
        limits: AccountLimits::ample(),
        signing_keys: SigningKeys(BTreeMap::from([(keys.signing.public.clone(), None)])),
        default_permissions: DefaultPermissions {
            publish: Permission::nothing(),
            subscribe: Permission::nothing(),
            ..DefaultPermissions::default()
        },
        ..Account::default()
    }
}

/// As [`base`], with JetStream.
pub(super) fn storing(keys: &AccountKeys) -> Account {
    let mut body = base(keys);
    // How much disk there is, the broker's own configuration says. Each stream must say how large it may grow.
    body.limits.jetstream = JetStreamLimits {
        mem_storage: NO_LIMIT,
        disk_storage: NO_LIMIT,
        streams: NO_LIMIT,
        consumer: NO_LIMIT,
        max_ack_pending: NO_LIMIT,
        max_bytes_required: true,
        ..JetStreamLimits::default()
    };
    body
}

fn application_body(keys: &Keys) -> Account {
    let mut body = storing(&keys.application);
    let role = UserScope {
        kind: UserScope::KIND.to_owned(),
        key: keys.user_role.public.clone(),
        role: permissions::USER_ROLE.to_owned(),
        template: permissions::user_role().into(),
        description: String::new(),
        unknown: Unknown::default(),
    };
    body.signing_keys.0.insert(role.key.clone(), Some(role));
    body.exports = permissions::OPERATIONS_VIEW
        .iter()
        .map(|(subject, answers)| Export::service(subject, subject, *answers))
        .collect();
    body
}

fn operations_body(keys: &Keys, application: &PublicKey) -> Account {
    let mut body = base(&keys.operations);
    body.imports = permissions::OPERATIONS_VIEW
        .iter()
        .map(|(subject, _)| Import::service(subject, subject, application))
        .collect();
    body
}

impl EntityName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UserName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text may stand in paths and argument lists, where what begins with `-` or `@` or holds a slash means something.
fn plain(text: &str, longest: usize) -> Result<String, InvalidEntityName> {
    let mut bytes = text.bytes();
    let good = text.len() <= longest
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    // nsc takes a key where it expects a name.
    let good = good && text.parse::<PublicKey>().is_err();
    if good { Ok(text.to_owned()) } else { Err(InvalidEntityName(text.chars().take(40).collect())) }
}

impl FromStr for EntityName {
    type Err = InvalidEntityName;

    fn from_str(text: &str) -> Result<Self, InvalidEntityName> {
        plain(text, 64).map(Self)
    }
}

impl FromStr for UserName {
    type Err = InvalidEntityName;

    fn from_str(text: &str) -> Result<Self, InvalidEntityName> {
        plain(text, 160).map(Self)
    }
}

impl fmt::Display for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{credentials::UserLimits, memory};

    fn setup() -> (Setup, Keys, memory::KeyPairs) {
        let pairs = memory::KeyPairs::default();
        let names = Names { operator: "Relais".parse().unwrap(), application: "App".parse().unwrap() };
        let keys = Keys::generate(&pairs);
        (Setup::new(&names, &keys, Timestamp::from_second(1_767_225_600).unwrap()), keys, pairs)
    }

    #[test]
    fn the_claims_are_those_of_the_golden_file() {
        let (setup, ..) = setup();
        let accounts: Vec<_> = setup.accounts.iter().map(|(_, claims)| claims).collect();
        let made = serde_json::json!({ "operator": setup.operator, "accounts": accounts });
        let golden: serde_json::Value = serde_json::from_str(include_str!("golden/setup.json")).unwrap();
        assert!(made == golden, "golden/setup.json should be:\n{made:#}");
    }

    #[test]
    fn the_operator_stands_behind_its_accounts_and_not_by_its_identity_key() {
        let (setup, keys, pairs) = setup();
        let signed = setup.sign(&keys, &pairs).unwrap();
        let operator = crate::credentials::decode::<Operator>(signed.operator.as_str(), &pairs).unwrap();
        for (.., jwt) in &signed.accounts {
            assert!(operator.signed(&crate::credentials::decode::<Account>(jwt.as_str(), &pairs).unwrap()));
        }
        let by_identity = encode(&setup.accounts[0].1, &keys.operator, &pairs).unwrap();
        assert!(!operator.signed(&crate::credentials::decode::<Account>(by_identity.as_str(), &pairs).unwrap()));
    }

    #[test]
    fn nobody_without_permissions_may_do_anything_and_only_the_application_stores() {
        let (setup, ..) = setup();
        for (role, claims) in &setup.accounts {
            let default = &claims.body.default_permissions;
            assert_eq!((&default.publish, &default.subscribe), (&Permission::nothing(), &Permission::nothing()));
            let stores = claims.body.limits.jetstream != JetStreamLimits::default();
            assert_eq!(stores, *role == AccountRole::Application);
            assert_eq!(!claims.body.exports.is_empty(), *role == AccountRole::Application);
            assert_eq!(!claims.body.imports.is_empty(), *role == AccountRole::Operations);
        }
    }

    #[test]
    fn devices_have_a_scoped_key_and_no_other_account_has_one() {
        let (setup, keys, _) = setup();
        for (role, claims) in &setup.accounts {
            let scope = claims.body.signing_keys.of_role(permissions::USER_ROLE);
            assert_eq!(scope.is_some(), *role == AccountRole::Application);
            if let Some(scope) = scope {
                assert_eq!(scope.key, keys.user_role.public);
                assert_ne!(scope.template.known, UserLimits::default());
            }
            assert_eq!(claims.body.signing_keys.plain().count(), 1);
        }
    }

    #[test]
    fn names_become_folders_so_they_are_plain() {
        for good in ["A", "Relais", "my-app_2", "0", &"x".repeat(64)] {
            assert_eq!(good.parse::<EntityName>().unwrap().as_str(), good);
        }
        for bad in ["", "-rf", "_x", ".", "..", "a/b", "a\\b", "a b", "a.b", "é", "a\0", "@x", &"x".repeat(65)] {
            assert!(bad.parse::<EntityName>().is_err(), "{bad:?}");
        }
    }
}
