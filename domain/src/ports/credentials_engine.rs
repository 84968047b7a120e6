//! The port to what keeps operator, accounts and users, and signs in their names.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    credentials::{
        Account, AccountClaims, Body, Change, Claims, Operator, PublicKey, User, UserJwt, UserToSign,
        setup::{EntityName, InvalidEntityName, Names, UserName},
    },
    ports::{Cause, KeyPair},
    secret::Secret,
};

/// An engine: it keeps one operator with its accounts, their long-lived users and the seeds that sign, and makes new versions
/// of them. Two stand behind it, the native one and the real `nsc`; both work on a store laid out as `nsc` lays it out, and can
/// take turns on it, with each other and with a person who runs `nsc`.
///
/// It does not talk to brokers: [`crate::nsc::Nsc`] pushes what an engine has made.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CredentialsEngine: Send + Sync {
    /// The operator, as it is now.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    async fn operator(&self) -> Result<Arc<Held<Operator>>, EngineError>;

    /// Every account, as it is now, by name.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    async fn accounts(&self) -> Result<Vec<Arc<Held<Account>>>, EngineError>;

    /// One account, as it is now.
    ///
    /// # Errors
    /// [`EngineError::Unknown`], [`EngineError::Store`].
    async fn account(&self, name: &EntityName) -> Result<Arc<Held<Account>>, EngineError>;

    /// Makes an operator with its three accounts ([`crate::credentials::setup`]) beside the engine's own, all or nothing.
    /// Where there is one of that name it is returned, if it has that account.
    ///
    /// # Errors
    /// [`EngineError::Exists`] when it is there without the account, [`EngineError::Store`].
    async fn set_up(&self, names: &Names) -> Result<Made<Arc<Held<Operator>>>, EngineError>;

    /// Keeps a new account with these claims, signed by the operator; its keys have been kept before
    /// ([`CredentialsEngine::keep_key`]). Returns it as it is then.
    ///
    /// # Errors
    /// [`EngineError::Exists`] when there is one of this name, [`EngineError::NoKey`] when nothing is at hand that signs
    /// accounts, [`EngineError::Store`].
    async fn add_account(&self, claims: &AccountClaims) -> Result<Arc<Held<Account>>, EngineError>;

    /// Makes the next version of an account, from the newest there is, and returns it; the one that is there when the change
    /// is none. Durable when it returns; of two at a time both are done.
    ///
    /// # Errors
    /// [`EngineError::Unknown`], [`EngineError::NoKey`], [`EngineError::Store`]. Nothing is changed then.
    async fn change(&self, account: &EntityName, change: &Change) -> Result<Arc<Held<Account>>, EngineError>;

    /// Signs a user JWT, and keeps of it what `keep` says. A user of this name that is kept already is replaced.
    ///
    /// # Errors
    /// [`EngineError::NoKey`] when the seed of its signing key is not at hand, [`EngineError::Unknown`] for its account where
    /// something is kept, [`EngineError::Store`].
    async fn sign(&self, user: &UserToSign, keep: Keep) -> Result<UserJwt, EngineError>;

    /// The users of an account that are kept, by name.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] for the account, [`EngineError::Store`].
    async fn users(&self, account: &EntityName) -> Result<Vec<Arc<Held<User>>>, EngineError>;

    /// Forgets a user that is kept, with its creds and seed; whether there was one. Its JWT holds as before: revoke it first.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] for the account, [`EngineError::Store`].
    async fn remove_user(&self, account: &EntityName, name: &UserName) -> Result<bool, EngineError>;

    /// Keeps a key pair that signs, durably. A repeat does nothing.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    async fn keep_key(&self, pair: &KeyPair) -> Result<(), EngineError>;

    /// Forgets the seed of a key; one that is not there is forgotten.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    async fn retire_key(&self, key: &PublicKey) -> Result<(), EngineError>;

    /// Which of these keys have their seeds at hand, in the given order.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    async fn at_hand(&self, keys: &[PublicKey]) -> Result<Vec<PublicKey>, EngineError>;

    /// The seed of a user's key that is kept ([`Keep::Creds`]); `None` when it is not.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    async fn seed(&self, key: &PublicKey) -> Result<Option<Secret>, EngineError>;

    /// Waits until nobody else who shares the store pushes to the brokers; others wait until what is returned is dropped.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when that takes too long, [`EngineError::Store`].
    async fn push_turn(&self) -> Result<Turn, EngineError>;
}

/// Claims, and the JWT that says them.
#[derive(Debug, Clone, PartialEq)]
pub struct Held<B: Body> {
    /// What it says.
    pub claims: Claims<B>,
    /// Signed.
    pub jwt: B::Jwt,
}

/// A repeat, or something new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made<T> {
    /// It was made now.
    New(T),
    /// It was there already, as asked for.
    There(T),
}

impl<T> Made<T> {
    /// It, made now or before.
    pub fn into_inner(self) -> T {
        match self {
            Self::New(value) | Self::There(value) => value,
        }
    }
}

/// What is kept of a user JWT that was signed.
#[derive(Clone)]
pub enum Keep {
    /// Nothing: JWTs of devices live in SQL, those of this process in its memory.
    Nothing,
    /// The JWT.
    Jwt,
    /// The JWT, the seed of its key, and a creds file of both.
    Creds(KeyPair),
}

/// The turn to push; the next one's when it is dropped.
pub struct Turn(#[expect(dead_code, reason = "it is held, not read")] Option<Box<dyn Send + Sync>>);

/// What can go wrong in an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is none of this name.
    #[error("there is no {what} {name}")]
    Unknown {
        /// `account`, `user`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There is another one of this name.
    #[error("there is already {what} {name}{}", if why.is_empty() { String::new() } else { format!(": {why}") })]
    Exists {
        /// `an account`, `an operator`.
        what: &'static str,
        /// Its name.
        name: String,
        /// How it differs from what was asked for; may be empty.
        why: String,
    },
    /// A name that cannot stand in a store.
    #[error("this name cannot be kept")]
    Name(#[from] InvalidEntityName),
    /// The seed that would sign is not in the store: it is kept offline, or lost.
    #[error(
        "nothing at hand signs {what}: the seed of {wanted} is not in the store; bring it back from where identity keys are \
         kept, or from a backup"
    )]
    NoKey {
        /// What cannot be signed.
        what: String,
        /// The public keys whose seeds would do.
        wanted: String,
    },
    /// The tool that the engine works with is not there.
    #[error("{tool} cannot be run; {how}")]
    NoTool {
        /// What was to be run.
        tool: String,
        /// How to install it.
        how: &'static str,
    },
    /// Somebody else has been writing or pushing for too long.
    #[error("another process is at the store for too long; try again")]
    Busy(#[source] Cause),
    /// The store cannot be read or written, or the tool refused.
    #[error("the store of keys and JWTs cannot be used")]
    Store(#[source] Cause),
}

impl Turn {
    /// A turn that ends when `guard` is dropped.
    pub fn holding(guard: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(guard)))
    }

    /// A turn where nobody else pushes.
    #[must_use]
    pub fn alone() -> Self {
        Self(None)
    }
}

impl EngineError {
    /// The operator is there, and has not the account that was asked for.
    #[must_use]
    pub fn other_accounts<'a>(operator: &EntityName, accounts: impl Iterator<Item = &'a EntityName>) -> Self {
        let accounts = accounts.map(EntityName::as_str).collect::<Vec<_>>().join(", ");
        Self::Exists { what: "an operator", name: operator.to_string(), why: format!("its accounts are {accounts}") }
    }

    /// The seed that would sign a user is not at hand.
    #[must_use]
    pub fn no_signer(user: &UserToSign) -> Self {
        Self::NoKey { what: format!("the user {}", user.name()), wanted: user.signer().to_string() }
    }

    /// There is no such account.
    #[must_use]
    pub fn no_account(name: &EntityName) -> Self {
        Self::Unknown { what: "account", name: name.to_string() }
    }
}
