//! Files that survive a crash and are nobody else's: atomic writes with fsync, 0600 and 0700, one writer at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use relais_domain::secret::Secret;

use super::OpenError;

/// How long a writer waits for another one. Writes take milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that changes files goes through here, one step at a time; a test can make it stop after any of them.
#[derive(Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) steps_left: std::sync::Mutex<Option<usize>>,
}

/// Held while somebody writes; the operating system lets go of it when the process ends, however it ends.
pub(super) struct Lock {
    _file: File,
}

/// What tells two versions of a file apart without reading it: every version has an inode of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<std::time::SystemTime>,
    length: u64,
    inode: u64,
}

pub(super) fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> OpenError + 'a {
    move |source| OpenError::Io { action, path: path.to_owned(), source }
}

impl Lock {
    /// Waits until no other process and no other thread of this one writes.
    pub(super) fn take(directory: &Path) -> Result<Self, OpenError> {
        Self::take_at(directory.join(".lock"))
    }

    /// As [`Lock::take`], on a file of its own.
    pub(super) fn take_at(path: PathBuf) -> Result<Self, OpenError> {
        let file = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(&path)
            .map_err(failed("open", &path))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
                Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(path)),
                Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
            }
        }
    }
}

impl Disk {
    /// Makes a folder that is the owner's alone, and those above it that are missing.
    pub(super) fn make_folder(&self, path: &Path) -> Result<(), OpenError> {
        if path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.make_folder(parent)?;
        }
        self.step().and_then(|()| private_folder(path)).map_err(failed("make the folder", path))?;
        parent.map_or(Ok(()), sync_folder)
    }

    /// Puts `bytes` where `path` is: the old content or the new one is there at any moment, never a part.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(failed("write", path)(io::ErrorKind::InvalidInput.into()));
        };
        let beside = folder.join(format!(".{}.new", name.to_string_lossy()));
        self.write_beside(&beside, bytes).map_err(failed("write", &beside))?;
        self.rename(&beside, path)
    }

    /// Moves a file or folder; both are in place before and after a crash, never neither.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), OpenError> {
        self.step().and_then(|()| fs::rename(from, to)).map_err(failed("write", to))?;
        [from.parent(), to.parent()].into_iter().flatten().try_for_each(sync_folder)
    }

    /// Removes a folder and all that is in it; one that is not there is removed.
    pub(super) fn remove(&self, folder: &Path) -> Result<(), OpenError> {
        for entry in list(folder)? {
            if entry.is_dir() {
                self.remove(&entry)?;
            } else {
                self.step().and_then(|()| fs::remove_file(&entry)).map_err(failed("remove", &entry))?;
            }
        }
        match self.step().and_then(|()| fs::remove_dir(folder)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", folder)(error)),
            _ => Ok(()),
        }
    }

    /// Removes a file; one that is not there is removed.
    pub(super) fn remove_file(&self, path: &Path) -> Result<(), OpenError> {
        match self.step().and_then(|()| fs::remove_file(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
            _ => path.parent().filter(|folder| folder.exists()).map_or(Ok(()), sync_folder),
        }
    }

    fn write_beside(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        // Left behind by a crash; only one process writes.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private(OpenOptions::new().create_new(true).write(true)).open(path)?;
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        self.step()?;
        file.write_all(rest)?;
        self.step()?;
        durable(&file)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "a test stops here")]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn step(&self) -> io::Result<()> {
        match self.steps_left.lock().expect("no test panics while it is held").as_mut() {
            Some(0) => Err(io::Error::other("the process was killed here")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// What is in a folder, in order of the names; nothing when it is not there.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", folder)(error)),
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed("read", folder))?;
    paths.sort();
    Ok(paths)
}

/// Every file below a folder, in order of the names.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let mut found = Vec::new();
    for path in list(folder)? {
        if path.is_dir() { found.extend(files_below(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// A text and its stamp, taken before it was read: a version that comes in between is noticed later.
pub(super) fn read_stamped(path: &Path) -> Result<(String, Stamp), OpenError> {
    let stamp = stamp(path)?;
    let text = fs::read_to_string(path).map_err(failed("read", path))?;
    Ok((text.trim().to_owned(), stamp))
}

/// A text that is nobody else's business, as it is.
pub(super) fn read_secret(path: &Path) -> Result<Secret, OpenError> {
    read_secret_up_to(path, 65_536)
}

/// As [`read_secret`], where a longer text than `limit` bytes is refused.
pub(super) fn read_secret_up_to(path: &Path, limit: u64) -> Result<Secret, OpenError> {
    let mut file = File::open(path).map_err(failed("read", path))?;
    let metadata = file.metadata().map_err(failed("read", path))?;
    refuse_exposed(path, &metadata)?;
    // Room for all of it, so that it is nowhere else in the memory.
    let mut text = String::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or_default() + 1);
    let read = Read::by_ref(&mut file).take(limit + 1).read_to_string(&mut text);
    let text = Secret::from(text);
    match read.map_err(failed("read", path))? {
        length if length as u64 > limit => Err(failed("read", path)(io::ErrorKind::FileTooLarge.into())),
        _ => Ok(text),
    }
}

/// Refuses a file or folder that others may read or write; one that is not there is nobody's.
pub(super) fn refuse_exposed_at(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(metadata) => refuse_exposed(path, &metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("read", path)(error)),
    }
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, metadata: &fs::Metadata) -> Result<(), OpenError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
    Err(OpenError::Exposed { path: path.to_owned(), mode, wanted })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "Windows keeps a user's folders to the user")]
fn refuse_exposed(_: &Path, _: &fs::Metadata) -> Result<(), OpenError> {
    Ok(())
}

pub(super) fn stamp(path: &Path) -> Result<Stamp, OpenError> {
    let metadata = fs::metadata(path).map_err(failed("read", path))?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Ok(Stamp { modified: metadata.modified().ok(), length: metadata.len(), inode })
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Waits until it is on the disk. Tests make ten thousand files and pull no plug.
fn durable(file: &File) -> io::Result<()> {
    if cfg!(test) { Ok(()) } else { file.sync_all() }
}

/// Makes a rename or a new entry durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<(), OpenError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|folder| durable(&folder)).map_err(failed("sync", path))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "folders cannot be synced there")]
fn sync_folder(_: &Path) -> Result<(), OpenError> {
    Ok(())
}
