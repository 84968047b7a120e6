//! Users and devices in a SQL database, through sea-orm: SQLite, PostgreSQL, MySQL and MariaDB. Statements, types and migrations are
//! the same for all; where they differ (`sqlite`, `postgres`, `mysql`, `migrating`, `steps`) says why.
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
//! [`StoreError::Taken`], everything else that a database says [`StoreError::Unavailable`]. What a deadlock has ended is done again.
//!
//! An SQLite file is readable by its owner alone, and a commit is on the disk when it returns (write-ahead log,
//! `synchronous = FULL`).

mod again;
mod audit;
mod code;
mod codes;
mod device;
mod devices;
mod file;
#[cfg(feature = "testing")]
mod for_tests;
mod limit;
mod limits;
mod migrating;
mod migrations;
mod mysql;
mod open_error;
mod postgres;
mod removed_key;
mod secret;
mod secrets;
mod servers;
mod sessions;
mod sqlite;
mod steps;
mod user;
mod users;

use relais_domain::ports::StoreError;
use sea_orm::{DatabaseConnection, DbBackend, DbErr, SqlErr, sqlx::mysql::MySqlConnectOptions};

pub use audit::Audit;
pub use codes::Codes;
pub use devices::Devices;
pub use limits::Limits;
pub use open_error::OpenError;
pub use secrets::Secrets;
pub use users::Users;

/// A database. Cheap to clone; all clones are one pool of connections.
#[derive(Clone)]
pub struct Database {
    connection: DatabaseConnection,
    /// What a further connection is made with, on MySQL.
    mysql: Option<MySqlConnectOptions>,
}

impl Database {
    /// Opens the database at `url`, making an SQLite file if there is none; its folder must be there, and so must a database on a
    /// server. Tables are as they were: see [`Database::migrate`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let (scheme, address) = url.split_once(':').ok_or(OpenError::Url)?;
        let (connection, mysql) = match scheme {
            "sqlite" => (sqlite::connect(url, address).await?, None),
            "postgres" | "postgresql" => (postgres::connect(url).await?, None),
            "mysql" | "mariadb" => mysql::connect(url).await.map(|(pool, options)| (pool, Some(options)))?,
            _ => return Err(OpenError::Url),
        };
        Ok(Self { connection, mysql })
    }

    /// Brings the tables up to date, and names the migrations that this took, in order. A repeat does nothing; of several
    /// processes at once one does it, and the others wait for that.
    ///
    /// # Errors
    /// [`OpenError::Migrate`]; what was done before stays, and the next time goes on from there.
    pub async fn migrate(&self) -> Result<Vec<String>, OpenError> {
        let all = migrating::Way::Up(None);
        migrating::run(&self.connection, self.mysql.as_ref(), all).await.map_err(OpenError::Migrate)
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

    /// Whether it is on a server, where several instances of this program may use it at once.
    #[must_use]
    pub fn is_on_a_server(&self) -> bool {
        self.connection.get_database_backend() != DbBackend::Sqlite
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

fn failed(error: DbErr) -> StoreError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Taken,
        _ => StoreError::Unavailable(error.into()),
    }
}

/// A number of rows, as databases count.
fn rows(limit: usize) -> u64 {
    i64::try_from(limit).map_or(i64::MAX.unsigned_abs(), i64::unsigned_abs)
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
        let urls = ["", "relais.db", "postgres://ada:hunter2@local host/relais", "sqlite", "http://ada:hunter2@x"];
        for url in urls.into_iter().chain(["mysql://ada:hunter2@localhost", "mongodb://ada:hunter2@localhost/relais"]) {
            let error = Database::open(url).await.err().unwrap();
            assert!(matches!(error, OpenError::Url) && !error.to_string().contains("hunter2"), "{url}: {error}");
        }
        for url in ["postgres://ada:hunter2@localhost/d?sslmode=x", "mysql://ada:hunter2@localhost/d?ssl-mode=x"] {
            let error = Database::open(url).await.err().unwrap();
            assert!(matches!(error, OpenError::Parameter(_)) && !format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
