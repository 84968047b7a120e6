//! Users, passwords, logins, devices: the use cases, free of HTTP and SQL.
//!
//! [`Auth`] is the whole front door: a door (HTTP now, NATS auth callout later) translates a request into one call of
//! it and its answer back, and decides nothing.
//!
//! | call | does |
//! |---|---|
//! | [`Auth::register`] | saves an email address and a password, and makes the user's id |
//! | [`Auth::login`] | turns proof of identity into a device with NATS credentials and an access token |
//! | [`Auth::refresh`] | renews them with a refresh token, and replaces that |
//! | [`Auth::authenticate`] | turns an access token into who is asking, as long as that device exists |
//! | [`Auth::me`], [`Auth::devices`] | tell users about themselves |
//! | [`Auth::claim`], [`Auth::users`], [`Auth::change_user`], [`Auth::audit`] | the first admin, and what admins do with users |
//! | [`Auth::sweep`] | forgets what has ended |
//! | [`Auth::remove_device`], [`Auth::logout`] | revoke a device's key at the brokers, then forget the device |
//! | [`Auth::change_password`] | puts another password in place of one that is known |
//! | [`Auth::send_code`] | mails a code that proves whose a mailbox is, good for a login or another password |
//! | [`Auth::reset_password`] | puts another password in place of a forgotten one |
//! | [`Auth::leave`], [`Auth::delete_user`] | remove a user with all that it has |
//!
//! What is promised:
//!
//! - An unknown email address and a wrong password get the same error after the same work.
//! - A seed made here stands in the answer of that one login and nowhere else.
//! - Nothing leaves before the device is stored: what holds credentials can be listed, and revoked.
//! - A device is forgotten only after the brokers have confirmed that its key is revoked; whatever fails on the way is
//!   repaired by a repeat, or by the next sweep.
//! - A refresh token is good once; a copy of it that is used later costs the device its key.
//! - Who asks for a code is not told whether anybody has that address, by the answer or by its time.
//! - Where addresses are verified, nobody gets in with one that is not proven; and who proves one displaces somebody who only
//!   registered it.

mod admin;
mod codes;
mod devices;
mod email;
mod error;
mod expiry;
mod leave;
mod login;
mod password;
mod rates;
mod register;
mod reset;
mod session;
mod settings;
mod sweep;

#[cfg(test)]
mod fixture;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::ports;

pub use admin::*;
pub use codes::{CODE_LIFE, CodeKey, CodeWish};
pub use devices::*;
pub use email::*;
pub use error::*;
pub use expiry::*;
pub use login::*;
pub use password::*;
pub use rates::{ClientAddress, RateLimits};
pub use register::*;
pub use reset::Reset;
pub use session::REFRESH_PREFIX;
pub use settings::*;
pub use sweep::{EVERY, Swept};

/// The use cases. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Auth {
    ports: AuthPorts,
    settings: Arc<AuthSettings>,
}

/// What [`Auth`] needs from outside.
#[derive(Clone)]
pub struct AuthPorts {
    /// Where users are kept.
    pub users: Arc<dyn ports::Users>,
    /// Where devices are kept.
    pub devices: Arc<dyn ports::Devices>,
    /// Where one-time codes are kept.
    pub codes: Arc<dyn ports::Codes>,
    /// Counts how often somebody tries.
    pub limits: Arc<dyn ports::Limits>,
    /// Brings mails; without one there are no codes.
    pub mailer: Option<Arc<dyn ports::Mailer>>,
    /// Hashes passwords.
    pub hasher: Arc<dyn ports::PasswordHasher>,
    /// Signs access tokens.
    pub tokens: Arc<dyn ports::TokenIssuer>,
    /// Signs user JWTs and revokes keys.
    pub issuer: Arc<dyn ports::CredentialsIssuer>,
    /// Where it is noted what admins do.
    pub audit: Arc<dyn ports::Audit>,
    /// What belongs to users elsewhere, and goes when they go.
    pub belongings: Vec<Arc<dyn ports::Belongings>>,
    /// Holds the token that makes the first admin.
    pub setup_token: Arc<dyn ports::SetupToken>,
    /// Makes a key pair for a device that brings none.
    pub key_pairs: Arc<dyn ports::KeyPairs>,
    /// What one-time codes are hashed with; not from the database that keeps them.
    pub code_key: CodeKey,
    /// Runs what nobody waits for: mails.
    pub spawner: Arc<dyn ports::Spawner>,
    /// Time.
    pub clock: Arc<dyn ports::Clock>,
    /// Chance, for ids.
    pub rng: Arc<dyn ports::Rng>,
}

impl Auth {
    /// The use cases on these ports.
    #[must_use]
    pub fn new(ports: AuthPorts, settings: AuthSettings) -> Self {
        Self { ports, settings: Arc::new(settings) }
    }

    /// What was set.
    #[must_use]
    pub fn settings(&self) -> &AuthSettings {
        &self.settings
    }

    /// The time in whole milliseconds, as stores keep it.
    fn now(&self) -> Timestamp {
        let now = self.ports.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The second that `time` lies in: JWTs know no smaller ones.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_millisecond().div_euclid(1_000)).unwrap_or(time)
}
