//! Public nkeys, checked, and the kinds of encoded JWT.

use std::{fmt, str::FromStr};

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// What a key is for; its public form begins with the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// `O…`
    Operator,
    /// `A…`
    Account,
    /// `U…`
    User,
    /// `N…`: a nats-server. It signs what it asks an authorization service.
    Server,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Account, Self::User, Self::Server];

    /// The first byte of a decoded key (`github.com/nats-io/nkeys`, `strkey.go`).
    #[must_use]
    pub fn prefix_byte(self) -> u8 {
        match self {
            Self::Operator => 14 << 3,
            Self::Account => 0,
            Self::User => 20 << 3,
            Self::Server => 13 << 3,
        }
    }
}

/// The public half of an nkey, checked: letters, length, checksum, kind.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(String);

/// The text is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no public nkey of an operator, account, user or server: {0}")]
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
            Some(b'N') => KeyKind::Server,
            _ => KeyKind::User,
        }
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let prefix = prefix_of(text)?;
        if !KeyKind::ALL.iter().any(|kind| kind.prefix_byte() == prefix) {
            return Err(InvalidKey("it is of another kind"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The first byte of a public key of any kind, when its letters, length and checksum are good.
fn prefix_of(text: &str) -> Result<u8, InvalidKey> {
    if text.len() != TEXT_LENGTH {
        return Err(InvalidKey("it does not have 56 characters"));
    }
    let bytes = BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| InvalidKey("it is not base32"))?;
    let (body, sum) = bytes.split_at(bytes.len() - 2);
    if crc16(body).to_le_bytes() != sum {
        return Err(InvalidKey("its checksum is wrong"));
    }
    Ok(body[0])
}

/// Whether text is a public key of this kind.
#[must_use]
pub fn is_public_key(text: &str, kind: KeyKind) -> bool {
    prefix_of(text) == Ok(kind.prefix_byte())
}

/// Whether text is the public half of a curve key (`X…`, x25519), for which requests can be encrypted. It signs nothing,
/// so it is no [`PublicKey`].
#[must_use]
pub fn is_curve_key(text: &str) -> bool {
    prefix_of(text) == Ok(23 << 3)
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

/// What jwt/v2 says of an `issuer_account` that is none, in users and activations.
pub(super) const ACCOUNT_ID: &str = "account_id is not an account public key";

/// Reads a key; of what is none it says what jwt/v2's `Validate` would say of it there.
fn read<'de, D: Deserializer<'de>>(from: D, says: impl Fn(&str) -> String) -> Result<Option<PublicKey>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| D::Error::custom(says(&text)))
}

/// An account's key.
pub(super) fn account_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PublicKey>, D::Error> {
    read(from, |text| format!("{text} is not an account public key"))
}

/// An `issuer_account`.
pub(super) fn account_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PublicKey>, D::Error> {
    read(from, |_| ACCOUNT_ID.to_owned())
}

/// Operators' keys.
pub(super) fn operator_keys<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PublicKey>, D::Error> {
    let parse =
        |text: String| text.parse().map_err(|_| D::Error::custom(format!("{text} is not an operator public key")));
    Vec::<String>::deserialize(from)?.into_iter().map(parse).collect()
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
jwt! {
    /// An encoded activation (nats-io/jwt v2): leave for one account to import from another. It stands in the import.
    ActivationJwt
}
jwt! {
    /// An encoded authorization response (nats-io/jwt v2). Not secret.
    AuthorizationResponseJwt
}

/// An encoded authorization request (nats-io/jwt v2): what a nats-server asks an authorization service. It holds what
/// the client sent, passwords and tokens among it, so it has no `Debug` and reaches no log.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationRequestJwt(String);

impl AuthorizationRequestJwt {
    /// Takes text as a request, unchecked; what it claims is checked where it is decoded.
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
