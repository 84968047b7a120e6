//! Sessions: what renews a device's credentials without a password.
//!
//! ```text
//! login → token 1 ─refresh→ token 2 ─refresh→ token 3 …        one session, one device, one good token at a time
//! ```
//!
//! - A token is 128 bits that name the session and 256 secret ones. Of these only the SHA-256 is stored.
//! - Each refresh replaces the token. The next secret is made of the one before and a salt that is stored: who repeats a refresh
//!   whose answer was lost gets the same successor, and who reads the database can make none.
//! - An older token is somebody else's copy, or ours was copied: which of the two cannot be told. The session is ended, the
//!   device's key revoked, and its user logs in again (RFC 9700 §4.14.2).
//! - A session ends when it is not used for [`crate::auth::AuthSettings::session_idle`].

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    auth::{Auth, AuthError, ClientKind, LoggedIn, later},
    identity::UserId,
    ports::{Access, Device, LimitKey, Renewal, Replaced, Rng, Session, SessionId, Standing, TokenHash},
    secret::Secret,
};

/// What refresh tokens begin with, so that scanners for lost secrets know one.
pub const REFRESH_PREFIX: &str = "relais_rt_";

/// How often a refresh looks anew when others refresh the same session at the same time.
const ATTEMPTS: usize = 4;

/// A refresh token, taken apart. It has no `Debug`.
pub(super) struct RefreshToken {
    session: SessionId,
    secret: Zeroizing<[u8; 32]>,
}

impl RefreshToken {
    fn new(session: SessionId, rng: &dyn Rng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill(&mut *secret);
        Self { session, secret }
    }

    /// `None` when `text` is none of ours.
    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(REFRESH_PREFIX)?.as_bytes()).ok().map(Zeroizing::new)?;
        let (session, secret) = bytes.split_first_chunk::<16>()?;
        Some(Self { session: SessionId(*session), secret: Zeroizing::new(secret.try_into().ok()?) })
    }

    fn text(&self) -> Secret {
        let bytes = Zeroizing::new([&self.session.0[..], &self.secret[..]].concat());
        Secret::from(format!("{REFRESH_PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)))
    }

    fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.secret.as_slice()).into())
    }

    /// The one that replaces it. All parts have fixed lengths, and nobody can go on from a digest of a secret they do not know.
    fn successor(&self, salt: &[u8; 32]) -> Self {
        let digest = Sha256::new_with_prefix(b"relais refresh token 1").chain_update(&self.secret).chain_update(salt);
        Self { session: self.session, secret: Zeroizing::new(digest.finalize().into()) }
    }
}

impl Auth {
    /// A new session and its first token.
    pub(super) fn begin_session(&self, client: ClientKind, now: Timestamp) -> (Session, Secret) {
        let mut id = [0; 16];
        self.ports.rng.fill(&mut id);
        let token = RefreshToken::new(SessionId(id), &*self.ports.rng);
        let until = later(now, self.settings.session_idle);
        let hash = token.hash();
        (Session { id: token.session, token: hash, replaced: None, until, client, ended: false }, token.text())
    }

    /// Turns a refresh token into the next one, an access token, and a fresh JWT for the device's key. Of several at once with the
    /// same token one replaces it; the others, and a repeat within [`crate::auth::AuthSettings::refresh_retry`], get the same
    /// successor.
    ///
    /// # Errors
    /// [`AuthError::Refresh`] for a token that is none of ours, has ended, or was replaced; the last ends the session.
    /// [`AuthError::TooOften`], [`AuthError::KeyRevoked`], [`AuthError::Unavailable`]: the same token is good for a repeat.
    pub async fn refresh(&self, token: &Secret) -> Result<LoggedIn, AuthError> {
        let presented = RefreshToken::parse(token.expose()).ok_or(AuthError::Refresh)?;
        for _ in 0..ATTEMPTS {
            let device = self.ports.devices.of_session(&presented.session).await?.ok_or(AuthError::Refresh)?;
            let session = device.session.clone().ok_or(AuthError::Refresh)?;
            let (hash, now) = (presented.hash(), self.now());
            if session.ended {
                self.give_up(&device).await;
                return Err(AuthError::Refresh);
            }
            if session.until <= now {
                return Err(AuthError::Refresh);
            }
            if session.token == hash {
                let key = LimitKey::new("refresh/device", device.id.as_str());
                let mut places = self.places();
                places.take(key, self.settings.limits.refresh_per_device).await?;
                if let Some(answer) = self.go_on(&device, session, &presented, now).await? {
                    return Ok(answer);
                }
                // Another was quicker, or the session was ended.
                places.give_back().await;
                continue;
            }
            let Some(lost) = session.replaced.filter(|replaced| replaced.token == hash) else {
                return Err(self.reused(&device, session.id).await);
            };
            if later(lost.at, self.settings.refresh_retry) <= now {
                return Err(self.reused(&device, session.id).await);
            }
            return self.repeated(device, &presented.successor(&lost.salt), now).await;
        }
        Err(AuthError::Busy)
    }

    /// Replaces the token; `None` when another was quicker.
    async fn go_on(
        &self,
        device: &Device,
        session: Session,
        presented: &RefreshToken,
        now: Timestamp,
    ) -> Result<Option<LoggedIn>, AuthError> {
        let role = self.let_in(&device.user).await?;
        let mut salt = [0; 32];
        self.ports.rng.fill(&mut salt);
        let next = presented.successor(&salt);
        let expected = session.token;
        let renewal = Renewal {
            seen_at: now,
            expires_at: self.credentials_end(session.client, now),
            session: Session {
                token: next.hash(),
                replaced: Some(Replaced { token: expected, at: now, salt }),
                until: later(now, self.settings.session_idle),
                ..session
            },
        };
        // Signed before: where that fails, the token that the device has is good as before.
        let renewed = Device { expires_at: renewal.expires_at, ..device.clone() };
        let jwt = self.issue(&renewed, &role).await?;
        let Some(device) = self.ports.devices.rotate(&expected, &renewal, &jwt).await? else { return Ok(None) };
        tracing::debug!(user = %device.user, device = %device.id, "a session goes on");
        self.logged_in(device, role, jwt, None, next.text(), now).await.map(Some)
    }

    /// What somebody is told again whose answer was lost.
    async fn repeated(&self, device: Device, next: &RefreshToken, now: Timestamp) -> Result<LoggedIn, AuthError> {
        let role = self.let_in(&device.user).await?;
        let jwt = match device.jwt.clone() {
            Some(jwt) => jwt,
            None => self.issue(&device, &role).await?,
        };
        self.logged_in(device, role, jwt, None, next.text(), now).await
    }

    /// Somebody has a token that was replaced: nobody knows who is the right one.
    async fn reused(&self, device: &Device, session: SessionId) -> AuthError {
        tracing::warn!(
            user = %device.user, device = %device.id,
            "a refresh token was used after it had been replaced; the device is revoked, and its user logs in again"
        );
        if let Err(error) = self.ports.devices.end_session(&session).await {
            return error.into();
        }
        self.give_up(device).await;
        AuthError::Refresh
    }

    /// Revokes and forgets a device whose session was ended. What fails is done by the next sweep.
    async fn give_up(&self, device: &Device) {
        if let Err(error) = self.remove_device(&device.user, &device.id).await {
            tracing::warn!(
                user = %device.user, device = %device.id, error = &error as &dyn std::error::Error,
                "a device whose session was ended is not cut off yet"
            );
        }
    }

    /// Removes devices whose session was ended; how many. What fails is left for the next time.
    pub(super) async fn remove_ended_sessions(&self, at_once: usize) -> Result<usize, AuthError> {
        let devices = self.ports.devices.to_be_removed(at_once).await?;
        for device in &devices {
            self.give_up(device).await;
        }
        Ok(devices.len())
    }

    /// The role of a user who may go on.
    async fn let_in(&self, user: &UserId) -> Result<crate::identity::RoleName, AuthError> {
        match self.ports.users.by_id(user).await? {
            Some(user) if user.standing == Standing::Active => Ok(user.role),
            _ => Err(AuthError::Refresh),
        }
    }

    /// Ends the session of the device that asks: its key is revoked, and its tokens are worth nothing.
    ///
    /// # Errors
    /// As [`Auth::remove_device`]; the session has ended all the same, and the next sweep goes on.
    pub async fn logout(&self, access: &Access) -> Result<(), AuthError> {
        let devices = self.ports.devices.of_user(&access.user).await?;
        let own = devices.iter().find(|device| device.id == access.device).and_then(|device| device.session.as_ref());
        if let Some(session) = own {
            self.ports.devices.end_session(&session.id).await?;
        }
        self.remove_device(&access.user, &access.device).await
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
