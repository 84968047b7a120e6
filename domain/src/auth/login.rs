//! From proof of identity to a device with credentials.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    auth::{Auth, AuthError, ClientAddress, CodeWish, Email, Proof, check_password, later, whole_seconds},
    credentials::{Grantee, KeyKind, PublicKey, UserJwt, creds::Creds, permissions::Permissions},
    identity::{DeviceId, RoleName, UserId},
    ports::{Access, Device, Grant, LimitKey, Renewal, Session, Standing, StoreError, User, Verdict},
    secret::Secret,
};

/// The most characters of a device's name.
pub const DEVICE_NAME_MAX: usize = 64;

/// A wish to log in.
#[derive(Clone)]
pub struct Login {
    /// The email address, as it was typed.
    pub email: String,
    /// The password; needed with [`Proof::Password`], unless there is a code.
    pub password: Option<Secret>,
    /// A code that was mailed to the address ([`Auth::send_code`]), as it was typed; needed with [`Proof::Code`], and where the
    /// address is not verified yet but has to be.
    pub code: Option<Secret>,
    /// From where it comes.
    pub from: ClientAddress,
    /// What the user calls the device; at most [`DEVICE_NAME_MAX`] characters.
    pub device: Option<String>,
    /// The device's own public key (`U…`). Without one a pair is made here, and its seed is in the answer.
    pub public_key: Option<PublicKey>,
    /// What kind of program asks.
    pub client: ClientKind,
}

/// What kind of program logs in: it says how long its credentials hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientKind {
    /// One that keeps its credentials safe; [`crate::auth::AuthSettings::credentials_expiry`].
    #[default]
    Device,
    /// A web page; [`crate::auth::AuthSettings::browser_expiry`] at most.
    Browser,
}

/// What a login answers.
#[derive(Clone)]
pub struct LoggedIn {
    /// Who.
    pub user_id: UserId,
    /// On which device: a new one, or the one that had the public key already.
    pub device_id: DeviceId,
    /// What the brokers believe.
    pub jwt: UserJwt,
    /// JWT and seed as a creds file; only when the key pair was made here.
    pub creds: Option<Secret>,
    /// When the JWT ends, to the second; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Addresses of the brokers.
    pub servers: Vec<String>,
    /// Addresses of the brokers for browsers.
    pub websocket: Vec<String>,
    /// What goes in front of the device's inboxes.
    pub inbox_prefix: String,
    /// Where it may publish and what it may listen to.
    pub permissions: Permissions,
    /// For the HTTP API.
    pub access_token: Secret,
    /// How long the access token holds.
    pub expires_in: Duration,
    /// For the next refresh ([`Auth::refresh`]); good once.
    pub refresh_token: Secret,
}

/// The device that a login is for: what is decided before it is stored.
struct Candidate {
    user: UserId,
    role: RoleName,
    name: String,
    key: PublicKey,
    now: Timestamp,
    expires_at: Option<Timestamp>,
    session: Session,
}

impl Auth {
    /// Turns proof of identity into a device with credentials. A login with a public key that a device of the same user
    /// has renews that device; every other one makes a device.
    ///
    /// # Errors
    /// [`AuthError::Unauthorized`] for an unknown address, a wrong password and a wrong code alike; [`AuthError::Invalid`] (`email`,
    /// `password`, `code`, `device`, `public_key`); [`AuthError::Unverified`], with a code mailed; [`AuthError::TooOften`];
    /// [`AuthError::Busy`]; [`AuthError::Disabled`]; [`AuthError::TooManyDevices`]; [`AuthError::KeyTaken`];
    /// [`AuthError::KeyRevoked`]; [`AuthError::Unavailable`]; and with a code those of [`Auth::leave`], when somebody is displaced.
    pub async fn login(&self, login: Login) -> Result<LoggedIn, AuthError> {
        let email: Email = login.email.parse().map_err(|error| AuthError::invalid("email", &error))?;
        let name = device_name(login.device.clone(), login.client)?;
        if login.public_key.as_ref().is_some_and(|key| key.kind() != KeyKind::User) {
            return Err(AuthError::invalid("public_key", "it is not a user key (one beginning with U)"));
        }
        let begun = self.ports.clock.elapsed();
        let user = self.no_sooner(begun, self.let_try(&email, &login).await).await?;
        let (key, seed) = match login.public_key {
            Some(key) => (key, None),
            None => {
                let pair = self.ports.key_pairs.generate(KeyKind::User);
                (pair.public, Some(pair.seed))
            }
        };
        let now = self.now();
        let expires_at = self.credentials_end(login.client, now);
        let (session, refresh_token) = self.begin_session(login.client, now);
        let candidate = Candidate { user: user.id, role: user.role.clone(), name, key, now, expires_at, session };
        let (device, jwt) = self.admit(candidate).await?;
        tracing::info!(user = %device.user, device = %device.id, "a device has logged in");
        self.logged_in(device, user.role, jwt, seed.as_ref(), refresh_token, now).await
    }

    /// What has come of somebody's proof, once a refusal has taken as long as each does: what was found on the way takes a little time
    /// more than what was not.
    pub(super) async fn no_sooner<T>(&self, begun: Duration, came: Result<T, AuthError>) -> Result<T, AuthError> {
        if matches!(came, Err(AuthError::Unauthorized)) {
            let took = self.ports.clock.elapsed().saturating_sub(begun);
            self.ports.clock.sleep(self.settings.refusal.saturating_sub(took)).await;
        }
        came
    }

    /// The user who has proven to be behind an email address, if not too many have tried.
    async fn let_try(&self, email: &Email, login: &Login) -> Result<User, AuthError> {
        let limits = &self.settings.limits;
        let mut places = self.places();
        let pair = LimitKey::pair("login/pair", email.as_str(), login.from.as_str());
        places.take(pair, limits.login_per_email_and_address).await?;
        places.take_of("login/address", &login.from, limits.login_per_address).await?;
        // A code cannot be guessed, so wrong ones from everywhere keep nobody out.
        if login.code.is_none() || login.password.is_some() {
            let of_email = LimitKey::new("login/email", email.as_str());
            match places.take_or_keep(of_email, limits.login_per_email).await {
                Err(AuthError::TooOften(wait)) => {
                    let Some(known) = self.known_device(email, login).await? else {
                        places.give_back().await;
                        return Err(AuthError::TooOften(wait));
                    };
                    places.take(known, limits.login_per_known_device).await?;
                }
                other => other?,
            }
        }
        // For good, also of those who get in: each costs computing time.
        self.take_place(LimitKey::total("login"), limits.login_total).await?;
        let proven = self.proven(email, login).await;
        if !matches!(proven, Err(AuthError::Unauthorized)) {
            places.give_back().await;
        }
        proven
    }

    /// The bucket of a device that the user has already, if the login is for one. Who is not there has none, after the same work.
    async fn known_device(&self, email: &Email, login: &Login) -> Result<Option<LimitKey>, AuthError> {
        let Some(key) = &login.public_key else { return Ok(None) };
        let nobody = || "nobody".parse().expect("it is a user id");
        let user = self.ports.users.by_email(email).await?.map_or_else(nobody, |user| user.id);
        let devices = self.ports.devices.of_user(&user).await?;
        let known = devices.iter().any(|device| device.key == *key);
        Ok(known.then(|| LimitKey::new("login/device", &key.to_string())))
    }

    /// The user behind an email address, if what comes with it proves that.
    async fn proven(&self, email: &Email, login: &Login) -> Result<User, AuthError> {
        match (self.settings.proof, &login.password, &login.code) {
            (Proof::None, ..) => {
                let user = self.ports.users.by_email(email).await?.ok_or(AuthError::Unauthorized)?;
                if user.standing == Standing::Active { Ok(user) } else { Err(AuthError::Disabled) }
            }
            (Proof::Password, password, Some(code)) => {
                password.as_ref().map_or(Ok(()), check_password)?;
                self.proven_by_code(email, code, password.as_ref()).await
            }
            (Proof::Password, Some(password), None) => self.proven_by_password(email, password, &login.from).await,
            (Proof::Password, None, None) => Err(AuthError::invalid("password", "it is missing")),
            (Proof::Code, _, Some(code)) => self.proven_by_code(email, code, None).await,
            (Proof::Code, _, None) => {
                Err(AuthError::invalid("code", "it is missing; ask for one at /login/code: it comes by mail"))
            }
        }
    }

    async fn proven_by_password(
        &self,
        email: &Email,
        password: &Secret,
        from: &ClientAddress,
    ) -> Result<User, AuthError> {
        check_password(password)?;
        let user = self.ports.users.by_email(email).await?;
        let right = self.is_right(user.as_ref(), password).await?;
        let Some(user) = user.filter(|_| right) else { return Err(AuthError::Unauthorized) };
        if user.standing != Standing::Active {
            return Err(AuthError::Disabled);
        }
        if self.settings.verify && !user.verified {
            self.mail_code_beside(email, CodeWish::Verify, from).await?;
            return Err(AuthError::Unverified);
        }
        Ok(user)
    }

    /// Whether the password is the user's. Without a user the hasher works all the same, so the time does not tell whether there
    /// is one.
    pub(super) async fn is_right(&self, user: Option<&User>, password: &Secret) -> Result<bool, AuthError> {
        let verdict = self.ports.hasher.verify(password, user.map(|user| &user.password)).await?;
        match (user, verdict) {
            (Some(user), Verdict::RightButWeak) => {
                self.hash_anew(user, password).await;
                Ok(true)
            }
            (Some(_), Verdict::Right) => Ok(true),
            _ => Ok(false),
        }
    }

    /// Puts a hash with the parameters that are set now in place of a weaker one. A login does not fail for it.
    async fn hash_anew(&self, user: &User, password: &Secret) {
        let raised = async {
            let hash = self.ports.hasher.hash(password).await?;
            Ok::<_, AuthError>(self.ports.users.set_password(&user.id, Some(&user.password), &hash).await?)
        };
        match raised.await {
            Ok(true) => tracing::info!(user = %user.id, "a password was hashed anew"),
            // Changed meanwhile.
            Ok(false) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::info!(user = %user.id, error, "a password was not hashed anew; the next login tries again");
            }
        }
    }

    pub(super) fn credentials_end(&self, client: ClientKind, now: Timestamp) -> Option<Timestamp> {
        let set = self.settings.credentials_expiry.after(now);
        let end = match client {
            ClientKind::Device => set,
            ClientKind::Browser => {
                let most = later(now, self.settings.browser_expiry);
                Some(set.map_or(most, |set| set.min(most)))
            }
        };
        end.map(whole_seconds)
    }

    /// Renews the device that has the key, or makes one; with a JWT for it. The JWT leaves only after the device is
    /// stored, and is signed before a new one is, so that a revoked key leaves no device behind.
    async fn admit(&self, candidate: Candidate) -> Result<(Device, UserJwt), AuthError> {
        if let Some(renewed) = self.renew(&candidate).await? {
            return Ok(renewed);
        }
        // Its revocation may have been pruned, with every JWT for it ended.
        if self.ports.devices.was_removed(&candidate.key).await? {
            return Err(AuthError::KeyRevoked(candidate.key));
        }
        let mut device = Device {
            id: DeviceId::generate(&*self.ports.clock, &*self.ports.rng),
            user: candidate.user.clone(),
            name: candidate.name.clone(),
            key: candidate.key.clone(),
            created_at: candidate.now,
            seen_at: candidate.now,
            expires_at: candidate.expires_at,
            jwt: None,
            session: Some(candidate.session.clone()),
        };
        let jwt = self.issue(&device, &candidate.role).await?;
        device.jwt = Some(jwt.clone());
        match self.ports.devices.insert(device.clone(), self.settings.devices_per_user).await {
            Ok(()) => Ok((device, jwt)),
            // Somebody else has it, or the same device has just logged in beside us.
            Err(StoreError::Taken) => self.renew(&candidate).await?.ok_or(AuthError::KeyTaken),
            Err(error) => Err(error.into()),
        }
    }

    async fn renew(&self, candidate: &Candidate) -> Result<Option<(Device, UserJwt)>, AuthError> {
        let Candidate { user, key, session, .. } = candidate;
        let (seen_at, expires_at) = (candidate.now, candidate.expires_at);
        let renewal = Renewal { seen_at, expires_at, session: session.clone() };
        let Some(device) = self.ports.devices.renew(user, key, &renewal).await? else { return Ok(None) };
        let jwt = self.issue(&device, &candidate.role).await?;
        self.ports.devices.keep_jwt(user, key, &jwt).await?;
        Ok(Some((device, jwt)))
    }

    pub(super) async fn issue(&self, device: &Device, role: &RoleName) -> Result<UserJwt, AuthError> {
        let grant =
            Grant { grantee: grantee(device, role.clone()), key: device.key.clone(), expires_at: device.expires_at };
        Ok(self.ports.issuer.issue(grant).await?)
    }

    /// What a device is told that has got in.
    pub(super) async fn logged_in(
        &self,
        device: Device,
        role: RoleName,
        jwt: UserJwt,
        seed: Option<&Secret>,
        refresh_token: Secret,
        now: Timestamp,
    ) -> Result<LoggedIn, AuthError> {
        let grantee = grantee(&device, role);
        let permissions = self.ports.issuer.permissions(&grantee).await?;
        let issued_at = whole_seconds(now);
        let expires_in = self.settings.access_token_expiry;
        let access = Access {
            user: device.user.clone(),
            device: device.id.clone(),
            issued_at,
            expires_at: whole_seconds(later(issued_at, expires_in)),
        };
        Ok(LoggedIn {
            creds: seed.map(|seed| Creds { jwt: jwt.clone(), seed: seed.clone() }.format()),
            jwt,
            expires_at: device.expires_at,
            servers: self.settings.servers.clone(),
            websocket: self.settings.websocket.clone(),
            inbox_prefix: grantee.inbox_prefix(),
            permissions,
            access_token: self.ports.tokens.issue(&access),
            expires_in,
            refresh_token,
            user_id: device.user,
            device_id: device.id,
        })
    }
}

fn grantee(device: &Device, role: RoleName) -> Grantee {
    Grantee::Device { user: device.user.clone(), device: device.id.clone(), role }
}

fn device_name(given: Option<String>, client: ClientKind) -> Result<String, AuthError> {
    let name = match given {
        Some(given) => given.trim().to_owned(),
        None if client == ClientKind::Browser => "browser".to_owned(),
        None => "device".to_owned(),
    };
    if name.is_empty() || name.chars().count() > DEVICE_NAME_MAX || name.chars().any(char::is_control) {
        return Err(AuthError::invalid(
            "device",
            &format!("it must have 1 to {DEVICE_NAME_MAX} characters, none of them a control character"),
        ));
    }
    Ok(name)
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
