//! What the brokers have, as it is told.

use relais_domain::{
    live::{Compared, Report, Standing},
    ports::Broker,
};

use super::*;
use crate::commands::nsc;

fn found(broker: Option<&str>, standing: Standing) -> Compared {
    let broker = broker.map(|name| Broker { name: name.to_owned(), id: format!("id of {name}") });
    Compared { broker, standing, claims: None }
}

fn report(brokers: usize, found: Vec<Compared>) -> Report {
    Report {
        name: "app".to_owned(),
        account: PublicKey::from_raw(KeyKind::Account, &[1; 32]),
        issued_at: 1_767_225_600,
        brokers,
        found,
    }
}

fn told(line: &[&str], reports: &[Report]) -> (Result<(), Failure>, Written) {
    let (globals, _) = parse(line);
    let profiles = Profiles::at("/nowhere".into());
    with_context!(globals, profiles, "", |context| nsc::tell(reports, context))
}

#[test]
fn brokers_that_agree_are_a_table_and_no_failure() {
    let all = [report(2, vec![found(Some("one"), Standing::Same), found(Some("two"), Standing::Same)])];
    let (result, written) = told(&["nsc", "status"], &all);
    result.unwrap();
    let out = written.out();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0].split_whitespace().next(), Some("ACCOUNT"));
    assert_eq!(lines[1], "app      one     ours  -     2026-01-01T00:00:00Z");
    assert_eq!(lines.len(), 3, "{out}");
}

#[test]
fn one_that_differs_is_named_and_a_failure() {
    let brokers = vec![
        found(Some("one"), Standing::Same),
        found(Some("odd\x1b[2J"), Standing::Older),
        found(None, Standing::Newer),
    ];
    let (result, written) = told(&["nsc", "status"], &[report(4, brokers)]);
    let failure = result.unwrap_err();
    assert_eq!(failure.exit, Exit::Failed);
    assert!(failure.what.contains("1 did not answer") && failure.hint.unwrap().contains("relais nsc push"));
    let out = written.out();
    for words in ["older", "one of several  newer", "no answer", "odd\\u{1b}[2J"] {
        assert!(out.contains(words), "{words} in {out}");
    }
}

#[test]
fn scripts_get_the_same() {
    let brokers = vec![found(Some("one"), Standing::Same), found(None, Standing::Missing)];
    let (result, written) = told(&["nsc", "status", "--json"], &[report(2, brokers)]);
    assert_eq!(result.unwrap_err().exit, Exit::Failed);
    let out: Value = serde_json::from_str(written.out()).unwrap();
    assert_eq!((&out["agree"], &out["accounts"][0]["missing"]), (&false.into(), &0.into()));
    assert_eq!(out["accounts"][0]["brokers"][0]["has"], "ours");
    assert_eq!(out["accounts"][0]["brokers"][1]["has"], "missing");
    assert_eq!(out["accounts"][0]["brokers"][1]["name"], Value::Null);
    let (result, _) = told(&["nsc", "push", "--json"], &[report(2, vec![found(Some("one"), Standing::Same)])]);
    assert_eq!(result.unwrap_err().exit, Exit::Failed, "one did not answer");
}
