//! The first set-up on disk, all or nothing.
//!
//! Everything is written into `.setup/`, then the mark `.setup/complete`; from then on the set-up counts, and its parts
//! are moved to their places: keys first, the store last. A crash before the mark leaves something that the next start
//! throws away, keys and all; a crash after it something that the next start finishes. Nothing in between can be seen.

use relais_domain::{
    credentials::{
        Body, Claims, encode,
        setup::{Keys, Names, Setup},
    },
    ports::{KeyPair, KeyPairs},
};
use serde_json::json;

use super::{
    OpenError,
    files::{Disk, files_below, list},
    layout::{GIT_IGNORE, Layout},
    signer::Signer,
    store::Store,
};

/// Makes operator, accounts and keys, and moves them into place. The caller holds the lock.
pub(super) fn create(store: &Store, signer: &impl Signer, names: &Names) -> Result<(), OpenError> {
    let (disk, layout) = (&*store.disk, &store.layout);
    let staging = layout.staging();
    disk.remove(staging.root())?;
    let keys = Keys::generate(store.pairs.as_ref());
    let setup = Setup::new(names, &keys, store.clock.now());
    let operator = names.operator.as_str();

    disk.make_folder(&staging.creds())?;
    disk.write(&staging.git_ignore(), GIT_IGNORE.as_bytes())?;
    for pair in keys.iter() {
        store.vault.write(&staging.key(&pair.public), &pair.seed)?;
    }
    let signed = signer.setup(store, &staging, &setup, &keys)?;
    for (_, name, jwt) in &signed.accounts {
        disk.make_folder(&staging.accounts(operator).join(name))?;
        disk.write(&staging.account(operator, name), jwt.as_str().as_bytes())?;
    }
    disk.write(&staging.info(operator), info(operator).as_bytes())?;
    disk.write(&staging.operator(operator), signed.operator.as_str().as_bytes())?;

    disk.write(&staging.complete(), b"")?;
    finish(disk, layout)
}

/// What nsc writes of what kind of store a folder is.
pub(super) fn info(operator: &str) -> String {
    json!({ "managed": false, "name": operator, "kind": "operator", "version": "1" }).to_string()
}

/// Brings what a crash left behind to an end. The caller holds the lock.
pub(super) fn recover(disk: &Disk, layout: &Layout) -> Result<(), OpenError> {
    let staging = layout.staging();
    if staging.complete().exists() {
        finish(disk, layout)
    } else if staging.root().exists() {
        disk.remove(staging.root())
    } else {
        Ok(())
    }
}

/// Moves the parts of a complete set-up that are not in their places yet.
pub(super) fn finish(disk: &Disk, layout: &Layout) -> Result<(), OpenError> {
    let staging = layout.staging();
    disk.make_folder(&layout.creds())?;
    for secret in files_below(&staging.key_store())? {
        let place = layout.root().join(secret.strip_prefix(staging.root()).unwrap_or(&secret));
        place.parent().map_or(Ok(()), |folder| disk.make_folder(folder))?;
        disk.rename(&secret, &place)?;
    }
    disk.make_folder(&layout.stores())?;
    for store in list(&staging.stores())? {
        let place = layout.stores().join(store.file_name().unwrap_or_default());
        if !list(&place)?.is_empty() {
            return Err(OpenError::Occupied(place));
        }
        disk.rename(&store, &place)?;
    }
    disk.remove(staging.root())
}

/// Signs claims, naming them when that fails.
pub(super) fn signed<B: Body>(claims: &Claims<B>, signer: &KeyPair, pairs: &dyn KeyPairs) -> Result<B::Jwt, OpenError> {
    encode(claims, signer, pairs)
        .map_err(|source| OpenError::Sign { what: format!("the {} {}", B::TYPE, claims.name), source: source.into() })
}
