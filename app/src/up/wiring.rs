//! The composition root: settings in, a running backend out, in one straight line.

use std::{net::TcpListener, sync::Arc};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use relais_adapters::{http, jetstream, nats, nats_server, nkeys, sql, system, tls::Certificate};
use relais_domain::{
    auth::Auth,
    credentials::{Grantee, KeyKind, creds::Creds},
    identity::ServiceName,
    live,
    nsc::Nsc,
    peers::{Peers, Tickets},
    ports::{Bus as _, Clock, CredentialsIssuer, Grant, KeyPairs, Rng},
    routing::{Router, Service},
};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    IntoApp, addresses::Addresses, certificates::Certificates, data::Data, mail, people, provision, report::Report,
    rivals::Watch,
};
use crate::{
    error::{Error, Result},
    lifecycle::{PATIENCE, Signals},
    serve, services,
    settings::{self, Settings},
};

/// A running backend. Dropping it ends it at once, the broker too; [`Backend::stop`] ends it well.
pub struct Backend {
    // In the order in which they are to be dropped.
    http: Http,
    service: Service,
    bus: nats::Bus,
    system: nats::Bus,
    broker: Option<nats_server::Server>,
    database: sql::Database,
    report: Report,
    _rivals: Watch,
    _sweep: people::Task,
    _certificates: Option<people::Task>,
    _data: Data,
}

struct Http {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

/// What the HTTP API leads to.
struct Doors {
    auth: Auth,
    administration: http::Administration,
    ready: http::Ready,
    metrics: http::Metrics,
    mails: Option<http::CaughtMails>,
}

/// What every part needs.
pub(super) struct Basics {
    pub(super) keys: Arc<dyn KeyPairs>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: Arc<dyn Rng>,
}

impl Backend {
    /// Builds every part in order.
    ///
    /// # Errors
    /// [`Error`]; what runs by then is ended.
    pub async fn start(settings: &Settings, app: impl IntoApp) -> Result<Self> {
        let app = app.into_app();
        let external = !settings.nats.url.is_empty();
        // Before anything is made: a mistake in the routes is told at once.
        let built_in = |peers| services::built_in(peers, settings.examples.unwrap_or(!external));
        let nobody = Peers::new(Tickets::new(&[0; 32]));
        app.router.check_beside(&built_in(nobody)).map_err(relais_domain::routing::StartError::Routes)?;
        let rng: Arc<dyn Rng> = Arc::new(system::Rng);
        let keys: Arc<dyn KeyPairs> = Arc::new(nkeys::KeyPairs::new(Arc::clone(&rng)));
        let basics = Basics { keys, clock: Arc::new(system::Clock), rng };

        let certificates = Certificates::open(settings)?;
        let post = mail::post(settings, external, &basics)?;
        let data = Data::open(&settings.data)?;
        let listener = listen("http.listen", settings.http.listen)?;
        let binary = if external { None } else { Some(find(settings)?) };
        let issuer = people::store(settings, &data, &basics).await?;
        let (database, _) = provision::database(settings, data.path()).await?;
        let peers = app.peers(settings, external, &database.secrets(), &*basics.rng).await;
        let peers = peers.map_err(|error| part("the database cannot be used", error))?;
        let router = app.router.merge(built_in(peers));
        let patterns = patterns(&router)?;

        let version = binary.as_ref().map(|own| format!("nats-server {} at {}", own.version, own.path.display()));
        let broker = match binary {
            Some(binary) => Some(child(settings, &data, &issuer, binary).await?),
            None => None,
        };
        let addresses = Addresses::of(settings, broker.as_ref())?;
        let (bus, system) = connect(settings, &addresses, &patterns, &issuer, &basics).await?;
        let name = settings.service.name.clone();
        let service = serve::start(router, &bus, name.clone(), settings, "relais migrate").await?;
        let rivals = rivals(&addresses, &name, &issuer, &basics).await?;

        let counters = issuer.counters();
        let nsc = Arc::clone(&issuer);
        let (auth, setup_token) =
            people::auth(settings, &addresses, &data, issuer, &database, post.mailer, &basics).await?;
        let sweep = people::sweeping(auth.clone(), Arc::clone(&nsc), Arc::clone(&basics.clock));
        let administration = people::administration(settings, nsc, &database, &basics);
        let bound = listener.local_addr().map_err(|source| unusable("http.listen", settings.http.listen, source))?;
        let measured = service.metrics();
        let metrics: http::Metrics = Arc::new(move || measured.prometheus() + &counters.prometheus());
        let shown = certificates.http.clone();
        let scheme = if shown.is_some() { "https" } else { "http" };
        let mail = post.caught.as_ref().map(|_| format!("{scheme}://{bound}/dev/mail"));
        let doors = Doors { auth, administration, ready: ready(&bus, &database), metrics, mails: post.caught };
        let http = Http::start(settings, listener, shown, doors)?;
        let reload = broker.as_ref().map(nats_server::Server::reload);
        let certificates = certificates.keep(reload, Arc::clone(&basics.clock))?;
        let report = Report {
            ready: true,
            http: settings.http.public_url.clone().unwrap_or_else(|| format!("{scheme}://{bound}")),
            http_listen: bound,
            mail,
            nats: addresses.servers.join(","),
            websocket: addresses.websocket.first().cloned(),
            monitor: broker.as_ref().map(|broker| format!("http://{}", broker.monitor())),
            data: data.path().to_owned(),
            pid: std::process::id(),
            broker: version,
            service: name.to_string(),
            routes: patterns,
            setup_token,
        };
        Ok(Self {
            http,
            service,
            bus,
            system,
            broker,
            database,
            report,
            _rivals: rivals,
            _sweep: sweep,
            _certificates: certificates,
            _data: data,
        })
    }

    /// What runs where.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Runs until a signal, or until a part has ended that cannot be done without; then stops.
    ///
    /// # Errors
    /// [`Error`] of the part that ended.
    pub(crate) async fn run_until_end(mut self, mut signals: Signals) -> Result<()> {
        let ended = tokio::select! {
            () = signals.next() => Ok(()),
            () = self.bus.ended() => Err(Error::Ended),
            ended = &mut self.http.task => Err(http_ended(ended)),
        };
        signals.next_ends_at_once();
        self.stop().await;
        ended
    }

    /// Ends it well: no new requests, handlers finish, connections drain, the broker last.
    pub async fn stop(mut self) {
        self.http.stop().await;
        let report = self.service.drain(PATIENCE).await;
        for (pattern, messages) in &report.given_up {
            tracing::warn!(route = %pattern, messages, "given up at the end");
        }
        for (bus, what) in [(&self.bus, "application"), (&self.system, "system")] {
            if let Err(error) = bus.drain().await {
                tracing::debug!(%error, what, "a connection did not end well");
            }
        }
        if let Some(broker) = self.broker.take() {
            broker.stop().await;
        }
        if let Err(error) = self.database.clone().close().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database did not end well");
        }
    }
}

impl Http {
    fn start(
        settings: &Settings,
        listener: TcpListener,
        certificate: Option<Arc<Certificate>>,
        doors: Doors,
    ) -> Result<Self> {
        let Doors { auth, administration, ready, metrics, mails } = doors;
        let bound = listener.local_addr().map_err(|source| unusable("http.listen", settings.http.listen, source))?;
        let own = http::Settings {
            address: bound,
            tls: certificate.is_some(),
            trusted_proxies: trusted_proxies(settings),
            public_url: settings.http.public_url.clone(),
            allowed_hosts: Vec::new(),
            allowed_origins: settings.http.allowed_origins.clone(),
            administration,
            ready,
            metrics,
            mails,
        };
        let endpoint = http::endpoint(auth, own).map_err(|error| part("the HTTP API cannot be started", error))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(http::serve(listener, certificate, endpoint, stopped.map(|_| ())));
        Ok(Self { stop: Some(stop), task })
    }

    async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
            if !self.task.is_finished() && tokio::time::timeout(PATIENCE, &mut self.task).await.is_err() {
                self.task.abort();
            }
        }
    }
}

/// Those that are named; otherwise, behind a proxy, those on this machine.
fn trusted_proxies(settings: &Settings) -> http::TrustedProxies {
    match settings.http.trusted_proxies.as_slice() {
        [] if settings.behind_proxy => http::TrustedProxies::on_this_machine(),
        named => http::TrustedProxies::new(named.to_vec()),
    }
}

/// Whether the parts behind the API answer.
fn ready(bus: &nats::Bus, database: &sql::Database) -> http::Ready {
    let (bus, database) = (bus.clone(), database.clone());
    Arc::new(move || {
        let (bus, database) = (bus.clone(), database.clone());
        async move {
            if !bus.is_up() {
                return Err("the broker is away".to_owned());
            }
            database.ping().await.map_err(|_| "the database is away".to_owned())
        }
        .boxed()
    })
}

fn http_ended(ended: std::result::Result<std::io::Result<()>, tokio::task::JoinError>) -> Error {
    let source: Box<dyn std::error::Error + Send + Sync> = match ended {
        Ok(Ok(())) => "it was not told to".into(),
        Ok(Err(error)) => error.into(),
        Err(error) => error.into(),
    };
    Error::Part { what: "the HTTP API has ended".to_owned(), source }
}

pub(super) fn part(what: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Part { what: what.into(), source: source.into() }
}

fn unusable(setting: &'static str, address: std::net::SocketAddr, source: std::io::Error) -> Error {
    Error::Listen { setting, address, source }
}

fn listen(setting: &'static str, address: std::net::SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|source| unusable(setting, address, source))?;
    listener.set_nonblocking(true).map_err(|source| unusable(setting, address, source))?;
    Ok(listener)
}

fn patterns(router: &Router) -> Result<Vec<String>> {
    let routes = router.routes().map_err(relais_domain::routing::StartError::Routes)?;
    Ok(routes.into_iter().map(|route| route.pattern).collect())
}

fn find(settings: &Settings) -> Result<nats_server::Binary> {
    nats_server::find(settings.nats.server.as_deref()).map_err(|error| part("the broker cannot be started", error))
}

async fn child(
    settings: &Settings,
    data: &Data,
    issuer: &Nsc,
    binary: nats_server::Binary,
) -> Result<nats_server::Server> {
    let trust = issuer.trust().await.map_err(|error| part("the accounts cannot be read", error))?;
    let system = trust.system_account.to_string();
    let mut config = nats_server::Config::new("relais", &data.path().join("nats"), trust.operator.as_str(), &system);
    (config.listen, config.websocket) = (settings.nats.listen, settings.nats.websocket);
    config.monitor = settings.nats.monitor;
    let tls = settings.nats.tls_cert.clone().zip(settings.nats.tls_key.clone());
    config.tls = tls.map(|(certificate, key)| nats_server::Tls { certificate, key });
    config.websocket_origins.clone_from(&settings.http.allowed_origins);
    let preload = trust.accounts.iter().map(|(key, jwt)| (key.to_string(), jwt.as_str().to_owned()));
    config.preload = preload.collect();
    let started = nats_server::Server::start(&binary, config, nats_server::Options::default()).await;
    started.map_err(|error| part("the broker cannot be started", error))
}

/// A credential for this process alone, made now and kept nowhere.
async fn own_creds(issuer: &Nsc, basics: &Basics, grantee: Grantee) -> Result<Creds> {
    let pair = basics.keys.generate(KeyKind::User);
    let jwt = issuer.issue(Grant { grantee, key: pair.public, expires_at: None }).await;
    Ok(Creds { jwt: jwt.map_err(|error| part("this process got no credential", error))?, seed: pair.seed })
}

/// Looks on as an operator, a person who may ask every service what it answers.
async fn rivals(addresses: &Addresses, service: &ServiceName, issuer: &Nsc, basics: &Basics) -> Result<Watch> {
    let grantee = Grantee::Operator { name: service.clone() };
    let inbox_prefix = grantee.inbox_prefix();
    let creds = own_creds(issuer, basics, grantee).await?;
    let options = serve::options(addresses.ours.clone(), service, creds);
    Ok(Watch::start(nats::ConnectOptions { inbox_prefix, name: "relais looking on".to_owned(), ..options }))
}

/// Connects the application server, and the issuer in the system account.
async fn connect(
    settings: &Settings,
    addresses: &Addresses,
    patterns: &[String],
    issuer: &Arc<Nsc>,
    basics: &Basics,
) -> Result<(nats::Bus, nats::Bus)> {
    let grantee = Grantee::Issuer;
    let prefix = grantee.inbox_prefix();
    let creds = own_creds(issuer, basics, grantee).await?;
    let options = nats::ConnectOptions {
        inbox_prefix: prefix,
        name: "relais issuer".to_owned(),
        ..serve::options(addresses.ours.clone(), &settings.service.name, creds)
    };
    let system = nats::Bus::connect(options).await?;
    let attached = issuer.attach(Arc::new(nats::Resolver::new(system.clone()))).await;
    attached.map_err(|error| part("the broker does not take our accounts", error))?;

    tokio::spawn(keep_told(system.clone(), Arc::clone(issuer), Arc::clone(&basics.clock)));

    let (name, creds, renew) = application_creds(settings, patterns, issuer, basics).await?;
    // On a broker of its own `up` is its own operator; on another that is `relais migrate`.
    if settings.nats.url.is_empty() && settings.cache == settings::Cache::Jetstream {
        let bucket = provision::cache(&**issuer, addresses.ours.clone(), &name).await?;
        if let jetstream::Provisioned::Different(_) = bucket.provisioned {
            tracing::warn!("{bucket}");
        }
    }
    let options = serve::options(addresses.ours.clone(), &name, creds);
    let bus = match renew {
        Some(renew) => nats::Bus::connect_renewing(options, renew).await?,
        None => nats::Bus::connect(options).await?,
    };
    Ok((bus, system))
}

/// Compares what the brokers have with ours, every minute and when one is back: accounts, and revocations above all.
async fn keep_told(system: nats::Bus, issuer: Arc<Nsc>, clock: Arc<dyn Clock>) {
    let next = |known| system.reconnected(known).map(|times| times.map(|times| ((), times)));
    let round = || {
        async {
            if let Err(error) = issuer.reconcile().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the brokers were not told of our accounts");
            }
        }
        .boxed()
    };
    live::keep(&*clock, stream::unfold(1, next).boxed(), round).await;
}

/// The creds that `nats.creds` names, or fresh ones for exactly our routes; those are signed anew when the brokers do not believe
/// them any more: when all users of the account were revoked, or the key that has signed them is gone.
async fn application_creds(
    settings: &Settings,
    patterns: &[String],
    issuer: &Arc<Nsc>,
    basics: &Basics,
) -> Result<(ServiceName, Creds, Option<nats::Renew>)> {
    if let Some(path) = &settings.nats.creds {
        return serve::identity(settings, path).map(|(name, creds)| (name, creds, None));
    }
    let name = settings.service.name.clone();
    let filter = |pattern: &String| pattern.parse().map(|own: relais_domain::subject::Pattern| own.filter().clone());
    let routes = patterns.iter().filter_map(|pattern| filter(pattern).ok()).collect();
    let grantee = Grantee::Service { name: name.clone(), routes };
    let pair = basics.keys.generate(KeyKind::User);
    let grant = Grant { grantee, key: pair.public, expires_at: None };
    let jwt = issuer.issue(grant.clone()).await.map_err(|error| part("this process got no credential", error))?;
    let issuer = Arc::clone(issuer);
    let renew: nats::Renew = Arc::new(move || {
        let (issuer, grant) = (Arc::clone(&issuer), grant.clone());
        async move { issuer.issue(grant).await.ok() }.boxed()
    });
    Ok((name, Creds { jwt, seed: pair.seed }, Some(renew)))
}
