//! What a connection to a server is told first, and what becomes of those whom others come in the way of.

use relais_adapters::sql::{Database, OpenError};
use relais_domain::{
    ports::{Devices as _, StoreError, Users as _},
    testing::{devices::device, users::user},
};

use super::{fresh, on_servers};
use crate::support::{SqlKind, SqlServer};

async fn nothing_waits_for_ever(kind: SqlKind) {
    let database = fresh(kind).await;
    let (query, told): (_, &[&str]) = match kind {
        SqlKind::Postgres => (
            "SELECT name || ' ' || setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', \
             'idle_in_transaction_session_timeout', 'default_transaction_isolation', 'application_name') ORDER BY name",
            &[
                "application_name relais",
                "default_transaction_isolation read committed",
                "idle_in_transaction_session_timeout 30000",
                "lock_timeout 5000",
                "statement_timeout 15000",
            ],
        ),
        SqlKind::Mariadb => (
            "SELECT CONCAT_WS(' ', @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@idle_transaction_timeout, \
             ROUND(@@max_statement_time), @@tx_isolation, @@sql_mode LIKE '%STRICT_TRANS_TABLES%', \
             @@character_set_connection)",
            &["5 5 30 15 READ-COMMITTED 1 utf8mb4"],
        ),
    };
    assert_eq!(database.texts(query).await.unwrap(), told);
}

/// Makes inserts into `devices` fail as victims of a deadlock, so many times; each try is counted.
async fn deadlocks(kind: SqlKind, times: u32) -> Database {
    let database = fresh(kind).await;
    let made = match kind {
        // Neither a sequence nor a table of Aria is taken back with a transaction.
        SqlKind::Postgres => vec![
            "CREATE SEQUENCE tries".to_owned(),
            format!(
                "CREATE FUNCTION victim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'victim' USING ERRCODE = '40P01'; END IF; \
                 RETURN NEW; END $$"
            ),
            "CREATE TRIGGER victims BEFORE INSERT ON devices FOR EACH ROW EXECUTE FUNCTION victim()".to_owned(),
        ],
        SqlKind::Mariadb => vec![
            "CREATE TABLE tries (last_value INT) ENGINE = Aria TRANSACTIONAL = 0".to_owned(),
            "INSERT INTO tries VALUES (0)".to_owned(),
            format!(
                "CREATE TRIGGER victims BEFORE INSERT ON devices FOR EACH ROW BEGIN \
                 UPDATE tries SET last_value = last_value + 1; \
                 IF (SELECT last_value FROM tries) <= {times} THEN SIGNAL SQLSTATE '40001'; END IF; END"
            ),
        ],
    };
    for statement in made {
        database.execute(&statement).await.unwrap();
    }
    database
}

async fn a_victim_of_a_deadlock_tries_again(kind: SqlKind) {
    let tries = match kind {
        SqlKind::Postgres => "SELECT last_value::text FROM tries",
        SqlKind::Mariadb => "SELECT CONCAT(last_value) FROM tries",
    };
    let database = deadlocks(kind, 4).await;
    database.users().insert(user("ada")).await.unwrap();
    database.devices().insert(device("ada", 1), 20).await.unwrap();
    assert_eq!(database.texts(tries).await.unwrap(), ["5"]);
    let database = deadlocks(kind, 1_000).await;
    database.users().insert(user("ada")).await.unwrap();
    let given_up = database.devices().insert(device("ada", 1), 20).await;
    assert!(matches!(given_up, Err(StoreError::Unavailable(_))), "{given_up:?}");
    assert_eq!(database.texts(tries).await.unwrap(), ["5"], "but not for ever");
}

async fn encrypted_as_the_address_asks_for(kind: SqlKind) {
    let (server, certificate) = SqlServer::with_tls(kind);
    let url = server.database().await;
    let (required, verified, cipher) = match kind {
        SqlKind::Postgres => (
            "sslmode=require".to_owned(),
            "sslmode=verify-full",
            "SELECT COALESCE(cipher, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        ),
        SqlKind::Mariadb => (
            "ssl-mode=REQUIRED".to_owned(),
            "ssl-mode=VERIFY_IDENTITY",
            "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
        ),
    };
    let root = match kind {
        SqlKind::Postgres => format!("{verified}&sslrootcert={}", certificate.display()),
        SqlKind::Mariadb => format!("{verified}&ssl-ca={}", certificate.display()),
    };
    for parameters in ["", &required, &root] {
        let database = Database::open(&format!("{url}?{parameters}")).await.unwrap();
        let cipher = database.texts(cipher).await.unwrap();
        assert!(cipher.iter().all(|cipher| cipher.contains("AES") || cipher.contains("CHACHA")), "{cipher:?}");
        assert_eq!(cipher.len(), 1);
    }
    let unknown = Database::open(&format!("{url}?{verified}")).await.err();
    assert!(matches!(unknown, Some(OpenError::Tls { .. })), "nobody vouches for it: {unknown:?}");
    let other = Database::open(&format!("{}?{root}", url.replace("127.0.0.1", "localhost"))).await.err();
    assert!(matches!(other, Some(OpenError::Tls { .. })), "it is another's: {other:?}");
}

on_servers!(encrypted_as_the_address_asks_for nothing_waits_for_ever a_victim_of_a_deadlock_tries_again);
