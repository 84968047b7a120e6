//! How often somebody may do what strangers may try.
//!
//! | bucket | is emptied by | and spares |
//! |---|---|---|
//! | address and email together | wrong passwords and codes | everybody else |
//! | email | wrong passwords, from wherever | devices that the user has already, and logins by a code |
//! | known device | its own wrong passwords | all others |
//! | address | wrong passwords and codes, for whomever | everybody else |
//! | all | every login: they cost computing time | nobody |
//!
//! So a stranger who guesses at an address can keep nobody out: devices that are there have a bucket of their own, new ones get in
//! by a mailed code, and a code cannot be guessed. A mail limit keeps nobody out either: it refuses only while a code that was
//! mailed before still holds ([`crate::auth::CODE_LIFE`]), or when one of the address's or everybody's is empty.

use crate::{
    auth::{Auth, AuthError},
    ports::{LimitKey, Rate, Taken},
};

/// How often somebody may do what strangers may try, as rates: `5 per 1m` is five at once, and five within each minute
/// after that; `off` is no limit.
///
/// The defaults are chosen so that a household or an office behind one address can work, a password cannot be guessed
/// online, and nobody is shut out by a stranger: what a stranger can empty (`login_per_email`) does not count for a
/// device that the user has already, which has a bucket of its own, and a login that succeeds gives back what it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// `auth.limits.login_per_email_and_address`: wrong passwords for one email address from one network address.
    pub login_per_email_and_address: Rate,
    /// `auth.limits.login_per_email`: wrong passwords for one email address, wherever they come from.
    pub login_per_email: Rate,
    /// `auth.limits.login_per_known_device`: wrong passwords from a device that the user has already.
    pub login_per_known_device: Rate,
    /// `auth.limits.login_per_address`: wrong passwords from one network address, for whomever.
    pub login_per_address: Rate,
    /// `auth.limits.login_total`: logins of everybody, which cost computing time.
    pub login_total: Rate,
    /// `auth.limits.register_per_address`: registrations from one network address.
    pub register_per_address: Rate,
    /// `auth.limits.mail_per_email`: mails to one email address.
    pub mail_per_email: Rate,
    /// `auth.limits.mail_per_address`: mails that one network address asks for.
    pub mail_per_address: Rate,
    /// `auth.limits.mail_total`: mails to everybody.
    pub mail_total: Rate,
    /// `auth.limits.device_removals_per_user`: devices that one user removes; each is a push to the brokers.
    pub device_removals_per_user: Rate,
    /// `auth.limits.refresh_per_device`: new access tokens for one device.
    pub refresh_per_device: Rate,
}

impl Default for RateLimits {
    fn default() -> Self {
        let rate = |text: &str| text.parse().expect("it is a rate");
        Self {
            login_per_email_and_address: rate("10 per 1h"),
            login_per_email: rate("100 per 1d"),
            login_per_known_device: rate("20 per 1h"),
            login_per_address: rate("100 per 1h"),
            login_total: rate("6000 per 1m"),
            register_per_address: rate("30 per 1h"),
            mail_per_email: rate("5 per 1h"),
            mail_per_address: rate("20 per 1h"),
            mail_total: rate("1000 per 1h"),
            device_removals_per_user: rate("60 per 1h"),
            refresh_per_device: rate("120 per 15m"),
        }
    }
}

/// A network address as limits count it: as a door writes it, all addresses that one customer can choose from alike (an IPv6
/// address by its first 64 bits).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAddress {
    text: String,
    on_this_machine: bool,
}

impl ClientAddress {
    /// The address, as the door writes it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), on_this_machine: false }
    }

    /// The same of somebody on this machine, who is not counted by address: that is its developer or operator; or everybody,
    /// behind a proxy that nobody has told us of, and then a stranger could keep all others out.
    #[must_use]
    pub fn on_this_machine(text: impl Into<String>) -> Self {
        Self { text: text.into(), on_this_machine: true }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Places that were taken, to be given back if all goes well.
pub(super) struct Places<'a> {
    auth: &'a Auth,
    taken: Vec<(LimitKey, Rate)>,
}

impl Auth {
    pub(super) fn places(&self) -> Places<'_> {
        Places { auth: self, taken: Vec::new() }
    }

    /// Takes a place for good.
    pub(super) async fn take_place(&self, key: LimitKey, rate: Rate) -> Result<(), AuthError> {
        self.places().take(key, rate).await
    }
}

impl Places<'_> {
    /// Takes a place; where there is none, gives those back that were taken before.
    pub(super) async fn take(&mut self, key: LimitKey, rate: Rate) -> Result<(), AuthError> {
        let taken = self.take_or_keep(key, rate).await;
        if matches!(taken, Err(AuthError::TooOften(_))) {
            self.give_back().await;
        }
        taken
    }

    /// Takes a place in the bucket of an address, if it is counted.
    pub(super) async fn take_of(
        &mut self,
        kind: &'static str,
        from: &ClientAddress,
        rate: Rate,
    ) -> Result<(), AuthError> {
        if from.on_this_machine { Ok(()) } else { self.take(LimitKey::new(kind, from.as_str()), rate).await }
    }

    /// Takes a place; where there is none, those that were taken before stay taken.
    pub(super) async fn take_or_keep(&mut self, key: LimitKey, rate: Rate) -> Result<(), AuthError> {
        match self.auth.ports.limits.take(&key, rate, self.auth.ports.clock.now()).await? {
            Taken::Yes => {
                self.taken.push((key, rate));
                Ok(())
            }
            Taken::Later(wait) => Err(AuthError::TooOften(wait)),
        }
    }

    /// Gives all places back. Who cannot be told so only fills up later.
    pub(super) async fn give_back(&mut self) {
        for (key, rate) in self.taken.drain(..) {
            if let Err(error) = self.auth.ports.limits.give_back(&key, rate, self.auth.ports.clock.now()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "a place was not given back");
            }
        }
    }
}

#[cfg(test)]
#[path = "rates_tests.rs"]
mod tests;
