//! The port to what counts how often somebody may do something.
//!
//! A limit is a bucket of places that fill up again one by one. All that is kept of it is one time, at which it will be
//! full (the "theoretical arrival time" of GCRA): a bucket that nobody has touched for long is as if it never was.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::ports::StoreError;

/// How often somebody has done something of late, counted for all instances of an installation together.
///
/// Every method may be called by several instances at a time; of two takes, never do both get the last place. The clocks
/// of instances may differ, and one may go back: a bucket is never fuller for it than its rate says, and one that was
/// emptied by a clock up to [`SKEW`] ahead lets nobody through until that time has come. One emptied further ahead is
/// believed to be by a clock that was wrong, and counts as empty from now on.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Limits: Send + Sync {
    /// Takes a place in the bucket of `key`, which has room for `rate.burst` and is full at first. With
    /// [`Taken::Later`] nothing was taken. A rate that is [off](Rate::OFF) always answers [`Taken::Yes`]. One key goes
    /// with one rate; when a setting has changed, what was taken before counts by the new one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; whether a place was taken is not known then.
    async fn take(&self, key: &LimitKey, rate: Rate, now: Timestamp) -> Result<Taken, StoreError>;

    /// Gives a place back that was taken. A bucket does not get more than full.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn give_back(&self, key: &LimitKey, rate: Rate, now: Timestamp) -> Result<(), StoreError>;

    /// Forgets buckets that are full, which changes nothing for anybody; how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn prune(&self, now: Timestamp) -> Result<usize, StoreError>;
}

/// How far the clocks of two instances may lie apart.
pub const SKEW: Duration = Duration::from_secs(5 * 60);

/// Whether somebody may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// They may, and a place less is left.
    Yes,
    /// Not now; so long until one would be let through, if nobody else takes that place.
    Later(Duration),
}

/// Which bucket: a kind of limit, and a digest of whom it is about. No address stands in a database because of a limit
/// (although whoever has the database can try addresses out).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitKey(String);

/// How often: so many at once, and from then on one more whenever a time has passed. As text, `5 per 1m` is five at once,
/// and five within each minute after that; `off` is no limit.
///
/// ```
/// use relais_domain::ports::Rate;
/// let rate: Rate = "5 per 1m".parse()?;
/// assert_eq!((rate.burst, rate.per.as_secs()), (5, 12));
/// # Ok::<(), relais_domain::ports::InvalidRate>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once; 0 is no limit.
    pub burst: u32,
    /// In which time one more is let through.
    pub per: Duration,
}

/// The text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number from 1 to 100000 and a time from 1s to 30d, like 5 per 1m or 100 per 1d; or off")]
pub struct InvalidRate;

impl LimitKey {
    /// The longest, in bytes.
    pub const LONGEST: usize = 96;

    /// The bucket of one (`who`) for a kind of limit.
    ///
    /// # Panics
    /// When `kind` is not 1 to 60 characters of `a-z`, `0-9`, `_` and `/`: a mistake of the program.
    #[must_use]
    pub fn new(kind: &'static str, who: &str) -> Self {
        Self(format!("{}/{}", Self::total(kind).0, digest(&[who])))
    }

    /// The bucket of two together: an email address as tried from one network address.
    ///
    /// # Panics
    /// As [`LimitKey::new`].
    #[must_use]
    pub fn pair(kind: &'static str, one: &str, other: &str) -> Self {
        Self(format!("{}/{}", Self::total(kind).0, digest(&[one, other])))
    }

    /// The one bucket of everybody.
    ///
    /// # Panics
    /// As [`LimitKey::new`].
    #[must_use]
    pub fn total(kind: &'static str) -> Self {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_/".contains(&byte);
        assert!((1..=60).contains(&kind.len()) && kind.bytes().all(plain), "{kind:?} is no kind of limit");
        Self(kind.to_owned())
    }

    /// The key as text, of at most [`LimitKey::LONGEST`] bytes of ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 16 bytes of SHA-256, each part behind its length, so that no two lists are alike.
fn digest(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    HEXLOWER.encode(&digest.finalize()[..16])
}

impl Rate {
    /// No limit.
    pub const OFF: Self = Self { burst: 0, per: Duration::ZERO };

    /// Whether there is no limit.
    #[must_use]
    pub fn is_off(self) -> bool {
        self.burst == 0 || self.per.is_zero()
    }

    /// The time in which one more is let through, in whole microseconds, of which there is at least one.
    #[must_use]
    pub fn step(self) -> i64 {
        i64::try_from(self.per.as_micros()).unwrap_or(i64::MAX).clamp(1, MOST)
    }

    /// How long an empty bucket takes to be full, in microseconds.
    #[must_use]
    pub fn whole(self) -> i64 {
        self.step().saturating_mul(i64::from(self.burst)).min(MOST)
    }

    /// What becomes of a bucket that will be full at `full` when somebody takes a place at `now`, both in microseconds
    /// since 1970: the time at which it will be full then, or how long there is none, and the time to correct `full` to,
    /// if a wrong clock has left it.
    #[must_use]
    pub fn take(self, full: i64, now: i64) -> Decision {
        let latest = now.saturating_add(self.whole());
        let skew = i64::try_from(SKEW.as_micros()).unwrap_or(MOST);
        let corrected = (full > latest.saturating_add(skew)).then_some(latest);
        let next = corrected.unwrap_or(full).max(now).saturating_add(self.step());
        match next.checked_sub(latest).filter(|wait| *wait > 0) {
            None => Decision::Full(next),
            Some(wait) => Decision::Wait(Duration::from_micros(wait.unsigned_abs()), corrected),
        }
    }
}

/// A century: what is longer is as good as for ever, and sums of it fit.
const MOST: i64 = 100 * 366 * 86_400 * 1_000_000;

/// What becomes of a bucket; see [`Rate::take`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A place is taken, and the bucket is full again at this time.
    Full(i64),
    /// There is none for so long; and the time to put in place of one that a wrong clock has left.
    Wait(Duration, Option<i64>),
}

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        if ["off", "0"].contains(&text) {
            return Ok(Self::OFF);
        }
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok());
        let read = || {
            let (burst, time) = text.split_once(" per ")?;
            let burst = number(burst)?.filter(|burst| (1..=100_000).contains(burst))?;
            let (count, seconds) = UNITS.iter().find_map(|(unit, own)| Some((time.strip_suffix(unit)?, own)))?;
            let seconds = number(count)??.checked_mul(*seconds)?;
            let burst = u32::try_from(burst).ok()?;
            let per = Duration::from_secs(seconds) / burst;
            (1..=30 * 86_400).contains(&seconds).then_some(Self { burst, per })
        };
        read().ok_or(InvalidRate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_off() {
            return f.write_str("off");
        }
        // A share of the time was rounded to nanoseconds; the whole is in seconds.
        let nanos = self.per.as_nanos() * u128::from(self.burst);
        let seconds = u64::try_from((nanos + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX).max(1);
        let (unit, own) = UNITS.into_iter().find(|(_, own)| seconds.is_multiple_of(*own)).unwrap_or(("s", 1));
        write!(f, "{} per {}{unit}", self.burst, seconds / own)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_are_read_and_shown() {
        for (text, shown) in [
            ("5 per 1m", "5 per 1m"),
            ("7 per 60s", "7 per 1m"),
            ("100000 per 1s", "100000 per 1s"),
            ("3 per 30d", "3 per 30d"),
            ("99999 per 90s", "99999 per 90s"),
            ("48 per 24h", "48 per 1d"),
            ("off", "off"),
            ("0", "off"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown, "{text}");
        }
        for odd in ["", "5", "5 per", "5 per m", "0 per 1m", "5 per 0s", "5 per 31d", "100001 per 1s", "-5 per 1m"] {
            assert_eq!(odd.parse::<Rate>(), Err(InvalidRate), "{odd}");
        }
        for odd in
            ["+5 per 1m", "5 per 1.5m", "5 per 1 m", "5  per 1m", "5 per 1M", "5 per 99999999999999999999d", "OFF"]
        {
            assert_eq!(odd.parse::<Rate>(), Err(InvalidRate), "{odd}");
        }
    }

    #[test]
    fn a_key_is_short_and_shows_nobody() {
        let longest: &'static str = "abcdefghij/abcdefghij/abcdefghij/abcdefghij/abcdefghij/12345";
        for key in [LimitKey::new(longest, &"x".repeat(9_999)), LimitKey::pair("login/pair", "1.2.3.4", "a@b.c")] {
            assert!(key.as_str().len() <= LimitKey::LONGEST && key.as_str().is_ascii(), "{key:?}");
            assert!(!key.as_str().contains("1.2.3.4") && !key.as_str().contains('@'), "{key:?}");
        }
        assert_eq!(LimitKey::new("a", "x"), LimitKey::new("a", "x"));
        assert_ne!(LimitKey::new("a", "x"), LimitKey::new("b", "x"));
        assert_ne!(LimitKey::pair("a", "xy", "z"), LimitKey::pair("a", "x", "yz"));
        assert_ne!(LimitKey::new("a", "xy"), LimitKey::pair("a", "x", "y"));
        assert_eq!(LimitKey::total("login").as_str(), "login");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(burst in 1_u32..=100_000, seconds in 1_u64..=30 * 86_400) {
            let rate = format!("{burst} per {seconds}s").parse::<Rate>().unwrap();
            prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
        }
    }
}
