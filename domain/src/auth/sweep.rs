//! What is tidied up every hour.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    audit,
    auth::{Auth, AuthError},
};

/// How often.
pub const EVERY: Duration = Duration::from_secs(60 * 60);

/// How much longer than its last JWT a revocation is kept: clocks differ, and a backup may be an hour old.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);

/// How many revocations are pruned at a time: each round is one version of the account.
const AT_ONCE: usize = 1_000;

/// What was tidied up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Devices whose credentials have ended.
    pub devices: usize,
    /// Devices whose session was ended on purpose, and that were still there.
    pub ended: usize,
    /// Users who have left at last.
    pub users: usize,
    /// Revocations that no JWT needs any more.
    pub revocations: usize,
    /// Entries of the audit that are too old.
    pub entries: usize,
    /// One-time codes that have ended.
    pub codes: usize,
    /// Limits that nobody has come near for long.
    pub limits: usize,
}

impl Auth {
    /// Forgets devices that have ended, goes on with those whose session was ended on purpose and with users who are leaving, forgets
    /// revocations that no JWT needs any more, entries of the audit that are too old, codes, and limits. A removed key stays banned: who logs in with it is told so by the store.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`], [`AuthError::NotConfirmed`]; a repeat goes on where this stopped.
    pub async fn sweep(&self) -> Result<Swept, AuthError> {
        let now = self.ports.clock.now();
        let devices = self.ports.devices.forget_ended(now).await?;
        let ended = self.remove_ended_sessions(AT_ONCE).await?;
        let users = self.remove_leaving(AT_ONCE).await?;
        let entries = self.ports.audit.forget_before(audit::oldest(now)).await?;
        let codes = self.ports.codes.forget_ended(now).await?;
        let limits = self.ports.limits.prune(now).await?;
        let margin = now.checked_sub(MARGIN).unwrap_or(Timestamp::MIN);
        let keys = self.ports.devices.prunable(margin, AT_ONCE).await?;
        if !keys.is_empty() {
            self.ports.issuer.prune(&keys).await?;
            self.ports.devices.pruned(&keys).await?;
        }
        Ok(Swept { devices, ended, users, revocations: keys.len(), entries, codes, limits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{AuthSettings, fixture::*};

    #[tokio::test]
    async fn a_revocation_is_pruned_a_day_after_the_last_jwt_and_the_key_stays_banned() {
        let fixture =
            Fixture::set(AuthSettings { credentials_expiry: "10d".parse().unwrap(), ..AuthSettings::default() });
        fixture.register(EMAIL).await;
        let key = crate::testing::devices::key(7);
        let login = crate::auth::Login { public_key: Some(key.clone()), ..login(EMAIL) };
        let Ok(one) = fixture.auth.login(login.clone()).await else { panic!("it can log in") };
        fixture.auth.remove_device(&one.user_id, &one.device_id).await.unwrap();
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        fixture.clock.advance(days(10));
        assert_eq!(fixture.auth.sweep().await.unwrap().revocations, 0, "a day more");
        assert!(fixture.issuer.revoked.lock().unwrap().contains(&key));
        fixture.clock.advance(days(1));
        assert_eq!(fixture.auth.sweep().await.unwrap().revocations, 1);
        assert!(!fixture.issuer.revoked.lock().unwrap().contains(&key));
        assert_eq!(fixture.auth.sweep().await.unwrap().revocations, 0, "once");
        let again = fixture.auth.login(login).await.map(|_| ());
        assert!(matches!(again, Err(AuthError::KeyRevoked(_))), "only a new key helps");
    }

    #[tokio::test]
    async fn devices_that_have_ended_are_forgotten() {
        let fixture =
            Fixture::set(AuthSettings { credentials_expiry: "1d".parse().unwrap(), ..AuthSettings::default() });
        fixture.register(EMAIL).await;
        let one = fixture.login(EMAIL).await;
        assert_eq!(fixture.auth.sweep().await.unwrap().devices, 0);
        fixture.clock.advance(Duration::from_secs(91 * 24 * 60 * 60));
        assert_eq!(fixture.auth.sweep().await.unwrap().devices, 1);
        assert!(fixture.auth.devices(&one.user_id).await.unwrap().is_empty());
    }
}
