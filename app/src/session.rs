//! A login that lasts: kept in a folder, renewed by itself, by however many programs use it.
//!
//! - Credentials are renewed from half of their life on, while they still hold; a connection that is there goes on with the new
//!   ones, and misses nothing on the way ([`Session::connect`]).
//! - A refresh token is good once, so programs on one folder take turns, and read it anew when theirs comes.
//! - What was renewed is on disk before it is used.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use futures_util::{
    FutureExt as _,
    future::{self, BoxFuture, Either},
};
use relais_adapters::{
    http_client::{self, ClientError, LoggedIn, Login},
    nats::{self, ConnectError, ConnectOptions, Security, WeakBus},
    nkeys, system,
    tls::Trust,
};
use relais_domain::{
    auth::{Email, InvalidEmail},
    client::Client,
    credentials::{KeyKind, UserJwt, creds::Creds},
    ports::{Clock, KeyPair, KeyPairs, Rng},
    secret::Secret,
};

use crate::profile::{Profile, ProfileError, Profiles, Tokens};

/// How often it is looked whether half of the life is over: a clock that was set, or a machine that slept, is noticed then.
const LOOK: Duration = Duration::from_secs(30);
/// How long after a renewal that failed it is tried again, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(5 * 60));

/// A login that lasts, in a folder of its own. Cheap to clone.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use relais::prelude::*;
///
/// let session = relais::Session::at("logins", "ada");
/// if session.profile().is_err() {
///     session.login("https://api.example.org", "ada@example.org", "correct horse").await?;
/// }
/// let client = session.connect().await?; // for as long as it is used
/// let answer: EchoResponse = client.request("echo", &EchoRequest { message: "hello".into() }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    profiles: Profiles,
    name: String,
    trust: Option<Trust>,
    clock: Arc<dyn Clock>,
}

/// Why a session does not go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// What is kept of it cannot be used: nobody has logged in, for one.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The address is none.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// The server does not do it.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// The session has ended: it was not used for too long, or was ended; log in again.
    #[error("the login of {email} has ended, or cannot be renewed; log in again")]
    Ended {
        /// Whose.
        email: String,
    },
    /// The credentials have expired, and nothing is there that would renew them.
    #[error("the credentials of {email} have expired; log in again")]
    Expired {
        /// Whose.
        email: String,
    },
    /// The authority that was named at the login cannot be used.
    #[error("the authority in the profile cannot be used: {0}; log in again, and name it anew")]
    Authority(String),
    /// No broker lets us in.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl Session {
    /// The login that is kept, or is to be, in the folder `name` within `root`.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>, name: &str) -> Self {
        Self::of(Profiles::at(root.into()), name, None)
    }

    /// The login of a profile; with `trust` in place of what the login has named.
    pub(crate) fn of(profiles: Profiles, name: &str, trust: Option<Trust>) -> Self {
        Self { profiles, name: name.to_owned(), trust, clock: Arc::new(system::Clock) }
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Who is logged in.
    ///
    /// # Errors
    /// [`SessionError::Profile`]: nobody, for one.
    pub fn profile(&self) -> Result<Profile, SessionError> {
        Ok(self.profiles.open(&self.name, None)?)
    }

    /// Logs in with a password at the server at an address, in place of the login that was kept. The device's key is made here, or
    /// is the one of the login before; its seed leaves this machine never.
    ///
    /// # Errors
    /// [`SessionError::Server`] ([`ClientError::Unverified`] when a mailed code has to come with the password:
    /// [`Session::login_with_code`]), [`SessionError::Email`], [`SessionError::Profile`].
    pub async fn login(&self, server: &str, email: &str, password: &str) -> Result<Profile, SessionError> {
        self.log_in(server, email, Some(&password.into()), None).await
    }

    /// The same with a code that was mailed, and with the password where the address is not proven yet.
    ///
    /// # Errors
    /// As [`Session::login`].
    pub async fn login_with_code(
        &self,
        server: &str,
        email: &str,
        password: Option<&str>,
        code: &str,
    ) -> Result<Profile, SessionError> {
        self.log_in(server, email, password.map(Secret::from).as_ref(), Some(&code.into())).await
    }

    async fn log_in(
        &self,
        server: &str,
        email: &str,
        password: Option<&Secret>,
        code: Option<&Secret>,
    ) -> Result<Profile, SessionError> {
        let email: Email = email.parse()?;
        let trust = self.trust.clone().unwrap_or_default();
        let client = http_client::Client::trusting(server, &trust)?;
        let keys = nkeys::KeyPairs::new(Arc::new(system::Rng));
        let attempt = async |pair: &KeyPair| {
            client.login(&Login { email: &email, password, code, device: None, public_key: &pair.public }).await
        };
        let known = known_pair(&self.profiles, &self.name, client.server(), &email, &keys);
        let mut pair = known.clone().unwrap_or_else(|| keys.generate(KeyKind::User));
        let mut answer = attempt(&pair).await;
        // The server has no use for the old key any more: its device was removed.
        if matches!(answer, Err(ClientError::Conflict(_))) && known.is_some() {
            pair = keys.generate(KeyKind::User);
            answer = attempt(&pair).await;
        }
        let answer = answer?;
        let creds = Creds { jwt: UserJwt::from_text(answer.jwt.clone()), seed: pair.seed };
        let profile = profile_of(&answer, client.server(), &email);
        self.profiles.save(&self.name, &profile, &creds, &tokens(&answer))?;
        Ok(profile)
    }

    /// Connects to a broker. The connection goes on for as long as it is used: its credentials are renewed from half of their
    /// life on, without missing a message. It ends with the last clone of the client.
    ///
    /// # Errors
    /// [`SessionError`]
    pub async fn connect(&self) -> Result<Client, SessionError> {
        let (bus, profile) = self.bus("relais client").await?;
        Ok(Client::new(Arc::new(bus), profile.user_id).with_clock(Arc::clone(&self.clock)))
    }

    /// The same as a bus, under a name in the broker's reports.
    pub(crate) async fn bus(&self, name: &str) -> Result<(nats::Bus, Profile), SessionError> {
        let profile = self.fresh().await?;
        if profile.expires_at.is_some_and(|end| end <= self.clock.now()) {
            return Err(SessionError::Expired { email: profile.email });
        }
        let creds = self.profiles.creds(&self.name)?;
        let rng: Arc<dyn Rng> = Arc::new(system::Rng);
        let options = ConnectOptions {
            servers: profile.servers.clone(),
            jwt: creds.jwt.clone(),
            seed: creds.seed,
            inbox_prefix: profile.inbox_prefix.clone(),
            name: name.to_owned(),
            keys: Arc::new(nkeys::KeyPairs::new(Arc::clone(&rng))),
            rng,
            // A device may be in any network.
            security: Security { trust: self.trust(&profile)?, plain: false },
        };
        let session = self.clone();
        let renew: nats::Renew = Arc::new(move || session.clone().shown_next().boxed());
        let bus = nats::Bus::connect_renewing(options, renew).await?;
        let ended = bus.life().boxed();
        tokio::spawn(self.clone().keep(creds.jwt, bus.downgrade(), ended));
        Ok((bus, profile))
    }

    /// What is shown to a broker that does not believe what it was shown.
    async fn shown_next(self) -> Option<UserJwt> {
        if let Err(error) = self.fresh().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the credentials were not renewed");
        }
        self.profiles.creds(&self.name).ok().map(|creds| creds.jwt)
    }

    /// Renews, and has the connection go on with that, until it ends.
    async fn keep(self, mut shown: UserJwt, bus: WeakBus, mut ended: BoxFuture<'static, ()>) {
        let (mut wait, mut again) = (LOOK, AGAIN.0);
        let mut looked = self.clock.elapsed();
        loop {
            // From one look to the next, so that time that goes by while it looks is not slept away once more.
            let left = wait.saturating_sub(self.clock.elapsed().saturating_sub(looked));
            match future::select(&mut ended, self.clock.sleep(left)).await {
                Either::Left(_) => return,
                Either::Right(_) => looked = self.clock.elapsed(),
            }
            let outcome = async {
                self.fresh().await?;
                let jwt = self.profiles.creds(&self.name)?.jwt;
                Ok::<_, SessionError>((jwt != shown).then_some(jwt))
            };
            (wait, again) = match outcome.await {
                Ok(Some(jwt)) => {
                    let Some(bus) = bus.upgrade() else { return };
                    match bus.renew(jwt.clone()).await {
                        Ok(()) => shown = jwt,
                        Err(error) => {
                            tracing::warn!(%error, "the connection does not go on with newer credentials yet");
                        }
                    }
                    (LOOK, AGAIN.0)
                }
                Ok(None) => (LOOK, AGAIN.0),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the credentials were not renewed");
                    (again, (again * 2).min(AGAIN.1))
                }
            };
        }
    }

    /// The login, its credentials renewed when half of their life is over. While they hold, what the server says now is no reason
    /// not to go on.
    pub(crate) async fn fresh(&self) -> Result<Profile, SessionError> {
        if !self.profiles.is_half_over(&self.name, self.clock.now())? {
            return self.profile();
        }
        let turn = self.turn().await?;
        // Another may have done it meanwhile.
        if !self.profiles.is_half_over(&self.name, self.clock.now())? {
            return self.profile();
        }
        match self.refresh_in(turn).await {
            Ok((profile, _)) => Ok(profile),
            Err(error) => {
                let profile = self.profile()?;
                if profile.expires_at.is_some_and(|end| end > self.clock.now()) {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the credentials were not renewed");
                    return Ok(profile);
                }
                Err(error)
            }
        }
    }

    /// Renews the login now; with what the server has answered.
    ///
    /// # Errors
    /// [`SessionError::Ended`], and others.
    pub(crate) async fn refresh(&self) -> Result<(Profile, LoggedIn), SessionError> {
        let turn = self.turn().await?;
        self.refresh_in(turn).await
    }

    async fn refresh_in(&self, _turn: fs::File) -> Result<(Profile, LoggedIn), SessionError> {
        let profile = self.profile()?;
        let ended = || SessionError::Ended { email: profile.email.clone() };
        let token = self.profiles.refresh_token(&self.name)?.ok_or_else(ended)?;
        let client = http_client::Client::trusting(&profile.server, &self.trust(&profile)?)?;
        let answer = client.refresh(&token).await.map_err(|error| match error {
            ClientError::Unauthorized(_) => ended(),
            error => error.into(),
        })?;
        let creds = Creds { jwt: UserJwt::from_text(answer.jwt.clone()), seed: self.profiles.creds(&self.name)?.seed };
        let renewed = Profile {
            servers: answer.servers.clone(),
            websocket: answer.websocket.clone(),
            expires_at: answer.expires_at,
            permissions: answer.permissions.clone(),
            ..profile
        };
        self.profiles.save(&self.name, &renewed, &creds, &tokens(&answer))?;
        Ok((renewed, answer))
    }

    /// Waits until no other program renews this login; until the file is dropped, none does.
    async fn turn(&self) -> Result<fs::File, SessionError> {
        let (profiles, name) = (self.profiles.clone(), self.name.clone());
        let turn = tokio::task::spawn_blocking(move || profiles.turn(&name)).await;
        let root = self.profiles.creds_path(&self.name)?;
        let gone = |error| ProfileError::Io { path: root, source: io::Error::other(error) };
        Ok(turn.map_err(gone)??)
    }

    fn trust(&self, profile: &Profile) -> Result<Trust, SessionError> {
        match (&self.trust, &profile.ca) {
            (Some(trust), _) => Ok(trust.clone()),
            (None, Some(ca)) => {
                Trust::with_ca_text(ca.as_bytes()).map_err(|error| SessionError::Authority(error.to_string()))
            }
            (None, None) => Ok(Trust::default()),
        }
    }
}

/// What a login or a refresh gives for the HTTP API.
pub(crate) fn tokens(answer: &LoggedIn) -> Tokens {
    Tokens { access: answer.access_token.clone(), refresh: answer.refresh_token.clone() }
}

/// The key of this device, if the profile holds one of the same user at the same server.
pub(crate) fn known_pair(
    profiles: &Profiles,
    name: &str,
    server: &str,
    email: &Email,
    keys: &dyn KeyPairs,
) -> Option<KeyPair> {
    let profile = profiles.open(name, Some(server)).ok()?;
    if profile.email != email.as_str() {
        return None;
    }
    let pair = keys.from_seed(&profiles.creds(name).ok()?.seed).ok()?;
    (pair.public.kind() == KeyKind::User).then_some(pair)
}

/// What is kept of a login.
pub(crate) fn profile_of(answer: &LoggedIn, server: &str, email: &Email) -> Profile {
    Profile {
        server: server.to_owned(),
        user_id: answer.user_id.clone(),
        email: email.as_str().to_owned(),
        device_id: answer.device_id.clone(),
        servers: answer.servers.clone(),
        websocket: answer.websocket.clone(),
        inbox_prefix: answer.inbox_prefix.clone(),
        expires_at: answer.expires_at,
        permissions: answer.permissions.clone(),
        ca: None,
    }
}
