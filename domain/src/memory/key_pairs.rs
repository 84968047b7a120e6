//! Key pairs that are quick and not secure.

use std::sync::{Arc, Mutex};

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroize;

use crate::{
    credentials::{KeyKind, PublicKey, crc16},
    ports::{KeyError, KeyPair, Rng},
    secret::Secret,
};

/// Keys that look like nkeys and behave like them, and are **not secure**: whoever knows a public key can sign for it.
///
/// Seeds have the form of real ones (kind, checksum), so a real seed is read here and the other way round; public keys
/// and signatures are other ones.
#[derive(Clone)]
pub struct KeyPairs {
    source: Source,
}

#[derive(Clone)]
enum Source {
    Counted(Arc<Mutex<u64>>),
    Drawn(Arc<dyn Rng>),
}

impl KeyPairs {
    /// New keys are drawn from `rng`.
    #[must_use]
    pub fn new(rng: Arc<dyn Rng>) -> Self {
        Self { source: Source::Drawn(rng) }
    }
}

/// New keys are the same in every run, in the order in which they are made.
impl Default for KeyPairs {
    fn default() -> Self {
        Self { source: Source::Counted(Arc::default()) }
    }
}

impl crate::ports::KeyPairs for KeyPairs {
    fn generate(&self, kind: KeyKind) -> KeyPair {
        let mut raw = [0_u8; 32];
        match &self.source {
            Source::Drawn(rng) => rng.fill(&mut raw),
            Source::Counted(count) => {
                let mut count = count.lock().expect("nothing panics while it is held");
                *count += 1;
                raw = Sha256::digest(count.to_be_bytes()).into();
            }
        }
        let pair = KeyPair { public: public(kind, &raw), seed: encode_seed(kind, &raw) };
        raw.zeroize();
        pair
    }

    fn from_seed(&self, seed: &Secret) -> Result<KeyPair, KeyError> {
        let (kind, raw) = decode_seed(seed.expose())?;
        Ok(KeyPair { public: public(kind, &raw), seed: seed.clone() })
    }

    fn sign(&self, seed: &Secret, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(signature(&self.from_seed(seed)?.public, bytes))
    }

    fn verify(&self, key: &PublicKey, bytes: &[u8], given: &[u8]) -> bool {
        signature(key, bytes) == given
    }
}

fn public(kind: KeyKind, raw: &[u8; 32]) -> PublicKey {
    PublicKey::from_raw(kind, &Sha256::new().chain_update(b"public").chain_update(raw).finalize().into())
}

fn signature(key: &PublicKey, bytes: &[u8]) -> Vec<u8> {
    Sha512::new().chain_update(key.as_str()).chain_update(bytes).finalize().to_vec()
}

/// `EncodeSeed` of nkeys: the letter S and the kind share the first two bytes.
fn encode_seed(kind: KeyKind, raw: &[u8; 32]) -> Secret {
    let (seed, kind) = (18_u8 << 3, kind.prefix_byte());
    let mut bytes = vec![seed | (kind >> 5), (kind & 31) << 3];
    bytes.extend_from_slice(raw);
    bytes.extend_from_slice(&crc16(&bytes).to_le_bytes());
    let text = Secret::from(BASE32_NOPAD.encode(&bytes));
    bytes.zeroize();
    text
}

fn decode_seed(text: &str) -> Result<(KeyKind, [u8; 32]), KeyError> {
    let bytes = BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| KeyError::Seed("it is not base32".to_owned()))?;
    let (body, sum) = bytes.split_last_chunk::<2>().ok_or_else(|| KeyError::Seed("it is too short".to_owned()))?;
    if crc16(body).to_le_bytes() != *sum {
        return Err(KeyError::Seed("its checksum is wrong".to_owned()));
    }
    let ([first, second], raw) =
        body.split_first_chunk::<2>().ok_or_else(|| KeyError::Seed("it is too short".to_owned()))?;
    let raw = raw.try_into().map_err(|_| KeyError::Seed("it does not have 58 characters".to_owned()))?;
    let kind = KeyKind::ALL
        .into_iter()
        .find(|kind| *first == (18 << 3) | (kind.prefix_byte() >> 5) && *second == (kind.prefix_byte() & 31) << 3)
        .ok_or_else(|| KeyError::Seed("it is of another kind than operator, account, user and server".to_owned()))?;
    Ok((kind, raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::KeyPairs as _;

    #[test]
    fn keeps_the_contract() {
        crate::testing::key_pairs::suite(&KeyPairs::default());
        crate::testing::key_pairs::suite(&KeyPairs::new(Arc::new(crate::memory::Rng::seeded(7))));
    }

    #[test]
    fn counted_keys_are_the_same_in_every_run() {
        let first = || KeyPairs::default().generate(KeyKind::User).public;
        assert_eq!(first(), first());
    }
}
