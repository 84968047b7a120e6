//! Where seeds are kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use relais_domain::{
    credentials::PublicKey,
    ports::{KeyPair, KeyPairs},
};

use super::{
    OpenError,
    files::{Disk, list, read_secret, refuse_exposed_at},
    layout::Layout,
};

/// The seeds of a store.
pub(super) struct Vault {
    layout: Layout,
    disk: Arc<Disk>,
    pairs: Arc<dyn KeyPairs>,
    read: Mutex<HashMap<PublicKey, KeyPair>>,
}

impl Vault {
    pub(super) fn new(layout: Layout, disk: Arc<Disk>, pairs: Arc<dyn KeyPairs>) -> Self {
        Self { layout, disk, pairs, read: Mutex::default() }
    }

    /// The pair of a key, if its seed is in the store.
    pub(super) fn pair(&self, key: &PublicKey) -> Result<Option<KeyPair>, OpenError> {
        let path = self.layout.key(key);
        if !path.exists() {
            // Another process may have retired it.
            self.guard().remove(key);
            return Ok(None);
        }
        if let Some(pair) = self.guard().get(key) {
            return Ok(Some(pair.clone()));
        }
        let seed = read_secret(&path)?;
        let pair = self.pairs.from_seed(&seed).map_err(|source| OpenError::WrongSeed {
            path: path.clone(),
            key: key.clone(),
            source: Some(source),
        })?;
        if pair.public != *key {
            return Err(OpenError::WrongSeed { path, key: key.clone(), source: None });
        }
        self.guard().insert(key.clone(), pair.clone());
        Ok(Some(pair))
    }

    /// Whether the seed of a key is in the store and good.
    pub(super) fn holds(&self, key: &PublicKey) -> bool {
        matches!(self.pair(key), Ok(Some(_)))
    }

    pub(super) fn keep(&self, pair: &KeyPair) -> Result<(), OpenError> {
        let path = self.layout.key(&pair.public);
        if path.exists() {
            return Ok(());
        }
        path.parent().map_or(Ok(()), |folder| self.disk.make_folder(folder))?;
        self.disk.write(&path, pair.seed.expose().as_bytes())
    }

    pub(super) fn retire(&self, key: &PublicKey) -> Result<(), OpenError> {
        self.disk.remove_file(&self.layout.key(key))?;
        self.guard().remove(key);
        Ok(())
    }

    pub(super) fn refuse_exposed(&self) -> Result<(), OpenError> {
        let layout = &self.layout;
        [layout.stores(), layout.key_store(), layout.keys()].iter().try_for_each(|path| refuse_exposed_at(path))?;
        for kind in list(&layout.keys())? {
            for shard in list(&kind)? {
                list(&shard)?.iter().try_for_each(|seed| refuse_exposed_at(seed))?;
            }
        }
        Ok(())
    }

    fn guard(&self) -> MutexGuard<'_, HashMap<PublicKey, KeyPair>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
