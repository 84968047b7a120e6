//! What the broker hands on from a user: subject, reply, block of headers and payload, each of any bytes that travel.
//!
//! Through the wire, whole and cut; what is a message goes on to a Router. The input: a byte of choices, then lines with
//! the subject and the reply ([`AIMED`]: the caller, and where below `_INBOX.`), then, with headers, the length of their block
//! in two bytes, then block and payload. With [`RAW`] all of it is taken for what the broker itself says, which may break a
//! connection and nothing more.

use std::cell::RefCell;

use relais_adapters::nats::testing::{Read, Reader, published};
use relais_domain::{
    message::{MAX_HEADERS, Message},
    ports::Delivery,
    routing::{CurrentUser, Fault, Payload, Request, Router},
};

use crate::{
    app::App,
    by_hand::{admits, is_reply, is_subject},
    wire::{SID, frame, handed_on},
};

const RAW: u8 = 0x80;
const HEADERS: u8 = 0x40;
/// A block of headers gets its first line and its end.
const FRAMED: u8 = 0x20;
const ROUTE: u8 = 0x18;
/// The subject is one of the route, and the reply an inbox.
const AIMED: u8 = 0x04;
const CUT: u8 = 0x03;

/// Patterns, what they subscribe to, whether they name the caller.
const ROUTES: [(&str, &str, bool); 4] = [
    ("from.{user}.echo", "from.*.echo", true),
    ("from.{user}.files.{path..}", "from.*.files.>", true),
    ("from.{user}.fault", "from.*.fault", true),
    ("tick.{name}", "tick.*", false),
];

async fn echo(Payload(payload): Payload, user: CurrentUser, request: Request) -> Vec<u8> {
    sees_only_its_caller(&request);
    assert_eq!(request.message().subject.tokens().nth(1), Some(user.id().as_str()));
    payload.to_vec()
}

async fn tick(Payload(payload): Payload, request: Request) -> Vec<u8> {
    sees_only_its_caller(&request);
    payload.to_vec()
}

/// The user's words, in a header.
async fn fault(Payload(payload): Payload, request: Request) -> Result<(), Fault> {
    sees_only_its_caller(&request);
    Err(Fault::bad_request(String::from_utf8_lossy(&payload)))
}

fn sees_only_its_caller(request: &Request) {
    let prefix = request.caller().map_or_else(|| "_INBOX.".to_owned(), |caller| format!("_INBOX.{caller}."));
    let reply = request.message().reply.as_ref();
    assert!(reply.is_none_or(|reply| reply.as_str().starts_with(&prefix)), "{reply:?} is no inbox of the caller's");
}

thread_local! {
    static APP: RefCell<App> = RefCell::new(App::start(
        Router::new()
            .subscribe(ROUTES[0].0, echo)
            .subscribe(ROUTES[1].0, echo)
            .subscribe(ROUTES[2].0, fault)
            .subscribe(ROUTES[3].0, tick),
    ));
}

/// Every property of one input.
pub fn check(data: &[u8]) {
    let Some((&choices, rest)) = data.split_first() else { return };
    let step = 1 + usize::from(choices & CUT);
    if choices & RAW != 0 {
        return raw(rest, step);
    }
    let Some((subject, rest)) = line(rest) else { return };
    let Some((reply, rest)) = line(rest) else { return };
    let route = usize::from((choices & ROUTE) >> 3);
    let reply = Some(reply).filter(|reply| !reply.is_empty());
    let (subject, reply) = if choices & AIMED == 0 { (subject, reply) } else { aimed(route, &subject, reply) };
    if subject.is_empty() {
        return;
    }
    let (block, payload) = if choices & HEADERS == 0 {
        (None, rest)
    } else {
        let [low, high, rest @ ..] = rest else { return };
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let block = rest[..length].to_vec();
        let framed = choices & FRAMED != 0;
        (Some(if framed { [b"NATS/1.0\r\n", &block[..], b"\r\n"].concat() } else { block }), &rest[length..])
    };
    let sent = [frame(&subject, reply.as_deref(), block.as_deref(), payload), b"PING\r\n".to_vec()].concat();

    let mut whole = Reader::default();
    let read = whole.read(&sent).expect("what a user writes breaks no connection");
    let [Read::Message { sid: SID, delivery, size }, Read::Other(_)] = &read[..] else {
        panic!("one message, and the next frame is read: {read:?}")
    };
    assert_eq!((*size, whole.waiting()), (sent.len() - b"PING\r\n".len(), 0));
    assert_eq!(in_pieces(&sent, step), (Ok(()), read.iter().map(|read| format!("{read:?}")).collect()));
    match delivery {
        Ok(message) => {
            within_limits(message);
            assert_eq!(message.subject.as_bytes(), &subject[..]);
            assert_eq!(message.reply.as_ref().map(|reply| reply.as_bytes()), reply.as_deref());
            assert_eq!(&message.payload[..], payload);
        }
        Err(why) if block.is_none() => {
            let fine = is_subject(&subject) && reply.as_deref().is_none_or(is_reply);
            assert!(!fine, "nothing is wrong with it, and yet: {why}");
        }
        Err(_) => {}
    }
    routed(route, delivery.clone());
}

/// The subject of the route for this caller, and the inbox.
fn aimed(route: usize, caller: &[u8], reply: Option<Vec<u8>>) -> (Vec<u8>, Option<Vec<u8>>) {
    let (_, filter, _) = ROUTES[route];
    let (before, behind) = filter.split_once('*').expect("every route here has a wildcard");
    let behind = behind.replace('>', "a.b");
    let subject = [before.as_bytes(), caller, behind.as_bytes()].concat();
    (subject, reply.map(|reply| [b"_INBOX.", &reply[..]].concat()))
}

/// A line without what cannot travel in a part of the protocol.
fn line(data: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let travels = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r');
    Some((data[..end].iter().copied().filter(travels).collect(), &data[end + 1..]))
}

/// What is read when it comes in pieces, and whether the connection holds.
fn in_pieces(bytes: &[u8], step: usize) -> (Result<(), String>, Vec<String>) {
    let (mut reader, mut all) = (Reader::default(), Vec::new());
    // Small pieces at the front, where lines and lengths stand; quadratic otherwise.
    let (front, rest) = bytes.split_at(bytes.len().min(256));
    for piece in front.chunks(step).chain(rest.chunks(64 * step)) {
        match reader.read(piece) {
            Ok(read) => all.extend(read.iter().map(|read| format!("{read:?}"))),
            Err(words) => return (Err(words), all),
        }
    }
    (Ok(()), all)
}

/// What passes is harmless, whoever wrote it.
fn within_limits(message: &Message) {
    assert!(is_subject(message.subject.as_bytes()), "{:?}", message.subject);
    assert!(message.reply.as_ref().is_none_or(|reply| is_reply(reply.as_bytes())), "{:?}", message.reply);
    assert!(message.headers.size() <= MAX_HEADERS);
    for (name, value) in message.headers.iter() {
        assert!(!name.contains(['\r', '\n', ':']) && !value.contains(['\r', '\n']), "{name:?}: {value:?}");
    }
}

/// Anything at all in the broker's place: read to an end, the same however it is cut, and nothing is more than came.
fn raw(bytes: &[u8], step: usize) {
    let mut reader = Reader::default();
    let whole = reader.read(bytes);
    let (held, pieces) = in_pieces(bytes, step);
    match whole {
        Ok(read) => {
            let mut sizes = 0;
            for one in &read {
                if let Read::Message { delivery, size, .. } = one {
                    sizes += size;
                    delivery.iter().for_each(within_limits);
                }
            }
            assert!(sizes + reader.waiting() <= bytes.len(), "more than came");
            let read: Vec<_> = read.iter().map(|read| format!("{read:?}")).collect();
            assert_eq!((held, pieces), (Ok(()), read));
        }
        Err(words) => assert_eq!(held, Err(words)),
    }
}

/// What the Router does with it.
fn routed(route: usize, delivery: Delivery) {
    let (pattern, filter, names_caller) = ROUTES[route];
    let happened = APP.with_borrow_mut(|app| app.hand(pattern, delivery.clone()));
    let admitted = delivery.as_ref().map_err(|_| ()).and_then(|message| admits(filter, names_caller, message));
    assert_eq!(happened.handled, admitted.is_ok(), "{delivery:?} {happened:?}");
    let (Ok(message), Ok(_)) = (delivery, admitted) else {
        assert!(happened.said.is_empty(), "nothing is sent for what was refused: {happened:?}");
        return;
    };
    assert_eq!(happened.fault, pattern == ROUTES[2].0);
    let inbox: Vec<_> = message.reply.iter().collect();
    assert_eq!(happened.said.iter().map(|said| &said.subject).collect::<Vec<_>>(), inbox);
    for said in &happened.said {
        assert_eq!(said.reply, None);
        within_limits(said);
        if happened.fault {
            assert_eq!(said.headers.iter().count(), 2, "{:?}", said.headers);
        } else {
            assert_eq!((&said.payload, said.headers.is_empty()), (&message.payload, true));
        }
        arrives(said);
    }
}

/// What is sent comes as the one message that it was.
pub(crate) fn arrives(said: &Message) {
    let read = Reader::default().read(&handed_on(&published(said))).expect("what we write is of the protocol");
    let [Read::Message { delivery: Ok(message), .. }] = &read[..] else { panic!("one message: {read:?}") };
    let pairs = |message: &Message| -> Vec<(String, String)> {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.trim_matches([' ', '\t']).to_owned());
        message.headers.iter().map(own).collect()
    };
    assert_eq!((&message.subject, &message.payload), (&said.subject, &said.payload));
    assert_eq!(pairs(message), pairs(said));
}
