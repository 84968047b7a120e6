//! Users and devices in a SQL database, through sea-orm. The driver linked is SQLite's; what is written here (statements, types,
//! migrations) is what PostgreSQL and MySQL understand too.
//!
//! ```text
//! users         id (ULID) pk · email unique · password (PHC string) · created_at · role · admin
//!               · standing (active, disabled, leaving) · verified
//! devices       id (ULID) pk · user_id → users, cascade · name · nkey unique · created_at · seen_at · expires_at?
//!               · jwt? · held_until? (when the last of its JWTs ends)
//!               · session? unique · token? · replaced_token? · replaced_at? · replaced_salt? · session_until? · browser
//!               · session_ended
//! removed_keys  nkey pk · held_until? · pruned
//! audit         id (ULID) pk · at · actor · action · target · outcome · detail
//! secrets       name pk · value (32 bytes)
//! codes         hash pk · email · ends_at
//! limits        key pk · full_at (microseconds)
//! ```
//!
//! Other times are milliseconds since 1970, so that each database keeps the same ones. A unique violation is
//! [`StoreError::Taken`], everything else that a database says [`StoreError::Unavailable`].
//!
//! An SQLite file is readable by its owner alone, and a commit is on the disk when it returns (write-ahead log,
//! `synchronous = FULL`).

mod audit;
mod code;
mod codes;
mod device;
mod devices;
mod file;
mod limit;
mod limits;
mod m0005_limits;
mod m0006_codes;
mod migrations;
mod removed_key;
mod secret;
mod secrets;
mod sessions;
mod user;
mod users;

use std::{io, path::PathBuf, time::Duration};

use relais_domain::ports::StoreError;
use sea_orm::{
    ConnectOptions, DatabaseConnection, DbErr, SqlErr,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use sea_orm_migration::MigratorTrait;

pub use audit::Audit;
pub use codes::Codes;
pub use devices::Devices;
pub use limits::Limits;
pub use secrets::Secrets;
pub use users::Users;

/// How long a statement waits for another writer of an SQLite file.
const BUSY: Duration = Duration::from_secs(5);
/// How long a call waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(8);
/// Readers of an SQLite file at once; there is one writer anyway.
const CONNECTIONS: u32 = 8;

/// A database. Cheap to clone; all clones are one pool of connections.
#[derive(Clone)]
pub struct Database {
    connection: DatabaseConnection,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address names no database that this program knows. The address is not shown: it may hold a password.
    #[error(
        "sql.url is no address of a database; an SQLite file is sqlite://PATH, the only kind this program is built for"
    )]
    Url,
    /// The folder for the file is not there.
    #[error("the folder {} for the database does not exist; create it, or set sql.url to another place", .0.display())]
    Folder(PathBuf),
    /// The file cannot be made, opened for writing, or closed to others.
    #[error("the database file {} cannot be opened for writing; give this user the right to, or set sql.url", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is there, but does not answer as a database.
    #[error("the database cannot be opened: is it one, and not a newer or damaged one?")]
    Connect(#[source] DbErr),
    /// Its tables cannot be brought up to date.
    #[error("the tables of the database cannot be brought up to date")]
    Migrate(#[source] DbErr),
}

impl Database {
    /// Opens the database at `url`, making an SQLite file if there is none; its folder must be there. Tables are as they
    /// were: see [`Database::migrate`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let address = url.strip_prefix("sqlite:").ok_or(OpenError::Url)?;
        let sqlite: SqliteConnectOptions = url.parse().map_err(|_| OpenError::Url)?;
        let in_memory = is_in_memory(address);
        if !in_memory {
            file::prepare(sqlite.get_filename())?;
        }
        let mut options = ConnectOptions::new(url);
        options
            // What is in memory is gone with its connection, and each would have one of its own.
            .max_connections(if in_memory { 1 } else { CONNECTIONS })
            .min_connections(1)
            .acquire_timeout(ACQUIRE)
            // Statements hold password hashes.
            .sqlx_logging(false)
            .record_stmt_in_spans(false)
            .map_sqlx_sqlite_opts(|options| {
                options
                    .foreign_keys(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(BUSY)
            });
        if in_memory {
            options.idle_timeout(None).max_lifetime(None);
        }
        let connection = sea_orm::Database::connect(options).await.map_err(OpenError::Connect)?;
        Ok(Self { connection })
    }

    /// Brings the tables up to date, and names the migrations that this took, in order. A repeat does nothing. Not for two
    /// processes at once.
    ///
    /// # Errors
    /// [`OpenError::Migrate`]; what was done before stays.
    pub async fn migrate(&self) -> Result<Vec<String>, OpenError> {
        let pending = migrations::Migrator::get_pending_migrations(&self.connection).await;
        let names = pending.map_err(OpenError::Migrate)?.iter().map(|own| own.name().to_owned()).collect();
        migrations::Migrator::up(&self.connection, None).await.map_err(OpenError::Migrate)?;
        Ok(names)
    }

    /// The users in it.
    #[must_use]
    pub fn users(&self) -> Users {
        Users { connection: self.connection.clone() }
    }

    /// The devices in it. A device's user must be in [`Database::users`].
    #[must_use]
    pub fn devices(&self) -> Devices {
        Devices { connection: self.connection.clone() }
    }

    /// Who did what, in it.
    #[must_use]
    pub fn audit(&self) -> Audit {
        Audit { connection: self.connection.clone() }
    }

    /// The secrets in it, which all instances that use this database share.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        Secrets { connection: self.connection.clone() }
    }

    /// The one-time codes in it.
    #[must_use]
    pub fn codes(&self) -> Codes {
        Codes { connection: self.connection.clone() }
    }

    /// The limits in it, which all instances that use this database share.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { connection: self.connection.clone() }
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.connection.ping().await.map_err(failed)
    }

    /// Ends all connections, after what is under way. An SQLite file is then one file, without a log beside it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await.map_err(failed)
    }
}

/// Whether what follows `sqlite:` is no file (as sqlx reads it; its options do not tell).
fn is_in_memory(address: &str) -> bool {
    let (path, parameters) = address.split_once('?').unwrap_or((address, ""));
    path.trim_start_matches("//") == ":memory:" || parameters.split('&').any(|pair| pair == "mode=memory")
}

fn failed(error: DbErr) -> StoreError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Taken,
        _ => StoreError::Unavailable(error.into()),
    }
}

/// A row that holds what this program never wrote.
fn unreadable(column: &'static str) -> StoreError {
    StoreError::Unavailable(format!("the column {column} of a row cannot be read").into())
}

mod millis {
    use jiff::Timestamp;
    use relais_domain::ports::StoreError;

    pub(super) fn read(column: &'static str, millis: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(millis).map_err(|_| super::unreadable(column))
    }
}

#[cfg(test)]
mod tests {
    use relais_domain::testing;

    use super::*;

    async fn open() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&format!("sqlite://{}/relais.db", folder.path().display())).await.unwrap();
        database.migrate().await.unwrap();
        (folder, database)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn users_keep_the_contract() {
        let (_folder, database) = open().await;
        testing::users::suite(&database.users()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn secrets_keep_the_contract() {
        let (_folder, database) = open().await;
        testing::secrets::suite(&database.secrets()).await;
        testing::codes::suite(&database.codes()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn audit_keeps_the_contract() {
        let (_folder, database) = open().await;
        testing::audit::suite(&database.audit()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn devices_keep_the_contract() {
        let (_folder, database) = open().await;
        testing::devices::suite(&database.devices(), &database.users()).await;
    }

    #[tokio::test]
    async fn in_memory_too() {
        let database = Database::open("sqlite::memory:").await.unwrap();
        database.migrate().await.unwrap();
        testing::devices::suite(&database.devices(), &database.users()).await;
    }

    #[test]
    fn in_memory_is_told_from_a_file() {
        for memory in [":memory:", "//:memory:", "//?mode=memory", "//x?cache=private&mode=memory"] {
            assert!(is_in_memory(memory), "{memory}");
        }
        for file in ["//a.db", "a.db", "///tmp/:memory:", "//a.db?mode=rwc", "//a.db?mode=memoryless"] {
            assert!(!is_in_memory(file), "{file}");
        }
    }

    /// Two pools on one file are two processes, as far as SQLite can tell.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_last_place_goes_to_one_of_two_processes() {
        use relais_domain::ports::{Devices as _, Users as _};
        let (folder, one) = open().await;
        let other = Database::open(&format!("sqlite://{}/relais.db", folder.path().display())).await.unwrap();
        one.users().insert(testing::users::user("ada")).await.unwrap();
        for round in 0..10 {
            let devices = [one.devices(), other.devices()];
            let limit = usize::from(round) + 1;
            let race = devices
                .iter()
                .zip(0..)
                .map(|(devices, side)| devices.insert(testing::devices::device("ada", round * 2 + side), limit));
            let race = futures_util::future::join_all(race).await;
            assert_eq!(race.iter().filter(|result| result.is_ok()).count(), 1, "{race:?}");
            assert!(
                race.iter().any(|result| matches!(result, Err(StoreError::Full(count)) if *count == limit)),
                "{race:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_a_restart() {
        use relais_domain::ports::Users as _;
        let (folder, database) = open().await;
        let ada = testing::users::user("ada");
        database.users().insert(ada.clone()).await.unwrap();
        database.close().await.unwrap();
        let database = Database::open(&format!("sqlite://{}/relais.db", folder.path().display())).await.unwrap();
        database.migrate().await.unwrap();
        database.ping().await.unwrap();
        assert!(database.users().by_id(&ada.id).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_lost_database_is_unavailable() {
        use relais_domain::ports::{Devices as _, Users as _};
        let (_folder, database) = open().await;
        let (users, devices) = (database.users(), database.devices());
        database.close().await.unwrap();
        let ada = testing::users::user("ada");
        assert!(matches!(users.insert(ada.clone()).await, Err(StoreError::Unavailable(_))));
        assert!(matches!(users.by_id(&ada.id).await, Err(StoreError::Unavailable(_))));
        let device = testing::devices::device("ada", 1);
        assert!(matches!(devices.insert(device, 20).await, Err(StoreError::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_device_of_nobody_is_refused() {
        use relais_domain::ports::Devices as _;
        let (_folder, database) = open().await;
        let orphan = database.devices().insert(testing::devices::device("ada", 1), 20).await;
        assert!(matches!(orphan, Err(StoreError::Unavailable(_))), "{orphan:?}");
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_told_without_its_password() {
        for url in ["", "relais.db", "postgres://ada:hunter2@localhost/relais", "sqlite", "http://x"] {
            let error = Database::open(url).await.err().unwrap();
            assert!(matches!(error, OpenError::Url) && !error.to_string().contains("hunter2"), "{url}: {error}");
        }
    }
}
