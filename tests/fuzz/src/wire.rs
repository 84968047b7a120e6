//! A message as nats-server hands it on.

/// The number of the subscription in every frame.
pub(crate) const SID: u64 = 7;

/// The frame of a message: `reply` may be missing; `block` is the block of headers, if it has one.
pub(crate) fn frame(subject: &[u8], reply: Option<&[u8]>, block: Option<&[u8]>, payload: &[u8]) -> Vec<u8> {
    let mut out = if block.is_some() { b"HMSG ".to_vec() } else { b"MSG ".to_vec() };
    out.extend_from_slice(subject);
    out.extend_from_slice(format!(" {SID} ").as_bytes());
    if let Some(reply) = reply {
        out.extend_from_slice(reply);
        out.push(b' ');
    }
    if let Some(block) = block {
        out.extend_from_slice(format!("{} ", block.len()).as_bytes());
    }
    let block = block.unwrap_or_default();
    out.extend_from_slice(format!("{}\r\n", block.len() + payload.len()).as_bytes());
    [&out, block, payload, b"\r\n"].concat()
}

/// What was published, as its subscriber gets it.
pub(crate) fn handed_on(published: &[u8]) -> Vec<u8> {
    let (verb, rest) = match published.strip_prefix(b"HPUB ") {
        Some(rest) => (&b"HMSG "[..], rest),
        None => (&b"MSG "[..], published.strip_prefix(b"PUB ").expect("one verb or the other")),
    };
    let blank = rest.iter().position(|byte| *byte == b' ').expect("a blank behind the subject");
    [verb, &rest[..blank], format!(" {SID}").as_bytes(), &rest[blank..]].concat()
}
