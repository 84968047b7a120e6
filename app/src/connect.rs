//! Where the commands meet the broker and the keys: the only functions through which they reach either.

use std::{path::Path, sync::Arc};

use relais_adapters::{
    http,
    jetstream::Bucket,
    nats::{self},
    nkeys,
    nsc::{self, Backup},
    sql, system,
};
use relais_domain::{
    identity::ServiceName,
    live::Report,
    nsc::{Nsc, Service},
    ports::{Bus, Clock as _, CredentialsIssuer, Devices, IssueError, KeyPairs},
};

use crate::{
    engine,
    exit::{Exit, Failure},
    serve::{self, Brokers},
    settings::Settings,
    up::provision,
};

/// Key pairs from the system's randomness.
#[must_use]
pub fn key_pairs() -> Arc<dyn KeyPairs> {
    Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)))
}

/// The time.
pub(crate) fn now() -> jiff::Timestamp {
    system::Clock.now()
}

/// The engine that signs for the installation in `nsc.creds_directory`.
///
/// # Errors
/// When the store there cannot be used.
pub fn issuer(settings: &Settings) -> Result<Arc<dyn CredentialsIssuer>, Failure> {
    Ok(Arc::new(nsc(settings)?))
}

pub(crate) fn nsc(settings: &Settings) -> Result<Nsc, Failure> {
    let opened = engine::open(settings, &settings.creds_directory(), key_pairs(), Arc::new(system::Clock));
    opened.map_err(|error| Failure::of(Exit::Failed, &error))
}

/// Whether there is an operator in the store of these settings.
pub(crate) fn is_set_up(settings: &Settings) -> bool {
    engine::of_store(settings, &settings.creds_directory()).is_set_up()
}

/// Writes the store into the file `out`.
///
/// # Errors
/// When the store cannot be used, or `out` is there.
pub(crate) fn back_up(settings: &Settings, out: &Path) -> Result<Backup, Failure> {
    let own = engine::of_store(settings, &settings.creds_directory());
    let made =
        engine::seal(settings).and_then(|seal| nsc::backup(&own, seal, key_pairs(), Arc::new(system::Clock), out));
    made.map_err(|error| Failure::of(Exit::Failed, &error))
}

/// Brings back what [`back_up`] has written.
///
/// # Errors
/// When there is a store, or the file is no whole one.
pub(crate) fn restore(settings: &Settings, file: &Path) -> Result<Backup, Failure> {
    let own = engine::of_store(settings, &settings.creds_directory());
    let made =
        engine::seal(settings).and_then(|seal| nsc::restore(file, &own, seal, key_pairs(), Arc::new(system::Clock)));
    made.map_err(|error| Failure::of(Exit::Failed, &error))
}

/// Writes every sealed secret of the store plain again; how many there were. `None` where no key was given.
///
/// # Errors
/// When one cannot be opened.
pub(crate) fn unseal(settings: &Settings) -> Result<Option<usize>, Failure> {
    let own = engine::of_store(settings, &settings.creds_directory());
    let done =
        engine::seal(settings).and_then(|seal| seal.map(|seal| nsc::unseal(&own, seal, key_pairs())).transpose());
    done.map_err(|error| Failure::of(Exit::Failed, &error))
}

/// How the brokers stand to every account in the store.
///
/// # Errors
/// [`Exit::NoAnswer`] when there is no broker.
pub(crate) async fn compare_accounts(settings: &Settings) -> Result<Vec<Report>, Failure> {
    at_brokers(settings, async |native| native.compare().await).await
}

/// Pushes every account in the store; how the brokers stand to them then.
///
/// # Errors
/// [`Exit::NoAnswer`] when there is no broker.
pub(crate) async fn push_accounts(settings: &Settings) -> Result<Vec<Report>, Failure> {
    at_brokers(settings, async |native| native.push_all().await).await
}

/// Lets the store speak to the brokers, as an issuer whose credential holds for minutes.
async fn at_brokers<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Nsc) -> Result<T, IssueError>,
) -> Result<T, Failure> {
    let native = nsc(settings)?;
    let bus = provision::issuer(&native, brokers(settings)?, settings).await.map_err(no_broker)?;
    native.reach(Arc::new(nats::Resolver::new(bus.clone()))).await;
    let done = work(&native).await;
    if let Err(error) = bus.drain().await {
        tracing::debug!(%error, "the issuer's connection did not end well");
    }
    done.map_err(|error| match error {
        error @ IssueError::NotPushed(_) => Failure::of(Exit::NoAnswer, &error),
        error => error.into(),
    })
}

/// What commands change operator, accounts and users with: noted in the audit, and pushed where a broker is there.
pub(crate) struct Administration {
    pub(crate) service: Service,
    pub(crate) devices: Arc<dyn Devices>,
    bus: Option<nats::Bus>,
    database: sql::Database,
}

impl Administration {
    /// Opens the store and the database, and connects to the broker of `nats.url`, or to that of a `relais up` on this machine.
    /// Without one, what changes accounts is stored, and says that nobody was told.
    ///
    /// # Errors
    /// When the store or the database cannot be used.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Failure> {
        let nsc = nsc(settings)?;
        let (database, _) = provision::database(settings, &settings.data).await?;
        let bus = match provision::issuer(&nsc, brokers(settings)?, settings).await {
            Ok(bus) => Some(bus),
            Err(error) => {
                tracing::info!(error = &error as &dyn std::error::Error, "there is no broker to tell");
                None
            }
        };
        if let Some(bus) = &bus {
            nsc.reach(Arc::new(nats::Resolver::new(bus.clone()))).await;
        }
        let service = Service {
            nsc: Arc::new(nsc),
            audit: Arc::new(database.audit()),
            clock: Arc::new(system::Clock),
            rng: Arc::new(system::Rng),
        };
        Ok(Self { service, devices: Arc::new(database.devices()), bus, database })
    }

    /// Ends it.
    pub(crate) async fn close(self) {
        if let Some(bus) = self.bus
            && let Err(error) = bus.drain().await
        {
            tracing::debug!(%error, "the issuer's connection did not end well");
        }
        if let Err(error) = self.database.close().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database did not end well");
        }
    }
}

/// The brokers of `nats.url`, or that of a `relais up` on this machine.
fn brokers(settings: &Settings) -> Result<Brokers, crate::Error> {
    let servers = match settings.nats.url.as_slice() {
        [] if settings.nats.tls_cert.is_some() => vec![format!("tls://{}", settings.nats.listen)],
        [] => vec![format!("nats://{}", settings.nats.listen)],
        urls => urls.iter().map(|url| url.expose().to_owned()).collect(),
    };
    Ok(Brokers { servers, security: serve::security(settings)? })
}

fn no_broker(error: crate::Error) -> Failure {
    match &error {
        crate::Error::Connect(_) => Failure::of(Exit::NoAnswer, &error)
            .hint("start the broker, or name it with --set nats.url=nats://HOST:PORT, and run this again"),
        _ => error.into(),
    }
}

/// Makes what a service keeps in JetStream, on the broker of `nats.url`, or on that of a `relais up` on this machine.
///
/// # Errors
/// [`Exit::NoAnswer`] when there is no such broker.
pub(crate) async fn provision(
    settings: &Settings,
    issuer: &dyn CredentialsIssuer,
    service: &ServiceName,
) -> Result<Bucket, Failure> {
    provision::cache(issuer, brokers(settings)?, service).await.map_err(no_broker)
}

/// The OpenAPI document of the HTTP API.
#[must_use]
pub fn openapi() -> String {
    http::openapi_json()
}
