//! What users are told of themselves and their devices, and the end of a device.

use jiff::Timestamp;

use crate::{
    auth::{Auth, AuthError, Email},
    identity::{DeviceId, UserId},
    ports::{Access, AccountRole, Device, LimitKey, TokenError},
};

/// What users are told about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The id.
    pub id: UserId,
    /// The email address, as it is kept.
    pub email: Email,
    /// When they registered, to the millisecond.
    pub created_at: Timestamp,
    /// Whether the address is proven.
    pub verified: bool,
}

impl Auth {
    /// Who is asking, by an access token. A token holds no longer than its device is there.
    ///
    /// # Errors
    /// [`AuthError::Token`], [`AuthError::Unavailable`].
    pub async fn authenticate(&self, token: &str) -> Result<Access, AuthError> {
        let access = self.ports.tokens.verify(token, self.ports.clock.now()).map_err(AuthError::Token)?;
        let devices = self.ports.devices.of_user(&access.user).await?;
        let good = |device: &Device| device.session.as_ref().is_none_or(|session| !session.ended);
        if devices.iter().any(|device| device.id == access.device && good(device)) {
            Ok(access)
        } else {
            Err(AuthError::Token(TokenError::Expired))
        }
    }

    /// The public keys of access tokens, as a JSON Web Key Set.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.ports.tokens.jwks(self.ports.clock.now())
    }

    /// What is known of a user.
    ///
    /// # Errors
    /// [`AuthError::Token`] when there is no such user (any more), [`AuthError::Unavailable`].
    pub async fn me(&self, user: &UserId) -> Result<Me, AuthError> {
        let user = self.ports.users.by_id(user).await?.ok_or(AuthError::Token(TokenError::Expired))?;
        Ok(Me { id: user.id, email: user.email, created_at: user.created_at, verified: user.verified })
    }

    /// The devices of a user, oldest first.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn devices(&self, user: &UserId) -> Result<Vec<Device>, AuthError> {
        Ok(self.ports.devices.of_user(user).await?)
    }

    /// Removes a device ([`Auth::remove_device`]) by the wish of its user, who may do so only so often: each is a push to the
    /// brokers.
    ///
    /// # Errors
    /// As [`Auth::remove_device`], and [`AuthError::TooOften`].
    pub async fn remove_own_device(&self, access: &Access, device: &DeviceId) -> Result<(), AuthError> {
        let key = LimitKey::new("device_removals/user", access.user.as_str());
        let mut places = self.places();
        places.take(key, self.settings.limits.device_removals_per_user).await?;
        let removed = self.remove_device(&access.user, device).await;
        if removed.is_err() {
            places.give_back().await;
        }
        removed
    }

    /// Revokes the key of a device for good, then forgets the device. It is cut off from the brokers when this returns.
    ///
    /// # Errors
    /// [`AuthError::NoSuchDevice`] (a repeat, for one); [`AuthError::NotConfirmed`] and [`AuthError::Unavailable`] leave
    /// the device listed, and a repeat goes on where this stopped.
    pub async fn remove_device(&self, user: &UserId, device: &DeviceId) -> Result<(), AuthError> {
        let devices = self.ports.devices.of_user(user).await?;
        let found = devices.into_iter().find(|own| own.id == *device).ok_or(AuthError::NoSuchDevice)?;
        // This order, for the other one could end between the two with a key that works and a device nobody sees.
        self.ports.issuer.revoke(AccountRole::Application, &found.key).await?;
        self.ports.devices.remove(user, device).await?;
        tracing::info!(%user, %device, "a device has been removed");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::auth::fixture::*;

    #[tokio::test]
    async fn a_removed_device_is_revoked_gone_and_logged_out() {
        let fixture = Fixture::new();
        fixture.register(EMAIL).await;
        let one = fixture.login(EMAIL).await;
        let two = fixture.login(EMAIL).await;
        fixture.auth.remove_device(&one.user_id, &one.device_id).await.unwrap();

        assert_eq!(fixture.issuer.revoked.lock().unwrap().len(), 1);
        let left = fixture.auth.devices(&one.user_id).await.unwrap();
        assert_eq!(left.iter().map(|device| &device.id).collect::<Vec<_>>(), [&two.device_id]);
        let refused = fixture.auth.authenticate(one.access_token.expose()).await;
        assert!(matches!(refused, Err(AuthError::Token(TokenError::Expired))), "{refused:?}");
        assert!(fixture.auth.authenticate(two.access_token.expose()).await.is_ok());
        let repeat = fixture.auth.remove_device(&one.user_id, &one.device_id).await;
        assert!(matches!(repeat, Err(AuthError::NoSuchDevice)));
    }

    #[tokio::test]
    async fn a_device_the_brokers_have_not_cut_off_stays_listed() {
        let fixture = Fixture::new();
        fixture.register(EMAIL).await;
        let one = fixture.login(EMAIL).await;
        *fixture.issuer.brokers_away.lock().unwrap() = true;
        let away = fixture.auth.remove_device(&one.user_id, &one.device_id).await;
        assert!(matches!(away, Err(AuthError::NotConfirmed(_))));
        assert_eq!(fixture.auth.devices(&one.user_id).await.unwrap().len(), 1);
        *fixture.issuer.brokers_away.lock().unwrap() = false;
        fixture.auth.remove_device(&one.user_id, &one.device_id).await.unwrap();
        assert!(fixture.auth.devices(&one.user_id).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn nobody_removes_what_is_anothers() {
        let fixture = Fixture::new();
        fixture.register(EMAIL).await;
        fixture.register("bob@example.org").await;
        let (ada, bob) = (fixture.login(EMAIL).await, fixture.login("bob@example.org").await);
        let refused = fixture.auth.remove_device(&bob.user_id, &ada.device_id).await;
        assert!(matches!(refused, Err(AuthError::NoSuchDevice)));
        assert!(fixture.issuer.revoked.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_token_tells_who_asks_until_it_ends() {
        let fixture = Fixture::new();
        fixture.register(EMAIL).await;
        let one = fixture.login(EMAIL).await;
        let access = fixture.auth.authenticate(one.access_token.expose()).await.unwrap();
        let me = fixture.auth.me(&access.user).await.unwrap();
        assert_eq!((me.id, me.email.as_str()), (one.user_id, EMAIL));
        fixture.clock.advance(Duration::from_secs(900));
        let ended = fixture.auth.authenticate(one.access_token.expose()).await;
        assert!(matches!(ended, Err(AuthError::Token(TokenError::Expired))));
        assert!(matches!(fixture.auth.authenticate("x").await, Err(AuthError::Token(TokenError::Invalid))));
    }
}
