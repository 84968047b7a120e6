//! Which engine signs: the one place where it is chosen.

use std::{path::Path, sync::Arc};

use relais_adapters::{nsc, system};
use relais_domain::{
    nsc::Nsc,
    ports::{Clock, KeyPairs},
};

use crate::settings::{Engine, Settings};

/// What is done with operator, accounts and users, on the engine of `nsc.engine`. The store is made when there is none.
///
/// Blocks for some milliseconds.
///
/// # Errors
/// [`nsc::OpenError`].
pub(crate) fn open(
    settings: &Settings,
    directory: &Path,
    keys: Arc<dyn KeyPairs>,
    clock: Arc<dyn Clock>,
) -> Result<Nsc, nsc::OpenError> {
    let own = of_store(settings, directory);
    let opened = match (settings.nsc.engine, seal(settings)?) {
        (Engine::Native, None) => nsc::Native::open(&own, keys, clock)?.into_nsc(),
        (Engine::Native, Some(seal)) => nsc::Native::open_sealed(&own, seal, keys, clock)?.into_nsc(),
        (Engine::Nsc, None) => nsc::Tool::open(&own, nsc::find(settings.nsc.path.as_deref())?, keys, clock)?.into_nsc(),
        (Engine::Nsc, Some(_)) => return Err(nsc::OpenError::SealedForTool),
    };
    Ok(opened.allowing(settings.allowed()))
}

/// Where the store is and what is in it.
pub(crate) fn of_store(settings: &Settings, directory: &Path) -> nsc::Settings {
    nsc::Settings {
        directory: directory.to_owned(),
        operator: settings.nsc.operator.clone(),
        account: settings.nsc.account.clone(),
    }
}

/// What seeds are sealed with, if there is a key.
///
/// # Errors
/// [`nsc::OpenError`] when it is none, or its file is open to others.
pub(crate) fn seal(settings: &Settings) -> Result<Option<nsc::Seal>, nsc::OpenError> {
    let rng = Arc::new(system::Rng);
    match (&settings.nsc.seal_key, &settings.nsc.seal_key_file) {
        (Some(key), _) => nsc::Seal::new(key.secret(), rng).map(Some),
        (None, Some(path)) => nsc::Seal::from_file(path, rng).map(Some),
        (None, None) => Ok(None),
    }
}
