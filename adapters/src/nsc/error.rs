//! Why a store cannot be used.

use std::{io, path::PathBuf};

use relais_domain::{
    credentials::{ClaimsError, PublicKey, setup::InvalidEntityName},
    ports::{Cause, KeyError},
};

use super::tool::ToolError;

/// Why a store of keys and JWTs cannot be opened or used. Never shows a seed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A name in the settings is none.
    #[error("the settings nsc.operator and nsc.account do not fit")]
    Name(#[source] InvalidEntityName),
    /// The application's account cannot be called like one of the other two.
    #[error("nsc.account cannot be {0}: that account has another purpose; choose another name")]
    Reserved(String),
    /// The operating system refused.
    #[error("cannot {action} {path}; is the folder there, and may this user write to it?")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Another process has been writing for too long.
    #[error("another process holds {0}; end it, or wait until it is done")]
    Locked(PathBuf),
    /// Others than the owner may read or write it.
    #[error(
        "{path} is open to other users of this computer (mode {mode:03o}): whoever reads a seed speaks as its owner; \
         close it with `chmod {wanted:o} '{path}'`, and replace the keys if others may have read them"
    )]
    Exposed {
        /// What.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// What they should be.
        wanted: u32,
    },
    /// The store is another operator's.
    #[error(
        "the store {path} belongs to the operator {found}; set nsc.operator to it, or nsc.creds_directory elsewhere"
    )]
    OtherOperator {
        /// Where.
        path: PathBuf,
        /// Whose.
        found: String,
    },
    /// Something lies where the first set-up would put the store.
    #[error("{0} is in the way: it is no store that can be read; move it away")]
    Occupied(PathBuf),
    /// The operator has no such account.
    #[error(
        "the store {path} has no {what}; it has the accounts {found}. Set nsc.account to one of them, or start anew"
    )]
    NoAccount {
        /// Where.
        path: PathBuf,
        /// What is missing.
        what: String,
        /// What is there.
        found: String,
    },
    /// A JWT cannot be read or was changed.
    #[error("{path} is damaged; bring it back from a backup")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ClaimsError,
    },
    /// An account that its operator does not stand behind.
    #[error("{0} is not signed by the operator of the store; bring it back from a backup")]
    Untrusted(PathBuf),
    /// The seed of a key is not there.
    #[error("the key that signs {what} is not in the store (one of: {wanted}); bring it back from a backup")]
    NoSeed {
        /// What cannot be signed.
        what: String,
        /// The public keys whose seeds would do.
        wanted: String,
    },
    /// A file holds something else than the seed of its name.
    #[error("{path} does not hold the seed of {key}; bring it back from a backup")]
    WrongSeed {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        key: PublicKey,
        /// What is wrong, when it is no seed at all.
        #[source]
        source: Option<KeyError>,
    },
    /// What should be a seal key is none. Never shows it.
    #[error(
        "the seal key of {source_of_key} is none: it is 32 bytes of chance, as base64 or as 64 hexadecimal digits; make one \
         with `openssl rand -base64 32`"
    )]
    SealKey {
        /// The setting, or the file.
        source_of_key: String,
    },
    /// A secret is sealed, and there is no key.
    #[error(
        "{0} is sealed, and no key was given: name its file in nsc.seal_key_file, or give it in nsc.seal_key \
         (RELAIS_NSC__SEAL_KEY), with nsc.engine native"
    )]
    Sealed(PathBuf),
    /// A secret was sealed with another key.
    #[error(
        "{path} was sealed with another key (its id is {id}) than the one given in nsc.seal_key or nsc.seal_key_file (its \
         id is {given}); give the one it was sealed with. Nothing was changed"
    )]
    OtherSeal {
        /// Which.
        path: PathBuf,
        /// The id of the key that sealed it.
        id: String,
        /// The id of the key that was given.
        given: String,
    },
    /// The right key does not open it.
    #[error(
        "{0} is damaged: it was sealed with the key given, but was changed since, or lies in another file's place; bring it \
         back from a backup"
    )]
    DamagedSeal(PathBuf),
    /// The real nsc cannot read what is sealed.
    #[error(
        "nsc.engine is nsc, which cannot read sealed keys: take nsc.seal_key and nsc.seal_key_file out of the settings \
         (after `relais nsc unseal`, if the store is sealed), or set nsc.engine to native"
    )]
    SealedForTool,
    /// There is no store to back up.
    #[error("there is no store of the operator {operator} in {path}; name its folder in nsc.creds_directory")]
    NoStore {
        /// Where.
        path: PathBuf,
        /// Whose.
        operator: String,
    },
    /// Nothing is overwritten by a backup, or by bringing one back.
    #[error("{0} is there already, and is not overwritten; move it away, or choose another place")]
    Exists(PathBuf),
    /// A file that is no backup, or not a good one.
    #[error("{path} cannot be brought back: {why}. Nothing was changed")]
    NotABackup {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Claims could not be signed.
    #[error("cannot sign {what}")]
    Sign {
        /// What.
        what: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The real nsc did not do it.
    #[error("nsc did not do it")]
    Tool(#[source] ToolError),
}
