//! Migrations run by one process at a time: the others wait, and find nothing left to do.
//!
//! SQLite and PostgreSQL do all of them in one transaction, which begins by taking a lock. MySQL commits each statement that changes
//! tables, so there the lock is a named one, of a connection that does nothing else.
//!
//! Text is compared byte by byte on all of them, as the domain does: on PostgreSQL the columns get the collation `C`, whose order also
//! survives a change of the system's libraries, on MySQL the database gets `utf8mb4_bin` before a table is made.

use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, sqlx::mysql::MySqlConnectOptions,
};
use sea_orm_migration::{IntoSchemaManagerConnection, MigratorTrait};

use super::{
    migrations::{Migrator, TABLES},
    mysql,
};

/// Which migrations to run, and which way.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// So many that have not run, or all.
    Up(Option<u32>),
    /// So many that have run, newest first, or all.
    #[cfg_attr(not(any(test, feature = "testing")), allow(dead_code, reason = "for tests"))]
    Down(Option<u32>),
}

/// Who migrates waits five minutes for who was first, and ten seconds for those who use a table that it changes. The number is
/// `relais`, in ASCII.
const POSTGRES_LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '300s'; \
     SELECT pg_advisory_xact_lock(125779935586675); SET LOCAL lock_timeout = '10s'";

/// Locks are the server's, so their name has the database's in it; it may have 64 letters.
const MYSQL_LOCK: &str = "SELECT GET_LOCK(CONCAT('relais migrate ', SHA1(DATABASE())), 300)";

/// Runs them, and names those that went up, in order.
pub(super) async fn run(
    connection: &DatabaseConnection,
    mysql: Option<&MySqlConnectOptions>,
    way: Way,
) -> Result<Vec<String>, DbErr> {
    // Looked at first without a lock, and without the right to change tables: mostly there is nothing to do.
    if matches!(way, Way::Up(_)) && Migrator::get_pending_migrations_read_only(connection).await?.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(options) = mysql {
        let own = mysql::alone(options).await?;
        let done = on_mysql(&own, way).await;
        // The lock ends with the connection, and the connection with this, well or not.
        let _ = own.close().await;
        return done;
    }
    let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode, ..TransactionOptions::default() };
    let transaction = connection.begin_with_options(options).await?;
    let postgres = connection.get_database_backend() == DatabaseBackend::Postgres;
    if postgres {
        transaction.execute_unprepared(POSTGRES_LOCK).await?;
    }
    let names = step(&transaction, way).await?;
    if postgres {
        compare_bytes(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(names)
}

async fn on_mysql(own: &DatabaseConnection, way: Way) -> Result<Vec<String>, DbErr> {
    let locked = own.query_one_raw(Statement::from_string(DatabaseBackend::MySql, MYSQL_LOCK)).await?;
    let locked = locked.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?.flatten();
    if locked != Some(1) {
        return Err(DbErr::Custom("somebody else has been migrating for five minutes".to_owned()));
    }
    own.execute_unprepared("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin").await?;
    step(own, way).await
}

async fn step<'c, C>(on: &'c C, way: Way) -> Result<Vec<String>, DbErr>
where
    C: ConnectionTrait,
    &'c C: IntoSchemaManagerConnection<'c>,
{
    match way {
        Way::Up(steps) => {
            let pending = Migrator::get_pending_migrations(on).await?;
            let steps = steps.map_or(pending.len(), |steps| pending.len().min(steps as usize));
            Migrator::up(on, u32::try_from(steps).ok()).await?;
            Ok(pending[..steps].iter().map(|own| own.name().to_owned()).collect())
        }
        Way::Down(steps) => Migrator::down(on, steps).await.map(|()| Vec::new()),
    }
}

/// Gives the text of our tables the collation `C` where it has another.
async fn compare_bytes<C: ConnectionTrait>(transaction: &C) -> Result<(), DbErr> {
    for table in TABLES {
        let columns = Statement::from_sql_and_values(
            DatabaseBackend::Postgres,
            "SELECT column_name::text, character_maximum_length::int FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 AND data_type = 'character varying' \
             AND collation_name IS NULL",
            [(*table).into()],
        );
        let mut changes = Vec::new();
        for column in transaction.query_all_raw(columns).await? {
            let (name, length): (String, i32) = (column.try_get_by_index(0)?, column.try_get_by_index(1)?);
            changes.push(format!(r#"ALTER COLUMN "{name}" TYPE varchar({length}) COLLATE "C""#));
        }
        if !changes.is_empty() {
            transaction.execute_unprepared(&format!(r#"ALTER TABLE "{table}" {}"#, changes.join(", "))).await?;
        }
    }
    Ok(())
}
