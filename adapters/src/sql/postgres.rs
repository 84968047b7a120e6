//! PostgreSQL.

use sea_orm::{
    DatabaseConnection,
    sqlx::{
        ConnectOptions as _, Connection as _, Executor as _,
        error::DatabaseError,
        postgres::{PgConnectOptions, PgConnection},
    },
};

use super::{
    open_error::{OpenError, Refusal},
    servers,
};

/// What each connection is told first. A statement takes milliseconds, so who waits longer than this waits for somebody who is
/// stuck; and that one's transaction ends when nothing has come from it for a while. What is read after a lock was waited for is
/// what the other has left (`read committed`). These are statements and no parameters of the connection, which a pooler in
/// between would not take.
const SESSION: &str = "SET statement_timeout = '15s'; SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '30s'; SET default_transaction_isolation = 'read committed'";

/// The parameters of an address that do something.
const PARAMETERS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

/// A pool of connections.
pub(super) async fn connect(url: &str) -> Result<DatabaseConnection, OpenError> {
    let options: PgConnectOptions = servers::read(&servers::known(url, &PARAMETERS))?;
    let mut options = options.disable_statement_logging();
    if options.get_application_name().is_none() {
        options = options.application_name("relais");
    }
    let connecting = async {
        let mut first = PgConnection::connect_with(&options).await?;
        first.execute(SESSION).await?;
        first.close().await
    };
    let name = options.get_database().unwrap_or(options.get_username());
    servers::first(connecting, place(&options), name, kind).await?;
    let mut pool = servers::pool("postgres");
    pool.map_sqlx_postgres_opts(move |_| options.clone()).map_sqlx_postgres_pool_opts(|pool| {
        pool.after_connect(|connection, _| Box::pin(async move { connection.execute(SESSION).await.map(drop) }))
    });
    sea_orm::Database::connect(pool).await.map_err(OpenError::Connect)
}

fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

fn kind(said: &dyn DatabaseError) -> Refusal {
    match said.code().as_deref() {
        // No such user, a wrong password, and no line in pg_hba.conf.
        Some("28000" | "28P01") => Refusal::Login,
        Some("3D000") => Refusal::Missing,
        _ => Refusal::Other,
    }
}
