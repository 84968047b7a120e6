//! JWTs of every kind with one thing broken: none is read, and none does harm.

use relais_domain::credentials::{
    Account, Activation, AuthorizationRequest, AuthorizationResponse, ClaimsError, Operator, User, decode,
};
use serde_json::{Value, json};

use super::{
    HEADER,
    corpus::{Kind, put},
    keys, pair, payload, random, signed,
};

fn read(kind: Kind, token: &str) -> Result<(), ClaimsError> {
    let keys = keys();
    match kind {
        Kind::Operator => decode::<Operator>(token, &keys).map(drop),
        Kind::Account | Kind::Importer => decode::<Account>(token, &keys).map(drop),
        Kind::User => decode::<User>(token, &keys).map(drop),
        Kind::Activation => decode::<Activation>(token, &keys).map(drop),
        Kind::Request => decode::<AuthorizationRequest>(token, &keys).map(drop),
        Kind::Response => decode::<AuthorizationResponse>(token, &keys).map(drop),
    }
}

/// One change in the text, which no longer fits the signature.
fn changed(text: &str, other: &str, next: &mut impl FnMut(usize) -> usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const ODD: [&str; 10] = ["=", "\n", " ", ".", "%", "\u{e9}", "\0", "A", "+", "\r\n"];
    let at = next(text.len());
    let (front, back) = text.split_at(at);
    let parts: Vec<&str> = text.split('.').collect();
    let others: Vec<&str> = other.split('.').collect();
    match next(8) {
        0 | 1 => format!("{front}{}{}", char::from(LETTERS[next(LETTERS.len())]), &back[1..]),
        2 => format!("{front}{}", &back[1..]),
        3 => format!("{front}{}{back}", ODD[next(ODD.len())]),
        4 => front.to_owned(),
        5 => format!("{text}{}", ODD[next(ODD.len())]),
        6 => match next(4) {
            0 => [parts[0], parts[1], others[2]].join("."),
            1 => [parts[0], others[1], parts[2]].join("."),
            2 => [parts[1], parts[0], parts[2]].join("."),
            _ => [parts[0], parts[1], ""].join("."),
        },
        _ => {
            let (letter, rest) = back.split_at(1);
            let swapped = if letter.bytes().all(|b| b.is_ascii_lowercase()) {
                letter.to_uppercase()
            } else {
                letter.to_lowercase()
            };
            format!("{front}{swapped}{rest}")
        }
    }
}

/// Every place in claims, by pointer.
fn places(value: &Value, pointer: &str, found: &mut Vec<(String, Value)>) {
    if !pointer.is_empty() {
        found.push((pointer.to_owned(), value.clone()));
    }
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| places(value, &format!("{pointer}/{name}"), found)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| places(value, &format!("{pointer}/{at}"), found));
        }
        _ => {}
    }
}

/// What cannot stand where this value stands.
fn wrong_types(pointer: &str, value: &Value) -> Vec<Value> {
    match value {
        Value::String(_) => vec![json!(7), json!({ "a": 1 }), json!(["x"])],
        Value::Number(_) => vec![json!("x"), json!(1.5), json!(-1e300), json!([1])],
        Value::Bool(_) => vec![json!("true"), json!(1)],
        // A list of networks may be one text.
        Value::Array(_) if pointer.ends_with("/src") => vec![json!({}), json!(5), json!([5])],
        Value::Array(_) => vec![json!({}), json!(5), json!("x")],
        Value::Object(_) => vec![json!([]), json!(5), json!("x")],
        Value::Null => Vec::new(),
    }
}

/// Claims that are well signed and wrong, as header and text.
fn wrong(kind: Kind) -> Vec<(String, Vec<u8>)> {
    let good = String::from_utf8(payload(kind.golden().0)).unwrap();
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    for header in [
        "",
        "{}",
        "[]",
        "null",
        "7",
        "\"JWT\"",
        "[\"JWT\",\"ed25519-nkey\"]",
        "{\"typ\":\"JWT\"}",
        "{\"alg\":\"ed25519-nkey\"}",
        "{\"typ\":\"JWT\",\"alg\":\"none\"}",
        "{\"typ\":\"JWT\",\"alg\":\"HS256\"}",
        "{\"typ\":\"JWT\",\"alg\":\"ed25519\"}",
        "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkeys\"}",
        "{\"typ\":\"JWS\",\"alg\":\"ed25519-nkey\"}",
        "{\"typ\":\"JWT\",\"alg\":1}",
        "{\"typ\":\"JWT\",\"alg\":\"none\",\"alg\":\"ed25519-nkey\"}",
        "{\"typ\":\"JWT\",\"Alg\":\"none\",\"alg\":\"ed25519-nkey\"}",
        "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}x",
        "\u{feff}{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}",
    ] {
        found.push((header.to_owned(), good.clone().into_bytes()));
    }
    let mut claims = |text: Vec<u8>| found.push((HEADER.to_owned(), text));
    let mut next = random(kind as u64);
    for _ in 0..10 {
        claims(good.as_bytes()[..next(good.len())].to_vec());
    }
    for text in [
        format!("{good}x"),
        format!("{good}{good}"),
        format!("\u{feff}{good}"),
        format!("{good}\0"),
        "[".repeat(100_000),
        format!("{{\"later\":{}1{},{}", "[".repeat(500), "]".repeat(500), &good[1..]),
        format!("{{\"iat\":{},{}", "9".repeat(10_000), good[1..].replace("\"iat\"", "\"was\"")),
        format!("{{\"sub\":\"x\",{}", &good[1..]),
        format!("{{\"SUB\":\"x\",{}", &good[1..]),
        format!("{{\"\u{17f}ub\":\"x\",{}", &good[1..]),
        format!("{{\"nats\":{{}},{}", &good[1..]),
        format!("{{\"type\":\"user\",{}", &good[1..]),
        good.replacen("\"version\":2", "\"version\":2,\"Version\":2", 1),
        good.replacen("\"version\":2", "\"version\":3", 1),
        good.replacen("\"version\":2", "\"version\":1", 1),
        good.replacen("\"version\":2", "\"version\":18446744073709551616", 1),
        good.replacen("\"version\":2", "\"later\":2", 1),
        good.replacen("\"iss\":\"", "\"iss\":\"A", 1),
        good.replacen("\"sub\"", "\"was\"", 1),
        good.replacen("\"iss\"", "\"was\"", 1),
        good.replacen("\"nats\"", "\"was\"", 1),
    ] {
        claims(text.into_bytes());
    }
    let mut not_utf8 = good.replacen("\"name\":\"", "\"name\":\"~", 1).into_bytes();
    let at = not_utf8.iter().position(|byte| *byte == b'~').expect("every golden file has a name");
    not_utf8[at] = 0xff;
    claims(not_utf8);
    let as_value = kind.claims();
    let mut all = Vec::new();
    places(&as_value, "", &mut all);
    for (pointer, value) in all {
        for wrong in wrong_types(&pointer, &value) {
            let mut broken = as_value.clone();
            put(&mut broken, &pointer, Some(wrong));
            claims(broken.to_string().into_bytes());
        }
    }
    found
}

#[test]
fn none_is_read_whatever_was_changed_in_its_text() {
    let mut next = random(1);
    let (mut tried, mut read_on) = (0, Vec::new());
    while tried < 700 {
        let kind = Kind::ALL[tried % Kind::ALL.len()];
        let (good, other) = (kind.golden().0, Kind::ALL[(tried + 1) % Kind::ALL.len()].golden().0);
        let text = changed(good, other, &mut next);
        if text == good {
            continue;
        }
        tried += 1;
        if read(kind, &text).is_ok() {
            read_on.push(format!("{kind:?}: {text}"));
        }
    }
    assert!(read_on.is_empty(), "{}:\n{}", read_on.len(), read_on.join("\n"));
}

#[test]
fn none_is_read_whatever_is_wrong_behind_a_good_signature() {
    let (mut tried, mut read_on) = (0, Vec::new());
    for kind in Kind::ALL {
        let signer = pair(kind.golden().1);
        assert!(read(kind, &signed(HEADER.as_bytes(), &payload(kind.golden().0), &signer)).is_ok(), "{kind:?}");
        for (header, claims) in wrong(kind) {
            tried += 1;
            if read(kind, &signed(header.as_bytes(), &claims, &signer)).is_ok() {
                read_on.push(format!("{kind:?}: {header} {}", String::from_utf8_lossy(&claims)));
            }
        }
        for other in
            Kind::ALL.into_iter().filter(|other| other.claims()["nats"]["type"] != kind.claims()["nats"]["type"])
        {
            tried += 1;
            assert!(matches!(read(other, kind.golden().0), Err(ClaimsError::Type { .. })), "{kind:?} as {other:?}");
        }
    }
    assert!(tried >= 1000, "{tried}");
    assert!(read_on.is_empty(), "{} of {tried}:\n{}", read_on.len(), read_on.join("\n"));
}

#[test]
fn what_is_too_long_is_not_looked_at() {
    let long = "A".repeat(relais_domain::credentials::MAX_TOKEN + 1);
    assert!(matches!(read(Kind::User, &long), Err(ClaimsError::TooLong(_))));
}
