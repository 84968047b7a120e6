//! Subjects, filters, patterns and names: parsed, printed and compared. The input is lines, each tried as everything.

use bytes::Bytes;
use relais_domain::{
    identity::{DeviceId, ServiceName, Topic, UserId},
    subject::{Filter, MAX_SUBJECT, Pattern, Subject},
};

use crate::by_hand::{common, is_reply, is_subject, is_user_id, matches};

/// Every property of one input.
pub fn check(data: &[u8]) {
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').take(4).collect();
    let (mut subjects, mut filters) = (Vec::new(), Vec::new());
    for line in lines {
        subjects.extend(subject(line));
        name(line);
        if let Ok(text) = std::str::from_utf8(line) {
            filters.extend(filter(text));
            pattern(text);
        }
    }
    for filter in &filters {
        let parts: Vec<_> = filter.as_str().split('.').collect();
        for subject in &subjects {
            let tokens: Vec<_> = subject.tokens().collect();
            assert_eq!(filter.matches(subject), matches(&parts, &tokens), "{filter} {subject}");
        }
        for other in &filters {
            overlap(filter, other, &subjects);
        }
    }
}

fn subject(line: &[u8]) -> Option<Subject> {
    let parsed = Subject::new(Bytes::copy_from_slice(line));
    assert_eq!(parsed.is_ok(), is_subject(line), "{parsed:?}");
    assert_eq!(Subject::reply(Bytes::copy_from_slice(line)).is_ok(), is_reply(line));
    let subject = parsed.ok()?;
    assert_eq!((subject.as_bytes(), subject.to_string().as_bytes()), (line, line));
    let tokens: Vec<_> = subject.tokens().collect();
    assert_eq!(tokens.join("."), subject.as_str());
    assert!(tokens.iter().all(|token| !token.is_empty()));
    for end in 1..tokens.len() {
        let prefix = tokens[..end].join(".");
        assert!(subject.is_under(&prefix), "{subject} {prefix}");
        assert!(!subject.is_under(&prefix[..prefix.len() - 1]) || prefix.ends_with('.'), "{subject} {prefix}");
    }
    assert!(!subject.is_under(subject.as_str()));
    // A subject is the filter that it alone reaches.
    let own = Filter::from(&subject);
    assert_eq!(subject.as_str().parse().as_ref(), Ok(&own));
    assert!(own.matches(&subject));
    Some(subject)
}

fn filter(text: &str) -> Option<Filter> {
    let parts: Vec<_> = text.split('.').collect();
    let whole = |(place, part): (usize, &&str)| {
        **part == *"*" || (**part == *">" && place + 1 == parts.len()) || is_subject(part.as_bytes())
    };
    let expected = text.len() <= MAX_SUBJECT && parts.iter().enumerate().all(whole);
    let parsed = text.parse::<Filter>();
    assert_eq!(parsed.is_ok(), expected, "{text:?} {parsed:?}");
    let filter = parsed.ok()?;
    assert_eq!(filter.to_string(), text);
    assert!(filter.overlaps(&filter));
    Some(filter)
}

/// What is read as a pattern is one part a part of its filter, and prints as it was written.
fn pattern(text: &str) {
    let Ok(pattern) = text.parse::<Pattern>() else { return };
    assert_eq!((pattern.to_string(), pattern.as_str()), (text.to_owned(), text));
    assert_eq!(pattern.filter().as_str().parse().as_ref(), Ok(pattern.filter()));
    // With its names taken for wildcards it is its filter.
    let names: Vec<_> = pattern.names().collect();
    let written = names.iter().fold(text.to_owned(), |text, name| {
        text.replace(&format!("{{{name}}}"), "*").replace(&format!("{{{name}..}}"), ">")
    });
    assert_eq!(written, pattern.filter().as_str());
    let mut known: Vec<_> = names.clone();
    known.sort_unstable();
    known.dedup();
    assert_eq!(known.len(), names.len(), "a name stands once");
    let wild = pattern.filter().as_str().split('.').filter(|part| ["*", ">"].contains(part)).count();
    assert_eq!(wild, names.len());
    assert_eq!(pattern.names_caller(), text == "from.{user}" || text.starts_with("from.{user}."));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    assert!(pattern.default_name().chars().all(plain), "{}", pattern.default_name());
}

/// True exactly when there is a subject that reaches both.
fn overlap(a: &Filter, b: &Filter, subjects: &[Subject]) {
    let overlaps = a.overlaps(b);
    assert_eq!(overlaps, b.overlaps(a), "{a} {b}");
    if let Some(both) = subjects.iter().find(|subject| a.matches(subject) && b.matches(subject)) {
        assert!(overlaps, "{a} {b} {both}");
    }
    let (left, right): (Vec<_>, Vec<_>) = (a.as_str().split('.').collect(), b.as_str().split('.').collect());
    let found = common(&left, &right);
    assert_eq!(overlaps, found.is_some(), "{a} {b} {found:?}");
    // One that is too long for a subject reaches nobody.
    if let Some(witness) = found.and_then(|tokens| tokens.join(".").parse::<Subject>().ok()) {
        assert!(a.matches(&witness) && b.matches(&witness), "{a} {b} {witness}");
    }
}

/// A name is harmless as a token.
fn name(line: &[u8]) {
    let bytes = Bytes::copy_from_slice(line);
    let user = UserId::from_bytes(bytes.clone());
    assert_eq!(user.is_ok(), is_user_id(line));
    assert_eq!(DeviceId::from_bytes(bytes.clone()).is_ok(), is_user_id(line));
    let short = ServiceName::from_bytes(bytes.clone());
    assert_eq!(short.is_ok(), Topic::from_bytes(bytes).is_ok());
    for name in [user.map(String::from), short.map(String::from)].into_iter().flatten() {
        assert_eq!(name.as_bytes(), line);
        let subject: Subject = format!("from.{name}.x").parse().expect("a name is a token");
        assert_eq!(subject.tokens().nth(1), Some(name.as_str()));
    }
}
