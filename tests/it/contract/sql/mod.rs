//! The adapter `sql` on real servers: PostgreSQL and MariaDB. It keeps the contracts that the fakes keep, among several processes too,
//! and says what is wrong when a server is away or lets nobody in. (SQLite alone is tried where the adapter is.)

mod away;
mod migrations;
mod races;
mod session;

use futures_util::future::join_all;
use jiff::Timestamp;
use relais_adapters::sql::Database;
use relais_domain::{
    ports::{LimitKey, Limits as _, Rate, Taken},
    testing,
};
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

async fn codes(kind: SqlKind) {
    testing::codes::suite(&fresh(kind).await.codes()).await;
}

async fn limits(kind: SqlKind) {
    let [one, other] = two(kind).await;
    testing::limits::suite(&one.limits()).await;
    last_place(&one, &other).await;
}

/// Of two processes that take the last place, one gets it.
async fn last_place(one: &Database, other: &Database) {
    let rate: Rate = "8 per 1h".parse().unwrap();
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    for round in 0..5 {
        let key = LimitKey::new("race", &round.to_string());
        let limits = [one.limits(), other.limits()];
        let takes = (0..16).map(|n| limits[n % 2].take(&key, rate, now));
        let taken = join_all(takes).await;
        assert_eq!(taken.iter().filter(|taken| matches!(taken, Ok(Taken::Yes))).count(), 8, "{taken:?}");
    }
}

on_servers!(users devices secrets audit codes limits);
