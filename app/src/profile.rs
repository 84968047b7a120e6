//! Profiles: who is logged in where, in the user's config folder.
//!
//! `{config}/relais/{profile}/` (0700) holds `creds` (JWT and seed), `access` (the HTTP access token) and
//! `profile.json` (what is not secret), all 0600. A login takes `profile.json` away first and writes it last, so a process
//! killed in between leaves a profile that is logged out, never one that mixes two logins. Whatever cannot be read is
//! told as "log in again": nothing here is worth more than a login.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use relais_adapters::{files, http_client::PermissionLists};
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
const PROFILE: &str = "profile.json";

impl Profiles {
    /// Those of this user: `relais` in `$XDG_CONFIG_HOME`, or in the system's folder for settings.
    ///
    /// # Errors
    /// [`ProfileError::NoFolder`].
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

    /// Stores a login, in place of the one that was there.
    ///
    /// # Errors
    /// [`ProfileError::Io`], [`ProfileError::Name`].
    pub fn save(&self, name: &str, profile: &Profile, creds: &Creds, access: &Secret) -> Result<PathBuf, ProfileError> {
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
        files::write_private(&folder.join(ACCESS), access.expose().as_bytes()).map_err(failed)?;
        files::write_private(&folder.join(PROFILE), &json).map_err(failed)?;
        Ok(folder.join(CREDS))
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
pub(crate) mod tests {
    use relais_domain::credentials::UserJwt;

    use super::*;

    pub(crate) fn ada() -> Profile {
        Profile {
            server: "http://127.0.0.1:8080".to_owned(),
            user_id: "ada".parse().unwrap(),
            email: "ada@example.org".to_owned(),
            device_id: "d1".parse().unwrap(),
            servers: vec!["nats://127.0.0.1:4222".to_owned()],
            websocket: Vec::new(),
            inbox_prefix: "_INBOX.ada".to_owned(),
            expires_at: None,
            permissions: PermissionLists {
                publish: vec!["from.ada.>".to_owned()],
                subscribe: vec!["to.ada.>".to_owned()],
            },
        }
    }

    pub(crate) fn creds(seed: &str) -> Creds {
        Creds { jwt: UserJwt::from_text("a.b.c".to_owned()), seed: Secret::from(seed) }
    }

    pub(crate) fn logged_in() -> (tempfile::TempDir, Profiles) {
        let folder = tempfile::tempdir().unwrap();
        let profiles = Profiles::at(folder.path().join("relais"));
        profiles.save("default", &ada(), &creds("SUABC"), &Secret::from("tok")).unwrap();
        (folder, profiles)
    }

    #[test]
    fn a_login_is_stored_for_this_user_alone() {
        let (_folder, profiles) = logged_in();
        assert_eq!(profiles.open("default", None).unwrap(), ada());
        assert_eq!(profiles.creds("default").unwrap().seed.expose(), "SUABC");
        #[cfg(unix)]
        for (file, mode) in [("", 0o700), (CREDS, 0o600), (ACCESS, 0o600), (PROFILE, 0o600)] {
            use std::os::unix::fs::PermissionsExt as _;
            let path = profiles.folder("default").unwrap().join(file);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
        }
    }

    #[test]
    fn damage_asks_for_a_login_and_never_panics() {
        for (file, text) in [
            (PROFILE, ""),
            (PROFILE, "{"),
            (PROFILE, "null"),
            (PROFILE, r#"{"server": "x"}"#),
            (CREDS, ""),
            (CREDS, "hello"),
        ] {
            let (_folder, profiles) = logged_in();
            fs::write(profiles.folder("default").unwrap().join(file), text).unwrap();
            let error = match file {
                PROFILE => profiles.open("default", None).err(),
                _ => profiles.creds("default").err(),
            };
            assert!(matches!(error, Some(ProfileError::Corrupt { .. })), "{file} {text}");
        }
        let (_folder, profiles) = logged_in();
        let path = profiles.folder("default").unwrap();
        fs::write(path.join(PROFILE), b"\xff\xfe").unwrap();
        assert!(matches!(profiles.open("default", None), Err(ProfileError::Corrupt { .. })));
        fs::remove_file(path.join(CREDS)).unwrap();
        fs::create_dir(path.join(CREDS)).unwrap();
        assert!(matches!(profiles.creds("default"), Err(ProfileError::Corrupt { .. })), "unreadable");
        let mut foreign = ada();
        foreign.inbox_prefix = "_INBOX.>".to_owned();
        fs::write(path.join(PROFILE), serde_json::to_vec(&foreign).unwrap()).unwrap();
        assert!(matches!(profiles.open("default", None), Err(ProfileError::Corrupt { .. })));
    }

    #[test]
    fn a_login_that_was_cut_off_is_no_login() {
        let (_folder, profiles) = logged_in();
        let folder = profiles.folder("default").unwrap();
        // The creds cannot be replaced: a folder stands where their draft would be renamed to.
        fs::remove_file(folder.join(CREDS)).unwrap();
        fs::create_dir(folder.join(CREDS)).unwrap();
        assert!(profiles.save("default", &ada(), &creds("SUX"), &Secret::from("t")).is_err());
        assert!(matches!(profiles.open("default", None), Err(ProfileError::NotLoggedIn { .. })));
    }

    #[test]
    fn names_do_not_leave_the_folder() {
        let (_folder, profiles) = logged_in();
        for name in ["", ".", "..", "../x", "a/b", "/etc", "a\0b", "é", ".hidden", &"a".repeat(65)] {
            assert!(matches!(profiles.open(name, None), Err(ProfileError::Name(_))), "{name:?}");
        }
        assert!(matches!(profiles.open("work", None), Err(ProfileError::NotLoggedIn { .. })));
    }

    #[test]
    fn another_server_is_another_login() {
        let (_folder, profiles) = logged_in();
        assert!(profiles.open("default", Some("http://127.0.0.1:8080/")).is_ok());
        let error = profiles.open("default", Some("https://example.org")).unwrap_err();
        assert!(matches!(error, ProfileError::OtherServer { .. }));
    }
}
