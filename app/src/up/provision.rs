//! What has to be there before anything runs: the tables of the database, and what services keep in JetStream.
//!
//! `relais up` makes it on its way, `relais migrate` and `relais service add` for brokers of others.

use std::{path::Path, sync::Arc, time::Duration};

use relais_adapters::{
    jetstream::{Bucket, Provisioner},
    nats, nkeys, sql, system,
};
use relais_domain::{
    credentials::{Grantee, KeyKind, creds::Creds},
    identity::ServiceName,
    ports::{Bus as _, Clock as _, CredentialsIssuer, Grant, KeyPairs as _},
};

use super::{addresses::sqlite_url, wiring::part};
use crate::{
    error::Result,
    serve::{self, Brokers},
    settings::Settings,
};

/// How long the credential of a provisioner or issuer holds. It is made for one use and kept nowhere.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// The database, with its tables up to date, and the names of the migrations that this took. `data` is the folder of an
/// SQLite file, unless `sql.url` says otherwise.
pub(crate) async fn database(settings: &Settings, data: &Path) -> Result<(sql::Database, Vec<String>)> {
    let url = match &settings.sql.url {
        Some(url) => url.expose().to_owned(),
        None => sqlite_url(&data.join("relais.db")),
    };
    let unusable = |error| part("the database cannot be used", error);
    let database = sql::Database::open(&url).await.map_err(unusable)?;
    let applied = database.migrate().await.map_err(unusable)?;
    Ok((database, applied))
}

/// The bucket of a service's cache: makes it, if it is not there, on one of `brokers`.
pub(crate) async fn cache(issuer: &dyn CredentialsIssuer, brokers: Brokers, service: &ServiceName) -> Result<Bucket> {
    let bus = connect(issuer, Grantee::Provisioner, brokers, service).await?;
    let bucket = Provisioner::new(Arc::new(bus.clone())).cache(service).await;
    if let Err(error) = bus.drain().await {
        tracing::debug!(%error, "the provisioner's connection did not end well");
    }
    bucket.map_err(|error| part("JetStream was not provisioned", error))
}

/// A connection in the system account of `brokers`, for some minutes.
pub(crate) async fn issuer(issuer: &dyn CredentialsIssuer, brokers: Brokers, settings: &Settings) -> Result<nats::Bus> {
    connect(issuer, Grantee::Issuer, brokers, &settings.service.name).await
}

/// Connects with a credential that is made now and kept nowhere.
async fn connect(
    issuer: &dyn CredentialsIssuer,
    grantee: Grantee,
    brokers: Brokers,
    service: &ServiceName,
) -> Result<nats::Bus> {
    let pair = nkeys::KeyPairs::new(Arc::new(system::Rng)).generate(KeyKind::User);
    let expires_at = Some(system::Clock.now() + LIFE);
    let grant = Grant { grantee: grantee.clone(), key: pair.public, expires_at };
    let jwt = issuer.issue(grant).await.map_err(|error| part(format!("the {grantee} got no credential"), error))?;
    let options = nats::ConnectOptions {
        inbox_prefix: grantee.inbox_prefix(),
        name: format!("relais {grantee}"),
        ..serve::options(brokers, service, Creds { jwt, seed: pair.seed })
    };
    Ok(nats::Bus::connect(options).await?)
}
