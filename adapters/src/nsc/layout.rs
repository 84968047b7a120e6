//! Where everything lies: the layout of nsc (`cmd/store/store.go` and `keys.go` of `github.com/nats-io/nsc/v2`).
//!
//! ```text
//! {directory}/
//!   .lock                          held while somebody writes (ours; nsc does not know it)
//!   .push.lock                     held while somebody pushes to the brokers (ours)
//!   .setup/                        the first set-up while it is made (ours; see `setup.rs`)
//!   .work/                         where nsc works on copies, emptied before each use (ours; see `tool/mod.rs`)
//!   stores/{operator}/
//!     .nsc                         what kind of store this is
//!     {operator}.jwt
//!     accounts/{account}/{account}.jwt
//!     accounts/{account}/users/{user}.jwt
//!   keys/                          nsc's key store (`NKEYS_PATH`, `--keystore-dir`)
//!     .gitignore
//!     creds/{operator}/{account}/{user}.creds
//!     keys/{O,A,U}/{2 letters}/{public key}.nk
//! ```
//!
//! nsc is pointed at it with `nsc --data-dir {directory}/stores --keystore-dir {directory}/keys --config-dir …`.

use std::path::{Path, PathBuf};

use relais_domain::credentials::PublicKey;

/// What nsc writes into a new key store.
pub(super) const GIT_IGNORE: &str = "# ignore all nk files \n**/*.nk\n\n# ignore all creds files\n**/*.creds\n";

/// The folders and files of one store.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn stores(&self) -> PathBuf {
        self.root.join("stores")
    }

    pub(super) fn store(&self, operator: &str) -> PathBuf {
        self.stores().join(operator)
    }

    pub(super) fn operator(&self, operator: &str) -> PathBuf {
        self.store(operator).join(format!("{operator}.jwt"))
    }

    pub(super) fn info(&self, operator: &str) -> PathBuf {
        self.store(operator).join(".nsc")
    }

    pub(super) fn accounts(&self, operator: &str) -> PathBuf {
        self.store(operator).join("accounts")
    }

    pub(super) fn account(&self, operator: &str, account: &str) -> PathBuf {
        self.accounts(operator).join(account).join(format!("{account}.jwt"))
    }

    pub(super) fn users(&self, operator: &str, account: &str) -> PathBuf {
        self.accounts(operator).join(account).join("users")
    }

    pub(super) fn user(&self, operator: &str, account: &str, user: &str) -> PathBuf {
        self.users(operator, account).join(format!("{user}.jwt"))
    }

    pub(super) fn user_creds(&self, operator: &str, account: &str, user: &str) -> PathBuf {
        self.creds().join(operator).join(account).join(format!("{user}.creds"))
    }

    pub(super) fn key_store(&self) -> PathBuf {
        self.root.join("keys")
    }

    pub(super) fn creds(&self) -> PathBuf {
        self.key_store().join("creds")
    }

    pub(super) fn git_ignore(&self) -> PathBuf {
        self.key_store().join(".gitignore")
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.key_store().join("keys")
    }

    pub(super) fn key(&self, key: &PublicKey) -> PathBuf {
        let text = key.as_str();
        self.keys().join(&text[..1]).join(&text[1..3]).join(format!("{text}.nk"))
    }

    /// The first set-up while it is made, laid out like the real thing.
    pub(super) fn staging(&self) -> Self {
        Self { root: self.root.join(".setup") }
    }

    /// Where nsc works, beside the store (ours; see `tool/mod.rs`).
    pub(super) fn work(&self) -> Self {
        Self { root: self.root.join(".work") }
    }

    /// Stands in a staging folder when everything in it is complete.
    pub(super) fn complete(&self) -> PathBuf {
        self.root.join("complete")
    }
}
