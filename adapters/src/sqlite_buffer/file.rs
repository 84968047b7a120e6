//! Opening a file: the lock, what SQLite must promise, what is there, and what is done when that cannot be read.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use relais_domain::{buffer::Opening, identity::UserId};
use rusqlite::{Connection, ErrorCode, OpenFlags, params};

use super::{Options, rows, seal::Key, store::Store};
use crate::files;

/// "relB": what SQLite's header says a file is for.
const APPLICATION: i32 = 0x7265_6c42;
/// The format of what is in it.
const FORMAT: i32 = 1;

const TABLES: &str = "
CREATE TABLE about (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    user TEXT NOT NULL,
    key BLOB,
    waiting INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    place INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE openings (base INTEGER PRIMARY KEY, name BLOB NOT NULL) STRICT;
CREATE TABLE lanes (lane INTEGER PRIMARY KEY, subject TEXT NOT NULL UNIQUE, waiting INTEGER NOT NULL, last INTEGER) STRICT;
CREATE INDEX busy ON lanes (subject) WHERE waiting > 0;
CREATE TABLE entries (
    place INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    body BLOB,
    size INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    after INTEGER,
    standing INTEGER NOT NULL,
    said BLOB
) STRICT;
CREATE INDEX waiting ON entries (lane, place) WHERE standing < 2;
";

/// Why a Buffer was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the Buffer in {} is open in another process; end that one, or give this one a file of its own", .0.display())]
    Locked(PathBuf),
    /// It is somebody else's.
    #[error("the Buffer in {} is that of user {whose}, and is sent by nobody else", path.display())]
    AnotherUser {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        whose: String,
    },
    /// It was sealed with another key, or with none, or is sealed and there is none.
    #[error("the Buffer in {} was sealed with another key than the one that was given", .0.display())]
    AnotherKey(PathBuf),
    /// A newer version of this library has written it.
    #[error("the Buffer in {} is of format {format}, and this version reads {FORMAT}; it is as it was, so use the newer version", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: i32,
    },
    /// A database of something else lies there.
    #[error("{} is a database, but no Buffer; it is as it was", .0.display())]
    Foreign(PathBuf),
    /// SQLite does not promise that what it has taken is on disk.
    #[error("SQLite does not keep {} as it must: {setting} is {found}", path.display())]
    NotDurable {
        /// The file.
        path: PathBuf,
        /// Which setting.
        setting: &'static str,
        /// What it is.
        found: String,
    },
    /// The disk cannot be used.
    #[error("the Buffer in {} cannot be opened", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: io::Error,
    },
    /// SQLite cannot use it, though it is not damaged.
    #[error("the Buffer in {} cannot be opened", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No thread could be started.
    #[error("a thread for the Buffer could not be started")]
    Thread(#[source] io::Error),
}

/// What came of an attempt.
enum Failed {
    /// SQLite cannot read it.
    Damaged,
    Refused(OpenError),
}

pub(super) fn open(options: &Options) -> Result<(Store, File, Option<PathBuf>), OpenError> {
    let path = options.path.clone();
    let io = |source| OpenError::Io { path: path.clone(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::make_private_folder(folder, false).map_err(io)?;
    }
    let lock = lock(&path)?;
    let mut set_aside = None;
    loop {
        create(&path).map_err(io)?;
        match attempt(options) {
            Ok(store) => return Ok((store, lock, set_aside)),
            Err(Failed::Refused(error)) => return Err(error),
            // An empty file that cannot be read either is no damage that another empty one would mend.
            Err(Failed::Damaged) if set_aside.is_some() => {
                return Err(OpenError::Sqlite { path, source: "SQLite cannot read what it has written".into() });
            }
            Err(Failed::Damaged) => set_aside = Some(aside(&path).map_err(io)?),
        }
    }
}

/// Beside a file, the same with something behind it.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(beside(path, ".lock")).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// Makes an empty file where none is, for this user alone, so that SQLite makes those beside it likewise; its name is on disk then.
fn create(path: &Path) -> io::Result<()> {
    if path.try_exists()? { Ok(()) } else { files::write_private(path, b"") }
}

/// Renames a file that cannot be read, and what SQLite keeps beside it.
fn aside(path: &Path) -> io::Result<PathBuf> {
    for number in 1_u32.. {
        let other = beside(path, &format!(".damaged-{number}"));
        if other.try_exists()? {
            continue;
        }
        for end in ["-wal", "-shm"] {
            let (from, to) = (beside(path, end), beside(&other, end));
            match fs::rename(from, to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(path, &other)?;
        return Ok(other);
    }
    Err(io::Error::other("there are too many damaged ones"))
}

fn attempt(options: &Options) -> Result<Store, Failed> {
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Failed::Damaged,
        // A row of ours that says what none of ours says.
        None if !matches!(error, rusqlite::Error::QueryReturnedNoRows) && was_read(&error) => Failed::Damaged,
        _ => Failed::Refused(OpenError::Sqlite { path: options.path.clone(), source: error.into() }),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&options.path, flags).map_err(failed)?;
    let is_new = is_empty(&connection).map_err(failed)?;
    if !is_new {
        check_kind(&connection, &options.path, failed)?;
    }
    promise(&connection, &options.path, failed)?;
    if is_new {
        make(&connection, &options.user, options.key.as_ref()).map_err(failed)?;
    }
    check_owner(&connection, options, failed)?;
    let openings = openings(&connection).map_err(failed)?;
    let (bounds, key, rng) = (options.bounds, options.key.clone(), options.rng.clone());
    let mut store = Store::new(connection, bounds, key, rng, openings).map_err(failed)?;
    store.begin(Opening::draw(&*options.rng)).map_err(failed)?;
    Ok(store)
}

fn was_read(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..))
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> rusqlite::Result<T> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    // A crash while it was made leaves nothing: that is one transaction.
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

fn check_kind(connection: &Connection, path: &Path, failed: impl Fn(rusqlite::Error) -> Failed) -> Result<(), Failed> {
    if pragma::<i32>(connection, "application_id").map_err(&failed)? != APPLICATION {
        return Err(Failed::Refused(OpenError::Foreign(path.to_owned())));
    }
    match pragma::<i32>(connection, "user_version").map_err(&failed)? {
        format if format > FORMAT => Err(Failed::Refused(OpenError::Newer { path: path.to_owned(), format })),
        _ => Ok(()),
    }
}

/// Sets what makes a commit durable, and reads it back.
fn promise(connection: &Connection, path: &Path, failed: impl Fn(rusqlite::Error) -> Failed) -> Result<(), Failed> {
    connection.busy_timeout(Duration::from_secs(5)).map_err(&failed)?;
    let text = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; \
                PRAGMA checkpoint_fullfsync = ON; PRAGMA cell_size_check = ON;";
    connection.execute_batch(text).map_err(&failed)?;
    let wal: String = pragma(connection, "journal_mode").map_err(&failed)?;
    let mut found = vec![("journal_mode", wal, "wal")];
    for (setting, wanted) in [("synchronous", "2"), ("fullfsync", "1"), ("checkpoint_fullfsync", "1")] {
        found.push((setting, pragma::<i64>(connection, setting).map_err(&failed)?.to_string(), wanted));
    }
    match found.into_iter().find(|(_, found, wanted)| found != wanted) {
        Some((setting, found, _)) => {
            Err(Failed::Refused(OpenError::NotDurable { path: path.to_owned(), setting, found }))
        }
        None => Ok(()),
    }
}

fn make(connection: &Connection, user: &UserId, key: Option<&Key>) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    let key = key.map(Key::id);
    connection.execute("INSERT INTO about (one, user, key) VALUES (1, ?1, ?2)", params![user.as_str(), key])?;
    connection.execute_batch("COMMIT")
}

fn check_owner(
    connection: &Connection,
    options: &Options,
    failed: impl Fn(rusqlite::Error) -> Failed,
) -> Result<(), Failed> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<Vec<u8>>>(1)?));
    let (whose, key) = connection.query_row("SELECT user, key FROM about", [], read).map_err(failed)?;
    let path = options.path.clone();
    if whose != options.user.as_str() {
        return Err(Failed::Refused(OpenError::AnotherUser { path, whose }));
    }
    let given = options.key.as_ref().map(|key| key.id().to_vec());
    if given == key { Ok(()) } else { Err(Failed::Refused(OpenError::AnotherKey(path))) }
}

fn openings(connection: &Connection) -> rusqlite::Result<Vec<(u64, Opening)>> {
    let mut openings = connection.prepare("SELECT base, name FROM openings ORDER BY base")?;
    let read = |row: &rusqlite::Row<'_>| Ok((rows::unsigned(row.get(0)?)?, Opening(row.get(1)?)));
    openings.query_map([], read)?.collect()
}
