//! What stands for the names of a pattern, as text and as values.
//!
//! The input: a byte of choices, then lines with a pattern and a subject, or with what stands behind `from.ada.X.` for one
//! of the routes below, whose handlers take it as a type.

use std::cell::RefCell;

use relais_domain::{
    identity::UserId,
    message::Message,
    routing::{Router, Tokens},
    subject::{Pattern, Subject},
};
use serde::Deserialize;

use crate::{
    app::App,
    by_hand::{is_user_id, matches, whole},
};

#[derive(Debug, PartialEq, Deserialize)]
struct Place {
    room: String,
    seat: u16,
    user: UserId,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wide {
    first: Option<u8>,
    second: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Drink {
    Tea,
    BlackCoffee,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Number(u64);

type ByHand = fn(&[&str]) -> Option<String>;

/// Patterns, and what their handlers see of so many tokens, as `Debug` says it; nothing where the caller is told a fault.
const ROUTES: [(&str, ByHand); 9] = [
    ("from.{user}.a.{n}", |tokens| whole(tokens[0], u64::MAX.into()).map(|number| number.to_string())),
    ("from.{user}.b.{room}.{seat}", |tokens| Some(format!("{:?}", (tokens[0], whole(tokens[1], u16::MAX.into())?)))),
    ("from.{user}.c.{seat}.{room}", |tokens| {
        let (seat, room) = (whole(tokens[0], u16::MAX.into())?, tokens[1]);
        Some(format!("Place {{ room: {room:?}, seat: {seat}, user: UserId(ada) }}"))
    }),
    ("from.{user}.d.{drink}", |tokens| match tokens[0] {
        "tea" => Some("Tea".to_owned()),
        "black-coffee" => Some("BlackCoffee".to_owned()),
        _ => None,
    }),
    ("from.{user}.e.{n}", |tokens| {
        let (most, digits, sign) = match tokens[0].strip_prefix('-') {
            Some(digits) if !digits.starts_with('+') => (128, digits, "-"),
            _ => (127, tokens[0], ""),
        };
        let number = whole(digits, most)?;
        Some(format!("Some({}{number})", if number == 0 { "" } else { sign }))
    }),
    ("from.{user}.f.{path..}", |tokens| Some(format!("{:?}", tokens.join(".")))),
    ("from.{user}.g.{x}.{y}.{z}", |tokens| {
        let bytes: Option<Vec<_>> = tokens.iter().map(|token| whole(token, u8::MAX.into())).collect();
        Some(format!("{:?}", bytes?))
    }),
    ("from.{user}.h.{peer}", |tokens| is_user_id(tokens[0].as_bytes()).then(|| format!("UserId({})", tokens[0]))),
    ("from.{user}.i.{second}.{first}", |tokens| {
        let second = match tokens[0] {
            "true" => true,
            "false" => false,
            _ => return None,
        };
        Some(format!("Wide {{ first: Some({}), second: {second} }}", whole(tokens[1], u8::MAX.into())?))
    }),
];

thread_local! {
    static SEEN: RefCell<Option<String>> = const { RefCell::new(None) };
    static APP: RefCell<App> = RefCell::new(App::start(router()));
}

async fn sees<T: std::fmt::Debug>(Tokens(value): Tokens<T>) {
    SEEN.set(Some(format!("{value:?}")));
}

async fn number(Tokens(Number(number)): Tokens<Number>) {
    SEEN.set(Some(number.to_string()));
}

fn router() -> Router {
    Router::new()
        .subscribe(ROUTES[0].0, number)
        .subscribe(ROUTES[1].0, sees::<(String, u16)>)
        .subscribe(ROUTES[2].0, sees::<Place>)
        .subscribe(ROUTES[3].0, sees::<Drink>)
        .subscribe(ROUTES[4].0, sees::<Option<i8>>)
        .subscribe(ROUTES[5].0, sees::<String>)
        .subscribe(ROUTES[6].0, sees::<Vec<u8>>)
        .subscribe(ROUTES[7].0, sees::<UserId>)
        .subscribe(ROUTES[8].0, sees::<Wide>)
}

/// Every property of one input.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match ROUTES.get(usize::from(*choice)) {
        Some((pattern, by_hand)) => value(pattern, text, *by_hand),
        None => {
            let Some((pattern, subject)) = text.split_once('\n') else { return };
            if let (Ok(pattern), Ok(subject)) = (pattern.parse(), subject.parse()) {
                text_of(&pattern, &subject);
            }
        }
    }
}

/// A handler that takes a type gets what the tokens say, or its caller a fault.
fn value(pattern: &str, text: &str, by_hand: ByHand) {
    let letter = pattern.split('.').nth(2).expect("every pattern has three tokens");
    let Ok(subject) = format!("from.ada.{letter}.{text}").parse::<Subject>() else { return };
    let message = Message { reply: Some("_INBOX.ada.1".parse().expect("a subject")), ..Message::new(subject, "") };
    SEEN.set(None);
    let happened = APP.with_borrow_mut(|app| app.hand(pattern, Ok(message)));
    let seen = SEEN.take();
    let tokens: Vec<_> = text.split('.').collect();
    let wanted = pattern.matches('{').count() - 1;
    if tokens.len() != wanted && !pattern.ends_with("..}") {
        assert!(happened.refused && seen.is_none(), "{pattern} {text}: {seen:?}");
        return;
    }
    let expected = by_hand(&tokens);
    assert_eq!(seen, expected, "{pattern} {text}");
    assert_eq!((happened.handled, happened.fault), (true, expected.is_none()));
    let [answer] = &happened.said[..] else { panic!("one answer: {happened:?}") };
    assert_eq!(
        (answer.subject.as_str(), answer.headers.get("Nats-Service-Error-Code")),
        ("_INBOX.ada.1", expected.is_none().then_some("400"))
    );
}

/// Captures are the subject at the places of the names, and put back into the pattern they make it.
fn text_of(pattern: &Pattern, subject: &Subject) {
    let parts: Vec<_> = pattern.filter().as_str().split('.').collect();
    let tokens: Vec<_> = subject.as_str().split('.').collect();
    let matched = matches(&parts, &tokens);
    assert_eq!((pattern.matches(subject), pattern.filter().matches(subject)), (matched, matched));
    let captures = pattern.captures(subject);
    if !matched {
        assert!(captures.is_empty());
        assert!(pattern.names().all(|name| pattern.capture(subject, name).is_none()));
        return;
    }
    let stands = parts.iter().enumerate().filter_map(|(place, part)| match *part {
        "*" => Some(tokens[place].to_owned()),
        ">" => Some(tokens[place..].join(".")),
        _ => None,
    });
    let expected: Vec<_> = pattern.names().zip(stands).collect();
    assert_eq!(captures, expected.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>());
    for (name, text) in &captures {
        assert_eq!(pattern.capture(subject, name), Some(*text));
    }
    assert_eq!(pattern.capture(subject, "no name"), None);
    // From the right, so that nothing that was put in is taken for a name.
    let mut written = pattern.to_string();
    for (name, text) in captures.iter().rev() {
        let at = written.rfind('{').expect("a name a capture");
        let end = at + written[at..].find('}').expect("it is closed") + 1;
        assert!([format!("{{{name}}}"), format!("{{{name}..}}")].contains(&written[at..end].to_owned()));
        written = [&written[..at], text, &written[end..]].concat();
        if text.contains('{') {
            // What was put in holds a brace of its own: there is no telling them apart any more.
            return;
        }
    }
    assert_eq!(written, subject.as_str());
}
