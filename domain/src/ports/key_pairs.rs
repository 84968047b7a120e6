//! The port to nkeys.

use crate::{
    credentials::{KeyKind, PublicKey},
    secret::Secret,
};

/// Ed25519 key pairs in the nkeys encoding (`github.com/nats-io/nkeys`).
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait KeyPairs: Send + Sync {
    /// A new pair.
    fn generate(&self, kind: KeyKind) -> KeyPair;

    /// The pair of a seed.
    ///
    /// # Errors
    /// [`KeyError::Seed`] when the text is no seed, or one of a kind Relais has no use for.
    #[allow(clippy::wrong_self_convention, reason = "the port makes pairs; a pair is not made from it")]
    fn from_seed(&self, seed: &Secret) -> Result<KeyPair, KeyError>;

    /// The signature of `bytes`, 64 bytes of Ed25519.
    ///
    /// # Errors
    /// As [`KeyPairs::from_seed`].
    fn sign(&self, seed: &Secret, bytes: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Whether `signature` is that of `bytes` by the holder of `key`. A signature of a wrong length is `false`.
    fn verify(&self, key: &PublicKey, bytes: &[u8], signature: &[u8]) -> bool;
}

/// A public key and its seed.
#[derive(Clone)]
pub struct KeyPair {
    /// `O…`, `A…`, `U…` or `N…`.
    pub public: PublicKey,
    /// `SO…`, `SA…`, `SU…` or `SN…`.
    pub seed: Secret,
}

/// What can go wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a seed: wrong letters, length, checksum or kind.
    #[error("this is not an nkey seed: {0}")]
    Seed(String),
}
