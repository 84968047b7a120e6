//! Another password in place of a forgotten one.

use crate::{
    auth::{Auth, AuthError, ClientAddress, Email, Proof, password::check_password},
    ports::LimitKey,
    secret::Secret,
};

/// A wish for another password, with a code that was mailed ([`Auth::send_code`]).
#[derive(Clone)]
pub struct Reset {
    /// The email address, as it was typed.
    pub email: String,
    /// The code, as it was typed.
    pub code: Secret,
    /// The password from now on.
    pub password: Secret,
    /// From where it comes.
    pub from: ClientAddress,
}

impl Auth {
    /// Puts another password in place of one that was forgotten. All devices are removed, since somebody else may have known
    /// the old one. Where addresses are verified and this one was not, what was registered with it is displaced.
    ///
    /// # Errors
    /// [`AuthError::Unauthorized`] for an unknown address and a wrong code alike; [`AuthError::Invalid`] (`email`, `password`);
    /// [`AuthError::NoMail`] where logins need no password; [`AuthError::TooOften`], [`AuthError::Busy`],
    /// [`AuthError::Disabled`], [`AuthError::Unavailable`]; [`AuthError::NotConfirmed`] when the password is another one and a
    /// device is not cut off yet: that is gone on with by itself.
    pub async fn reset_password(&self, reset: Reset) -> Result<(), AuthError> {
        let email: Email = reset.email.parse().map_err(|error| AuthError::invalid("email", &error))?;
        check_password(&reset.password)?;
        if self.ports.mailer.is_none() || self.settings.proof != Proof::Password {
            return Err(AuthError::NoMail);
        }
        let begun = self.ports.clock.elapsed();
        let limits = &self.settings.limits;
        let mut places = self.places();
        let pair = LimitKey::pair("login/pair", email.as_str(), reset.from.as_str());
        places.take(pair, limits.login_per_email_and_address).await?;
        places.take_of("login/address", &reset.from, limits.login_per_address).await?;
        self.take_place(LimitKey::total("login"), limits.login_total).await?;
        // Hashed whether the code is right or not, so that the time tells nothing of the address.
        let password = self.ports.hasher.hash(&reset.password).await?;
        let user = self.ports.users.by_email(&email).await?;
        let user = self.no_sooner(begun, self.redeem(&email, &reset.code, user).await).await?;
        places.give_back().await;
        if self.settings.verify && !user.verified {
            self.displace(user, password).await?;
            return Ok(());
        }
        self.ports.users.set_password(&user.id, None, &password).await?;
        self.ports.users.set_verified(&user.id).await?;
        tracing::info!(user = %user.id, "a forgotten password was replaced");
        self.remove_devices(&user.id, None).await
    }
}

#[cfg(test)]
#[path = "reset_tests.rs"]
mod tests;
