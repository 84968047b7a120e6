//! A server that is away, or lets nobody in.

use std::{error::Error as _, net::TcpListener};

use relais_adapters::sql::{Database, OpenError};
use relais_domain::{
    ports::{Audit as _, Devices as _, Secrets as _, StoreError, Users as _},
    testing::{devices::device, users::user},
};

use super::on_servers;
use crate::support::{SqlKind, SqlServer};

async fn a_server_that_dies_is_told_and_comes_back(kind: SqlKind) {
    let server = SqlServer::start(kind);
    let database = Database::open(&server.database().await).await.unwrap();
    database.migrate().await.unwrap();
    let ada = user("ada");
    database.users().insert(ada.clone()).await.unwrap();
    for round in 0..2_u8 {
        // One is in the middle of a statement when it dies.
        let (own, slow) = (
            database.clone(),
            match kind {
                SqlKind::Postgres => "SELECT pg_sleep(14)",
                SqlKind::Mariadb => "SELECT SLEEP(14)",
            },
        );
        let sleeping = tokio::spawn(async move { own.execute(slow).await });
        let running = match kind {
            SqlKind::Postgres => "SELECT query FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'",
            SqlKind::Mariadb => "SELECT info FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'",
        };
        while database.texts(running).await.unwrap().is_empty() {}
        server.stop();
        assert!(sleeping.await.unwrap().is_err());

        let (users, devices) = (database.users(), database.devices());
        let unavailable = |error: Option<StoreError>| assert!(matches!(error, Some(StoreError::Unavailable(_))));
        let (found, added, listed, kept, answers) = tokio::join!(
            users.by_id(&ada.id),
            devices.insert(device("ada", round), 20),
            async { database.audit().list(None, 1).await },
            async { database.secrets().get_or_keep("one", [1; 32]).await },
            database.ping(),
        );
        unavailable(found.err());
        unavailable(added.err());
        unavailable(listed.err());
        unavailable(kept.err());
        unavailable(answers.err());

        server.restart();
        assert!(users.by_id(&ada.id).await.unwrap().is_some(), "what was written is there, and so are we");
        devices.insert(device("ada", round), 20).await.unwrap();
        database.ping().await.unwrap();
    }
}

/// An error with all that it is made of, as a user would see it; no password in it.
fn told(error: &OpenError) -> String {
    let mut told = format!("{error}");
    let mut source = error.source();
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    for text in [&told, &format!("{error:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    told
}

async fn what_is_wrong_is_told_without_the_password(kind: SqlKind) {
    let server = SqlServer::shared(kind);
    let right = server.database().await;
    let name = right.rsplit('/').next().unwrap();
    let port = right.rsplit(':').next().unwrap().split('/').next().unwrap();
    let open = async |url: &str| Database::open(url).await.err().unwrap();

    let wrong = open(&server.url(name, "hunter2", name)).await;
    assert!(matches!(wrong, OpenError::Login { .. }), "{wrong:?}");
    assert!(told(&wrong).contains(&format!("127.0.0.1:{port}")), "{}", told(&wrong));
    let nobody = open(&server.url("nobody", "hunter2", name)).await;
    assert!(matches!(nobody, OpenError::Login { .. }), "{nobody:?}");
    told(&nobody);

    let missing = open(&format!("{}/nosuch", right.rsplit_once('/').unwrap().0)).await;
    assert!(matches!(missing, OpenError::Missing { .. }) && told(&missing).contains("nosuch"), "{missing:?}");

    let unknown = open(&right.replace("127.0.0.1", "nowhere.invalid")).await;
    assert!(matches!(unknown, OpenError::Unreachable { .. }), "{unknown:?}");
    assert!(told(&unknown).contains(&format!("nowhere.invalid:{port}")), "{}", told(&unknown));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = open(&right.replace(&format!("127.0.0.1:{port}"), &closed.to_string())).await;
    assert!(matches!(closed, OpenError::Unreachable { .. }) && told(&closed).contains("refused"), "{closed:?}");

    let mode = match kind {
        SqlKind::Postgres => "sslmode=require",
        SqlKind::Mariadb => "ssl-mode=REQUIRED",
    };
    let plain = open(&format!("{right}?{mode}")).await;
    assert!(matches!(plain, OpenError::Tls { .. }), "{plain:?}");
    told(&plain);
    let odd = Database::open(&format!("{right}?sslpassword=hunter2")).await.unwrap();
    odd.ping().await.unwrap();
}

on_servers!(a_server_that_dies_is_told_and_comes_back what_is_wrong_is_told_without_the_password);
