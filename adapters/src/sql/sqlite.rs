//! SQLite.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, DatabaseConnection,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{file, open_error::OpenError};

/// How long a statement waits for another writer of the file.
const BUSY: Duration = Duration::from_secs(5);
/// How long a call waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(8);
/// Readers of the file at once; there is one writer anyway.
const CONNECTIONS: u32 = 8;

/// A pool of connections to a file, which is made if it is not there, or to a database in memory.
pub(super) async fn connect(url: &str, address: &str) -> Result<DatabaseConnection, OpenError> {
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
    sea_orm::Database::connect(options).await.map_err(OpenError::Connect)
}

/// Whether what follows `sqlite:` is no file (as sqlx reads it; its options do not tell).
fn is_in_memory(address: &str) -> bool {
    let (path, parameters) = address.split_once('?').unwrap_or((address, ""));
    path.trim_start_matches("//") == ":memory:" || parameters.split('&').any(|pair| pair == "mode=memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_memory_is_told_from_a_file() {
        for memory in [":memory:", "//:memory:", "//?mode=memory", "//x?cache=private&mode=memory"] {
            assert!(is_in_memory(memory), "{memory}");
        }
        for file in ["//a.db", "a.db", "///tmp/:memory:", "//a.db?mode=rwc", "//a.db?mode=memoryless"] {
            assert!(!is_in_memory(file), "{file}");
        }
    }
}
