//! Access tokens as JWTs (RFC 9068), signed with Ed25519 and with nothing else.
//!
//! ```text
//! header  {"typ":"at+jwt","alg":"EdDSA","kid":<RFC 7638 thumbprint of the key>}
//! claims  {"iss","aud","sub":<user id>,"device":<device id>,"jti":<128 random bits>,"iat","exp"}
//! ```
//!
//! Keys change every [`PERIOD`]: each is derived from one secret and the number of its period, so that all who have the secret have
//! the same keys, and none is stored. A key signs within its period alone, and no token holds longer than [`LIFE_MAX`]: one that
//! comes into the wrong hands is worth nothing an hour after its period.
//!
//! A token is believed if its header is that one, key by key; its signature holds; its claims are those seven, of the
//! right types, for our issuer and audience; and the time that the caller says it is lies between `iat` and `exp`,
//! give or take [`LEEWAY`] seconds. The system's clock is never read.

mod ed25519;
#[cfg(feature = "testing")]
pub mod testing;

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use relais_domain::{
    ports::{Access, Rng, TokenError},
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How far clocks may differ, in seconds.
pub const LEEWAY: i64 = 5;
/// The longest token that is looked at, in bytes. Ours have some 500.
const LONGEST: usize = 4 * 1024;

/// How long a key signs, in seconds: 30 days.
pub const PERIOD: i64 = 30 * 24 * 60 * 60;
/// The longest that a token holds, in seconds.
pub const LIFE_MAX: i64 = 60 * 60;

/// Signs access tokens with the keys of one secret, and believes those of these keys.
pub struct TokenIssuer {
    secret: Zeroizing<[u8; 32]>,
    /// Those that were used lately: a derivation takes longer than a signature.
    keys: Mutex<Vec<Arc<Key>>>,
    validation: Validation,
    issuer: String,
    audience: String,
    rng: Arc<dyn Rng>,
}

/// The key of a period.
struct Key {
    period: i64,
    header: Header,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: [u8; 32],
}

/// How many keys are kept at hand: of the last period, this and the next.
const AT_HAND: usize = 3;

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
    /// An issuer with the Ed25519 keys of these 32 secret bytes, which names itself `issuer` and signs for `audience`.
    /// Where the program has installed no `jsonwebtoken` provider, this installs one that does Ed25519 alone.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn new(secret: &[u8; 32], issuer: &str, audience: &str, rng: Arc<dyn Rng>) -> Result<Self, Unusable> {
        ed25519::install();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Against the system's clock; ours is an argument.
        validation.validate_exp = false;
        let tokens = Self {
            secret: Zeroizing::new(*secret),
            keys: Mutex::default(),
            validation,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            rng,
        };
        let key = tokens.key(0);
        let probe = jsonwebtoken::encode(&key.header, &tokens.claims("probe", "probe", 0, 0), &key.signing);
        tokens.decode(&probe.map_err(Unusable)?, &key).map_err(Unusable)?;
        Ok(tokens)
    }

    /// The key of a period.
    fn key(&self, period: i64) -> Arc<Key> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.iter().find(|key| key.period == period) {
            return Arc::clone(key);
        }
        let key = Arc::new(Key::derive(&self.secret, period));
        keys.push(Arc::clone(&key));
        // The oldest period is the first that nobody asks for any more.
        if keys.len() > AT_HAND
            && let Some(oldest) = keys.iter().enumerate().min_by_key(|(_, key)| key.period).map(|(at, _)| at)
        {
            keys.swap_remove(oldest);
        }
        key
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

    /// Of the periods about `now`, the one of the key that the token names.
    fn named(&self, token: &str, now: i64) -> Option<Arc<Key>> {
        let header = BASE64URL_NOPAD.decode(token.split('.').next()?.as_bytes()).ok()?;
        // As it is written: the library's type takes a member that is null for one that is not there, which we do not.
        let header: Value = serde_json::from_slice(&header).ok()?;
        let period = period(now);
        let mut keys = [period, period - 1, period + 1].into_iter().map(|period| self.key(period));
        keys.find(|key| json!(key.header) == header)
    }

    fn decode(&self, token: &str, key: &Key) -> jsonwebtoken::errors::Result<Claims> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.verifying, &self.validation)?;
        if decoded.header == key.header {
            Ok(decoded.claims)
        } else {
            Err(jsonwebtoken::errors::ErrorKind::InvalidToken.into())
        }
    }
}

impl relais_domain::ports::TokenIssuer for TokenIssuer {
    fn issue(&self, access: &Access) -> Secret {
        let Access { user, device, issued_at, expires_at } = access;
        let issued_at = issued_at.as_second();
        let expires_at = expires_at.as_second().min(issued_at.saturating_add(LIFE_MAX));
        let claims = self.claims(user.as_str(), device.as_str(), issued_at, expires_at);
        let key = self.key(period(issued_at));
        Secret::from(
            jsonwebtoken::encode(&key.header, &claims, &key.signing)
                .expect("the provider has signed before, and strings are JSON"),
        )
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Access, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Invalid);
        }
        let now = now.as_second();
        let key = self.named(token, now).ok_or(TokenError::Invalid)?;
        let claims = self.decode(token, &key).map_err(|_| TokenError::Invalid)?;
        let second = |second| Timestamp::from_second(second).map_err(|_| TokenError::Invalid);
        let access = Access {
            user: claims.sub.parse().map_err(|_| TokenError::Invalid)?,
            device: claims.device.parse().map_err(|_| TokenError::Invalid)?,
            issued_at: second(claims.iat)?,
            expires_at: second(claims.exp)?,
        };
        let life = claims.exp.checked_sub(claims.iat);
        let signed_then = period(claims.iat) == key.period && life.is_some_and(|life| (0..=LIFE_MAX).contains(&life));
        if now < claims.iat.saturating_sub(LEEWAY) || !signed_then {
            Err(TokenError::Invalid)
        } else if now >= claims.exp.saturating_add(LEEWAY) {
            Err(TokenError::Expired)
        } else {
            Ok(access)
        }
    }

    /// The last period's while tokens of it may be about, this one's, and the next one's, so that caches know it in time.
    fn jwks(&self, now: Timestamp) -> String {
        let now = now.as_second();
        let (last, next) = (period(now.saturating_sub(LIFE_MAX + LEEWAY)), period(now) + 1);
        let keys: Vec<_> = (last..=next).map(|period| self.key(period).jwk()).collect();
        json!({ "keys": keys }).to_string()
    }
}

impl Key {
    fn derive(secret: &[u8; 32], period: i64) -> Self {
        // All parts have fixed lengths.
        let digest = Sha256::new_with_prefix(b"relais access token key 1").chain_update(secret);
        let seed = Zeroizing::new(<[u8; 32]>::from(digest.chain_update(period.to_be_bytes()).finalize()));
        let key = SigningKey::from_bytes(&seed);
        // The forms that every provider reads, lest one is installed already: PKCS #8 and the bare public key.
        let der = key.to_pkcs8_der().expect("an Ed25519 key has a PKCS #8 form");
        let public = key.verifying_key().to_bytes();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(thumbprint(&public));
        let (signing, verifying) = (EncodingKey::from_ed_der(der.as_bytes()), DecodingKey::from_ed_der(&public));
        Self { period, header, signing, verifying, public }
    }

    /// As RFC 8037 §2 has it.
    fn jwk(&self) -> Value {
        let x = BASE64URL_NOPAD.encode(&self.public);
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.header.kid, "x": x})
    }
}

/// The number of the period that a second lies in.
fn period(second: i64) -> i64 {
    second.div_euclid(PERIOD)
}

/// The SHA-256 thumbprint of an Ed25519 public key (RFC 7638, RFC 8037 §2).
fn thumbprint(public: &[u8; 32]) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, BASE64URL_NOPAD.encode(public));
    BASE64URL_NOPAD.encode(&Sha256::digest(jwk))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
