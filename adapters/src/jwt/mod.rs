//! Access tokens as JWTs (RFC 9068), signed with Ed25519 and with nothing else.
//!
//! ```text
//! header  {"typ":"at+jwt","alg":"EdDSA","kid":<RFC 7638 thumbprint of the key>}
//! claims  {"iss","aud","sub":<user id>,"device":<device id>,"jti":<128 random bits>,"iat","exp"}
//! ```
//!
//! A token is believed if its header is that one, key by key; its signature holds; its claims are those seven, of the
//! right types, for our issuer and audience; and the time that the caller says it is lies between `iat` and `exp`,
//! give or take [`LEEWAY`] seconds. The system's clock is never read.

mod ed25519;

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use relais_domain::{
    ports::{Access, Rng, TokenError},
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How far clocks may differ, in seconds.
pub const LEEWAY: i64 = 5;
/// The longest token that is looked at, in bytes. Ours have some 500.
const LONGEST: usize = 4 * 1024;

/// Signs access tokens with one key and believes those of that key.
pub struct TokenIssuer {
    header: Header,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    issuer: String,
    audience: String,
    rng: Arc<dyn Rng>,
}

/// The program has installed a provider of cryptography for `jsonwebtoken` that knows no Ed25519.
#[derive(Debug, thiserror::Error)]
#[error(
    "tokens cannot be signed: the installed jsonwebtoken CryptoProvider does not do EdDSA; install one that does, or none"
)]
pub struct Unusable(#[source] jsonwebtoken::errors::Error);

/// `deny_unknown_fields`: a claim that we do not know might limit what we would grant.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    device: String,
    jti: String,
    iat: i64,
    exp: i64,
}

impl TokenIssuer {
    /// An issuer with the Ed25519 key of these 32 secret bytes, which names itself `issuer` and signs for `audience`.
    /// Where the program has installed no `jsonwebtoken` provider, this installs one that does Ed25519 alone.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn new(key: &[u8; 32], issuer: &str, audience: &str, rng: Arc<dyn Rng>) -> Result<Self, Unusable> {
        ed25519::install();
        let key = SigningKey::from_bytes(key);
        // The forms that every provider reads, lest one is installed already: PKCS #8 and the bare public key.
        let der = key.to_pkcs8_der().expect("an Ed25519 key has a PKCS #8 form");
        let public = key.verifying_key();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(thumbprint(public.as_bytes()));
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Against the system's clock; ours is an argument.
        validation.validate_exp = false;
        let tokens = Self {
            header,
            signing: EncodingKey::from_ed_der(der.as_bytes()),
            verifying: DecodingKey::from_ed_der(public.as_bytes()),
            validation,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            rng,
        };
        let probe = tokens.encode(&tokens.claims("probe", "probe", 0, 0)).map_err(Unusable)?;
        tokens.decode(&probe).map_err(Unusable)?;
        Ok(tokens)
    }

    /// The key's id, as tokens bear it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.header.kid.as_deref().unwrap_or_default()
    }

    fn claims(&self, user: &str, device: &str, iat: i64, exp: i64) -> Claims {
        let mut id = [0_u8; 16];
        self.rng.fill(&mut id);
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.to_owned(),
            device: device.to_owned(),
            jti: BASE64URL_NOPAD.encode(&id),
            iat,
            exp,
        }
    }

    fn encode(&self, claims: &Claims) -> jsonwebtoken::errors::Result<String> {
        jsonwebtoken::encode(&self.header, claims, &self.signing)
    }

    fn decode(&self, token: &str) -> jsonwebtoken::errors::Result<Claims> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation)?;
        if decoded.header == self.header {
            Ok(decoded.claims)
        } else {
            Err(jsonwebtoken::errors::ErrorKind::InvalidToken.into())
        }
    }
}

impl relais_domain::ports::TokenIssuer for TokenIssuer {
    fn issue(&self, access: &Access) -> Secret {
        let Access { user, device, issued_at, expires_at } = access;
        let claims = self.claims(user.as_str(), device.as_str(), issued_at.as_second(), expires_at.as_second());
        Secret::from(self.encode(&claims).expect("the provider has signed before, and strings are JSON"))
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Access, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Invalid);
        }
        let claims = self.decode(token).map_err(|_| TokenError::Invalid)?;
        let second = |second| Timestamp::from_second(second).map_err(|_| TokenError::Invalid);
        let access = Access {
            user: claims.sub.parse().map_err(|_| TokenError::Invalid)?,
            device: claims.device.parse().map_err(|_| TokenError::Invalid)?,
            issued_at: second(claims.iat)?,
            expires_at: second(claims.exp)?,
        };
        let now = now.as_second();
        if now < claims.iat.saturating_sub(LEEWAY) || claims.exp < claims.iat {
            Err(TokenError::Invalid)
        } else if now >= claims.exp.saturating_add(LEEWAY) {
            Err(TokenError::Expired)
        } else {
            Ok(access)
        }
    }
}

/// The SHA-256 thumbprint of an Ed25519 public key (RFC 7638, RFC 8037 §2).
fn thumbprint(public: &[u8; 32]) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, BASE64URL_NOPAD.encode(public));
    BASE64URL_NOPAD.encode(&Sha256::digest(jwk))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
