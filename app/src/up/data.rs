//! The data folder: made for its owner alone, used by one process at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use relais_adapters::files;
use relais_domain::{ports::Rng, secret::Secret};

use crate::{
    error::{Error, Result},
    serve::file,
};

/// The data folder, locked as long as this lives.
pub(super) struct Data {
    path: PathBuf,
    _lock: File,
}

impl Data {
    /// Makes the folder if it is not there, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let wrong = |source| file("the data folder", path, source);
        files::make_private_folder(path, true).map_err(wrong)?;
        let path = path.canonicalize().map_err(wrong)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("relais.lock"));
        let lock = lock.map_err(wrong)?;
        files::make_private(&path.join("relais.lock")).map_err(wrong)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy(path)),
            Err(TryLockError::Error(source)) => Err(wrong(source)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The 32 secret bytes kept under `name`, made on first use, as hexadecimal text.
    pub(super) fn key(&self, name: &str, rng: &dyn Rng) -> Result<[u8; 32]> {
        let path = self.path.join(name);
        let wrong = |source| file("the key file", &path, source);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                files::check_private(&path).map_err(wrong)?;
                let text = Secret::from(text);
                decode(text.expose().trim()).ok_or_else(|| wrong(std::io::Error::other("it holds no key")))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0_u8; 32];
                rng.fill(&mut key);
                let text = Secret::from(key.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
                files::write_private(&path, text.expose().as_bytes()).map_err(wrong)?;
                Ok(key)
            }
            Err(error) => Err(wrong(error)),
        }
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut key = [0_u8; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use relais_domain::memory;

    use super::*;

    #[test]
    fn a_folder_is_for_one_process_and_keeps_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::open(&folder.path().join("a/b")).unwrap();
        assert!(matches!(Data::open(data.path()), Err(Error::Busy(_))));
        let rng = memory::Rng::default();
        let key = data.key("x.key", &rng).unwrap();
        assert_eq!(data.key("x.key", &rng).unwrap(), key, "it is kept");
        assert_ne!(data.key("y.key", &rng).unwrap(), key);
        std::fs::write(data.path().join("x.key"), "é".repeat(32)).unwrap();
        assert!(data.key("x.key", &rng).is_err(), "what is no key is refused, not replaced");
        let path = data.path().to_owned();
        drop(data);
        Data::open(&path).unwrap();
    }
}
