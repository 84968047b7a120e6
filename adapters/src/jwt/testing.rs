//! Tokens that are wrong in just one thing, for tests of what is refused: signed with the right key, whatever they say.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::Algorithm;
use sha2::{Digest as _, Sha256};

use super::{Key, ed25519, period};

/// Signs whatever it is told with the key of a secret.
pub struct Forge(Key);

impl Forge {
    /// With the key of this secret that signs in the second `now` since 1970.
    #[must_use]
    pub fn new(secret: &[u8; 32], now: i64) -> Self {
        ed25519::install();
        Self(Key::derive(secret, period(now)))
    }

    /// The id of the key.
    ///
    /// # Panics
    /// Never: each key has one.
    #[must_use]
    pub fn kid(&self) -> String {
        self.0.header.kid.clone().expect("it has one")
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.public
    }

    /// A token of this header and these claims, which need not be JSON, nor text.
    ///
    /// # Panics
    /// When nothing can be signed, which [`super::TokenIssuer::new`] tries first.
    #[must_use]
    pub fn sign(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        let body = body(header.as_ref(), claims.as_ref());
        let signature = jsonwebtoken::crypto::sign(body.as_bytes(), &self.0.signing, Algorithm::EdDSA);
        format!("{body}.{}", signature.expect("it signs"))
    }

    /// The same, signed with HMAC-SHA-256 (RFC 2104) and the public key for its secret, as in the attack of that name.
    #[must_use]
    pub fn sign_with_public_key(&self, header: &str, claims: &str) -> String {
        let body = body(header.as_bytes(), claims.as_bytes());
        let padded = |pad: u8| {
            let mut key = [pad; 64];
            key.iter_mut().zip(self.0.public).for_each(|(own, byte)| *own ^= byte);
            key
        };
        let inner = Sha256::new_with_prefix(padded(0x36)).chain_update(&body).finalize();
        let outer = Sha256::new_with_prefix(padded(0x5c)).chain_update(inner).finalize();
        format!("{body}.{}", BASE64URL_NOPAD.encode(&outer))
    }
}

fn body(header: &[u8], claims: &[u8]) -> String {
    format!("{}.{}", BASE64URL_NOPAD.encode(header), BASE64URL_NOPAD.encode(claims))
}
