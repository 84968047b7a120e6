//! Secrets in files, sealed: who has the files but not the key has nothing.
//!
//! ```text
//! relais-sealed-v1 {id of the key} {base64url: nonce (24 bytes), ciphertext, tag (16)}
//! ```
//!
//! XChaCha20-Poly1305 with a nonce drawn for each file, and where the file belongs as associated data, so that one sealed
//! file put in the place of another is noticed. The id is the beginning of a hash of the key: it tells a wrong key from a
//! damaged file, and nothing about the key, which is 32 bytes of chance.

use std::{path::Path, sync::Arc};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use relais_domain::{ports::Rng, secret::Secret};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{OpenError, files::read_secret};

/// How a sealed text begins.
const BEGINS: &str = "relais-sealed-v1 ";
/// Bytes of a nonce.
const NONCE: usize = 24;

/// A key that secrets in files are sealed with. Has no `Debug`; is overwritten when dropped.
pub struct Seal {
    cipher: XChaCha20Poly1305,
    id: String,
    rng: Arc<dyn Rng>,
}

/// Why a sealed text was not opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Another key has sealed it.
    OtherKey(String),
    /// The right key does not open it.
    Damaged,
}

impl Seal {
    /// The seal of a key: 32 bytes as base64 or as 64 hexadecimal digits. Nonces are drawn from `rng`.
    ///
    /// # Errors
    /// [`OpenError::SealKey`] when the text is no such key; it is not shown.
    pub fn new(key: &Secret, rng: Arc<dyn Rng>) -> Result<Self, OpenError> {
        Self::of("nsc.seal_key", key, rng)
    }

    /// The seal of the key in a file, which must be the owner's alone.
    ///
    /// # Errors
    /// [`OpenError::Io`], [`OpenError::Exposed`], and as [`Seal::new`].
    pub fn from_file(path: &Path, rng: Arc<dyn Rng>) -> Result<Self, OpenError> {
        Self::of(&path.display().to_string(), &read_secret(path)?, rng)
    }

    fn of(source: &str, text: &Secret, rng: Arc<dyn Rng>) -> Result<Self, OpenError> {
        let wrong = || OpenError::SealKey { source_of_key: source.to_owned() };
        let bytes = decode(text.expose().trim().as_bytes()).ok_or_else(wrong)?;
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| wrong())?;
        let hash = Sha256::new().chain_update(b"relais seal key id").chain_update(&*bytes).finalize();
        Ok(Self { cipher, id: HEXLOWER.encode(&hash[..4]), rng })
    }

    /// What tells this key from others; not secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The sealed text. `place` is where it belongs.
    pub(super) fn close(&self, text: &Secret, place: &str) -> String {
        let mut nonce = [0_u8; NONCE];
        self.rng.fill(&mut nonce);
        let payload = Payload { msg: text.expose().as_bytes(), aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.expect("it fails on 256 GB, which no text is");
        format!("{BEGINS}{} {}\n", self.id, BASE64URL_NOPAD.encode(&[&nonce[..], &sealed].concat()))
    }

    /// What a sealed text holds.
    pub(super) fn open(&self, sealed: &str, place: &str) -> Result<Secret, Closed> {
        let (id, text) = sealed_parts(sealed).ok_or(Closed::Damaged)?;
        if id != self.id {
            return Err(Closed::OtherKey(id.to_owned()));
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Closed::Damaged)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(Closed::Damaged)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let bytes = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Closed::Damaged)?;
        String::from_utf8(bytes).map(Secret::from).map_err(|_| Closed::Damaged)
    }

    /// As [`Seal::open`], of a file.
    pub(super) fn open_file(&self, sealed: &str, place: &str, path: &Path) -> Result<Secret, OpenError> {
        self.open(sealed, place).map_err(|closed| match closed {
            Closed::OtherKey(id) => OpenError::OtherSeal { path: path.to_owned(), id, given: self.id.clone() },
            Closed::Damaged => OpenError::DamagedSeal(path.to_owned()),
        })
    }
}

/// Whether a text is a sealed one.
pub(super) fn is_sealed(text: &str) -> bool {
    text.starts_with(BEGINS)
}

/// The id of the key that sealed a text, and what is sealed.
pub(super) fn sealed_parts(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(BEGINS)?.trim_end().split_once(' ')
}

/// 32 bytes, as base64 of either alphabet or as hexadecimal digits.
fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let padded = text.ends_with(b"=");
    let url = text.contains(&b'-') || text.contains(&b'_');
    let encoding = match (text.len(), padded, url) {
        (64, ..) => HEXLOWER_PERMISSIVE,
        (_, true, false) => BASE64,
        (_, true, true) => BASE64URL,
        (_, false, false) => BASE64_NOPAD,
        (_, false, true) => BASE64URL_NOPAD,
    };
    let bytes = Zeroizing::new(encoding.decode(text).ok()?);
    (bytes.len() == 32).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use relais_domain::memory;

    use super::*;

    const KEY: [u8; 32] = [0xfb; 32];

    fn seal(key: &str) -> Result<Seal, OpenError> {
        Seal::new(&Secret::from(key), Arc::new(memory::Rng::seeded(1)))
    }

    fn ours() -> Seal {
        seal(&BASE64.encode(&KEY)).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_key_is_read_in_every_usual_spelling_and_nothing_else_is_one() {
        let spellings = [
            BASE64.encode(&KEY),
            BASE64_NOPAD.encode(&KEY),
            BASE64URL.encode(&KEY),
            BASE64URL_NOPAD.encode(&KEY),
            HEXLOWER.encode(&KEY),
            HEXLOWER.encode(&KEY).to_uppercase(),
            format!("  {}\n", HEXLOWER.encode(&KEY)),
        ];
        for text in &spellings {
            assert_eq!(seal(text).ok().map(|seal| seal.id), Some(ours().id), "{text}");
        }
        let short = BASE64.encode(&KEY[..31]);
        for text in ["", "correct horse battery staple", &short, &"g".repeat(64), &HEXLOWER.encode(&[1; 33])] {
            let error = seal(text).err().unwrap().to_string();
            assert!(error.contains("nsc.seal_key") && (text.is_empty() || !error.contains(text)), "{error}");
        }
    }

    #[test]
    fn what_was_sealed_is_opened_in_its_place_by_its_key_alone() {
        let (own, text) = (ours(), Secret::from("SUAAA"));
        let closed = own.close(&text, "keys/U/AA/UAAA.nk");
        assert!(is_sealed(&closed) && !closed.contains("SUAAA"));
        assert!(own.open(&closed, "keys/U/AA/UAAA.nk").ok().unwrap().expose() == "SUAAA");
        assert_ne!(own.close(&text, "keys/U/AA/UAAA.nk"), closed, "a nonce is used once");
        assert_eq!(own.open(&closed, "keys/U/BB/UBBB.nk").err(), Some(Closed::Damaged));
        let other = seal(&HEXLOWER.encode(&[2; 32])).ok().unwrap();
        assert_eq!(other.open(&closed, "keys/U/AA/UAAA.nk").err(), Some(Closed::OtherKey(own.id.clone())));
    }

    proptest! {
        #[test]
        fn a_changed_text_is_never_opened(at in 0_usize..200, byte in b'!'..b'~', cut in any::<bool>()) {
            let seal = ours();
            let mut text = seal.close(&Secret::from("a seed that is to stay one"), "place").into_bytes();
            let at = at % (text.len() - 1);
            if cut {
                text.truncate(at);
            } else if text[at] == byte {
                return Ok(());
            } else {
                text[at] = byte;
            }
            prop_assert!(seal.open(std::str::from_utf8(&text).unwrap(), "place").is_err());
        }

        #[test]
        fn whatever_is_read_as_sealed_is_no_panic(text in any::<String>()) {
            let text = format!("{BEGINS}{text}");
            prop_assert!(ours().open(&text, "place").is_err());
        }
    }
}
