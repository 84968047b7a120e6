//! Operators, accounts and users in a store that the real `nsc` can read and write too.
//!
//! Two engines keep it: [`Native`] signs by itself, [`Tool`] has the real `nsc` sign. Both keep to the port
//! [`CredentialsEngine`](relais_domain::ports::CredentialsEngine); what is done with one, and how brokers hear of it, says
//! [`relais_domain::nsc`].
//!
//! What holds at any moment, a crash included:
//! - an account file is a whole JWT, the old or the new one; the first set-up is there entirely or not at all;
//! - seeds are 0600 in folders of 0700; a store that others can read is not opened;
//! - with a [`Seal`], whatever is secret is sealed where it lies, and what was plain before is sealed at the next start;
//! - one process writes at a time, and whoever writes begins from the newest version; the same of who pushes;
//! - an account's `iat` grows with every version, so that nats-server can tell the newer one.

use std::path::PathBuf;

use relais_domain::credentials::setup::{Names, OPERATIONS, SYSTEM};

mod backup;
mod engine;
mod error;
mod files;
mod layout;
mod seal;
mod setup;
mod signer;
mod store;
mod tool;
mod vault;

pub use backup::{Backup, backup, restore};
pub use engine::Engine;
pub use error::OpenError;
pub use seal::Seal;
pub use signer::Native;
pub use tool::{Tool, ToolError, find};
pub use vault::unseal;

/// Where the store is and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder that holds `stores/` and `keys/`; made when it is missing (`nsc.creds_directory`).
    pub directory: PathBuf,
    /// The operator's name (`nsc.operator`).
    pub operator: String,
    /// The name of the application's account (`nsc.account`); not `SYS` or `OPS`.
    pub account: String,
}

impl Settings {
    /// Whether there is an operator in the store, of whatever name.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        let layout = layout::Layout::new(self.directory.clone());
        let made = |layout: &layout::Layout| files::list(&layout.stores()).is_ok_and(|stores| !stores.is_empty());
        made(&layout) || layout.staging().complete().exists()
    }

    /// The names in them.
    fn names(&self) -> Result<Names, OpenError> {
        let names = Names {
            operator: self.operator.parse().map_err(OpenError::Name)?,
            application: self.account.parse().map_err(OpenError::Name)?,
        };
        if [SYSTEM, OPERATIONS].iter().any(|name| name.eq_ignore_ascii_case(names.application.as_str())) {
            return Err(OpenError::Reserved(self.account.clone()));
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests;
