//! Which engine signs: the one place where it is chosen.

use std::{path::Path, sync::Arc};

use relais_adapters::nsc;
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
    let own = nsc::Settings {
        directory: directory.to_owned(),
        operator: settings.nsc.operator.clone(),
        account: settings.nsc.account.clone(),
    };
    let opened = match settings.nsc.engine {
        Engine::Native => nsc::Native::open(&own, keys, clock)?.into_nsc(),
        Engine::Nsc => nsc::Tool::open(&own, nsc::find(settings.nsc.path.as_deref())?, keys, clock)?.into_nsc(),
    };
    Ok(opened.allowing(settings.allowed()))
}
