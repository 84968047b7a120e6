//! What tells one message from every other: [`Identity`].

use std::{fmt, str::FromStr};

use data_encoding::HEXLOWER;

use crate::ports::Rng;

/// One opening of a Buffer's file: 16 random bytes, drawn anew each time. As text, 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Opening(pub [u8; 16]);

/// Which message: the opening in which it was saved, and its number there, from 1. As text, `{opening}-{sequence}`.
///
/// ```
/// use relais_domain::buffer::Identity;
/// let identity: Identity = "000102030405060708090a0b0c0d0e0f-7".parse()?;
/// assert_eq!(identity.sequence, 7);
/// # Ok::<_, relais_domain::buffer::InvalidIdentity>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The opening.
    pub opening: Opening,
    /// The number; of two in one opening the greater one was saved later.
    pub sequence: u64,
}

/// The text names no message of a Buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of a Buffer is named by 32 hexadecimal digits, a dash and its number, from 1 on")]
pub struct InvalidIdentity;

impl Opening {
    /// Draws another one.
    #[must_use]
    pub fn draw(rng: &dyn Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({self})")
    }
}

impl FromStr for Opening {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| InvalidIdentity)?;
        bytes.try_into().map(Self).map_err(|_| InvalidIdentity)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.opening, self.sequence)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

impl FromStr for Identity {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let (opening, number) = text.split_once('-').ok_or(InvalidIdentity)?;
        let sequence: u64 = number.parse().map_err(|_| InvalidIdentity)?;
        let identity = Self { opening: opening.parse()?, sequence };
        // One text a message: no sign, no zeros in front, and no number that is never given.
        if sequence == 0 || identity.to_string() != text { Err(InvalidIdentity) } else { Ok(identity) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_identity_is_refused() {
        let opening = "000102030405060708090a0b0c0d0e0f";
        for odd in [
            "",
            "-",
            "7",
            opening,
            &format!("{opening}-"),
            &format!("{opening}-0"),
            &format!("{opening}-07"),
            &format!("{opening}-+7"),
            &format!("{opening}--7"),
            &format!("{opening}-7 "),
            &format!("{opening}-18446744073709551616"),
            &format!("{}-7", opening.to_uppercase()),
            &format!("{}-7", &opening[1..]),
        ] {
            assert_eq!(odd.parse::<Identity>(), Err(InvalidIdentity), "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn an_identity_is_read_as_it_is_written(opening: [u8; 16], sequence in 1_u64..) {
            let identity = Identity { opening: Opening(opening), sequence };
            prop_assert_eq!(identity.to_string().parse(), Ok(identity));
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = text.parse::<Identity>();
        }
    }
}
