//! A service of your own: its routes, against a broker that runs elsewhere.

use std::{fs, io::IsTerminal as _, path::Path, sync::Arc};

use relais_adapters::{
    jetstream,
    nats::{self, ConnectOptions, Security},
    nkeys, system,
    tls::Trust,
};
use relais_domain::{
    cache::Cache,
    credentials::{
        Grantee, UserClaims,
        creds::{Creds, CredsError},
    },
    identity::ServiceName,
    memory,
    ports::{self, Bus as _, Clock, Rng},
    routing::{Complete, Router, Service, ServiceOptions, ServicePorts},
    secret::Secret,
};

use crate::{
    error::{Error, Result},
    lifecycle::{PATIENCE, Signals},
    settings::{self, Settings, SettingsError},
};

/// Where a broker is when `nats.url` does not say: where `relais up` runs one.
const URL: &str = "nats://127.0.0.1:4222";

/// Runs the routes of `router` as a service, until Ctrl-C or SIGTERM.
///
/// It connects to `nats.url` (`nats://127.0.0.1:4222` unless set) with the creds in `nats.creds`, which
/// `relais service add NAME` makes, and with it the bucket that `cache = "jetstream"` wants. The name in them is the service's name and queue group: of several instances each
/// message reaches one. At the end handlers that run are waited for, up to ten seconds.
///
/// # Errors
/// [`Error`]; among them every mistake in the router, with file and line.
pub async fn serve(settings: Settings, router: impl Complete) -> Result<()> {
    let router = router.complete();
    log(&settings.log);
    let mut signals = Signals::listen().map_err(|source| file("the signals of", Path::new("this process"), source))?;
    let path = settings.nats.creds.clone().ok_or(Error::NoCreds)?;
    let (name, creds) = identity(&settings, &path)?;
    // Shown, an address hides the password that may stand in it.
    let (servers, shown): (Vec<_>, Vec<_>) = match settings.nats.url.as_slice() {
        [] => (vec![URL.to_owned()], vec![URL.to_owned()]),
        urls => urls.iter().map(|url| (url.expose().to_owned(), url.to_string())).unzip(),
    };
    let brokers = Brokers { servers, security: security(&settings)? };
    let bus = nats::Bus::connect(options(brokers, &name, creds)).await?;
    let patterns: Vec<_> =
        router.routes().map(|own| own.into_iter().map(|route| route.pattern).collect()).unwrap_or_default();
    let mut service = start(router, &bus, name.clone(), &settings, &format!("relais service add {name}")).await?;
    tracing::info!(service = %name, routes = %patterns.join(", "), servers = %shown.join(", "), "answering");
    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        () = bus.ended() => Err(Error::Ended),
    };
    signals.next_ends_at_once();
    let report = service.drain(PATIENCE).await;
    for (pattern, messages) in &report.given_up {
        tracing::warn!(route = %pattern, messages, "given up at the end");
    }
    if let Err(error) = bus.drain().await {
        tracing::warn!(%error, "the connection did not end well");
    }
    ended
}

pub(crate) fn file(what: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File { what, path: path.to_owned(), source }
}

/// A creds file, whole and undamaged, and what its JWT claims.
pub(crate) fn read_creds(path: &Path) -> Result<(Creds, UserClaims)> {
    let text = fs::read_to_string(path).map_err(|source| file("the creds file", path, source))?;
    let text = Secret::from(text);
    let wrong = |error: CredsError| Error::Creds { path: path.to_owned(), source: error.into() };
    let creds = Creds::parse(text.expose()).map_err(wrong)?;
    let claims = creds.check(&nkeys::KeyPairs::new(Arc::new(system::Rng))).map_err(wrong)?;
    Ok((creds, claims))
}

/// Who the creds say we are.
pub(crate) fn identity(settings: &Settings, path: &Path) -> Result<(ServiceName, Creds)> {
    let (creds, claims) = read_creds(path)?;
    let own = claims.name.strip_prefix("svc-").and_then(|name| name.parse::<ServiceName>().ok());
    let own = own.ok_or_else(|| Error::Creds {
        path: path.to_owned(),
        source: format!("they are those of {}, which is no service", claims.name).into(),
    })?;
    let set = &settings.service.name;
    if set.as_str() != "relais" && *set != own {
        return Err(Error::OtherService { set: set.to_string(), own: own.to_string(), path: path.to_owned() });
    }
    Ok((own, creds))
}

/// Where brokers are, and what is asked of the way there.
#[derive(Clone)]
pub(crate) struct Brokers {
    pub(crate) servers: Vec<String>,
    pub(crate) security: Security,
}

/// What is asked of the way to the brokers of these settings. Whoever operates them decides whether their network is one in
/// which TLS can be done without.
pub(crate) fn security(settings: &Settings) -> Result<Security> {
    let own = &settings.nats;
    let unusable = |setting, path: &Path| {
        let path = path.to_owned();
        move |source| SettingsError::Ca { setting, path, source }
    };
    let trust = match (&own.tls_cert, &own.tls_ca) {
        // The broker is a child on this machine, and we know its certificate, whatever names stand in it.
        (Some(path), _) if own.url.is_empty() => Trust::only(path).map_err(unusable("nats.tls_cert", path))?,
        (_, Some(path)) => Trust::with_ca(path).map_err(unusable("nats.tls_ca", path))?,
        _ => Trust::default(),
    };
    Ok(Security { trust, plain: true })
}

/// How a service connects.
pub(crate) fn options(brokers: Brokers, name: &ServiceName, creds: Creds) -> ConnectOptions {
    let rng: Arc<dyn Rng> = Arc::new(system::Rng);
    ConnectOptions {
        servers: brokers.servers,
        security: brokers.security,
        jwt: creds.jwt,
        seed: creds.seed,
        inbox_prefix: Grantee::Service { name: name.clone(), routes: Vec::new() }.inbox_prefix(),
        name: name.to_string(),
        keys: Arc::new(nkeys::KeyPairs::new(Arc::clone(&rng))),
        rng,
    }
}

/// Starts the routes. `command` is what makes the bucket of the cache, should it not be there.
pub(crate) async fn start(
    router: Router,
    bus: &nats::Bus,
    name: ServiceName,
    settings: &Settings,
    command: &str,
) -> Result<Service> {
    let cache = Cache::new(cache(settings, bus, &name, command).await?);
    let ports = ServicePorts {
        bus: Arc::new(bus.clone()),
        clock: Arc::new(system::Clock) as Arc<dyn Clock>,
        rng: Arc::new(system::Rng),
        cache,
    };
    let mut options = ServiceOptions::new(name);
    let own = &settings.service;
    (options.version, options.about) = (own.version.clone(), own.about.clone());
    Ok(Service::start(router, ports, &system::Spawner::current(), options).await?)
}

/// Where the answers lie that handlers keep for a while.
async fn cache(
    settings: &Settings,
    bus: &nats::Bus,
    name: &ServiceName,
    command: &str,
) -> Result<Arc<dyn ports::Cache>> {
    let clock = Arc::new(system::Clock);
    if settings.cache == settings::Cache::Memory {
        return Ok(Arc::new(memory::Cache::with_defaults(clock)));
    }
    match jetstream::Cache::open(Arc::new(bus.clone()), name.clone(), clock).await {
        Ok(cache) => Ok(Arc::new(cache)),
        Err(jetstream::OpenError::Missing { bucket }) => Err(Error::NoBucket { bucket, command: command.to_owned() }),
        Err(error) => Err(Error::Cache(error)),
    }
}

/// Logs to standard error, unless the program has set up logging of its own.
fn log(filter: &str) {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_default();
    let colour = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    let _ = subscriber.try_init();
}
