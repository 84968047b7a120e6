//! What we say.

use std::io::Write as _;

use bytes::{BufMut, BytesMut};
use relais_domain::{
    message::{Headers, Message},
    subject::Subject,
};

/// A message.
pub(in crate::nats) fn publish(out: &mut BytesMut, message: &Message) {
    let subject = message.subject.as_bytes();
    let reply = message.reply.as_ref().map(Subject::as_bytes);
    let payload = &message.payload;
    let block = if message.headers.is_empty() { 0 } else { block_size(&message.headers) };
    out.reserve(subject.len() + reply.map_or(0, <[u8]>::len) + block + payload.len() + 64);
    out.put_slice(if block > 0 { b"HPUB " } else { b"PUB " });
    out.put_slice(subject);
    out.put_u8(b' ');
    if let Some(reply) = reply {
        out.put_slice(reply);
        out.put_u8(b' ');
    }
    if block > 0 {
        decimal(out, block);
        out.put_u8(b' ');
    }
    decimal(out, block + payload.len());
    out.put_slice(b"\r\n");
    if block > 0 {
        out.put_slice(b"NATS/1.0\r\n");
        for (name, value) in message.headers.iter() {
            out.put_slice(name.as_bytes());
            out.put_slice(b": ");
            out.put_slice(value.as_bytes());
            out.put_slice(b"\r\n");
        }
        out.put_slice(b"\r\n");
    }
    out.put_slice(payload);
    out.put_slice(b"\r\n");
}

/// The bytes of a block of headers as [`publish`] writes it.
pub(in crate::nats) fn block_size(headers: &Headers) -> usize {
    let lines: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    b"NATS/1.0\r\n".len() + lines + 2
}

/// The wish to hear `filter`, in a queue group perhaps.
pub(in crate::nats) fn subscribe(out: &mut BytesMut, filter: &str, queue: Option<&str>, sid: u64) {
    let _ = match queue {
        Some(queue) => write!(out.writer(), "SUB {filter} {queue} {sid}\r\n"),
        None => write!(out.writer(), "SUB {filter} {sid}\r\n"),
    };
}

/// The wish to hear no more.
pub(in crate::nats) fn unsubscribe(out: &mut BytesMut, sid: u64) {
    let _ = write!(out.writer(), "UNSUB {sid}\r\n");
}

/// A question that is answered behind everything before it.
pub(in crate::nats) fn ping(out: &mut BytesMut) {
    out.put_slice(b"PING\r\n");
}

/// The answer to the broker's.
pub(in crate::nats) fn pong(out: &mut BytesMut) {
    out.put_slice(b"PONG\r\n");
}

/// Who we are.
pub(in crate::nats) fn connect(out: &mut BytesMut, options: &serde_json::Value) {
    let _ = write!(out.writer(), "CONNECT {options}\r\n");
}

/// A number, without the machinery of formatting: it is written with every message.
fn decimal(out: &mut BytesMut, mut number: usize) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.put_slice(&digits[at..]);
}
