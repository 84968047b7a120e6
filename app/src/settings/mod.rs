//! Settings: what can be set, where it may be set, and where each value came from.
//!
//! Four layers, each over the one before: defaults, `relais.toml` in the working directory (or the file that
//! `RELAIS_CONFIG` or `--config` names), environment variables, flags. A variable is the name of the setting in capitals
//! behind `RELAIS_`, with `__` between levels: `http.listen` is `RELAIS_HTTP__LISTEN`. The settings `nsc.…` are also read
//! from `NSC_…`; other variables beginning with `NSC_` belong to the real nsc and are left alone. Any other name that is
//! not known is refused, with the nearest known one: a misspelt setting that is ignored in silence costs an afternoon.
//!
//! A relative path in a file is relative to that file's folder; elsewhere to the working directory. An empty value
//! means "none" for a setting that can be absent, and is refused for the others.

mod error;
mod keys;
mod layers;
mod mail;
mod read;
mod roles;
mod secret_key;
mod secret_url;
mod show;

pub use error::SettingsError;
pub use layers::{Flag, Source, Sources};
pub use mail::{InvalidSender, Mail, Sender};
pub use relais_domain::auth::{Proof, RateLimits};
pub use roles::Role;
pub use secret_key::SecretKey;
pub use secret_url::SecretUrl;
pub use show::Row;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use ipnet::IpNet;
use relais_domain::{
    auth::Expiry,
    identity::{RoleName, ServiceName, Topic},
};

/// What is logged unless told otherwise: our own news, and only warnings of the libraries below.
const LOG: &str = "info,async_nats=warn,poem=warn,sea_orm_migration=warn,sqlx=warn";

/// Everything that can be set. [`Settings::default`] is what a laptop needs.
///
/// ```
/// let mut settings = relais::settings::Settings::default();
/// settings.http.listen = "127.0.0.1:0".parse()?;
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Settings {
    /// `data`: the folder in which everything is kept.
    pub data: PathBuf,
    /// `service.…`
    pub service: Service,
    /// `examples`: whether the example routes answer; `None` is yes in `up` and no in `serve`.
    pub examples: Option<bool>,
    /// `peers`: whether users may reach each other; `None` is yes in `up` and no in `serve`.
    pub peers: Option<Reach>,
    /// `topics`: what users may speak to and hear together.
    pub topics: Vec<Topic>,
    /// `cache`: where the answers lie that handlers keep for a while.
    pub cache: Cache,
    /// `behind_proxy`: whether listeners off loopback are reached through a proxy that ends TLS.
    pub behind_proxy: bool,
    /// `http.…`
    pub http: Http,
    /// `nats.…`
    pub nats: Nats,
    /// `sql.…`
    pub sql: Sql,
    /// `auth.…`
    pub auth: Auth,
    /// `mail.…`
    pub mail: Mail,
    /// `nsc.…`
    pub nsc: Nsc,
    /// `log`: what is logged, as a filter of tracing-subscriber: `info`, `relais=debug,warn`.
    pub log: String,
}

/// The service that this process is on the bus.
#[derive(Debug, Clone)]
pub struct Service {
    /// `service.version`: its version, as in semver; `nats micro` shows it.
    pub version: String,
    /// `service.about`: what it is for, in words; `nats micro` shows it.
    pub about: String,
    /// `service.name`: its name and queue group; the built-in one is `relais`.
    pub name: ServiceName,
}

/// Whom a user may reach through the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every other user, or those of whom the policy of the program says so.
    All,
    /// Nobody.
    None,
}

/// Where the answers lie that handlers keep for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// In the memory of each process.
    Memory,
    /// In the bucket `{service}_cache` of the broker's JetStream, which all instances of the service share.
    Jetstream,
}

/// The HTTP API.
#[derive(Debug, Clone)]
pub struct Http {
    /// `http.listen`; port 0 is any free one.
    pub listen: SocketAddr,
    /// `http.public_url`: what clients are told, and whose host is ours.
    pub public_url: Option<String>,
    /// `http.allowed_origins`: origins of web apps that may call, as `https://app.example.org`.
    pub allowed_origins: Vec<String>,
    /// `http.tls_cert`: the certificate it shows, with those between it and its authority (PEM); none means plain HTTP.
    pub tls_cert: Option<PathBuf>,
    /// `http.tls_key`: its private key (PEM).
    pub tls_key: Option<PathBuf>,
    /// `http.trusted_proxies`: proxies whose word about their clients is believed; none means those on this machine, with
    /// `behind_proxy`, and otherwise nobody.
    pub trusted_proxies: Vec<IpNet>,
}

/// The broker: the child of `up`, or an external one.
#[derive(Debug, Clone)]
pub struct Nats {
    /// `nats.listen`: where the child listens for clients.
    pub listen: SocketAddr,
    /// `nats.websocket`: where it listens for browsers.
    pub websocket: SocketAddr,
    /// `nats.monitor`: where it answers monitoring, on loopback only.
    pub monitor: SocketAddr,
    /// `nats.url`: brokers to connect to; none means the child.
    pub url: Vec<SecretUrl>,
    /// `nats.creds`: the creds file to connect with.
    pub creds: Option<PathBuf>,
    /// `nats.public_urls`: what clients are told instead of `nats.listen` or `nats.url`.
    pub public_urls: Vec<String>,
    /// `nats.public_websocket`: the same for browsers.
    pub public_websocket: Vec<String>,
    /// `nats.server`: the nats-server to run; `None` is the one on PATH.
    pub server: Option<PathBuf>,
    /// `nats.tls_cert`: the certificate that the child shows, to clients and browsers (PEM); none means plain TCP.
    pub tls_cert: Option<PathBuf>,
    /// `nats.tls_key`: its private key (PEM).
    pub tls_key: Option<PathBuf>,
    /// `nats.tls_ca`: the authority of external brokers' certificates (PEM), beside the system's.
    pub tls_ca: Option<PathBuf>,
}

/// The database.
#[derive(Debug, Clone)]
pub struct Sql {
    /// `sql.url`; `None` is an SQLite file in `data`.
    pub url: Option<SecretUrl>,
}

/// How users prove who they are.
#[derive(Debug, Clone)]
pub struct Auth {
    /// `auth.proof`
    pub proof: Proof,
    /// `auth.verify`: whether an address is proven by a mailed code before the first login; `None` is when mails go out.
    pub verify: Option<bool>,
    /// `auth.hash_memory`: what hashing a password takes, in MiB.
    pub hash_memory: u32,
    /// `auth.hash_passes`: how often it goes over that.
    pub hash_passes: u32,
    /// `auth.limits.…`
    pub limits: RateLimits,
}

/// Operator, accounts, users and keys.
#[derive(Debug, Clone)]
pub struct Nsc {
    /// `nsc.engine`: who signs.
    pub engine: Engine,
    /// `nsc.path`: the nsc to run; `None` is the one on PATH.
    pub path: Option<PathBuf>,
    /// `nsc.creds_directory`: where keys and JWTs lie, as nsc lays them out; `None` is `nsc` in `data`.
    pub creds_directory: Option<PathBuf>,
    /// `nsc.seal_key`: what seeds in there are sealed with.
    pub seal_key: Option<SecretKey>,
    /// `nsc.seal_key_file`: the file of that key.
    pub seal_key_file: Option<PathBuf>,
    /// `nsc.operator`: its name.
    pub operator: String,
    /// `nsc.account`: the application account's name.
    pub account: String,
    /// `nsc.expiry`: how long credentials hold, in nsc's syntax: `6M`, `30d`, `12h`, `0` for ever.
    pub expiry: Expiry,
    /// `nsc.allow_pub`: what users that an admin makes publish to.
    pub allow_pub: Vec<String>,
    /// `nsc.allow_sub`: what they listen to.
    pub allow_sub: Vec<String>,
    /// `nsc.force`: subjects in these two that are allowed although the linter refuses them.
    pub force: Vec<String>,
    /// `nsc.resolver_brokers`: brokers that may ask the URL resolver, beside this machine.
    pub resolver_brokers: Vec<IpAddr>,
    /// `nsc.roles`: the roles of users.
    pub roles: BTreeMap<RoleName, Role>,
}

/// Who signs operator, accounts and users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// This program.
    Native,
    /// The real `nsc`.
    Nsc,
}

/// Settings together with where each came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    origins: BTreeMap<&'static str, Source>,
}

impl Default for Settings {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            data: PathBuf::from("relais-data"),
            service: Service {
                name: "relais".parse().expect("it is a service name"),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                about: String::new(),
            },
            examples: None,
            peers: None,
            topics: Vec::new(),
            cache: Cache::Memory,
            behind_proxy: false,
            http: Http {
                listen: loopback(8080),
                public_url: None,
                allowed_origins: Vec::new(),
                tls_cert: None,
                tls_key: None,
                trusted_proxies: Vec::new(),
            },
            nats: Nats {
                listen: loopback(4222),
                websocket: loopback(9222),
                monitor: loopback(8222),
                url: Vec::new(),
                creds: None,
                public_urls: Vec::new(),
                public_websocket: Vec::new(),
                server: None,
                tls_cert: None,
                tls_key: None,
                tls_ca: None,
            },
            sql: Sql { url: None },
            auth: Auth {
                proof: Proof::Password,
                verify: None,
                hash_memory: 19,
                hash_passes: 2,
                limits: RateLimits::default(),
            },
            mail: Mail::default(),
            nsc: Nsc {
                engine: Engine::Native,
                path: None,
                creds_directory: None,
                seal_key: None,
                seal_key_file: None,
                operator: "relais".to_owned(),
                account: "app".to_owned(),
                expiry: Expiry::default(),
                allow_pub: Vec::new(),
                allow_sub: Vec::new(),
                force: Vec::new(),
                resolver_brokers: Vec::new(),
                roles: BTreeMap::new(),
            },
            log: LOG.to_owned(),
        }
    }
}

impl Settings {
    /// Reads the file and the environment of this process, as a program without flags of its own does.
    ///
    /// # Errors
    /// [`SettingsError`]: names the file or variable, what it says, and what is expected.
    pub fn load() -> Result<Self, SettingsError> {
        Ok(Self::load_from(&Sources::of_process()?)?.settings)
    }

    /// Reads exactly these sources.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn load_from(sources: &Sources) -> Result<Loaded, SettingsError> {
        let (settings, origins) = layers::load(sources)?;
        settings.check()?;
        Ok(Loaded { settings, origins })
    }

    /// Where keys and JWTs lie: `nsc.creds_directory`, or `nsc` in `data`.
    #[must_use]
    pub fn creds_directory(&self) -> PathBuf {
        self.nsc.creds_directory.clone().unwrap_or_else(|| self.data.join("nsc"))
    }

    /// Whether nobody gets in before the address is proven: as `auth.verify` says, otherwise when mails go out.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.auth.proof != Proof::None && self.auth.verify.unwrap_or(self.mail.smtp_url.is_some())
    }

    /// What no single value shows.
    fn check(&self) -> Result<(), SettingsError> {
        self.lint()?;
        self.mail.check()?;
        if self.nsc.seal_key.is_some() && self.nsc.seal_key_file.is_some() {
            return Err(SettingsError::TwoSealKeys);
        }
        if self.auth.proof == Proof::None && self.behind_proxy {
            return Err(SettingsError::OpenProxy);
        }
        if self.auth.proof == Proof::None && !self.http.listen.ip().is_loopback() {
            return Err(SettingsError::OpenDoor { listen: self.http.listen });
        }
        let http = both(["http.tls_cert", "http.tls_key"], &self.http.tls_cert, &self.http.tls_key)?;
        let nats = both(["nats.tls_cert", "nats.tls_key"], &self.nats.tls_cert, &self.nats.tls_key)?;
        let listeners = [
            ("http.listen", self.http.listen, http),
            ("nats.listen", self.nats.listen, nats),
            ("nats.websocket", self.nats.websocket, nats),
        ];
        let plain = listeners.into_iter().find(|(_, listen, tls)| !tls && !listen.ip().to_canonical().is_loopback());
        if let Some((setting, listen, _)) = plain.filter(|_| !self.behind_proxy) {
            return Err(SettingsError::Plain { setting, listen });
        }
        Ok(())
    }
}

/// Whether certificate and key are set; one alone is a mistake.
fn both(names: [&'static str; 2], certificate: &Option<PathBuf>, key: &Option<PathBuf>) -> Result<bool, SettingsError> {
    match (certificate, key) {
        (Some(_), None) => Err(SettingsError::Half { set: names[0], missing: names[1] }),
        (None, Some(_)) => Err(SettingsError::Half { set: names[1], missing: names[0] }),
        (certificate, _) => Ok(certificate.is_some()),
    }
}

#[cfg(test)]
mod tests;
