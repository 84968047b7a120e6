//! How long credentials hold, in nsc's syntax.

use std::{fmt, str::FromStr};

use jiff::{
    Span, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

/// How long credentials hold, in the syntax of `nsc` (`cmd/timeparams.go`): `6M`, `30d`, `0` for ever.
///
/// A count and a unit, `m`inutes, `h`ours, `d`ays, `w`eeks, `M`onths or `y`ears; or the day `yyyy-mm-dd` on which they
/// end, or `yyyy-mm-dd hh:mm:ss UTC`. Months and years are those of the calendar, in UTC; the end of a short month is
/// the latest (31 January and `1M` are 28 February, where `nsc` counts on into March).
///
/// `nsc` looks for its pattern anywhere in the text; here the text is nothing else, and the count is not negative.
///
/// ```
/// use relais_domain::auth::Expiry;
/// let now = "2026-01-31T12:00:00Z".parse().unwrap();
/// let after = |text: &str| text.parse::<Expiry>().unwrap().after(now).map(|end| end.to_string());
/// assert_eq!(after("6M").as_deref(), Some("2026-07-31T12:00:00Z"));
/// assert_eq!(after("1w").as_deref(), Some("2026-02-07T12:00:00Z"));
/// assert_eq!(after("0"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expiry(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Never,
    After(u16, Unit),
    At(Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Years,
}

/// The text is no expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an expiry is a number up to 65535 and one of m, h, d, w, M (months) or y, like 6M; a day, like 2030-12-31; or 0 for never"
)]
pub struct InvalidExpiry;

const UNITS: [(char, Unit); 6] = [
    ('m', Unit::Minutes),
    ('h', Unit::Hours),
    ('d', Unit::Days),
    ('w', Unit::Weeks),
    ('M', Unit::Months),
    ('y', Unit::Years),
];

impl Expiry {
    /// For ever.
    pub const NEVER: Self = Self(Kind::Never);

    /// When credentials made at `now` end; `None` is never. A day that was set and has gone by is answered as it is.
    #[must_use]
    pub fn after(self, now: Timestamp) -> Option<Timestamp> {
        match self.0 {
            Kind::Never => None,
            Kind::At(end) => Some(end),
            Kind::After(count, unit) => {
                let end = TimeZone::UTC
                    .to_datetime(now)
                    .checked_add(unit.times(i64::from(count)))
                    .and_then(|end| TimeZone::UTC.to_timestamp(end));
                Some(end.unwrap_or(Timestamp::MAX))
            }
        }
    }
}

impl Unit {
    /// No count of 16 bits is beyond what a span holds, except of years.
    fn times(self, count: i64) -> Span {
        let span = Span::new();
        let span = match self {
            Self::Minutes => span.try_minutes(count),
            Self::Hours => span.try_hours(count),
            Self::Days => span.try_days(count),
            Self::Weeks => span.try_weeks(count),
            Self::Months => span.try_months(count),
            Self::Years => span.try_years(count),
        };
        span.unwrap_or_else(|_| Span::new().years(9_998))
    }
}

/// 6 months.
impl Default for Expiry {
    fn default() -> Self {
        Self(Kind::After(6, Unit::Months))
    }
}

impl FromStr for Expiry {
    type Err = InvalidExpiry;

    fn from_str(text: &str) -> Result<Self, InvalidExpiry> {
        // nsc takes nothing at all for "never" too; in settings that is more likely a slip.
        if text == "0" {
            return Ok(Self::NEVER);
        }
        if let Some(end) = day(text).or_else(|| second(text)) {
            return Ok(Self(Kind::At(end)));
        }
        let (unit, count) = UNITS
            .into_iter()
            .find_map(|(letter, unit)| text.strip_suffix(letter).map(|count| (unit, count)))
            .ok_or(InvalidExpiry)?;
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidExpiry);
        }
        match count.parse().map_err(|_| InvalidExpiry)? {
            0 => Ok(Self::NEVER),
            count => Ok(Self(Kind::After(count, unit))),
        }
    }
}

fn day(text: &str) -> Option<Timestamp> {
    let date = Date::strptime("%Y-%m-%d", text).ok().filter(|_| text.len() == "yyyy-mm-dd".len())?;
    TimeZone::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok()
}

fn second(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix(" UTC")?;
    let time = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok().filter(|_| text.len() == "yyyy-mm-dd hh:mm:ss".len());
    TimeZone::UTC.to_timestamp(time?).ok()
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Never => f.write_str("0"),
            Kind::After(count, unit) => {
                let letter = UNITS.iter().find(|(_, own)| *own == unit).map_or('M', |(letter, _)| *letter);
                write!(f, "{count}{letter}")
            }
            Kind::At(end) => {
                let end = TimeZone::UTC.to_datetime(end);
                if end.time() == jiff::civil::Time::midnight() {
                    write!(f, "{}", end.date())
                } else {
                    write!(f, "{} {} UTC", end.date(), end.time())
                }
            }
        }
    }
}

impl TryFrom<String> for Expiry {
    type Error = InvalidExpiry;

    fn try_from(text: String) -> Result<Self, InvalidExpiry> {
        text.parse()
    }
}

impl From<Expiry> for String {
    fn from(expiry: Expiry) -> Self {
        expiry.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(now: &str, text: &str) -> Option<String> {
        text.parse::<Expiry>().unwrap().after(now.parse().unwrap()).map(|end| end.to_string())
    }

    /// The table of nsc's own `TestParseExpiry`, from a fixed day.
    #[test]
    fn reads_what_nsc_reads() {
        let now = "2024-02-29T10:30:00Z";
        for (text, end) in [
            ("1m", "2024-02-29T10:31:00Z"),
            ("32m", "2024-02-29T11:02:00Z"),
            ("3h", "2024-02-29T13:30:00Z"),
            ("1d", "2024-03-01T10:30:00Z"),
            ("3w", "2024-03-21T10:30:00Z"),
            ("2M", "2024-04-29T10:30:00Z"),
            ("2y", "2026-02-28T10:30:00Z"),
            ("2019-01-06", "2019-01-06T00:00:00Z"),
            ("2030-01-06 07:08:09 UTC", "2030-01-06T07:08:09Z"),
        ] {
            assert_eq!(after(now, text).as_deref(), Some(end), "{text}");
        }
        for never in ["0", "0d", "0M"] {
            assert_eq!(after(now, never), None, "{never}");
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [
            "",
            " ",
            "6",
            "M",
            "6 M",
            "-1d",
            "+1d",
            "1.5d",
            "6MM",
            "6Mx",
            "x6M",
            "6months",
            "65536d",
            "19-1-6",
            "2019-1-6",
            "2019-13-01",
            "2019-02-30",
            "2030-01-06T07:08:09Z",
            "٦M",
            "1D",
            "1H",
            "99999999999999999999y",
        ] {
            assert!(text.parse::<Expiry>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        for text in ["65535y", "65535M", "65535w", "65535m"] {
            assert!(after("2026-01-01T00:00:00Z", text).is_some(), "{text}");
        }
        assert_eq!("65535y".parse::<Expiry>().unwrap().after(Timestamp::MAX), Some(Timestamp::MAX));
    }

    #[test]
    fn is_written_as_it_is_read() {
        for text in ["0", "6M", "30d", "12h", "1w", "1y", "30m", "2030-01-06", "2030-01-06 07:08:09 UTC"] {
            assert_eq!(text.parse::<Expiry>().unwrap().to_string(), text);
        }
        assert_eq!(Expiry::default().to_string(), "6M");
    }
}
