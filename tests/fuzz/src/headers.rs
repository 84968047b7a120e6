//! Blocks of headers that users write, headers that we write, and the traces in them.
//!
//! The input: a byte of choices, then a block as it travels, or the fields of a trace as numbers, or texts between bytes
//! `0xff`, names and values in turn.

use relais_adapters::nats::testing::{Read, Reader, published};
use relais_domain::{
    memory,
    message::{Headers, MAX_HEADERS, Message},
    ports::{Delivery, Malformed},
    routing::TraceContext,
};

use crate::{
    envelope::arrives,
    wire::{frame, handed_on},
};

/// The largest block that is looked into.
const LARGEST: usize = MAX_HEADERS + 8 + 4 * 64;

/// Every property of one input.
pub fn check(data: &[u8]) {
    match data.split_first() {
        Some((0, block)) => read(block),
        Some((1, lines)) => read(&[b"NATS/1.0\r\n", lines, b"\r\n"].concat()),
        Some((2, fields)) => traced(fields),
        Some((_, texts)) => {
            let texts: Vec<_> = texts.split(|byte| *byte == 0xff).map(String::from_utf8_lossy).collect();
            let pairs: Vec<_> = texts.chunks_exact(2).map(|pair| (&*pair[0], &*pair[1])).collect();
            written(&pairs);
        }
        None => {}
    }
}

fn delivered(frame: &[u8]) -> Delivery {
    let mut read = Reader::default().read(frame).expect("the frame is one");
    match (read.pop(), read.pop()) {
        (Some(Read::Message { delivery, .. }), None) => delivery,
        other => panic!("one message: {other:?}"),
    }
}

/// A block that somebody wrote.
fn read(block: &[u8]) {
    let delivery = delivered(&frame(b"a", None, Some(block), b"payload"));
    let expected = if block.is_empty() { Ok(Vec::new()) } else { by_hand(block) };
    let found = delivery.clone().map(|message| {
        assert_eq!(message.payload, "payload");
        message.headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    });
    assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(block));
    let Ok(message) = delivery else { return };
    harmless(&message.headers);
    // What was read can be said again, if there is room for the blanks that we put behind colons.
    let said = published(&message);
    match delivered(&handed_on(&said)) {
        Ok(again) => assert_eq!(again, message),
        Err(why) => assert!(matches!(why, Malformed::Headers(size) if size > LARGEST), "{why}"),
    }
    trace(&message.headers);
}

/// The same by hand, on bytes.
fn by_hand(block: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let text = block.strip_prefix(b"NATS/1.0").and_then(|rest| String::from_utf8(rest.to_vec()).ok());
    let text = text.ok_or(Malformed::HeaderBlock)?;
    let (first, mut rest) = text.split_once("\r\n").unwrap_or((&text, ""));
    let blank = [' ', '\t'];
    match first.trim_matches(blank).split(' ').next().unwrap_or_default().as_bytes() {
        [] => {}
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            let digit = |digit: &u8| u16::from(digit - b'0');
            return Err(Malformed::Status(digit(a) * 100 + digit(b) * 10 + digit(c)));
        }
        _ => return Err(Malformed::HeaderBlock),
    }
    if block.len() > LARGEST {
        return Err(Malformed::Headers(block.len()));
    }
    let (mut all, mut size) = (Vec::new(), 0);
    while !rest.is_empty() {
        let line;
        (line, rest) = rest.split_once("\r\n").unwrap_or((rest, ""));
        if line.is_empty() {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(Malformed::HeaderBlock)?;
        if name.is_empty() || name.chars().any(|c| !('!'..='~').contains(&c)) {
            return Err(Malformed::HeaderBlock);
        }
        // A lone line break in a value is a blank.
        let value = value.replace(['\r', '\n'], " ").trim_matches(blank).to_owned();
        size += name.len() + value.len();
        all.push((name.to_owned(), value));
    }
    if size > MAX_HEADERS { Err(Malformed::Headers(size)) } else { Ok(all) }
}

/// Headers of any names and values, as a program might write them.
fn written(pairs: &[(&str, &str)]) {
    let headers: Headers = pairs.iter().copied().collect();
    harmless(&headers);
    assert_eq!(headers.iter().count(), pairs.len(), "a pair is a header, and none is two");
    for ((name, value), (own, written)) in headers.iter().zip(pairs) {
        assert_eq!(name, own.replace(['\r', '\n'], " ").replace(':', ""));
        assert_eq!(value, written.replace(['\r', '\n'], " "));
    }
    let message = Message { headers, ..Message::new("a".parse().expect("a subject"), "payload") };
    let sent = published(&message);
    let names = |c: char| ('!'..='~').contains(&c);
    let readable = message.headers.iter().all(|(name, _)| !name.is_empty() && name.chars().all(names));
    if readable && sent.len() <= MAX_HEADERS {
        arrives(&message);
    } else if let Ok(heard) = delivered(&handed_on(&sent)) {
        // Fewer arrive where a name is none; never others.
        assert!(heard.headers.iter().count() <= pairs.len(), "{:?} {:?}", message.headers, heard.headers);
    }
    trace(&message.headers);
}

/// A `traceparent` that is nearly one: fields of the right length, whatever they say, and what stands behind them.
fn traced(fields: &[u8]) {
    let (numbers, more) = fields.split_at(fields.len().min(26));
    let mut numbers = numbers.to_vec();
    numbers.resize(26, 0);
    let hex = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let parts = [hex(&numbers[..1]), hex(&numbers[1..17]), hex(&numbers[17..25]), hex(&numbers[25..])];
    let text = parts.join("-") + &String::from_utf8_lossy(more);
    trace(&Headers::from_iter([("traceparent", text.as_str()), ("tracestate", "a=1")]));
}

fn harmless(headers: &Headers) {
    for (name, value) in headers.iter() {
        assert!(!name.contains(['\r', '\n', ':']) && !value.contains(['\r', '\n']), "{name:?}: {value:?}");
        assert!(headers.get(name).is_some());
    }
    assert_eq!(headers.is_empty(), headers.iter().next().is_none());
}

/// The trace in headers, by hand, and what is sent on.
fn trace(headers: &Headers) {
    let rng = memory::Rng::seeded(1);
    let found = TraceContext::from_headers(headers, &rng);
    let text = headers.get("traceparent").unwrap_or_default();
    let parts: Vec<_> = text.split('-').collect();
    let hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    };
    let some = |part: &str, digits: usize| hex(part, digits) && part.bytes().any(|digit| digit != b'0');
    let expected = match &parts[..] {
        [version, trace, parent, flags, more @ ..] => {
            let known = hex(version, 2) && *version != "ff" && (more.is_empty() || *version != "00");
            known && some(trace, 32) && some(parent, 16) && hex(flags, 2)
        }
        _ => false,
    };
    assert_eq!(found.is_some(), expected, "{text:?}");
    let Some(trace) = found else { return };
    assert_eq!((trace.trace_id(), trace.parent_id()), (parts[1], parts[2]));
    assert_eq!(trace.is_sampled(), u8::from_str_radix(parts[3], 16).is_ok_and(|flags| flags % 2 == 1));
    let mut onward = Headers::default();
    trace.write_to(&mut onward);
    harmless(&onward);
    let next = TraceContext::from_headers(&onward, &rng).expect("what we send on follows the standard");
    assert_eq!((next.trace_id(), next.parent_id()), (trace.trace_id(), trace.span_id().to_string().as_str()));
    assert_eq!(next.is_sampled(), trace.is_sampled());
    let state = headers.get("tracestate").filter(|state| state.len() <= 512 && state.is_ascii());
    assert_eq!(onward.get("tracestate"), state);
}
