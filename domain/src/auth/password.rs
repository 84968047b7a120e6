//! Passwords and what is kept of them.

use crate::{
    auth::{Auth, AuthError},
    ports::{Access, TokenError, Verdict},
    secret::Secret,
};

/// The fewest characters of a password (NIST SP 800-63B §5.1.1.2).
pub const PASSWORD_MIN: usize = 8;
/// The most characters of a password. Longer ones would only make work.
pub const PASSWORD_MAX: usize = 256;

/// A password hash in the PHC string format. It has no `Debug`: it is not for logs.
#[derive(Clone)]
pub struct PasswordHash(Secret);

impl PasswordHash {
    /// Takes a PHC string, unchecked; the hasher that made it reads it.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self(text.into())
    }

    /// The PHC string, for the store.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl Auth {
    /// Puts another password in place of `old`. With `cut_off_others` all other devices of the user are removed when this returns.
    ///
    /// # Errors
    /// [`AuthError::WrongPassword`], [`AuthError::Invalid`] (`new`), [`AuthError::Busy`], [`AuthError::Unavailable`];
    /// [`AuthError::NotConfirmed`] when the password is changed and a device is not cut off yet.
    pub async fn change_password(
        &self,
        access: &Access,
        old: &Secret,
        new: &Secret,
        cut_off_others: bool,
    ) -> Result<(), AuthError> {
        check("new", new)?;
        // A longer one is not the password, and would only make work.
        check("old", old)?;
        let user = self.ports.users.by_id(&access.user).await?.ok_or(AuthError::Token(TokenError::Expired))?;
        if self.ports.hasher.verify(old, Some(&user.password)).await? == Verdict::Wrong {
            return Err(AuthError::WrongPassword);
        }
        let hash = self.ports.hasher.hash(new).await?;
        if !self.ports.users.set_password(&user.id, Some(&user.password), &hash).await? {
            // Somebody else has changed it meanwhile, so that `old` is the old one of theirs.
            return Err(AuthError::WrongPassword);
        }
        tracing::info!(user = %user.id, "a password was changed");
        if cut_off_others { self.remove_devices(&user.id, Some(&access.device)).await } else { Ok(()) }
    }
}

/// The rule for passwords, looked at before any is hashed: [`PASSWORD_MIN`] to [`PASSWORD_MAX`] characters, of any kind.
pub(super) fn check_password(password: &Secret) -> Result<(), AuthError> {
    check("password", password)
}

fn check(field: &'static str, password: &Secret) -> Result<(), AuthError> {
    // Whoever sends megabytes shall not have their characters counted either.
    let longest_in_bytes = PASSWORD_MAX * char::MAX.len_utf8();
    let text = password.expose();
    let fits = text.len() <= longest_in_bytes && (PASSWORD_MIN..=PASSWORD_MAX).contains(&text.chars().count());
    if fits {
        Ok(())
    } else {
        Err(AuthError::invalid(field, &format!("it must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters_and_bounded_in_bytes() {
        let check = |text: String| check_password(&text.into()).is_ok();
        assert!(!check("é".repeat(7)));
        assert!(check("é".repeat(8)));
        assert!(check("🦀".repeat(256)));
        assert!(!check("🦀".repeat(257)));
        assert!(!check("a".repeat(257)));
        assert!(!check(String::new()));
    }
}
