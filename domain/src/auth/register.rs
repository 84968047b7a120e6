//! A new user.

use data_encoding::BASE64;
use jiff::Timestamp;

use crate::{
    auth::{Auth, AuthError, ClientAddress, CodeWish, Email, PasswordHash, Proof, check_password},
    credentials::permissions::USER_ROLE,
    identity::UserId,
    ports::{Standing, User},
    secret::Secret,
};

/// A wish to be a user.
#[derive(Clone)]
pub struct Registration {
    /// The email address, as it was typed.
    pub email: String,
    /// The password; needed with [`Proof::Password`] alone.
    pub password: Option<Secret>,
    /// From where it comes.
    pub from: ClientAddress,
}

/// A user who has just come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Made here.
    pub id: UserId,
    /// As it is kept.
    pub email: Email,
    /// Now, to the millisecond.
    pub created_at: Timestamp,
    /// Whether the address is to be proven before the first login; a code was mailed to it then.
    pub to_be_verified: bool,
}

impl Auth {
    /// Saves a user, and mails a code where addresses are verified. A repeat is [`AuthError::Taken`].
    ///
    /// # Errors
    /// [`AuthError::Invalid`] (`email`, `password`), [`AuthError::Taken`], [`AuthError::TooOften`], [`AuthError::Busy`],
    /// [`AuthError::Unavailable`].
    pub async fn register(&self, registration: Registration) -> Result<Registered, AuthError> {
        let email: Email = registration.email.parse().map_err(|error| AuthError::invalid("email", &error))?;
        let password = match registration.password {
            Some(password) => {
                check_password(&password)?;
                password
            }
            None if self.settings.proof != Proof::Password => self.unknown_password(),
            None => return Err(AuthError::invalid("password", "it is missing")),
        };
        let limits = &self.settings.limits;
        self.places().take_of("register/address", &registration.from, limits.register_per_address).await?;
        // Hashed whether the address is taken or not: the unique index of the store decides, not a look before.
        let password = self.ports.hasher.hash(&password).await?;
        let user = self.new_user(email.clone(), password, false);
        let (id, created_at) = (user.id.clone(), user.created_at);
        self.ports.users.insert(user).await?;
        tracing::info!(user = %id, "a user has registered");
        let to_be_verified = self.settings.verify && self.settings.proof != Proof::None;
        if to_be_verified {
            self.mail_code_beside(&email, CodeWish::Verify, &registration.from).await?;
        }
        Ok(Registered { id, email, created_at, to_be_verified })
    }

    /// A user like any other, who begins now.
    pub(super) fn new_user(&self, email: Email, password: PasswordHash, verified: bool) -> User {
        User {
            id: UserId::generate(&*self.ports.clock, &*self.ports.rng),
            email,
            password,
            created_at: self.now(),
            role: USER_ROLE.parse().expect("it is the name of a role"),
            admin: false,
            standing: Standing::Active,
            verified,
        }
    }

    /// What nobody knows, so that who registered without a password cannot log in once one is asked for.
    pub(super) fn unknown_password(&self) -> Secret {
        let mut bytes = [0_u8; 32];
        self.ports.rng.fill(&mut bytes);
        Secret::from(BASE64.encode(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use crate::auth::{AuthError, AuthSettings, Proof, Registration, fixture::*};

    fn wish(email: &str, password: Option<&str>) -> Registration {
        Registration { email: email.to_owned(), password: password.map(Into::into), from: home() }
    }

    #[tokio::test]
    async fn saves_an_address_once_however_it_is_written() {
        let fixture = Fixture::new();
        let registered = fixture.auth.register(wish(" Ada@Example.org ", Some(PASSWORD))).await.unwrap();
        assert_eq!(registered.email.as_str(), EMAIL);
        assert_eq!(registered.created_at, fixture.auth.now());
        assert!(!registered.id.as_str().contains("ada"), "an id tells nothing of the address");
        let again = fixture.auth.register(wish(EMAIL, Some("another password"))).await;
        assert!(matches!(again, Err(AuthError::Taken)));
    }

    #[tokio::test]
    async fn refuses_what_breaks_a_rule() {
        let fixture = Fixture::new();
        for (email, password, broken) in [
            ("ada", Some(PASSWORD), "email"),
            ("", Some(PASSWORD), "email"),
            (EMAIL, Some("seven77"), "password"),
            (EMAIL, None, "password"),
        ] {
            match fixture.auth.register(wish(email, password)).await {
                Err(AuthError::Invalid { field, .. }) => assert_eq!(field, broken),
                other => panic!("{email:?} {password:?}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn without_proof_a_password_is_not_needed_and_opens_nothing_later() {
        let fixture = Fixture::set(AuthSettings { proof: Proof::None, ..AuthSettings::default() });
        fixture.auth.register(wish(EMAIL, None)).await.unwrap();
        let stored = fixture.auth.ports.users.by_email(&EMAIL.parse().unwrap()).await.unwrap().unwrap();
        for guess in ["", "password"] {
            let verdict = fixture.auth.ports.hasher.verify(&guess.into(), Some(&stored.password)).await.unwrap();
            assert_eq!(verdict, crate::ports::Verdict::Wrong);
        }
    }
}
