//! Who somebody is: [`UserId`] and [`DeviceId`], the only names from outside that become subject tokens.
//!
//! Both are made by the server. An email address, or any other text a user chose, never becomes one; parsing is the
//! only way in, so a value of these types is a harmless subject token by construction.

use std::{fmt, str::FromStr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ports::{Clock, Rng};

/// A user of the application, as NATS knows them: `^[a-z0-9][a-z0-9-]{0,63}$`, not beginning with `svc-` or `op-`.
///
/// A new one is a lower-case ULID.
///
/// ```
/// use relais_domain::identity::UserId;
/// assert!("01jd4xk0v8q7r4".parse::<UserId>().is_ok());
/// for hostile in ["", "*", ">", "a.b", "a b", "..", "Ada", "svc-shop", "op-nina", "é"] {
///     assert!(hostile.parse::<UserId>().is_err());
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(Bytes);

/// One device (one login, one nkey) of a user; a lower-case ULID.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(Bytes);

/// A service of the application: `^[a-z0-9][a-z0-9-]{0,31}$`. The built-in one is `relais`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(Bytes);

/// A topic that users speak to and hear: `^[a-z0-9][a-z0-9-]{0,31}$`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(Bytes);

/// A role, the name of what its members may do on NATS: `^[a-z][a-z0-9-]{0,31}$`. The one of ordinary users is `user`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(Bytes);

/// The text is no identifier: what it was for, and what one looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown:?} is no {kind}: {rule}")]
pub struct InvalidName {
    kind: &'static str,
    rule: &'static str,
    shown: String,
}

const ID_RULE: &str =
    "1 to 64 characters of a-z, 0-9 and -, beginning with a letter or digit; svc- and op- are reserved";
const SERVICE_RULE: &str = "1 to 32 characters of a-z, 0-9 and -, beginning with a letter or digit";

const ROLE_RULE: &str = "1 to 32 characters of a-z, 0-9 and -, beginning with a letter";

/// Which bytes may stand in a name: looked up, since it is asked for every message.
const IN_NAMES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        byte += 1;
    }
    table
};

fn is_name(bytes: &[u8], longest: usize) -> bool {
    let first = |b: &u8| *b != b'-';
    bytes.len() <= longest && bytes.first().is_some_and(first) && bytes.iter().all(|b| IN_NAMES[usize::from(*b)])
}

fn is_reserved(text: &[u8]) -> bool {
    text.starts_with(b"svc-") || text.starts_with(b"op-")
}

/// At most 40 characters of what was given, so that 10 kB of nonsense do not fill a log.
fn shown(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(40).chain(['…']).collect() }
}

fn new_ulid(clock: &dyn Clock, rng: &dyn Rng) -> String {
    let mut random = [0_u8; 16];
    rng.fill(&mut random);
    let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
    let ulid = ulid::Ulid::from_parts(millis, u128::from_be_bytes(random));
    let mut buffer = [0_u8; ulid::ULID_LEN];
    ulid.array_to_str(&mut buffer).to_ascii_lowercase()
}

macro_rules! name {
    ($type:ident, $kind:literal, $rule:expr, $accepts:expr) => {
        impl $type {
            /// The name as a subject token.
            #[must_use]
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).expect("a name is ASCII, checked when it was made")
            }

            /// The name as bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// The name as bytes, without a copy.
            #[must_use]
            pub fn into_bytes(self) -> Bytes {
                self.0
            }

            /// Takes the name from bytes without a copy.
            ///
            /// # Errors
            /// [`InvalidName`].
            pub fn from_bytes(text: Bytes) -> Result<Self, InvalidName> {
                let accepts: fn(&[u8]) -> bool = $accepts;
                if accepts(&text) {
                    Ok(Self(text))
                } else {
                    let shown = shown(&String::from_utf8_lossy(&text));
                    Err(InvalidName { kind: $kind, rule: $rule, shown })
                }
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::from_bytes(Bytes::copy_from_slice(text.as_bytes()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::from_bytes(text.into())
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self.as_str())
            }
        }
    };
}

name!(UserId, "user id", ID_RULE, |text| is_name(text, 64) && !is_reserved(text));
name!(DeviceId, "device id", ID_RULE, |text| is_name(text, 64) && !is_reserved(text));
name!(ServiceName, "service name", SERVICE_RULE, |text| is_name(text, 32));
name!(RoleName, "role", ROLE_RULE, |text| is_name(text, 32) && text[0].is_ascii_lowercase());
name!(Topic, "topic", SERVICE_RULE, |text| is_name(text, 32));

impl UserId {
    /// A new one: a lower-case ULID of the clock's time.
    #[must_use]
    pub fn generate(clock: &dyn Clock, rng: &dyn Rng) -> Self {
        Self(new_ulid(clock, rng).into())
    }
}

impl DeviceId {
    /// A new one: a lower-case ULID of the clock's time.
    #[must_use]
    pub fn generate(clock: &dyn Clock, rng: &dyn Rng) -> Self {
        Self(new_ulid(clock, rng).into())
    }
}
