//! The whole store in one file, and back.
//!
//! ```text
//! relais-backup-v1
//! {"operator": "relais", "made_at": "…", "files": [{"path": "stores/relais/relais.jwt", "text": "…"}, …]}
//! ```
//!
//! Everything in a store is text, so a backup is text too; there is nothing in it but names and contents: no links, no
//! permissions. It is sealed as a whole where there is a [`Seal`]. What is brought back is built in `.setup/`, like a first
//! set-up, and looked at there as if it were in use; only then it is moved to its place (`setup.rs`).

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use relais_domain::{
    credentials::{PublicKey, setup::Names},
    ports::{Clock, KeyPairs},
    secret::Secret,
};
use serde::{Deserialize, Serialize};

use super::{
    OpenError, Settings,
    files::{Disk, Lock, files_below, list, read_secret_up_to, refuse_exposed_at},
    layout::Layout,
    seal::{Seal, is_sealed},
    setup,
    store::Store,
    vault::Vault,
};

/// How a backup begins; also what a sealed one is sealed with.
const BEGINS: &str = "relais-backup-v1";
/// A longer one is no backup of ours: a store of 100 000 users is smaller.
const LONGEST: u64 = 512 << 20;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The operator it was made for.
    pub operator: String,
    /// When.
    pub made_at: Timestamp,
    /// The names of the operator's accounts.
    pub accounts: Vec<String>,
    /// How many seeds are in it.
    pub seeds: usize,
    /// How many files.
    pub files: usize,
    /// Whether it is sealed. If not, whoever can read it can sign.
    pub sealed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Archive {
    pub(super) operator: String,
    pub(super) made_at: Timestamp,
    pub(super) files: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// From the folder of the store, with `/` between.
    pub(super) path: String,
    #[serde(with = "secret")]
    pub(super) text: Secret,
}

/// A [`Secret`] cannot be written by accident; here it is meant.
mod secret {
    use super::{Deserialize, Secret};

    pub(super) fn serialize<S: serde::Serializer>(text: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text.expose())
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::from)
    }
}

/// Writes the store into one new file, readable by its owner alone; nobody else writes to the store meanwhile.
///
/// # Errors
/// As [`Native::open`](super::Native::open): a store that cannot be used is not worth a backup.
/// [`OpenError::NoStore`], [`OpenError::Exists`].
pub fn backup(
    settings: &Settings,
    seal: Option<Seal>,
    pairs: Arc<dyn KeyPairs>,
    clock: Arc<dyn Clock>,
    out: &Path,
) -> Result<Backup, OpenError> {
    let (names, seal) = (settings.names()?, seal.map(Arc::new));
    let operator = names.operator.to_string();
    let layout = Layout::new(settings.directory.clone());
    let none = || OpenError::NoStore { path: layout.root().to_owned(), operator: operator.clone() };
    if !layout.root().is_dir() {
        return Err(none());
    }
    if out.exists() {
        return Err(OpenError::Exists(out.to_owned()));
    }
    let disk = Arc::new(Disk::default());
    let store = store(layout.clone(), Arc::clone(&disk), seal.clone(), &names, pairs, clock);
    let store = Store::open(store, &names, |_| Err(none()))?;

    let _lock = store.lock()?;
    let mut files = Vec::new();
    for folder in [layout.stores(), layout.key_store()] {
        for path in files_below(&folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // What a writer that was killed has left.
            if !(name.starts_with('.') && name.ends_with(".new")) {
                let inner = path.strip_prefix(layout.root()).unwrap_or(&path);
                let inner: Vec<_> = inner.iter().map(|part| part.to_string_lossy()).collect();
                files.push(Entry { path: inner.join("/"), text: read_whole(&path)? });
            }
        }
    }
    let archive = Archive { operator, made_at: store.clock.now(), files };
    let text = archive.text();
    let text = seal.as_ref().map_or(text.clone(), |seal| Secret::from(seal.close(&text, BEGINS)));
    disk.write(out, text.expose().as_bytes())?;
    Ok(archive.summary(seal.is_some()))
}

/// Brings a backup back, where there is no store; all of it or nothing.
///
/// Revocations that were made after the backup are not in it. The brokers still have them, and they are taken over when
/// Relais next reaches a broker that has its folder.
///
/// # Errors
/// [`OpenError::Exists`] where there is a store; [`OpenError::NotABackup`], and as
/// [`Native::open`](super::Native::open), when what is in the file is not a whole store of this operator.
pub fn restore(
    file: &Path,
    settings: &Settings,
    seal: Option<Seal>,
    pairs: Arc<dyn KeyPairs>,
    clock: Arc<dyn Clock>,
) -> Result<Backup, OpenError> {
    restore_on(&Arc::new(Disk::default()), file, settings, seal.map(Arc::new), pairs, clock)
}

pub(super) fn restore_on(
    disk: &Arc<Disk>,
    file: &Path,
    settings: &Settings,
    seal: Option<Arc<Seal>>,
    pairs: Arc<dyn KeyPairs>,
    clock: Arc<dyn Clock>,
) -> Result<Backup, OpenError> {
    let names = settings.names()?;
    let (archive, sealed) = Archive::read(file, seal.as_deref())?;
    if archive.operator != names.operator.as_str() {
        return Err(OpenError::OtherOperator { path: file.to_owned(), found: archive.operator });
    }
    let layout = Layout::new(settings.directory.clone());
    disk.make_folder(layout.root())?;
    let _lock = Lock::take(layout.root())?;
    setup::recover(disk, &layout)?;
    for folder in [layout.stores(), layout.keys()] {
        if !list(&folder)?.is_empty() {
            return Err(OpenError::Exists(folder));
        }
    }
    let staging = layout.staging();
    let made = store(staging.clone(), Arc::clone(disk), seal, &names, pairs, clock);
    let built = build(&made, &archive, file).and_then(|()| verify(&made, &names, file));
    if let Err(error) = built {
        // What cannot be removed now is by the next start, since it is not marked as complete.
        let _ = disk.remove(staging.root());
        return Err(error);
    }
    disk.write(&staging.complete(), b"")?;
    setup::finish(disk, &layout)?;
    Ok(archive.summary(sealed))
}

fn store(
    layout: Layout,
    disk: Arc<Disk>,
    seal: Option<Arc<Seal>>,
    names: &Names,
    pairs: Arc<dyn KeyPairs>,
    clock: Arc<dyn Clock>,
) -> Store {
    let vault = Vault::new(layout.clone(), Arc::clone(&disk), Arc::clone(&pairs), seal);
    Store::new(layout, disk, vault, names.operator.clone(), pairs, clock)
}

/// Writes what is in an archive; secrets are sealed on the way if there is a seal.
fn build(store: &Store, archive: &Archive, file: &Path) -> Result<(), OpenError> {
    let (disk, layout) = (&store.disk, &store.layout);
    let mut seen = BTreeSet::new();
    for entry in &archive.files {
        let wrong = |why: &str| not_a_backup(file, format!("{:?} in it {why}", entry.path));
        let inner = inner(&entry.path).ok_or_else(|| wrong("is not the path of a file in a store"))?;
        if !seen.insert(inner.clone()) {
            return Err(wrong("is there twice"));
        }
        let path = layout.root().join(&inner);
        if is_secret(&inner) {
            store.vault.write(&path, &entry.text)?;
        } else {
            path.parent().map_or(Ok(()), |folder| disk.make_folder(folder))?;
            disk.write(&path, entry.text.expose().as_bytes())?;
        }
    }
    Ok(())
}

/// Looks at a store that is being made as at one in use, and at every seed and JWT.
fn verify(store: &Store, names: &Names, file: &Path) -> Result<(), OpenError> {
    if !store.layout.operator(names.operator.as_str()).exists() {
        return Err(not_a_backup(file, format!("the JWT of the operator {} is not in it", names.operator)));
    }
    store.check(names)?;
    for folder in list(&store.layout.stores())? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().parse();
        store.operator_of(&name.map_err(OpenError::Name)?)?;
    }
    for name in store.account_names(&store.operator)? {
        store.users(&name)?;
    }
    for path in store.vault.secrets()? {
        if path.extension().is_some_and(|kind| kind == "nk") {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let key = stem.parse::<PublicKey>().ok().filter(|key| store.layout.key(key) == path);
            let key =
                key.ok_or_else(|| not_a_backup(file, format!("{stem:?} is not the name of a key in its place")))?;
            store.vault.pair(&key)?;
        } else {
            store.vault.read(&path)?;
        }
    }
    Ok(())
}

/// A path in a backup as one below the folder of a store; `None` for whatever could lead out of it.
pub(super) fn inner(path: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = path.split('/').collect();
    let plain = |part: &&str| {
        let odd = |c: char| c.is_control() || c == '\\' || c == ':';
        (1..=255).contains(&part.len()) && ![".", ".."].contains(part) && !part.contains(odd)
    };
    let known = (2..=8).contains(&parts.len()) && ["stores", "keys"].contains(&parts[0]);
    (known && parts.iter().all(plain)).then(|| parts.iter().collect())
}

fn is_secret(inner: &Path) -> bool {
    inner.starts_with("keys") && inner.extension().is_some_and(|kind| kind == "nk" || kind == "creds")
}

fn not_a_backup(file: &Path, why: impl Into<String>) -> OpenError {
    OpenError::NotABackup { path: file.to_owned(), why: why.into() }
}

/// JWTs may be readable by others where nsc made them; seeds have been looked at before.
fn read_whole(path: &Path) -> Result<Secret, OpenError> {
    let text = std::fs::read_to_string(path);
    text.map(Secret::from).map_err(super::files::failed("read", path))
}

impl Archive {
    pub(super) fn text(&self) -> Secret {
        // Room for all of it, so that no seed is left behind where it grew out of its place.
        let length: usize = self.files.iter().map(|own| 2 * own.text.expose().len() + own.path.len() + 64).sum();
        let mut text = Vec::with_capacity(length + 1024);
        text.extend_from_slice(BEGINS.as_bytes());
        text.push(b'\n');
        serde_json::to_writer(&mut text, self).expect("it is text, numbers and lists of them");
        text.push(b'\n');
        Secret::from(String::from_utf8(text).expect("JSON is UTF-8"))
    }

    fn read(file: &Path, seal: Option<&Seal>) -> Result<(Self, bool), OpenError> {
        refuse_exposed_at(file)?;
        let mut text = read_secret_up_to(file, LONGEST)?;
        let sealed = is_sealed(text.expose());
        if sealed {
            let seal = seal.ok_or_else(|| OpenError::Sealed(file.to_owned()))?;
            text = seal.open_file(text.expose(), BEGINS, file)?;
        }
        let Some((BEGINS, json)) = text.expose().split_once('\n') else {
            return Err(not_a_backup(file, "it is no backup that `relais nsc backup` has made"));
        };
        // What serde says may show a part of the text.
        let damaged =
            |error: serde_json::Error| format!("it is damaged (line {}, byte {})", error.line(), error.column());
        let archive = serde_json::from_str(json).map_err(|error| not_a_backup(file, damaged(error)))?;
        Ok((archive, sealed))
    }

    fn summary(&self, sealed: bool) -> Backup {
        let account = |entry: &Entry| {
            let inner = entry.path.strip_prefix(&format!("stores/{}/accounts/", self.operator))?;
            let (folder, file) = inner.split_once('/')?;
            (file.strip_suffix(".jwt") == Some(folder)).then(|| folder.to_owned())
        };
        Backup {
            operator: self.operator.clone(),
            made_at: self.made_at,
            accounts: self.files.iter().filter_map(account).collect(),
            seeds: self.files.iter().filter(|entry| entry.path.ends_with(".nk")).count(),
            files: self.files.len(),
            sealed,
        }
    }
}
