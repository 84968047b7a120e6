//! What each answer of a broker means.

use jiff::Timestamp;

use super::*;
use crate::{
    credentials::{
        Change, KeyKind, encode,
        setup::{Keys, Names, Setup},
    },
    memory,
    ports::{AccountRole, KeyPair},
};

struct House {
    pairs: memory::KeyPairs,
    operator: OperatorClaims,
    signing: KeyPair,
    old: AccountClaims,
    ours: AccountClaims,
}

fn house() -> House {
    let pairs = memory::KeyPairs::default();
    let names = Names { operator: "O".parse().unwrap(), application: "A".parse().unwrap() };
    let (keys, now) = (Keys::generate(&pairs), Timestamp::from_second(1_767_225_600).unwrap());
    let setup = Setup::new(&names, &keys, now);
    let (_, old) = setup.accounts.into_iter().find(|(role, _)| *role == AccountRole::Application).unwrap();
    let ours = Change::ban(pairs.generate(KeyKind::User).public).apply(&old, now).unwrap();
    House { operator: setup.operator, signing: keys.operator_signing.clone(), pairs, old, ours }
}

impl House {
    fn jwt(&self, claims: &AccountClaims) -> AccountJwt {
        encode(claims, &self.signing, &self.pairs).unwrap()
    }

    /// How a broker that has `jwt` stands to ours.
    fn found(&self, broker: Option<&str>, jwt: Option<AccountJwt>) -> Compared {
        let broker = broker.map(|id| Broker { name: format!("name of {id}"), id: id.to_owned() });
        let (claims, own) = (&self.ours, self.jwt(&self.ours));
        standing(&Served { broker, jwt }, (claims, &own), &self.operator, &self.pairs)
    }

    fn has(&self, broker: &str, claims: &AccountClaims) -> Compared {
        self.found(Some(broker), Some(self.jwt(claims)))
    }

    fn newer(&self) -> AccountClaims {
        let key = self.pairs.generate(KeyKind::User).public;
        Change::ban(key).apply(&self.ours, Timestamp::from_second(1_800_000_000).unwrap()).unwrap()
    }
}

#[test]
fn every_answer_stands_somewhere() {
    let house = house();
    let of = |jwt: Option<AccountJwt>| house.found(Some("N"), jwt).standing;
    assert_eq!(of(None), Standing::Missing);
    assert_eq!(of(Some(house.jwt(&house.ours))), Standing::Same);
    assert_eq!(of(Some(house.jwt(&house.old))), Standing::Older);
    assert_eq!(of(Some(house.jwt(&house.newer()))), Standing::Newer);
    let mut twin = house.newer();
    twin.issued_at = house.ours.issued_at;
    assert_eq!(of(Some(house.jwt(&twin))), Standing::Newer, "another one of the same second is no older");

    let stranger = house.pairs.generate(KeyKind::Operator);
    let foreign = encode(&house.newer(), &stranger, &house.pairs).unwrap();
    let mut other = house.newer();
    other.subject = house.pairs.generate(KeyKind::Account).public;
    for odd in [foreign, house.jwt(&other), AccountJwt::from_text("x".to_owned())] {
        assert_eq!(of(Some(odd)), Standing::Foreign);
    }
}

#[test]
fn a_broker_that_went_back_is_alarming_and_one_that_was_away_is_not() {
    let (house, mut watch) = (house(), Watch::default());
    let account = &house.ours.subject.clone();
    let mut judge = |found: &Compared| watch.judge(account, found);
    assert_eq!(judge(&house.has("one", &house.old)), None, "as it was before our first push");
    assert_eq!(judge(&house.has("one", &house.ours)), None);
    assert_eq!(judge(&house.has("two", &house.old)), None, "another one, which has come back");
    assert_eq!(judge(&house.has("one", &house.old)), Some(Alarm::PutBack));
    assert_eq!(judge(&house.has("one", &house.old)), Some(Alarm::PutBack), "until it is mended");
    assert_eq!(judge(&house.found(Some("one"), None)), Some(Alarm::PutBack), "gone is back, too");
    assert_eq!(judge(&house.found(Some("new"), None)), None, "one that never had it");
    assert_eq!(judge(&house.has("two", &house.old)), None);
    assert_eq!(judge(&house.found(None, Some(house.jwt(&house.old)))), Some(Alarm::PutBack), "it may be the first");
    assert_eq!(judge(&house.has("one", &house.newer())), Some(Alarm::Unknown));
    let other = watch.judge(&house.pairs.generate(KeyKind::Account).public, &house.has("one", &house.old));
    assert_eq!(other, None, "accounts are not mixed up");
    let foreign = house.found(Some("one"), Some(AccountJwt::from_text("x".to_owned())));
    assert_eq!(watch.judge(account, &foreign), Some(Alarm::Foreign));
}

#[test]
fn half_is_half() {
    assert!(!at_half(499, 1_000) && at_half(500, 1_000) && at_half(usize::MAX, 1_000));
}
