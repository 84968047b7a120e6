//! When and from where a user may connect (`types.go` of jwt/v2).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Issues, quoted};
use crate::credentials::TimeRange;

/// The names of the IANA time zone database, as Go carries it (release 2025c), sorted.
const ZONES: &str = include_str!("zones.txt");

/// The networks of a user: Go's `net.ParseCIDR`.
pub(super) fn sources(networks: &[String], found: &mut Issues) {
    for network in networks.iter().filter(|network| !is_network(network)) {
        found.error(format!("invalid cidr {} in user src limits", quoted(network)));
    }
}

/// An address is text that says nothing about sockets, so `core` has it.
fn is_network(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let longest =
        match address.parse::<Ipv4Addr>().map(IpAddr::V4).or_else(|_| address.parse::<Ipv6Addr>().map(IpAddr::V6)) {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
    bits.bytes().all(|b| b.is_ascii_digit()) && bits.parse::<u32>().is_ok_and(|bits| bits <= longest)
}

/// `TimeRange.Validate`.
pub(super) fn range(range: &TimeRange, found: &mut Issues) {
    match range.start.as_str() {
        "" => found.error("time ranges start must contain a start".to_owned()),
        start if !is_time_of_day(start) => found.error(format!("start in time range is invalid {}", quoted(start))),
        _ => {}
    }
    match range.end.as_str() {
        "" => found.error("time ranges end must contain an end".to_owned()),
        end if !is_time_of_day(end) => found.error(format!("end in time range is invalid {}", quoted(end))),
        _ => {}
    }
}

/// Go's `time.Parse("15:04:05", …)`: hours of one or two digits, and a fraction of a second is let pass.
fn is_time_of_day(text: &str) -> bool {
    let mut parts = text.splitn(3, ':');
    let (Some(hour), Some(minute), Some(second)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let number = |text: &str, below: u8| {
        text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u8>().is_ok_and(|number| number < below)
    };
    let (second, fraction) = second.split_at_checked(2).unwrap_or((second, ""));
    let passes = match fraction.as_bytes() {
        [] => true,
        [b'.' | b',', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let length = |text: &str, lengths: &[usize]| lengths.contains(&text.len());
    passes
        && length(hour, &[1, 2])
        && length(minute, &[2])
        && length(second, &[2])
        && number(hour, 24)
        && number(minute, 60)
        && number(second, 60)
}

/// The time zone of the ranges: Go's `time.LoadLocation`.
pub(super) fn location(name: &str, found: &mut Issues) {
    const SAYS: &str = "could not parse iana time zone by name:";
    if matches!(name, "" | "UTC" | "Local") {
        return;
    }
    if name.contains("..") || name.starts_with(['/', '\\']) {
        found.error(format!("{SAYS} time: invalid location name"));
    } else if !ZONES.lines().any(|zone| zone == name) {
        found.error(format!("{SAYS} unknown time zone {name}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_reads_them() {
        for good in ["00:00:00", "1:02:03", "23:59:59", "23:59:59.5", "23:59:59,123456789"] {
            assert!(is_time_of_day(good), "{good}");
        }
        for bad in [
            "",
            "24:00:00",
            "1:2:03",
            "01:60:00",
            "01:00:60",
            "01:00",
            "01:00:00.",
            "+1:00:00",
            "01:00:00x",
            "001:00:00",
            "é1:00:00",
        ] {
            assert!(!is_time_of_day(bad), "{bad}");
        }
    }

    #[test]
    fn networks_are_read_as_go_reads_them() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/032", "::/0", "fe80::1/128", "::ffff:1.2.3.4/120"] {
            assert!(is_network(good), "{good}");
        }
        for bad in [
            "",
            "10.0.0.0",
            "10.0.0/8",
            "10.0.0.0/33",
            "::/129",
            "01.2.3.4/8",
            "fe80::1%eth0/64",
            "1.2.3.4/+8",
            "1.2.3.4/",
            "1.2.3.4/8/8",
        ] {
            assert!(!is_network(bad), "{bad}");
        }
    }

    #[test]
    fn zones_are_those_of_the_database() {
        let said = |name: &str| {
            let mut found = Issues::default();
            location(name, &mut found);
            found.iter().map(|issue| issue.text.clone()).collect::<Vec<_>>()
        };
        for good in ["", "UTC", "Local", "Europe/Berlin", "America/Argentina/Ushuaia", "EST5EDT"] {
            assert_eq!(said(good), [""; 0], "{good}");
        }
        assert_eq!(said("Mars/Phobos"), ["could not parse iana time zone by name: unknown time zone Mars/Phobos"]);
        assert_eq!(said("../etc"), ["could not parse iana time zone by name: time: invalid location name"]);
    }
}
