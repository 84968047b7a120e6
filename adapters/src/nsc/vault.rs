//! Where seeds are kept: as nsc keeps them, or sealed in the same places (`seal.rs`).
//!
//! With a seal, everything secret that is written is sealed, and what is found plain when the store is opened is sealed in
//! its place, one whole file after the other. Until that is done, and after a crash in the middle of it, both kinds are read.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use relais_domain::{
    credentials::PublicKey,
    ports::{KeyPair, KeyPairs},
    secret::Secret,
};

use super::{
    OpenError, Settings,
    files::{Disk, Lock, files_below, read_secret, refuse_exposed_at},
    layout::Layout,
    seal::{Seal, is_sealed, sealed_parts},
    setup,
};

/// The seeds of a store.
pub(super) struct Vault {
    layout: Layout,
    disk: Arc<Disk>,
    pairs: Arc<dyn KeyPairs>,
    seal: Option<Arc<Seal>>,
    read: Mutex<HashMap<PublicKey, KeyPair>>,
}

impl Vault {
    pub(super) fn new(layout: Layout, disk: Arc<Disk>, pairs: Arc<dyn KeyPairs>, seal: Option<Arc<Seal>>) -> Self {
        Self { layout, disk, pairs, seal, read: Mutex::default() }
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
        let seed = Secret::from(self.read(&path)?.expose().trim());
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

    /// Puts the seed of a pair where it belongs; one that is there stays.
    pub(super) fn keep(&self, pair: &KeyPair) -> Result<(), OpenError> {
        let path = self.layout.key(&pair.public);
        if path.exists() { Ok(()) } else { self.write(&path, &pair.seed) }
    }

    /// A secret below the key store, unsealed where it is sealed.
    pub(super) fn read(&self, path: &Path) -> Result<Secret, OpenError> {
        let text = read_secret(path)?;
        if !is_sealed(text.expose()) {
            return Ok(text);
        }
        let seal = self.seal.as_ref().ok_or_else(|| OpenError::Sealed(path.to_owned()))?;
        seal.open_file(text.expose(), &self.place(path), path)
    }

    /// Writes a secret below the key store, or below that of a set-up which is being made; sealed if there is a seal.
    pub(super) fn write(&self, path: &Path, text: &Secret) -> Result<(), OpenError> {
        path.parent().map_or(Ok(()), |folder| self.disk.make_folder(folder))?;
        match &self.seal {
            Some(seal) if !is_sealed(text.expose()) => {
                self.disk.write(path, seal.close(text, &self.place(path)).as_bytes())
            }
            _ => self.disk.write(path, text.expose().as_bytes()),
        }
    }

    /// Seals what is plain; without a seal, refuses what is sealed. How many files were sealed. The caller holds the lock.
    pub(super) fn settle(&self) -> Result<usize, OpenError> {
        let mut plain = Vec::new();
        for path in self.secrets()? {
            let text = read_secret(&path)?;
            match (sealed_parts(text.expose()), &self.seal) {
                (Some(_), None) => return Err(OpenError::Sealed(path)),
                (Some((id, _)), Some(seal)) if id != seal.id() => {
                    return Err(OpenError::OtherSeal { path, id: id.to_owned(), given: seal.id().to_owned() });
                }
                (None, Some(_)) => plain.push(path),
                _ => {}
            }
        }
        // Nothing is sealed before it is known that no other key has sealed a part of it.
        for path in &plain {
            self.write(path, &read_secret(path)?)?;
        }
        Ok(plain.len())
    }

    /// Writes every secret plain again. How many were sealed. The caller holds the lock.
    pub(super) fn unseal(&self) -> Result<usize, OpenError> {
        let mut sealed = Vec::new();
        for path in self.secrets()? {
            if is_sealed(read_secret(&path)?.expose()) {
                // All of them are opened before the first is written.
                self.read(&path)?;
                sealed.push(path);
            }
        }
        for path in &sealed {
            self.disk.write(path, self.read(path)?.expose().as_bytes())?;
        }
        Ok(sealed.len())
    }

    /// Everything secret that is kept: seeds, and creds files. What a writer that was killed has left is removed.
    pub(super) fn secrets(&self) -> Result<Vec<PathBuf>, OpenError> {
        let mut found = Vec::new();
        for path in files_below(&self.layout.key_store())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is = |kind: &str| path.extension().is_some_and(|own| own == kind);
            if name.starts_with('.') && is("new") {
                self.disk.remove_file(&path)?;
            } else if is("nk") || is("creds") {
                found.push(path);
            }
        }
        Ok(found)
    }

    /// Where a secret belongs, as it is sealed with it: `keys/O/AB/OAB….nk`, also while a set-up is being made.
    fn place(&self, path: &Path) -> String {
        let stores = [self.layout.key_store(), self.layout.staging().key_store()];
        let inner = stores.iter().find_map(|store| path.strip_prefix(store).ok()).unwrap_or(path);
        inner.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    /// Removes the seed of a key, here and on disk.
    pub(super) fn retire(&self, key: &PublicKey) -> Result<(), OpenError> {
        self.disk.remove_file(&self.layout.key(key))?;
        self.guard().remove(key);
        Ok(())
    }

    /// Refuses a store that others can read. The caller holds the lock.
    pub(super) fn refuse_exposed(&self) -> Result<(), OpenError> {
        let layout = &self.layout;
        [layout.stores(), layout.key_store(), layout.keys()].iter().try_for_each(|path| refuse_exposed_at(path))?;
        self.secrets()?.iter().try_for_each(|path| refuse_exposed_at(path))
    }

    fn guard(&self) -> MutexGuard<'_, HashMap<PublicKey, KeyPair>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes every sealed secret of a store plain again, for the real `nsc` to read. How many were sealed.
///
/// End the processes that have the key first: they go on sealing what they write.
///
/// # Errors
/// As [`Native::open`](super::Native::open); nothing was changed when a secret cannot be opened.
pub fn unseal(settings: &Settings, seal: Seal, pairs: Arc<dyn KeyPairs>) -> Result<usize, OpenError> {
    let (layout, disk) = (Layout::new(settings.directory.clone()), Arc::new(Disk::default()));
    let _lock = Lock::take(layout.root())?;
    setup::recover(&disk, &layout)?;
    Vault::new(layout, disk, pairs, Some(Arc::new(seal))).unseal()
}
