//! A token issuer that is not secure.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    ports::{Access, TokenError},
    secret::Secret,
};

/// Access tokens for tests: readable text with a keyed digest. **Not for the open**: the construction is no MAC.
#[derive(Debug, Default)]
pub struct TokenIssuer {
    key: u64,
}

impl TokenIssuer {
    /// An issuer that believes only the tokens of those with the same key.
    #[must_use]
    pub fn with_key(key: u64) -> Self {
        Self { key }
    }

    fn sealed(&self, body: &str) -> String {
        format!("{body}.{}", HEXLOWER.encode(&Sha256::digest(format!("{}.{body}", self.key))))
    }
}

impl crate::ports::TokenIssuer for TokenIssuer {
    fn issue(&self, access: &Access) -> Secret {
        let Access { user, device, issued_at, expires_at } = access;
        Secret::from(self.sealed(&format!("{user}.{device}.{}.{}", issued_at.as_second(), expires_at.as_second())))
    }

    /// None: these tokens are for their issuer alone.
    fn jwks(&self, _: Timestamp) -> String {
        r#"{"keys":[]}"#.to_owned()
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Access, TokenError> {
        let (body, _) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        if self.sealed(body) != token {
            return Err(TokenError::Invalid);
        }
        let access = parse(body).ok_or(TokenError::Invalid)?;
        match now {
            now if now < access.issued_at => Err(TokenError::Invalid),
            now if now >= access.expires_at => Err(TokenError::Expired),
            _ => Ok(access),
        }
    }
}

fn parse(body: &str) -> Option<Access> {
    let mut parts = body.split('.');
    let mut next = || parts.next();
    let access = Access {
        user: next()?.parse().ok()?,
        device: next()?.parse().ok()?,
        issued_at: Timestamp::from_second(next()?.parse().ok()?).ok()?,
        expires_at: Timestamp::from_second(next()?.parse().ok()?).ok()?,
    };
    Some(access)
}
