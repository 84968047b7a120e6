//! How tables come to be on each database, and what becomes of rows that an older version wrote.

use futures_util::future::join_all;
use relais_adapters::sql::Database;
use relais_domain::{
    credentials::{PublicKey, UserJwt},
    identity::UserId,
    ports::{Audit as _, Devices as _, Secrets as _, Standing, Users as _},
    testing,
};

use super::{file, on_servers};
use crate::support::{SqlKind, SqlServer};

/// All migrations there are.
async fn all() -> Vec<String> {
    Database::open("sqlite::memory:").await.unwrap().migrate().await.unwrap()
}

async fn up_and_down(kind: SqlKind) {
    let database = Database::open(&SqlServer::shared(kind).database().await).await.unwrap();
    let all = all().await;
    for _ in 0..2 {
        assert_eq!(database.migrate().await.unwrap(), all);
        assert_eq!(database.migrate().await.unwrap(), [""; 0], "a repeat does nothing");
        let other = match kind {
            SqlKind::Postgres => {
                "SELECT table_name || '.' || column_name FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name <> 'seaql_migrations' \
                 AND data_type = 'character varying' AND collation_name IS DISTINCT FROM 'C'"
            }
            SqlKind::Mariadb => {
                "SELECT CONCAT(table_name, '.', column_name) FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND collation_name <> 'utf8mb4_bin'"
            }
        };
        assert_eq!(database.texts(other).await.unwrap(), [""; 0], "text is compared byte by byte");
        for _ in 0..all.len() {
            database.migrate_down(Some(1)).await.unwrap();
        }
        let tables = match kind {
            SqlKind::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
            SqlKind::Mariadb => "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
        };
        assert_eq!(database.texts(tables).await.unwrap(), ["seaql_migrations"], "nothing is left");
    }
}

async fn six_at_once(kind: SqlKind) {
    let url = SqlServer::shared(kind).database().await;
    at_once(&url).await;
}

/// Each succeeds, and each migration is done by one of them.
async fn at_once(url: &str) {
    let all = all().await;
    let processes = join_all((0..6).map(|_| async { Database::open(url).await.unwrap() })).await;
    for _ in 0..3 {
        let race = join_all(processes.iter().map(Database::migrate)).await;
        let mut done: Vec<_> = race.into_iter().flat_map(Result::unwrap).collect();
        done.sort();
        assert_eq!(done, all);
        processes[0].migrate_down(None).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn six_at_once_on_a_file() {
    let (_folder, url) = file();
    at_once(&url).await;
}

/// What a version before sessions has written.
const ROWS: [&str; 6] = [
    "INSERT INTO users (id, email, password, created_at, role, admin) \
     VALUES ('ada', 'ada@example.org', '$argon2id$x', 1767225600123, 'courier', true)",
    "INSERT INTO users (id, email, password, created_at, role, admin) \
     VALUES ('bob', 'bücher@example.org', '$argon2id$y', 1767225600124, 'user', false)",
    "INSERT INTO devices (id, user_id, name, nkey, created_at, seen_at, expires_at, jwt, held_until) \
     VALUES ('phone', 'ada', 'ada''s 📱', '@KEY@', 1767225600125, 1767225600126, 1767225600127, 'jwt', 1767225600127)",
    "INSERT INTO removed_keys (nkey, held_until, pruned) VALUES ('@GONE@', NULL, false)",
    "INSERT INTO audit (id, at, actor, action, target, outcome, detail) \
     VALUES ('01kdvp2z0000000000000000a1', 1767225600128, 'relais', '@ACTION@', 'ada', 'done', '')",
    "INSERT INTO secrets (name, value) VALUES ('peers', @BYTES@)",
];

async fn rows_outlive_an_upgrade(kind: SqlKind) {
    upgrade(&SqlServer::shared(kind).database().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_outlive_an_upgrade_of_a_file() {
    let (_folder, url) = file();
    upgrade(&url).await;
}

async fn upgrade(url: &str) {
    let database = Database::open(url).await.unwrap();
    database.migrate_up(3).await.unwrap();
    let hex = "07".repeat(32);
    let bytes = if url.starts_with("postgres") { format!("'\\x{hex}'") } else { format!("x'{hex}'") };
    let action = relais_domain::audit::Action::ALL[0].to_string();
    let (key, gone) = (testing::devices::key(1), testing::devices::key(2));
    for row in ROWS {
        let row = row.replace("@KEY@", key.as_str()).replace("@GONE@", gone.as_str());
        database.execute(&row.replace("@ACTION@", &action).replace("@BYTES@", &bytes)).await.unwrap();
    }
    for _ in 0..2 {
        let done = database.migrate().await.unwrap();
        assert_eq!(done.first().map(String::as_str), Some("m0004_sessions"));
        read(&database, &gone).await;
        // The way back keeps them as well.
        database.migrate_down(Some(u32::try_from(done.len()).unwrap())).await.unwrap();
    }
    database.migrate().await.unwrap();
    read(&database, &gone).await;
    let session = testing::devices::session(1, 60);
    let renewal = relais_domain::ports::Renewal {
        seen_at: jiff::Timestamp::UNIX_EPOCH,
        expires_at: None,
        session: session.clone(),
    };
    let renewed = database.devices().renew(&"ada".parse().unwrap(), &key, &renewal).await.unwrap().unwrap();
    assert_eq!(renewed.session, Some(session), "and an old device goes on with a session");
}

/// The rows are as they were written, with what is new at its beginning.
async fn read(database: &Database, gone: &PublicKey) {
    let ids: [UserId; 2] = ["ada", "bob"].map(|id| id.parse().unwrap());
    let ada = database.users().by_id(&ids[0]).await.unwrap().unwrap();
    assert_eq!((ada.role.to_string().as_str(), ada.admin, ada.standing), ("courier", true, Standing::Active));
    assert_eq!((ada.password.expose(), ada.created_at.as_millisecond()), ("$argon2id$x", 1_767_225_600_123));
    let bob = database.users().by_email(&"bücher@example.org".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((bob.id, bob.admin, bob.standing), (ids[1].clone(), false, Standing::Active));
    let devices = database.devices().of_user(&ids[0]).await.unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!((devices[0].name.as_str(), &devices[0].session), ("ada's 📱", &None));
    assert_eq!(devices[0].expires_at.map(jiff::Timestamp::as_millisecond), Some(1_767_225_600_127));
    assert_eq!(devices[0].jwt.as_ref().map(UserJwt::as_str), Some("jwt"));
    assert!(database.devices().was_removed(gone).await.unwrap());
    assert_eq!(database.audit().list(None, 10).await.unwrap().len(), 1);
    assert_eq!(database.secrets().get_or_keep("peers", [9; 32]).await.unwrap(), [7; 32]);
}

/// MySQL commits each statement that changes tables: what was cut off goes on where it stopped.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_cut_off_goes_on() {
    let all = all().await;
    let database = Database::open(&SqlServer::shared(SqlKind::Mariadb).database().await).await.unwrap();
    // Each migration has run, as far as tables go, and the last statement of it was not made a note of.
    for (steps, undo) in [
        (1, "DROP INDEX ix_devices_user_id_created_at ON devices"),
        (2, "DROP TABLE secrets"),
        (3, "DROP TABLE audit"),
        (4, "DROP INDEX ux_devices_session ON devices"),
    ] {
        database.migrate_up(1).await.unwrap();
        if steps == 1 {
            // The foreign key wants an index, and takes another.
            database.execute("CREATE INDEX other ON devices (user_id)").await.unwrap();
        }
        database.execute(undo).await.unwrap();
        database.execute(&format!("DELETE FROM seaql_migrations WHERE version = '{}'", all[steps - 1])).await.unwrap();
        assert_eq!(database.migrate_up(1).await.unwrap(), all[steps - 1..steps]);
    }
    database.migrate().await.unwrap();
    testing::devices::suite(&database.devices(), &database.users()).await;
    // Nor does one on the way back bar it.
    database.execute("DROP INDEX ux_devices_session ON devices").await.unwrap();
    database.execute("ALTER TABLE devices DROP COLUMN session_ended").await.unwrap();
    database.migrate_down(None).await.unwrap();
    assert_eq!(database.migrate().await.unwrap(), all);
}

on_servers!(up_and_down six_at_once rows_outlive_an_upgrade);
