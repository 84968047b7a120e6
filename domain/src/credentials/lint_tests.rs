//! What the linter lets through can reach nothing of another user, whatever was written.

use proptest::prelude::*;

use super::*;
use crate::credentials::streams;

fn topics() -> Vec<Topic> {
    ["news", "chat"].map(|topic| topic.parse().unwrap()).to_vec()
}

fn verdict(list: List, subject: &str) -> Result<(), Why> {
    check(list, subject, Rules { topics: &topics(), forced: &BTreeSet::new() })
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn what_is_the_users_own_passes_and_becomes_a_template() {
    let rules = Rules { topics: &topics(), forced: &BTreeSet::new() };
    let publish = texts(&["from.{user}.>", "from.{user}.orders.*", "from.{user}.*.{user}"]);
    let listen = texts(&["to.{user}.>", "_INBOX.{user}.>", "topic.news.*", "to.{user}.shop.*"]);
    let compiled = compile(&publish, &listen, rules).unwrap();
    assert_eq!(
        compiled.publish,
        ["from.{{tag(user)}}.>", "from.{{tag(user)}}.orders.*", "from.{{tag(user)}}.*.{{tag(user)}}"]
    );
    assert_eq!(
        compiled.subscribe,
        ["to.{{tag(user)}}.>", "_INBOX.{{tag(user)}}.>", "topic.news.*", "to.{{tag(user)}}.shop.*"]
    );
}

#[test]
fn the_built_in_role_passes() {
    let role = permissions::user_role();
    let back = |list: Vec<String>| list.into_iter().map(|subject| subject.replace(TAG, USER)).collect::<Vec<_>>();
    let rules = Rules { topics: &[], forced: &BTreeSet::new() };
    let compiled = compile(&back(role.publish.allow.clone()), &back(role.subscribe.allow.clone()), rules).unwrap();
    assert_eq!((compiled.publish, compiled.subscribe), (role.publish.allow, role.subscribe.allow));
}

#[test]
fn everything_else_is_refused_with_its_reason() {
    use List::{Listen, Speak};
    let empty = || Why::NoSubject(InvalidSubject::EmptyToken);
    for (list, subject, why) in [
        (Speak, ">", Why::Everything),
        (Listen, "*.x", Why::Everything),
        (Speak, "from.*.orders", Why::SpeaksAsOthers),
        (Speak, "from.>", Why::SpeaksAsOthers),
        (Speak, "from.bob.x", Why::SpeaksAsOthers),
        (Speak, "from.{user}", Why::Short("from.{user}.")),
        (Listen, "from.{user}.x", Why::HearsRequests),
        (Speak, "to.{user}.x", Why::SpeaksAsServer),
        (Listen, "to.*.x", Why::HearsOthers),
        (Listen, "to.>", Why::HearsOthers),
        (Listen, "to.bob.>", Why::HearsOthers),
        (Listen, "_INBOX.>", Why::Inbox),
        (Listen, "_INBOX.*", Why::Inbox),
        (Speak, "_INBOX.{user}.x", Why::AnswersForOthers),
        (Speak, "out.>", Why::Stream),
        (Listen, "in.>", Why::Stream),
        (Speak, "dead.x", Why::Stream),
        (Speak, "$SYS.REQ.>", Why::System),
        (Speak, "$JS.API.>", Why::JetStream),
        (Speak, "$JS.ACK.>", Why::JetStream),
        (Speak, "$KV.x.y", Why::Bucket),
        (Listen, "$O.x.>", Why::Bucket),
        (Speak, "$SRV.PING", Why::Dollar),
        (Speak, "_R_.>", Why::Internal),
        (Listen, "_SVC.shop.>", Why::Internal),
        (Speak, "topic.news.x", Why::SpeaksToTopic),
        (Listen, "topic.other.*", Why::Topic),
        (Listen, "topic.news.>", Why::Topic),
        (Listen, "topic.*.*", Why::Topic),
        (Listen, "orders.>", Why::Elsewhere),
        (Speak, "From.{user}.x", Why::Elsewhere),
        (Speak, "from.{{tag(user)}}.x", Why::Template),
        (Speak, "from.{{name()}}.x", Why::Template),
        (Speak, "from.{{tag(team)}}.x", Why::Template),
        (Speak, "from.{{subject()}}.>", Why::Template),
        (Speak, "from.{name}.x", Why::Braces),
        (Speak, "from.{user}x.y", Why::Braces),
        (Speak, "from.{user.x", Why::Braces),
        (Speak, "from.{{user.x", Why::Braces),
        (Speak, "from.{{{user}}}.x", Why::Braces),
        (Listen, "to.{user}.x workers", Why::Queue),
        (Listen, "to.{user}.x ", empty()),
        (Speak, "from.{user}.x\t", Why::NoSubject(InvalidSubject::Character)),
        (Speak, "from.{user}..x", empty()),
        (Speak, "from.{user}.", empty()),
        (Speak, "", empty()),
        (Speak, ".from.{user}.x", empty()),
        (Speak, "from.{user}.>.x", Why::NoSubject(InvalidSubject::Wildcard)),
        (Speak, "from.{user}.a>", Why::NoSubject(InvalidSubject::Wildcard)),
    ] {
        assert_eq!(verdict(list, subject), Err(why), "{list} {subject:?}");
    }
}

#[test]
fn only_the_very_subject_is_forced_and_never_what_is_none() {
    let forced = ["in.>", "$SRV.PING", "to.{user}.x workers", "a..b", "from.{x}.y"].map(str::to_owned).into();
    let rules = Rules { topics: &[], forced: &forced };
    let listen = texts(&["in.>", "$SRV.PING", "to.{user}.x workers"]);
    let compiled = compile(&[], &listen, rules).unwrap();
    assert_eq!(compiled.subscribe, ["in.>", "$SRV.PING", "to.{{tag(user)}}.x workers"]);
    for near in ["in.x", "in.> ", "IN.>", "$SRV.PING.>", "a..b", "from.{x}.y"] {
        assert!(check(List::Listen, near, rules).is_err(), "{near}");
    }
}

#[test]
fn all_that_is_refused_is_told_with_how_to_force_it() {
    let rules = Rules { topics: &[], forced: &BTreeSet::new() };
    let refused = compile(&texts(&[">", "from.{user}.x"]), &texts(&["a..b"]), rules).unwrap_err();
    let said: Vec<String> = refused.iter().map(|refused| refused.advise("nsc.force")).collect();
    assert_eq!(
        said,
        [
            "users may not publish to \">\": it reaches every subject, those of other users and of the servers among \
             them; to allow it all the same, name it in nsc.force too",
            "users may not listen to \"a..b\": it is no subject: it has an empty token",
        ]
    );
}

/// A token that somebody might try.
fn token() -> impl Strategy<Value = String> {
    let words = [
        "from",
        "to",
        "_INBOX",
        "topic",
        "news",
        "{user}",
        "*",
        ">",
        "bob",
        "ada",
        "x",
        "",
        "$JS",
        "$SYS",
        "in",
        "out",
        "{{tag(user)}}",
        "{{name()}}",
        "{{tag(x)}}",
        "{",
        "}",
        "{user}{user}",
        "a b",
        " ",
        "\u{e9}",
        "_R_",
        "{*}",
        "{{",
        "}}",
        "{user} q",
    ];
    proptest::sample::select(words.map(str::to_owned).to_vec())
}

/// Mostly near to what passes.
fn subject() -> impl Strategy<Value = String> {
    let front =
        proptest::sample::select(vec!["from.{user}", "to.{user}", "_INBOX.{user}", "topic.news", "topic", "from"]);
    let tail = || proptest::collection::vec(token(), 0..4);
    prop_oneof![
        (front, tail())
            .prop_map(|(front, tail)| std::iter::once(front.to_owned()).chain(tail).collect::<Vec<_>>().join(".")),
        tail().prop_map(|tokens| tokens.join(".")),
        "[ -~]{0,24}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn nothing_let_through_overlaps_what_is_anothers(text in subject(), publish in any::<bool>()) {
        let list = if publish { List::Speak } else { List::Listen };
        let (topics, forced) = (topics(), BTreeSet::new());
        let rules = Rules { topics: &topics, forced: &forced };
        let lists = if publish { (vec![text.clone()], vec![]) } else { (vec![], vec![text.clone()]) };
        let Ok(compiled) = compile(&lists.0, &lists.1, rules) else {
            prop_assert!(check(list, &text, rules).is_err());
            return Ok(());
        };
        let template = [compiled.publish, compiled.subscribe].concat().remove(0);
        let of = |user: &str| template.replace(TAG, user).parse::<Filter>();
        let (Ok(ada), Ok(bob)) = (of("ada"), of("bob")) else {
            return Err(TestCaseError::fail(format!("{template} is no filter")));
        };
        // What everybody may hear is no secret of anybody.
        if ada == bob {
            prop_assert!(!publish && topics.iter().any(|topic| permissions::topic(topic) == ada.as_str()), "{ada}");
            return Ok(());
        }
        prop_assert!(!ada.overlaps(&bob), "{ada} and {bob}");
        let own = permissions::user_role();
        let others = own.publish.allow.iter().chain(&own.subscribe.allow).map(|subject| subject.replace(TAG, "bob"));
        let closed = ["to.bob.>", "_INBOX.bob.>", "$SYS.>", "$JS.>", "$KV.>", "$O.>", "_R_.>", "_SVC.>", "in.>", "out.>", "dead.>"];
        for subject in others.chain(closed.map(str::to_owned)) {
            prop_assert!(!ada.overlaps(&subject.parse().unwrap()), "{ada} reaches {subject}");
        }
        if publish {
            let streams: Vec<Filter> = ["in.>", "out.>", "dead.>", "$KV.>"].map(|s| s.parse().unwrap()).to_vec();
            prop_assert_eq!(streams::captured(&streams, std::slice::from_ref(&template)), Ok(()));
            prop_assert!(ada.overlaps(&"from.ada.>".parse().unwrap()), "{}", ada);
        }
    }
}
