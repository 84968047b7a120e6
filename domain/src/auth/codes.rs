//! One-time codes: who shows one has the mailbox of an address.
//!
//! ```text
//! POST /login/code, /password/reset, a first login …      a mail: "your code is 7K2M-Q9XW"
//! POST /login {email, code}, /password/confirm            the code is used; all others of the address end with it
//! ```
//!
//! - A code is eight characters of Crockford's alphabet, 40 bits: nobody guesses one in its 15 minutes, so wrong codes lock
//!   nobody out. It may be typed in small letters, with or without the dash; O is read as 0, I and L as 1.
//! - Codes do not replace each other: a code that somebody else asks for does not end the one that was just mailed.
//! - All codes are alike: each proves the mailbox and nothing else, whatever it was asked for.
//! - What is stored is HMAC-SHA-256 of address and code, with a key that does not lie in the database.
//! - Whether anybody has the address is looked up beside the answer, so neither the answer nor its time tells.

use std::time::Duration;

use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    auth::{Auth, AuthError, ClientAddress, Email, Proof, later},
    ports::{CodeHash, LimitKey, Mail, MailError, PendingCode, Standing, Subject, User},
    secret::Secret,
};

/// How long a code is good for. Longer than a place in the bucket of [`crate::auth::RateLimits::mail_per_email`] takes to come
/// back by default: whenever no mail is sent because of that limit, an earlier code still holds.
pub const CODE_LIFE: Duration = Duration::from_secs(15 * 60);

/// Characters of a code.
const LENGTH: usize = 8;
/// Crockford's base 32: no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How long after a mail that was not taken it is tried again.
const AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(20)];
/// Keeps these hashes apart from any others that might be made with the same key.
const PURPOSE: &[u8] = b"relais one-time code 1";

/// What codes are hashed with. It has no `Debug`.
#[derive(Clone)]
pub struct CodeKey(Hmac<Sha256>);

/// What a code is asked for; it changes what the mail says, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeWish {
    /// To log in.
    Login,
    /// To prove the address of a new user.
    Verify,
    /// To put another password in place of a forgotten one.
    Reset,
}

impl CodeKey {
    /// With a secret key, which all instances share and which lies elsewhere than the codes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("a key of any length will do"))
    }

    fn hash(&self, email: &Email, code: &Code) -> CodeHash {
        let mac = self.0.clone().chain_update(PURPOSE).chain_update(code.0.expose()).chain_update(email.as_str());
        CodeHash(mac.finalize().into_bytes().into())
    }
}

/// A code, without its dash. It has no `Debug`.
struct Code(Secret);

impl Code {
    fn generate(rng: &dyn crate::ports::Rng) -> Self {
        let mut bytes = [0_u8; LENGTH];
        rng.fill(&mut bytes);
        Self(Secret::from(bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).iter().collect::<String>()))
    }

    /// What somebody typed; `None` when it cannot be a code.
    fn parse(typed: &str) -> Option<Self> {
        // Longer than anybody types one.
        if typed.len() > 4 * LENGTH {
            return None;
        }
        let read = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
        let text: String = read.collect();
        let fits = text.len() == LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte));
        fits.then(|| Self(text.into()))
    }

    /// As people read it best.
    fn shown(&self) -> Secret {
        let (one, other) = self.0.expose().split_at(LENGTH / 2);
        Secret::from(format!("{one}-{other}"))
    }
}

impl Auth {
    /// Mails a code to an address, if it is somebody's who is let in. What this returns, and when, is the same if not.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] (`email`), [`AuthError::NoMail`], [`AuthError::TooOften`], [`AuthError::Unavailable`].
    pub async fn send_code(&self, email: &str, wish: CodeWish, from: &ClientAddress) -> Result<(), AuthError> {
        let email: Email = email.parse().map_err(|error| AuthError::invalid("email", &error))?;
        if self.ports.mailer.is_none() {
            return Err(AuthError::NoMail);
        }
        self.take_mail(&email, from).await?;
        self.mail_later(email, wish);
        Ok(())
    }

    /// Mails a code that goes with something else, which does not fail for it: where too many were mailed, one is there.
    pub(super) async fn mail_code_beside(
        &self,
        email: &Email,
        wish: CodeWish,
        from: &ClientAddress,
    ) -> Result<(), AuthError> {
        match self.take_mail(email, from).await {
            Ok(()) => self.mail_later(email.clone(), wish),
            Err(AuthError::TooOften(_)) => tracing::info!("a code was not mailed, for too many were"),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn take_mail(&self, email: &Email, from: &ClientAddress) -> Result<(), AuthError> {
        let limits = &self.settings.limits;
        let mut places = self.places();
        places.take_of("mail/address", from, limits.mail_per_address).await?;
        places.take(LimitKey::new("mail/email", email.as_str()), limits.mail_per_email).await?;
        places.take(LimitKey::total("mail"), limits.mail_total).await
    }

    fn mail_later(&self, email: Email, wish: CodeWish) {
        let auth = self.clone();
        let pause = self.settings.mail_pause.mul_f64(self.chance());
        let task = async move {
            auth.ports.clock.sleep(pause).await;
            if let Err(error) = auth.mail_code(&email, wish).await {
                tracing::warn!(error = &*error, "a code was not mailed");
            }
        };
        drop(self.ports.spawner.spawn(task.boxed()));
    }

    /// A random number from 0 up to 1.
    fn chance(&self) -> f64 {
        let mut bytes = [0_u8; 2];
        self.ports.rng.fill(&mut bytes);
        f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
    }

    async fn mail_code(&self, email: &Email, wish: CodeWish) -> Result<(), crate::ports::Cause> {
        let Some(mailer) = &self.ports.mailer else { return Ok(()) };
        let Some(user) = self.ports.users.by_email(email).await?.filter(|user| user.standing == Standing::Active)
        else {
            return Ok(());
        };
        let code = Code::generate(&*self.ports.rng);
        let hash = self.ports.code_key.hash(email, &code);
        let pending = PendingCode { email: email.clone(), hash, ends_at: later(self.now(), CODE_LIFE) };
        // Kept before it is mailed: a code that arrives is good.
        self.ports.codes.keep(pending).await?;
        let mail = self.mail(email, wish, &code)?;
        let mut again = AGAIN.into_iter();
        loop {
            match (mailer.send(&mail).await, again.next()) {
                (Ok(()), _) => {
                    tracing::debug!(user = %user.id, "a code was mailed");
                    return Ok(());
                }
                (Err(MailError::Unavailable(_)), Some(pause)) => self.ports.clock.sleep(pause).await,
                (Err(error), _) => return Err(error.into()),
            }
        }
    }

    fn mail(&self, to: &Email, wish: CodeWish, code: &Code) -> Result<Mail, crate::ports::Cause> {
        let name = &self.settings.mail_name;
        let (subject, about) = match wish {
            CodeWish::Login => ("your code to log in", "Somebody, probably you, wants to log in with this address."),
            CodeWish::Verify => ("prove your address", "Somebody, probably you, has registered with this address."),
            CodeWish::Reset => ("your code for a new password", "Somebody, probably you, has forgotten the password."),
        };
        let body = format!(
            "Your code for {name} is\n\n    {code}\n\n{about}\nThe code is good once, for {minutes} minutes. Give it to \
             nobody.\n\nIf this was not you, do nothing: without the code nothing happens.\n",
            code = code.shown().expose(),
            minutes = CODE_LIFE.as_secs() / 60,
        );
        let subject: Subject = format!("{name}: {subject}").parse()?;
        Ok(Mail { to: to.clone(), subject, body: body.into() })
    }

    /// The user of an address who has shown a code, and has proven the mailbox by that. A `password` that goes with it has to be
    /// right, for a user who has proven the address before.
    pub(super) async fn proven_by_code(
        &self,
        email: &Email,
        typed: &Secret,
        password: Option<&Secret>,
    ) -> Result<User, AuthError> {
        let user = self.ports.users.by_email(email).await?;
        let right = match password {
            None => None,
            Some(password) => Some(self.is_right(user.as_ref(), password).await?),
        };
        let displaces = |user: &User| self.settings.verify && !user.verified;
        if right == Some(false) && !user.as_ref().is_some_and(displaces) {
            return Err(AuthError::Unauthorized);
        }
        let user = self.redeem(email, typed, user).await?;
        if user.verified {
            return Ok(user);
        }
        let joins = right == Some(true) || !self.settings.verify || self.is_fresh(&user).await?;
        if joins {
            return self.ports.users.set_verified(&user.id).await?.ok_or(AuthError::Unauthorized);
        }
        let password = password.cloned().unwrap_or_else(|| self.unknown_password());
        let password = self.ports.hasher.hash(&password).await?;
        self.displace(user, password).await
    }

    /// Uses a code; `user` is who has the address, if anybody.
    pub(super) async fn redeem(&self, email: &Email, typed: &Secret, user: Option<User>) -> Result<User, AuthError> {
        let code = Code::parse(typed.expose()).ok_or(AuthError::Unauthorized)?;
        let hash = self.ports.code_key.hash(email, &code);
        if !self.ports.codes.redeem(email, &hash, self.now()).await? {
            return Err(AuthError::Unauthorized);
        }
        let user = user.ok_or(AuthError::Unauthorized)?;
        // Who is leaving without ever having proven the address is on the way to be displaced.
        let let_in = user.standing == Standing::Active || (user.standing == Standing::Leaving && !user.verified);
        if let_in { Ok(user) } else { Err(AuthError::Disabled) }
    }

    /// Whether nobody can know a password of this user, or have been in: whoever registered proves the address now.
    async fn is_fresh(&self, user: &User) -> Result<bool, AuthError> {
        let without_password = self.settings.proof == Proof::Code && user.standing == Standing::Active;
        Ok(without_password && self.ports.devices.of_user(&user.id).await?.is_empty())
    }
}

#[cfg(test)]
#[path = "codes_tests.rs"]
mod tests;
