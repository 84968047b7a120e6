//! What is stored, sealed with a key of the app's.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use relais_domain::ports::Rng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Bytes of a nonce.
const NONCE: usize = 24;

/// 32 bytes of chance that the app keeps elsewhere, as in the keychain of its system. Has no `Debug`; is overwritten when dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// What tells a wrong key from a damaged file, and nothing about the key.
    pub(super) fn id(&self) -> [u8; 8] {
        let hash = Sha256::new().chain_update(b"relais-buffer-key").chain_update(self.0.as_slice()).finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        id
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }

    /// Nonce and sealed bytes, bound to the place they belong to.
    pub(super) fn seal(&self, bytes: &[u8], place: &[u8], rng: &dyn Rng) -> Option<Vec<u8>> {
        let mut sealed = vec![0; NONCE];
        rng.fill(&mut sealed);
        let nonce: [u8; NONCE] = sealed[..].try_into().ok()?;
        let payload = Payload { msg: bytes, aad: place };
        sealed.extend(self.cipher().encrypt(&XNonce::from(nonce), payload).ok()?);
        Some(sealed)
    }

    /// The bytes; `None` when they were changed, or belong elsewhere.
    pub(super) fn open(&self, sealed: &[u8], place: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        self.cipher().decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: place }).ok()
    }
}
