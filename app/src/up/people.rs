//! Who users, admins and keys are: the store, the front door, what admins are given, and what is tidied up.

use std::{path::PathBuf, sync::Arc};

use relais_adapters::{
    argon2::{self, Cost, Load},
    http, jwt, sql, system,
};
use relais_domain::{
    auth::{self, Auth, AuthPorts, AuthSettings, CodeKey, Proof},
    memory,
    nsc::{Nsc, Service},
    ports::{Clock, CredentialsIssuer, Mailer, Users as _},
};

use tokio::task::JoinHandle;

use super::{
    addresses::Addresses,
    data::Data,
    wiring::{Basics, part},
};
use crate::{
    engine,
    error::Result,
    serve::file,
    settings::{Settings, SettingsError},
};

/// Who issues our access tokens.
const ISSUER: &str = "relais";
/// Whom they are for.
const AUDIENCE: &str = "relais-api";

/// Operator, accounts and users, with the roles of the settings.
pub(super) async fn store(settings: &Settings, data: &Data, basics: &Basics) -> Result<Arc<Nsc>> {
    let directory = settings.nsc.creds_directory.clone().unwrap_or_else(|| data.path().join("nsc"));
    let opened = engine::open(settings, &directory, Arc::clone(&basics.keys), Arc::clone(&basics.clock));
    let nsc = opened.map_err(|error| part("the store of keys and accounts cannot be used", error))?;
    for forced in settings.forced() {
        tracing::warn!("allowed by force: {forced}");
    }
    let declared = nsc.declare(&settings.roles()?).await;
    declared.map_err(|error| part("the roles of users cannot be made", error))?;
    Ok(Arc::new(nsc))
}

/// The front door, and where the token lies that makes the first admin, while there is one.
pub(super) async fn auth(
    settings: &Settings,
    addresses: &Addresses,
    data: &Data,
    issuer: Arc<Nsc>,
    database: &sql::Database,
    mailer: Option<Arc<dyn Mailer>>,
    basics: &Basics,
) -> Result<(Auth, Option<PathBuf>)> {
    if mailer.is_none() && (settings.auth.proof == Proof::Code || settings.verifies()) {
        return Err(SettingsError::NoMail.into());
    }
    let key = data.key("access.key", &*basics.rng)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cost = Cost { memory: settings.auth.hash_memory * 1024, passes: settings.auth.hash_passes };
    let hasher = argon2::PasswordHasher::new(cost, Load::of_cores(cores), Arc::clone(&basics.rng))
        .map_err(|error| part("passwords cannot be hashed", error))?;
    let tokens = jwt::TokenIssuer::new(&key, ISSUER, AUDIENCE, Arc::clone(&basics.rng))
        .map_err(|error| part("access tokens cannot be signed", error))?;
    let admins = database.users().admins().await.map_err(|error| part("the database cannot be used", error))?;
    let (setup_token, place) = system::SetupToken::open(data.path().join("setup-token"), admins, &*basics.rng)
        .map_err(|source| file("the file with the set-up token", &data.path().join("setup-token"), source))?;
    let ports = AuthPorts {
        users: Arc::new(database.users()),
        devices: Arc::new(database.devices()),
        codes: Arc::new(database.codes()),
        // Those that use one database count together; an SQLite file has one process, which counts quicker without.
        limits: if database.is_on_a_server() {
            Arc::new(database.limits())
        } else {
            Arc::new(memory::Limits::default())
        },
        mailer,
        hasher: Arc::new(hasher),
        tokens: Arc::new(tokens),
        issuer: issuer as Arc<dyn CredentialsIssuer>,
        audit: Arc::new(database.audit()),
        belongings: Vec::new(),
        setup_token: Arc::new(setup_token),
        key_pairs: Arc::clone(&basics.keys),
        code_key: CodeKey::new(&key),
        spawner: Arc::new(system::Spawner::current()),
        clock: Arc::clone(&basics.clock),
        rng: Arc::clone(&basics.rng),
    };
    let own = AuthSettings {
        proof: settings.auth.proof,
        verify: settings.verifies(),
        mail_name: settings.mail.name.clone(),
        limits: settings.auth.limits,
        credentials_expiry: settings.nsc.expiry,
        servers: addresses.servers.clone(),
        websocket: addresses.websocket.clone(),
        ..AuthSettings::default()
    };
    Ok((Auth::new(ports, own), place))
}

/// What admins are given over HTTP.
pub(super) fn administration(
    settings: &Settings,
    nsc: Arc<Nsc>,
    database: &sql::Database,
    basics: &Basics,
) -> http::Administration {
    let service = Service {
        nsc,
        audit: Arc::new(database.audit()),
        clock: Arc::clone(&basics.clock),
        rng: Arc::clone(&basics.rng),
    };
    let resolver = http::ResolverRules {
        // A proxy asks in everybody's name, maybe from this machine.
        loopback: !settings.behind_proxy && settings.http.trusted_proxies.is_empty(),
        brokers: settings.nsc.resolver_brokers.clone(),
    };
    http::Administration { service: Some(service), expiry: settings.nsc.expiry, resolver }
}

/// A task that ends with this.
pub(super) struct Task(JoinHandle<()>);

impl Task {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Forgets what has ended, now and every hour.
pub(super) fn sweeping(auth: Auth, nsc: Arc<Nsc>, clock: Arc<dyn Clock>) -> Task {
    Task::spawn(sweep(auth, nsc, clock))
}

async fn sweep(auth: Auth, nsc: Arc<Nsc>, clock: Arc<dyn Clock>) {
    loop {
        match auth.sweep().await {
            Ok(swept) if swept == auth::Swept::default() => {}
            Ok(auth::Swept { devices, ended, users, revocations, entries, codes, limits }) => {
                tracing::info!(
                    devices,
                    ended,
                    users,
                    revocations,
                    entries,
                    codes,
                    limits,
                    "forgotten, for they have ended"
                );
            }
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "what has ended was not forgotten"),
        }
        match nsc.forget_ended().await {
            Ok(users) if users.is_empty() => {}
            Ok(users) => tracing::info!(?users, "forgotten, for their JWTs have ended"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "users that have ended were not forgotten");
            }
        }
        clock.sleep(auth::EVERY).await;
    }
}
