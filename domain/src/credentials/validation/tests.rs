//! What is said of claims. That the words are jwt/v2's is compared where jwt/v2 is at hand (`tests/it/contract/claims`).

use jiff::Timestamp;

use super::*;
use crate::{
    credentials::{
        Account, AccountClaims, AccountLimits, Export, Import, Operator, OperatorClaims, ResponseKind, User, UserClaims,
    },
    memory,
    ports::KeyPair,
};

fn pair(kind: KeyKind) -> (KeyPair, memory::KeyPairs) {
    let keys = memory::KeyPairs::default();
    (keys.generate(kind), keys)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn said(issues: &Issues) -> Vec<(Level, Source, &str)> {
    issues.iter().map(|issue| (issue.level, issue.source, issue.text.as_str())).collect()
}

#[test]
fn time_blocks_only_whom_it_concerns() {
    let (user, keys) = pair(KeyKind::User);
    let mut claims = UserClaims::new("u", user.public, User::default(), at(10));
    (claims.not_before, claims.expires_at) = (20, 30);
    for (now, expected) in
        [(19, Some("claim is not yet valid")), (20, None), (30, None), (31, Some("claim is expired"))]
    {
        let found = claims.validate(at(now), &keys);
        assert_eq!(found.of(Level::Time).next(), expected, "at {now}");
        assert_eq!((found.is_blocking(false), found.is_blocking(true)), (false, expected.is_some()), "at {now}");
        assert_eq!(found.is_empty(), expected.is_none());
    }
}

#[test]
fn errors_and_warnings_are_told_apart() {
    let (account, keys) = pair(KeyKind::Account);
    let body = Account { limits: AccountLimits::ample(), ..Account::default() };
    let mut claims = AccountClaims::new("a", account.public.clone(), body, at(10));
    claims.issuer = Some(account.public);
    let found = claims.validate(at(10), &keys);
    let warning = "self-signed account JWTs shouldn't contain operator limits";
    assert_eq!(said(&found), [(Level::Warning, Source::Library, warning)]);
    assert!(!found.is_blocking(true));
    claims.body.exports = vec![Export::service("e", "a b", ResponseKind::Singleton)];
    let found = claims.validate(at(10), &keys);
    assert!(found.is_blocking(false));
    assert_eq!(found.of(Level::Error).collect::<Vec<_>>(), ["subject \"a b\" cannot have spaces"]);
}

#[test]
fn rules_of_our_own_are_marked() {
    let (user, keys) = pair(KeyKind::User);
    let body = Account {
        limits: AccountLimits::ample(),
        imports: vec![Import::service("i", "s", &user.public)],
        revocations: [("*".to_owned(), 1), ("nobody".to_owned(), 2)].into(),
        ..Account::default()
    };
    let claims = AccountClaims::new("a", pair(KeyKind::Account).0.public, body, at(10));
    let import = format!("account to import from {} is not an account public key", user.public);
    assert_eq!(
        said(&claims.validate(at(10), &keys)),
        [
            (Level::Error, Source::Relais, "revocation \"nobody\" is not a user public key"),
            (Level::Error, Source::Relais, import.as_str()),
        ]
    );
}

#[test]
fn addresses_are_judged_as_go_does() {
    let (operator, keys) = pair(KeyKind::Operator);
    let says = |url: &str| {
        let body = Operator { operator_service_urls: vec![url.to_owned()], ..Operator::default() };
        let claims = OperatorClaims::new("o", operator.public.clone(), body, at(10));
        claims.validate(at(10), &keys).iter().map(|issue| issue.text.clone()).collect::<Vec<_>>()
    };
    for good in ["", "nats://h", "TLS://h:4222", "ws://[::1]:80", "wss://h?q=1#f", "nats:opaque"] {
        assert_eq!(says(good), [""; 0], "{good}");
    }
    for (bad, why) in [
        ("nats://u:p@h", "operator service url \"nats://u:p@h\" - credentials are not supported"),
        ("nats://h/p", "operator service url \"nats://h/p\" - paths are not supported"),
        (
            "http://h",
            "operator service url \"http://h\" - protocol not supported (only 'nats', 'tls', 'ws', 'wss' only)",
        ),
        (
            "nats://h:port",
            "error parsing operator service url \"nats://h:port\": parse \"nats://h:port\": invalid port \":port\" after host",
        ),
        ("://h", "error parsing operator service url \"://h\": parse \"://h\": missing protocol scheme"),
    ] {
        assert_eq!(says(bad), [why]);
    }
}
