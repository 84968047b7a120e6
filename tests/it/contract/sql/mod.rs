//! The adapter `sql` on real servers: PostgreSQL and MariaDB. It keeps the contracts that the fakes keep, among several processes too,
//! and says what is wrong when a server is away or lets nobody in. (SQLite alone is tried where the adapter is.)

mod away;
mod migrations;
mod races;
mod session;

use relais_adapters::sql::Database;
use relais_domain::testing;
use tempfile::TempDir;

use crate::support::{SqlKind, SqlServer};

/// Each function as a test on both servers.
macro_rules! on_servers {
    ($($test:ident)*) => {
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test($crate::support::SqlKind::Postgres).await;
            })*
        }

        mod mariadb {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test($crate::support::SqlKind::Mariadb).await;
            })*
        }
    };
}
use on_servers;

/// A fresh database at the server of all tests, with tables.
async fn fresh(kind: SqlKind) -> Database {
    let database = Database::open(&SqlServer::shared(kind).database().await).await.unwrap();
    database.migrate().await.unwrap();
    database
}

/// Two pools on a fresh database: two processes, as far as it can tell.
async fn two(kind: SqlKind) -> [Database; 2] {
    let url = SqlServer::shared(kind).database().await;
    let [one, other] = [Database::open(&url).await.unwrap(), Database::open(&url).await.unwrap()];
    one.migrate().await.unwrap();
    [one, other]
}

/// An SQLite file, for what holds there too.
fn file() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}/relais.db", folder.path().display());
    (folder, url)
}

async fn users(kind: SqlKind) {
    testing::users::suite(&fresh(kind).await.users()).await;
}

async fn devices(kind: SqlKind) {
    let database = fresh(kind).await;
    testing::devices::suite(&database.devices(), &database.users()).await;
}

async fn secrets(kind: SqlKind) {
    testing::secrets::suite(&fresh(kind).await.secrets()).await;
}

async fn audit(kind: SqlKind) {
    testing::audit::suite(&fresh(kind).await.audit()).await;
}

on_servers!(users devices secrets audit);
