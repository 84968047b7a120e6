//! Messages as they stand in rows.

use bytes::Bytes;
use relais_domain::{buffer::Standing, message::Headers};
use rusqlite::types::Type;

/// A row that says what none of ours says.
#[derive(Debug, thiserror::Error)]
#[error("a row of the Buffer cannot be read: {0}")]
pub(super) struct Unreadable(pub(super) &'static str);

/// As an error of SQLite's.
pub(super) fn unreadable(what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(Unreadable(what)))
}

/// A number of ours as one of SQLite's; they are counted, and never come near its end.
pub(super) fn signed(number: u64) -> rusqlite::Result<i64> {
    i64::try_from(number).map_err(|_| unreadable("a number is too large"))
}

/// Back again.
pub(super) fn unsigned(number: i64) -> rusqlite::Result<u64> {
    u64::try_from(number).map_err(|_| unreadable("a number is negative"))
}

/// Those that are less wait.
pub(super) const STORED: i64 = 2;
pub(super) const QUEUED: i64 = 0;
pub(super) const SENT: i64 = 1;
/// Those that are less have no end yet.
pub(super) const HANDLED: i64 = 3;
pub(super) const UNKNOWN: i64 = 6;

/// A standing as a number, and what it says.
pub(super) fn standing(standing: &Standing) -> (i64, Option<&[u8]>) {
    match standing {
        Standing::Queued => (QUEUED, None),
        Standing::Sent => (SENT, None),
        Standing::Stored => (STORED, None),
        Standing::Handled(answer) => (HANDLED, Some(answer)),
        Standing::Refused(why) => (4, Some(why.as_bytes())),
        Standing::Dead(why) => (5, Some(why.as_bytes())),
        Standing::Unknown(why) => (UNKNOWN, Some(why.as_bytes())),
    }
}

/// Back again.
pub(super) fn read_standing(number: i64, said: Option<Vec<u8>>) -> rusqlite::Result<Standing> {
    let said = said.unwrap_or_default();
    let why = || String::from_utf8(said.clone()).map_err(|_| unreadable("a reason is no text"));
    match number {
        QUEUED => Ok(Standing::Queued),
        SENT => Ok(Standing::Sent),
        STORED => Ok(Standing::Stored),
        HANDLED => Ok(Standing::Handled(said.into())),
        4 => Ok(Standing::Refused(why()?)),
        5 => Ok(Standing::Dead(why()?)),
        UNKNOWN => Ok(Standing::Unknown(why()?)),
        _ => Err(unreadable("nothing has such a standing")),
    }
}

/// Headers and payload in one: how many headers, each name and value behind its length (4 bytes, big-endian), the payload.
pub(super) fn body(headers: &Headers, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(4 + headers.size() + payload.len());
    let mut put = |bytes: &[u8]| {
        body.extend_from_slice(&length(bytes.len()));
        body.extend_from_slice(bytes);
    };
    let count = headers.iter().count();
    for (name, value) in headers.iter() {
        put(name.as_bytes());
        put(value.as_bytes());
    }
    let mut all = length(count).to_vec();
    all.append(&mut body);
    all.extend_from_slice(payload);
    all
}

fn length(length: usize) -> [u8; 4] {
    // Nobody keeps 4 GB of headers: a message has 1 MB.
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// Back again.
pub(super) fn read_body(body: Vec<u8>) -> rusqlite::Result<(Headers, Bytes)> {
    let mut rest = Bytes::from(body);
    let mut headers = Headers::default();
    for _ in 0..number(&mut rest)? {
        let (name, value) = (text(&mut rest)?, text(&mut rest)?);
        headers.append(&name, &value);
    }
    Ok((headers, rest))
}

fn take(rest: &mut Bytes, length: usize) -> rusqlite::Result<Bytes> {
    if length > rest.len() { Err(unreadable("its headers end too early")) } else { Ok(rest.split_to(length)) }
}

fn number(rest: &mut Bytes) -> rusqlite::Result<usize> {
    Ok(take(rest, 4)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

fn text(rest: &mut Bytes) -> rusqlite::Result<String> {
    let length = number(rest)?;
    String::from_utf8(take(rest, length)?.into()).map_err(|_| unreadable("a header is no text"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_body_is_read_as_it_is_written(
            headers in prop::collection::vec(("[ -9;-~]{0,9}", "[ -~é]{0,20}"), 0..5), payload: Vec<u8>
        ) {
            let headers: Headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let (read, rest) = read_body(body(&headers, &payload)).unwrap();
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), headers.iter().collect::<Vec<_>>());
            prop_assert_eq!(&rest[..], &payload[..]);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = read_body(bytes.clone());
            for number in -1..9 {
                let _ = read_standing(number, Some(bytes.clone()));
            }
        }
    }
}
