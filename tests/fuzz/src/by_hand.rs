//! The same things done by hand, in the simplest way: what the targets compare with.

use relais_domain::{
    message::{MAX_HEADERS, Message},
    subject::{MAX_REPLY, MAX_SUBJECT},
};

/// Whether these bytes are a subject, of at most so many bytes.
fn is_subject_of(bytes: &[u8], longest: usize) -> bool {
    let harmless = |byte: &u8| (b'!'..=b'~').contains(byte) && *byte != b'*' && *byte != b'>';
    let dots = |pair: &[u8]| pair == b"..";
    bytes.len() <= longest
        && bytes.iter().all(harmless)
        && !bytes.is_empty()
        && bytes.first() != Some(&b'.')
        && bytes.last() != Some(&b'.')
        && !bytes.windows(2).any(dots)
}

pub(crate) fn is_subject(bytes: &[u8]) -> bool {
    is_subject_of(bytes, MAX_SUBJECT)
}

pub(crate) fn is_reply(bytes: &[u8]) -> bool {
    is_subject_of(bytes, MAX_REPLY)
}

/// `^[a-z0-9][a-z0-9-]{0,63}$`, and not reserved.
pub(crate) fn is_user_id(bytes: &[u8]) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let [first, rest @ ..] = bytes else { return false };
    plain(*first)
        && rest.len() < 64
        && rest.iter().all(|byte| plain(*byte) || *byte == b'-')
        && !bytes.starts_with(b"svc-")
        && !bytes.starts_with(b"op-")
}

/// Whether tokens match the tokens of a filter.
pub(crate) fn matches(filter: &[&str], subject: &[&str]) -> bool {
    match (filter, subject) {
        ([], []) => true,
        ([">"], [_, ..]) => true,
        (["*", filter @ ..], [_, subject @ ..]) => matches(filter, subject),
        ([part, filter @ ..], [token, subject @ ..]) => part == token && matches(filter, subject),
        _ => false,
    }
}

/// Tokens that match both filters, if there can be any.
pub(crate) fn common(a: &[&str], b: &[&str]) -> Option<Vec<String>> {
    let plain = |part: &str| if part == "*" || part == ">" { "x".to_owned() } else { part.to_owned() };
    match (a, b) {
        ([], []) => Some(Vec::new()),
        ([">"], [rest @ .., last]) | ([rest @ .., last], [">"]) => {
            Some(rest.iter().chain([last]).map(|part| plain(part)).collect())
        }
        ([left, a @ ..], [right, b @ ..]) if *left == "*" || *right == "*" || left == right => {
            let token = plain(if *left == "*" { right } else { left });
            Some([vec![token], common(a, b)?].concat())
        }
        _ => None,
    }
}

/// Whether the route of this filter takes the message, and who called, where the route names the caller.
pub(crate) fn admits(filter: &str, names_caller: bool, message: &Message) -> Result<Option<String>, ()> {
    let subject: Vec<_> = message.subject.as_str().split('.').collect();
    let of_jetstream = |name: &str| ["nats-stream", "nats-sequence"].contains(&name.to_ascii_lowercase().as_str());
    let size: usize = message.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let fine = matches(&filter.split('.').collect::<Vec<_>>(), &subject)
        && size <= MAX_HEADERS
        && !message.headers.iter().any(|(name, _)| of_jetstream(name));
    let caller = names_caller.then(|| subject.get(1).copied().unwrap_or_default());
    let prefix = caller.map_or_else(|| "_INBOX.".to_owned(), |caller| format!("_INBOX.{caller}."));
    let own = message.reply.as_ref().is_none_or(|reply| reply.as_str().starts_with(&prefix));
    if fine && own && caller.is_none_or(|caller| is_user_id(caller.as_bytes())) {
        Ok(caller.map(str::to_owned))
    } else {
        Err(())
    }
}

/// A number without a sign, or with a plus, up to `most`.
pub(crate) fn whole(text: &str, most: u128) -> Option<u128> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_u128;
    for digit in digits.bytes() {
        let digit = digit.is_ascii_digit().then(|| u128::from(digit - b'0'))?;
        number = number * 10 + digit;
        if number > most {
            return None;
        }
    }
    Some(number)
}
