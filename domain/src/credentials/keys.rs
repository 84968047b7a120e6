//! Public nkeys, checked, and the three kinds of encoded JWT.

use std::{fmt, str::FromStr};

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};

/// What a key is for; its public form begins with the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// `O…`
    Operator,
    /// `A…`
    Account,
    /// `U…`
    User,
}

impl KeyKind {
    const ALL: [Self; 3] = [Self::Operator, Self::Account, Self::User];

    /// The first byte of a decoded key (`github.com/nats-io/nkeys`, `strkey.go`).
    #[must_use]
    pub fn prefix_byte(self) -> u8 {
        match self {
            Self::Operator => 14 << 3,
            Self::Account => 0,
            Self::User => 20 << 3,
        }
    }
}

/// The public half of an nkey, checked: letters, length, checksum, kind.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(String);

/// The text is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no public nkey of an operator, account or user: {0}")]
pub struct InvalidKey(&'static str);

const TEXT_LENGTH: usize = 56;

impl PublicKey {
    /// The key that has these 32 bytes.
    #[must_use]
    pub fn from_raw(kind: KeyKind, raw: &[u8; 32]) -> Self {
        let mut bytes = Vec::with_capacity(35);
        bytes.push(kind.prefix_byte());
        bytes.extend_from_slice(raw);
        bytes.extend_from_slice(&crc16(&bytes).to_le_bytes());
        Self(BASE32_NOPAD.encode(&bytes))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.0.as_bytes().first() {
            Some(b'O') => KeyKind::Operator,
            Some(b'A') => KeyKind::Account,
            _ => KeyKind::User,
        }
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if text.len() != TEXT_LENGTH {
            return Err(InvalidKey("it does not have 56 characters"));
        }
        let bytes = BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| InvalidKey("it is not base32"))?;
        let (body, sum) = bytes.split_at(bytes.len() - 2);
        if crc16(body).to_le_bytes() != sum {
            return Err(InvalidKey("its checksum is wrong"));
        }
        if !KeyKind::ALL.iter().any(|kind| kind.prefix_byte() == body[0]) {
            return Err(InvalidKey("it is of another kind"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.0)
    }
}

/// CRC-16/XMODEM, as nkeys uses it.
pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
            },
        )
    })
}

macro_rules! jwt {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $type(String);

        impl $type {
            /// Takes text as this kind of JWT, unchecked; what it claims is checked where it is decoded.
            #[must_use]
            pub fn from_text(text: String) -> Self {
                Self(text)
            }

            /// The encoded JWT.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

jwt! {
    /// An encoded operator JWT (nats-io/jwt v2). Not secret.
    OperatorJwt
}
jwt! {
    /// An encoded account JWT (nats-io/jwt v2). Not secret.
    AccountJwt
}
jwt! {
    /// An encoded user JWT (nats-io/jwt v2). Not secret: it does nothing without the seed.
    UserJwt
}
