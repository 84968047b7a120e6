//! What the broker says, read whole and in pieces, and what a user can put into it.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use relais_domain::{
    message::{Headers, Message},
    ports::Malformed,
    subject::InvalidSubject,
};

use super::{
    encode,
    frame::{Broken, Frame, take},
};

/// Everything in `bytes`, and what is left of it.
fn read(bytes: &[u8]) -> (Vec<Frame>, Result<usize, Broken>) {
    let mut buffer = BytesMut::from(bytes);
    let mut frames = Vec::new();
    loop {
        match take(&mut buffer) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, Ok(buffer.len())),
            Err(broken) => return (frames, Err(broken)),
        }
    }
}

fn only(bytes: &[u8]) -> Frame {
    let (mut frames, left) = read(bytes);
    assert_eq!((frames.len(), left), (1, Ok(0)), "{:?}", String::from_utf8_lossy(bytes));
    frames.remove(0)
}

fn message(subject: &str, reply: Option<&str>, headers: &[(&str, &str)], payload: &str) -> Message {
    Message {
        reply: reply.map(|reply| reply.parse().unwrap()),
        headers: headers.iter().copied().collect(),
        ..Message::new(subject.parse().unwrap(), payload.to_owned())
    }
}

#[test]
fn what_the_broker_says_is_read() {
    assert_eq!(only(b"PING\r\n"), Frame::Ping);
    assert_eq!(only(b"PONG\r\n"), Frame::Pong);
    assert_eq!(only(b"+OK\r\n"), Frame::Ok);
    assert_eq!(only(b"-ERR 'Stale Connection'\r\n"), Frame::Error("'Stale Connection'".to_owned()));
    let info = only(
        br#"INFO {"server_id":"x","max_payload":7,"nonce":"abc","headers":true,"tls_required":false,"new":[1]}
"#,
    );
    assert!(matches!(info, Frame::Info(info) if info.max_payload == 7 && info.nonce.as_deref() == Some("abc")));
    for (bytes, sid, expected) in [
        (&b"MSG a.b 7 5\r\nhello\r\n"[..], 7, message("a.b", None, &[], "hello")),
        (b"MSG a.b 7 _INBOX.x.1 0\r\n\r\n", 7, message("a.b", Some("_INBOX.x.1"), &[], "")),
        (b"MSG a.b 18446744 2\r\n\r\n\r\n", 18_446_744, message("a.b", None, &[], "\r\n")),
        (
            b"HMSG a 1 23 26\r\nNATS/1.0\r\nA: 1\r\nB:2\r\n\r\nxyz\r\n",
            1,
            message("a", None, &[("A", "1"), ("B", "2")], "xyz"),
        ),
        (
            b"HMSG a 1 r 23 23\r\nNATS/1.0\r\nA: 1\r\nA: \r\n\r\n\r\n",
            1,
            message("a", Some("r"), &[("A", "1"), ("A", "")], ""),
        ),
    ] {
        match only(bytes) {
            Frame::Message { sid: own, delivery: Ok(delivery), .. } => assert_eq!((own, delivery), (sid, expected)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_a_user_can_write_is_one_malformed_message_and_the_next_is_read() {
    let block = |lines: &[u8]| {
        let headers = [b"NATS/1.0", lines, b"\r\n"].concat();
        [format!("HMSG a 1 {0} {0}\r\n", headers.len()).as_bytes(), &headers, b"\r\n"].concat()
    };
    let plain = |subject: &[u8], reply: &[u8]| [b"MSG ", subject, b" 1 ", reply, b" 0\r\n\r\n"].concat();
    for (bytes, why) in [
        (plain(b"from.\xff\xfe.x", b"r"), Malformed::Subject(InvalidSubject::Character)),
        (plain(b"from.a\x0bb.x", b"r"), Malformed::Subject(InvalidSubject::Character)),
        (plain("from.a\u{85}b\u{2028}.x".as_bytes(), b"r"), Malformed::Subject(InvalidSubject::Character)),
        (plain(b"from.ada.x", b"_INBOX.\x80"), Malformed::Reply(InvalidSubject::Character)),
        (plain(b"from.ada.x", b"_INBOX.ada.1\x0b9"), Malformed::Reply(InvalidSubject::Character)),
        (plain(b"from.ada.x", "_INBOX.ada.1\u{a0}9".as_bytes()), Malformed::Reply(InvalidSubject::Character)),
        (plain(b"from.ada.x", b"_INBOX.>"), Malformed::Reply(InvalidSubject::Wildcard)),
        (plain(b"from.ada.x", &[b'x'; 300]), Malformed::Reply(InvalidSubject::TooLong(256))),
        (plain(&[b'x'; 600], b"r"), Malformed::Subject(InvalidSubject::TooLong(512))),
        (block(b"\r\nno colon\r\n"), Malformed::HeaderBlock),
        (block(b"\r\nA: \xff\r\n"), Malformed::HeaderBlock),
        (block(b"\r\n\xff: 1\r\n"), Malformed::HeaderBlock),
        (block(b"\r\n: 1\r\n"), Malformed::HeaderBlock),
        (block(b"\r\nA B: 1\r\n"), Malformed::HeaderBlock),
        (block(b"\r\nA: 1\r\n folded: 2\r\n"), Malformed::HeaderBlock),
        (block(b" 99999999\r\n"), Malformed::HeaderBlock),
        (block(b" 5\xc2\xb2\r\n"), Malformed::HeaderBlock),
        (block(b" 503\r\n"), Malformed::Status(503)),
        (block(b" 404 No Messages\r\n"), Malformed::Status(404)),
        (block(b"X 1\r\n"), Malformed::HeaderBlock),
        (b"HMSG a 1 3 3\r\nabc\r\n".to_vec(), Malformed::HeaderBlock),
        (b"HMSG a 1 8 8\r\nnats/1.0\r\n".to_vec(), Malformed::HeaderBlock),
    ] {
        let (frames, left) = read(&[&bytes[..], b"PING\r\n"].concat());
        assert_eq!((frames.len(), left, &frames[1]), (2, Ok(0), &Frame::Ping));
        assert!(
            matches!(&frames[0], Frame::Message { sid: 1, delivery: Err(own), .. } if *own == why),
            "{:?}",
            frames[0]
        );
    }
    let large = block(format!("\r\nA: {}\r\n", "x".repeat(5_000)).as_bytes());
    assert!(matches!(only(&large), Frame::Message { delivery: Err(Malformed::Headers(size)), .. } if size >= 5_000));
}

#[test]
fn a_value_with_a_lone_line_break_forges_nothing() {
    for (headers, value) in [
        (&b"NATS/1.0\r\nA: 1\nNats-Rollup: all\r\n\r\n"[..], "1 Nats-Rollup: all"),
        // At the ends it is a blank too, so that what was read reads the same when it is said again.
        (b"NATS/1.0\r\nA:\n1\n\r\n\r\n", "1"),
        (b"NATS/1.0\r\nA: 1 \r \n", "1"),
    ] {
        let bytes = [format!("HMSG a 1 {0} {0}\r\n", headers.len()).as_bytes(), headers, b"\r\n"].concat();
        let Frame::Message { delivery: Ok(message), .. } = only(&bytes) else { panic!("a message") };
        assert_eq!(message.headers, Headers::from_iter([("A", value)]));
    }
}

#[test]
fn where_the_broker_makes_no_sense_the_connection_is_broken() {
    for bytes in [
        &b"HELLO\r\n"[..],
        b"\r\n",
        b"MSG a 1\r\n",
        b"MSG a 1 2 3 4 5\r\n",
        b"MSG a x 0\r\n\r\n",
        b"MSG a 1 -1\r\n",
        b"MSG a 1 99999999999999999999\r\n",
        b"MSG a 1 1000000000\r\n",
        b"MSG a 1 2\r\nabc\r\n",
        b"HMSG a 1 5 4\r\nabcd\r\n",
        b"INFO {\r\n",
    ] {
        assert!(read(bytes).1.is_err(), "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(read(&vec![b'x'; 65 * 1024]).1, Err(Broken::Line));
}

#[test]
fn a_length_alone_takes_no_memory() {
    let mut buffer = BytesMut::from(&b"MSG a 1 60000000\r\nabc"[..]);
    assert_eq!(take(&mut buffer), Ok(None));
    assert!(buffer.capacity() < 256 * 1024, "{}", buffer.capacity());
}

#[test]
fn what_we_say_is_what_the_protocol_wants() {
    let mut out = BytesMut::new();
    encode::publish(&mut out, &message("a.b", None, &[], "hello"));
    encode::publish(&mut out, &message("a.b", Some("r"), &[], ""));
    encode::publish(&mut out, &message("a", None, &[("A", "1"), ("A", "2: x")], "xyz"));
    encode::subscribe(&mut out, "from.*.x", Some("shop"), 12);
    encode::subscribe(&mut out, "to.ada.>", None, 1);
    encode::unsubscribe(&mut out, 12);
    encode::ping(&mut out);
    encode::pong(&mut out);
    let expected = "PUB a.b 5\r\nhello\r\nPUB a.b r 0\r\n\r\nHPUB a 27 30\r\nNATS/1.0\r\nA: 1\r\nA: 2: x\r\n\r\nxyz\r\n\
                    SUB from.*.x shop 12\r\nSUB to.ada.> 1\r\nUNSUB 12\r\nPING\r\nPONG\r\n";
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

/// A message as nats-server hands it on.
fn handed_on(message: &Message, sid: u64) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode::publish(&mut out, message);
    let text = String::from_utf8_lossy(&out).into_owned();
    let (verb, rest) = text.split_once(' ').unwrap();
    let (subject, rest) = rest.split_once(' ').unwrap();
    format!("{}MSG {subject} {sid} {rest}", if verb == "HPUB" { "H" } else { "" }).into_bytes()
}

prop_compose! {
    fn any_message()(
        subject in "[a-z]{1,8}(\\.[a-z0-9]{1,8}){0,3}",
        reply in proptest::option::of("[a-z]{1,8}"),
        headers in proptest::collection::vec(("[A-Za-z-]{1,12}", "[ -~]{0,20}"), 0..4),
        payload in "\\PC{0,40}",
    ) -> Message {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.trim())).collect();
        message(&subject, reply.as_deref(), &headers, &payload)
    }
}

proptest! {
    /// Frames are the same however the network cuts them.
    #[test]
    fn frames_do_not_depend_on_how_they_come(messages in proptest::collection::vec(any_message(), 0..8), cuts in proptest::collection::vec(1_usize..40, 1..60)) {
        let bytes: Vec<u8> = messages.iter().enumerate().flat_map(|(sid, message)| handed_on(message, sid as u64)).collect();
        let (whole, left) = read(&bytes);
        prop_assert_eq!(left, Ok(0));
        for (frame, message) in whole.iter().zip(&messages) {
            let Frame::Message { delivery: Ok(delivery), .. } = frame else { panic!("{frame:?}") };
            prop_assert_eq!(delivery, message);
        }
        let (mut buffer, mut pieces, mut rest, mut cuts) = (BytesMut::new(), Vec::new(), &bytes[..], cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            buffer.extend_from_slice(piece);
            rest = behind;
            while let Some(frame) = take(&mut buffer).unwrap() {
                pieces.push(frame);
            }
        }
        prop_assert_eq!(pieces, whole);
    }

    /// Nothing that comes makes it panic, take more than came, or stand still.
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    /// Nor does anything inside the frame of a message: it is one message, and the next one is read.
    #[test]
    fn any_bytes_of_a_user_are_one_message(
        subject in proptest::collection::vec(any::<u8>().prop_filter("a part", |byte| !b" \t\r\n".contains(byte)), 1..40),
        reply in proptest::collection::vec(any::<u8>().prop_filter("a part", |byte| !b" \t\r\n".contains(byte)), 1..40),
        block in proptest::collection::vec(any::<u8>(), 0..120),
        payload in proptest::collection::vec(any::<u8>(), 0..40),
        versioned: bool,
    ) {
        let block = if versioned { [b"NATS/1.0\r\n", &block[..], b"\r\n\r\n"].concat() } else { block };
        let lengths = format!(" {} {}\r\n", block.len(), block.len() + payload.len());
        let bytes = [b"HMSG ", &subject[..], b" 3 ", &reply, lengths.as_bytes(), &block, &payload, b"\r\nPING\r\n"].concat();
        let (frames, left) = read(&bytes);
        prop_assert_eq!((frames.len(), left), (2, Ok(0)));
        prop_assert_eq!(&frames[1], &Frame::Ping);
        if let Frame::Message { delivery: Ok(message), .. } = &frames[0] {
            prop_assert_eq!(&message.payload, &Bytes::from(payload));
        }
    }
}
