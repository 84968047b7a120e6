//! What the broker says.

use bytes::{Buf, Bytes, BytesMut};
use relais_domain::{
    message::{Headers, MAX_HEADERS, Message},
    ports::{Delivery, Malformed},
    subject::Subject,
};
use serde::Deserialize;

/// The longest line of the protocol. nats-server takes 4 KB from clients and adds little; INFO lists a cluster's addresses.
const LONGEST_LINE: usize = 64 * 1024;
/// The largest message any nats-server can be set to take.
const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;
/// The first line of a block of headers begins so.
const VERSION: &[u8] = b"NATS/1.0";

/// One thing that the broker says.
#[derive(Debug, PartialEq)]
pub(in crate::nats) enum Frame {
    /// About itself.
    Info(Box<Info>),
    /// A message, for the subscription of this number, of so many bytes.
    Message {
        sid: u64,
        delivery: Delivery,
        size: usize,
        /// The number that ends its subject, where the rest cannot be read.
        token: Option<u64>,
    },
    /// It asks whether we are there.
    Ping,
    /// It has done everything that was asked before a PING of ours.
    Pong,
    /// It refuses something, or us.
    Error(String),
    /// Nothing that matters.
    Ok,
}

/// What the broker says about itself, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::nats) struct Info {
    pub(in crate::nats) nonce: Option<String>,
    pub(in crate::nats) max_payload: usize,
    pub(in crate::nats) tls_required: bool,
    pub(in crate::nats) headers: bool,
}

/// The broker does not speak the protocol: there is no telling where its next word begins.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::nats) enum Broken {
    /// A line that does not end.
    #[error("a line of the protocol is longer than {LONGEST_LINE} bytes")]
    Line,
    /// A word that is none.
    #[error("{0:?} is no word of the protocol")]
    Verb(String),
    /// Lengths that cannot be.
    #[error("the lengths of a message make no sense: {0:?}")]
    Lengths(String),
    /// A message that is not followed by a line break.
    #[error("a message is longer than the broker said")]
    Unterminated,
    /// An INFO that cannot be read.
    #[error("what the broker says about itself cannot be read: {0}")]
    Info(String),
}

/// Takes the first frame out of `buffer`; `None` when it has not come as a whole yet. Payloads are slices of the buffer.
pub(in crate::nats) fn take(buffer: &mut BytesMut) -> Result<Option<Frame>, Broken> {
    let Some(end) = memchr::memchr(b'\n', buffer) else {
        return if buffer.len() > LONGEST_LINE { Err(Broken::Line) } else { Ok(None) };
    };
    if end > LONGEST_LINE {
        return Err(Broken::Line);
    }
    let line = buffer[..end].strip_suffix(b"\r").unwrap_or(&buffer[..end]);
    match line {
        [b'M', b'S', b'G', b' ', rest @ ..] => {
            let lengths = Lengths::of_msg(rest).ok_or_else(|| Broken::Lengths(shown(line)))?;
            message(buffer, end + 1, 4, lengths)
        }
        [b'H', b'M', b'S', b'G', b' ', rest @ ..] => {
            let lengths = Lengths::of_hmsg(rest).ok_or_else(|| Broken::Lengths(shown(line)))?;
            message(buffer, end + 1, 5, lengths)
        }
        _ => {
            let frame = word(line)?;
            buffer.advance(end + 1);
            Ok(Some(frame))
        }
    }
}

fn word(line: &[u8]) -> Result<Frame, Broken> {
    let is = |verb: &[u8]| line.get(..verb.len()).is_some_and(|own| own.eq_ignore_ascii_case(verb));
    if is(b"PING") {
        return Ok(Frame::Ping);
    }
    if is(b"PONG") {
        return Ok(Frame::Pong);
    }
    if is(b"+OK") {
        return Ok(Frame::Ok);
    }
    if is(b"-ERR") {
        return Ok(Frame::Error(String::from_utf8_lossy(&line[4..]).trim().to_owned()));
    }
    if is(b"INFO ") {
        let info = serde_json::from_slice(&line[5..]).map_err(|error| Broken::Info(error.to_string()))?;
        return Ok(Frame::Info(Box::new(info)));
    }
    Err(Broken::Verb(shown(line)))
}

/// Where the parts of a message's line lie in it, and how long the message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lengths {
    sid: u64,
    subject: (usize, usize),
    reply: Option<(usize, usize)>,
    headers: usize,
    total: usize,
}

impl Lengths {
    /// `<subject> <sid> [reply] <total>`
    fn of_msg(rest: &[u8]) -> Option<Self> {
        let (parts, count) = split(rest)?;
        let (reply, total) = match count {
            3 => (None, parts[2]),
            4 => (Some(parts[2]), parts[3]),
            _ => return None,
        };
        Self::checked(rest, parts, reply, None, total)
    }

    /// `<subject> <sid> [reply] <headers> <total>`
    fn of_hmsg(rest: &[u8]) -> Option<Self> {
        let (parts, count) = split(rest)?;
        let (reply, headers, total) = match count {
            4 => (None, parts[2], parts[3]),
            5 => (Some(parts[2]), parts[3], parts[4]),
            _ => return None,
        };
        Self::checked(rest, parts, reply, Some(headers), total)
    }

    fn checked(
        rest: &[u8],
        parts: [(usize, usize); 5],
        reply: Option<(usize, usize)>,
        headers: Option<(usize, usize)>,
        total: (usize, usize),
    ) -> Option<Self> {
        let read = |(from, to): (usize, usize)| number(&rest[from..to]);
        let total = usize::try_from(read(total)?).ok()?;
        let headers = headers.map_or(Some(0), |part| usize::try_from(read(part)?).ok())?;
        if total > LARGEST_MESSAGE || headers > total {
            return None;
        }
        Some(Self { sid: read(parts[1])?, subject: parts[0], reply, headers, total })
    }
}

/// The parts between blanks. nats-server writes one blank or tab between two, and takes neither inside one; every other
/// byte, white space of Unicode too, belongs to the part.
fn split(line: &[u8]) -> Option<([(usize, usize); 5], usize)> {
    let mut parts = [(0, 0); 5];
    let mut count = 0;
    let mut at = 0;
    while at < line.len() {
        let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
        if blank(&line[at]) {
            at += 1;
            continue;
        }
        let length = line[at..].iter().position(blank).unwrap_or(line.len() - at);
        *parts.get_mut(count)? = (at, at + length);
        count += 1;
        at += length;
    }
    Some((parts, count))
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        Some(number * 10 + u64::from(digit))
    })
}

/// A message whose line ends at `body`, of which `verb` bytes come before the parts.
fn message(buffer: &mut BytesMut, body: usize, verb: usize, lengths: Lengths) -> Result<Option<Frame>, Broken> {
    let size = body + lengths.total + 2;
    if buffer.len() < size {
        // Room for the rest of a large one, but never more at a time than a fair part of what has come.
        buffer.reserve((size - buffer.len()).min(buffer.len().max(64 * 1024)));
        return Ok(None);
    }
    if &buffer[size - 2..size] != b"\r\n" {
        return Err(Broken::Unterminated);
    }
    let frame = buffer.split_to(size).freeze();
    let part = |(from, to): (usize, usize)| frame.slice(verb + from..verb + to);
    let headers = frame.slice(body..body + lengths.headers);
    let payload = frame.slice(body + lengths.headers..size - 2);
    let delivery = read(part(lengths.subject), lengths.reply.map(part), &headers, payload);
    let token = match &delivery {
        Ok(_) => None,
        Err(_) => part(lengths.subject).rsplit(|byte| *byte == b'.').next().and_then(number),
    };
    Ok(Some(Frame::Message { sid: lengths.sid, delivery, size, token }))
}

fn read(subject: Bytes, reply: Option<Bytes>, block: &[u8], payload: Bytes) -> Delivery {
    let headers = if block.is_empty() { Headers::default() } else { headers(block)? };
    let subject = Subject::new(subject).map_err(Malformed::Subject)?;
    let reply = reply.map(Subject::reply).transpose().map_err(Malformed::Reply)?;
    Ok(Message { subject, reply, headers, payload })
}

/// The headers in a block `NATS/1.0[ status]\r\n(name: value\r\n)*\r\n` (NATS ADR-4).
fn headers(block: &[u8]) -> Result<Headers, Malformed> {
    let rest = block.strip_prefix(VERSION).ok_or(Malformed::HeaderBlock)?;
    let text = std::str::from_utf8(rest).map_err(|_| Malformed::HeaderBlock)?;
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap_or_default().trim_matches([' ', '\t']);
    if !status.is_empty() {
        let code = status.split(' ').next().unwrap_or_default();
        let known = code.len() == 3 && code.bytes().all(|digit| digit.is_ascii_digit());
        return Err(code.parse().ok().filter(|_| known).map_or(Malformed::HeaderBlock, Malformed::Status));
    }
    if block.len() > MAX_HEADERS + VERSION.len() + 4 * 64 {
        // Not counted exactly: the exact bound below is on names and values.
        return Err(Malformed::Headers(block.len()));
    }
    let mut headers = Headers::default();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(Malformed::HeaderBlock)?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Malformed::HeaderBlock);
        }
        // A lone line break in a value becomes a blank, so at its ends it is cut off like one.
        headers.append(name, value.trim_matches([' ', '\t', '\r', '\n']));
    }
    let size = headers.size();
    if size > MAX_HEADERS { Err(Malformed::Headers(size)) } else { Ok(headers) }
}

/// As much of a line as an error shows.
fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned()
}
