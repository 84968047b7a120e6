//! Parsing, matching and overlapping.

use proptest::prelude::*;

use super::*;

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

#[test]
fn hostile_text_is_no_subject() {
    use InvalidSubject::{Character, EmptyToken, TooLong, Wildcard};
    let long = "a".repeat(MAX_SUBJECT + 1);
    for (text, why) in [
        ("", EmptyToken),
        (".", EmptyToken),
        ("a..b", EmptyToken),
        ("a.", EmptyToken),
        ("a.*", Wildcard),
        (">", Wildcard),
        ("a.b>c", Wildcard),
        ("a b", Character),
        ("a\tb", Character),
        ("a\r\nPUB x 0", Character),
        ("a\u{b}b", Character),
        ("é", Character),
        (long.as_str(), TooLong(MAX_SUBJECT)),
    ] {
        assert_eq!(text.parse::<Subject>(), Err(why), "{text:?}");
    }
    assert_eq!(Subject::new(vec![0xff, 0xfe]), Err(Character));
    assert_eq!(Subject::reply("a".repeat(MAX_REPLY + 1)), Err(TooLong(MAX_REPLY)));
}

#[test]
fn a_filter_takes_wildcards_as_whole_tokens_only() {
    assert!("from.*.echo".parse::<Filter>().is_ok());
    assert!("to.ada.>".parse::<Filter>().is_ok());
    for wrong in ["a.>.b", "a*", "a.b>", "", "a..b"] {
        assert!(wrong.parse::<Filter>().is_err(), "{wrong}");
    }
}

#[test]
fn filters_match_as_nats_does() {
    for (filter, text, expected) in [
        ("a.*", "a.b", true),
        ("a.*", "a.b.c", false),
        ("a.*", "a", false),
        ("a.>", "a.b.c", true),
        ("a.>", "a", false),
        (">", "a", true),
        ("a.b", "a.b", true),
        ("a.b", "a.bc", false),
    ] {
        assert_eq!(filter.parse::<Filter>().unwrap().matches(&subject(text)), expected, "{filter} {text}");
    }
}

#[test]
fn patterns_name_their_wildcards() {
    let pattern: Pattern = "from.{user}.files.{path..}".parse().unwrap();
    assert_eq!(pattern.filter().as_str(), "from.*.files.>");
    assert_eq!(pattern.capture(&subject("from.ada.files.a.b"), "path"), Some("a.b"));
    assert_eq!(pattern.capture(&subject("from.ada.files.a.b"), "user"), Some("ada"));
    assert_eq!(pattern.capture(&subject("from.ada.files.a.b"), "other"), None);
    assert_eq!(pattern.capture(&subject("from.ada.other.a"), "user"), None);
    assert!(pattern.names_caller());
    assert_eq!(pattern.names().collect::<Vec<_>>(), ["user", "path"]);
    let all: Pattern = "{rest..}".parse().unwrap();
    assert_eq!(all.filter().as_str(), ">");
    assert!(!"{user}.echo".parse::<Pattern>().unwrap().names_caller());
    assert!(!"from.{peer}.echo".parse::<Pattern>().unwrap().names_caller());
}

#[test]
fn malformed_patterns_are_refused() {
    for wrong in
        ["", "a..b", "a.*", "a.>", "{}", "{..}", "{a..}.b", "a{b}", "{A}", "{a}.{a}", "{a", "a}", "a.{b c}", ".{a..}"]
    {
        assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_without_a_panic(text in ".{0,64}") {
        let _ = text.parse::<Subject>();
        let _ = text.parse::<Filter>();
        let _ = text.parse::<Pattern>();
    }

    #[test]
    fn filters_that_share_a_subject_overlap(
        a in "(a|b|\\*)(\\.(a|b|\\*)){0,3}(\\.>)?",
        b in "(a|b|\\*)(\\.(a|b|\\*)){0,3}(\\.>)?",
        s in "(a|b)(\\.(a|b)){0,5}",
    ) {
        let (a, b): (Filter, Filter) = (a.parse().unwrap(), b.parse().unwrap());
        let s = subject(&s);
        prop_assert!(!(a.matches(&s) && b.matches(&s)) || a.overlaps(&b));
        prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
    }
}
