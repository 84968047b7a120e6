//! MySQL and MariaDB.

use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DbErr,
    sqlx::{
        self, ConnectOptions as _, Connection as _, Executor as _,
        error::DatabaseError,
        mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError},
    },
};

use super::{
    open_error::{OpenError, Refusal},
    servers,
};

/// As [`super::postgres`] says. Text that is too long is an error, and not cut. Comments are for one of the two alone: `/*M!` is read
/// by MariaDB, `/*!50708` by MySQL.
const SESSION: [&str; 2] = [
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES'), innodb_lock_wait_timeout = 5, lock_wait_timeout = 5 \
     /*M!100300 , max_statement_time = 15, idle_transaction_timeout = 30 */ /*!50708 , max_execution_time = 15000 */",
];

/// The parameters of an address that do something.
const PARAMETERS: [&str; 11] = [
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "socket",
    "charset",
];

/// How long a connection waits for others that change tables: as long as a migration may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// A pool of connections, and what further ones are made with.
pub(super) async fn connect(url: &str) -> Result<(DatabaseConnection, MySqlConnectOptions), OpenError> {
    let options: MySqlConnectOptions = servers::read(&servers::known(url, &PARAMETERS))?;
    let options = options.disable_statement_logging();
    let name = options.get_database().ok_or(OpenError::Url)?;
    let connecting = async {
        let mut first = MySqlConnection::connect_with(&options).await?;
        begin(&mut first).await?;
        first.close().await
    };
    servers::first(connecting, place(&options), name, kind).await?;
    let (mut pool, own) = (servers::pool("mysql"), options.clone());
    pool.map_sqlx_mysql_opts(move |_| own.clone())
        .map_sqlx_mysql_pool_opts(|pool| pool.after_connect(|connection, _| Box::pin(begin(connection))));
    let pool = sea_orm::Database::connect(pool).await.map_err(OpenError::Connect)?;
    Ok((pool, options))
}

/// One connection that nobody else uses and that may take its time, as a pool of one.
pub(super) async fn alone(options: &MySqlConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let (mut pool, own) = (servers::pool("mysql"), options.clone());
    pool.max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .map_sqlx_mysql_opts(move |_| own.clone());
    sea_orm::Database::connect(pool).await
}

async fn begin(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    for statement in SESSION {
        connection.execute(statement).await?;
    }
    Ok(())
}

fn place(options: &MySqlConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

fn kind(said: &dyn DatabaseError) -> Refusal {
    match said.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number) {
        Some(1045 | 1130 | 1698) => Refusal::Login,
        // Of a database that is not there, who has rights on few is told that it has none on this one.
        Some(1044 | 1049) => Refusal::Missing,
        _ => Refusal::Other,
    }
}
