//! Profiles: who is logged in where, in the user's config folder.
//!
//! `{config}/relais/{profile}/` (0700) holds `creds` (JWT and seed), `access` and `refresh` (the tokens of the HTTP API) and
//! `profile.json` (what is not secret), all 0600. A login takes `profile.json` away first and writes it last, so a process
//! killed in between leaves a profile that is logged out, never one that mixes two logins. Whatever cannot be read is
//! told as "log in again": nothing here is worth more than a login.

#[cfg(feature = "cli")]
use std::env;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use relais_adapters::{files, http_client::PermissionLists, nkeys, system};
use relais_domain::{
    credentials::creds::Creds,
    identity::{DeviceId, UserId},
    secret::Secret,
    subject::Subject,
};
use serde::{Deserialize, Serialize};

/// The folder of all profiles.
#[derive(Debug, Clone)]
pub struct Profiles {
    root: PathBuf,
}

/// Who is logged in, and what the server said about brokers and permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The HTTP API that was logged in at.
    pub server: String,
    /// Who.
    pub user_id: UserId,
    /// Their address.
    pub email: String,
    /// This device.
    pub device_id: DeviceId,
    /// Brokers.
    pub servers: Vec<String>,
    /// Brokers, for browsers.
    pub websocket: Vec<String>,
    /// What goes in front of inboxes.
    pub inbox_prefix: String,
    /// When the creds end; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// What they allow.
    pub permissions: PermissionLists,
    /// The authority of the server's and brokers' certificates, as PEM text; `None` is one of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// What opens the HTTP API. It has no `Debug`.
#[derive(Clone)]
pub struct Tokens {
    /// For minutes.
    pub access: Secret,
    /// Gets the next ones; good once.
    pub refresh: Secret,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The name is none.
    #[error("{0:?} is no name of a profile: 1 to 64 letters, digits, -, _ and ., not beginning with a dot")]
    Name(String),
    /// There is no config folder.
    #[error("this user has no config folder")]
    NoFolder,
    /// Nobody has logged in on it.
    #[error("nobody is logged in on the profile {profile}")]
    NotLoggedIn {
        /// Which.
        profile: String,
    },
    /// A file is there, but damaged or not readable.
    #[error("the login in {} cannot be used: {reason}", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Logged in, but elsewhere.
    #[error("the profile {profile} is logged in at {own}, not at {asked}")]
    OtherServer {
        /// Which.
        profile: String,
        /// Where it is logged in.
        own: String,
        /// What `--server` says.
        asked: String,
    },
    /// The folder cannot be written.
    #[error("cannot write {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

const CREDS: &str = "creds";
const ACCESS: &str = "access";
const REFRESH: &str = "refresh";
const PROFILE: &str = "profile.json";

impl Profiles {
    /// Those of this user: `relais` in `$XDG_CONFIG_HOME`, or in the system's folder for settings.
    ///
    /// # Errors
    /// [`ProfileError::NoFolder`].
    #[cfg(feature = "cli")]
    pub fn of_user() -> Result<Self, ProfileError> {
        let given = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let system = || directories::BaseDirs::new().map(|folders| folders.config_dir().to_owned());
        let root = given.or_else(system).ok_or(ProfileError::NoFolder)?;
        Ok(Self::at(root.join("relais")))
    }

    /// Those under `root`.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where the creds of a profile lie.
    ///
    /// # Errors
    /// [`ProfileError::Name`].
    pub fn creds_path(&self, name: &str) -> Result<PathBuf, ProfileError> {
        Ok(self.folder(name)?.join(CREDS))
    }

    /// Who is logged in on `name`; `server`, when given, must be where.
    ///
    /// # Errors
    /// [`ProfileError::NotLoggedIn`], [`ProfileError::Corrupt`], [`ProfileError::OtherServer`], [`ProfileError::Name`].
    pub fn open(&self, name: &str, server: Option<&str>) -> Result<Profile, ProfileError> {
        let path = self.folder(name)?.join(PROFILE);
        let text = read(&path, name)?;
        let corrupt = |reason: String| ProfileError::Corrupt { path: path.clone(), reason };
        let profile: Profile = serde_json::from_str(&text).map_err(|error| corrupt(error.to_string()))?;
        if profile.inbox_prefix.parse::<Subject>().is_err() {
            return Err(corrupt("its inbox_prefix is no subject".to_owned()));
        }
        if profile.servers.is_empty() {
            return Err(corrupt("it names no broker".to_owned()));
        }
        match server.map(|server| server.trim_end_matches('/')) {
            Some(asked) if asked != profile.server => Err(ProfileError::OtherServer {
                profile: name.to_owned(),
                own: profile.server,
                asked: asked.to_owned(),
            }),
            _ => Ok(profile),
        }
    }

    /// The creds of a profile.
    ///
    /// # Errors
    /// [`ProfileError::NotLoggedIn`], [`ProfileError::Corrupt`], [`ProfileError::Name`].
    pub fn creds(&self, name: &str) -> Result<Creds, ProfileError> {
        let path = self.creds_path(name)?;
        let text = Secret::from(read(&path, name)?);
        Creds::parse(text.expose()).map_err(|error| ProfileError::Corrupt { path, reason: error.to_string() })
    }

    /// What renews the login of a profile; `None` when there is no such file.
    ///
    /// # Errors
    /// [`ProfileError::Corrupt`], [`ProfileError::Name`].
    pub fn refresh_token(&self, name: &str) -> Result<Option<Secret>, ProfileError> {
        match read(&self.folder(name)?.join(REFRESH), name) {
            Ok(text) => Ok(Some(Secret::from(text))),
            Err(ProfileError::NotLoggedIn { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether half of the life of a profile's creds is over at `now`, so that they are to be renewed; never, if they never end or
    /// cannot be renewed.
    ///
    /// # Errors
    /// As [`Profiles::creds`].
    pub fn is_half_over(&self, name: &str, now: Timestamp) -> Result<bool, ProfileError> {
        if self.refresh_token(name)?.is_none() {
            return Ok(false);
        }
        let path = self.creds_path(name)?;
        let keys = nkeys::KeyPairs::new(Arc::new(system::Rng));
        let claims = self.creds(name)?.check(&keys);
        let claims = claims.map_err(|error| ProfileError::Corrupt { path, reason: error.to_string() })?;
        let half = claims.issued_at.midpoint(claims.expires_at);
        Ok(claims.expires_at != 0 && half <= now.as_second())
    }

    /// Forgets the login of a profile.
    ///
    /// # Errors
    /// [`ProfileError::Io`], [`ProfileError::Name`].
    pub fn forget(&self, name: &str) -> Result<(), ProfileError> {
        let folder = self.folder(name)?;
        // In this order nobody takes half of it for a login.
        for file in [PROFILE, CREDS, REFRESH, ACCESS] {
            match fs::remove_file(folder.join(file)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ProfileError::Io { path: folder.join(file), source: error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Stores a login, in place of the one that was there.
    ///
    /// # Errors
    /// [`ProfileError::Io`], [`ProfileError::Name`].
    pub fn save(&self, name: &str, profile: &Profile, creds: &Creds, tokens: &Tokens) -> Result<PathBuf, ProfileError> {
        let folder = self.folder(name)?;
        let failed = |source| ProfileError::Io { path: folder.clone(), source };
        files::make_private_folder(&folder, true).map_err(failed)?;
        // Two logins at once take turns; the lock ends with the file.
        let lock = fs::File::create(folder.join(".lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let json = serde_json::to_vec_pretty(profile).map_err(|error| failed(error.into()))?;
        match fs::remove_file(folder.join(PROFILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        files::write_private(&folder.join(CREDS), creds.format().expose().as_bytes()).map_err(failed)?;
        files::write_private(&folder.join(ACCESS), tokens.access.expose().as_bytes()).map_err(failed)?;
        files::write_private(&folder.join(REFRESH), tokens.refresh.expose().as_bytes()).map_err(failed)?;
        files::write_private(&folder.join(PROFILE), &json).map_err(failed)?;
        Ok(folder.join(CREDS))
    }

    /// Waits until no other process renews the login of a profile; until the file is dropped, none does.
    ///
    /// # Errors
    /// [`ProfileError::Io`], [`ProfileError::Name`].
    pub(crate) fn turn(&self, name: &str) -> Result<fs::File, ProfileError> {
        let path = self.folder(name)?.join(".turn");
        let failed = |source| ProfileError::Io { path: path.clone(), source };
        let file = fs::File::create(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    fn folder(&self, name: &str) -> Result<PathBuf, ProfileError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(ProfileError::Name(name.chars().take(64).collect()));
        }
        Ok(self.root.join(name))
    }
}

fn read(path: &Path, profile: &str) -> Result<String, ProfileError> {
    fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ProfileError::NotLoggedIn { profile: profile.to_owned() },
        _ => ProfileError::Corrupt { path: path.to_owned(), reason: error.to_string() },
    })
}

#[cfg(test)]
#[path = "profile_tests.rs"]
pub(crate) mod tests;
