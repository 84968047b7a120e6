//! What each change does, and that a repeat is none.

use super::*;
use crate::{
    credentials::{
        KeyKind,
        permissions::{self, USER_ROLE},
        setup::{Keys, Names, Setup},
    },
    memory,
    ports::{AccountRole, KeyPairs as _},
};

struct House {
    pairs: memory::KeyPairs,
    account: AccountClaims,
    now: Timestamp,
}

fn house() -> House {
    let pairs = memory::KeyPairs::default();
    let names = Names { operator: "O".parse().unwrap(), application: "A".parse().unwrap() };
    let (keys, now) = (Keys::generate(&pairs), Timestamp::from_second(1_767_225_600).unwrap());
    let setup = Setup::new(&names, &keys, now);
    let (_, account) = setup.accounts.into_iter().find(|(role, _)| *role == AccountRole::Application).unwrap();
    House { pairs, account, now }
}

impl House {
    fn key(&self, kind: KeyKind) -> PublicKey {
        self.pairs.generate(kind).public
    }

    /// The account with the change; a repeat must be none.
    fn after(&self, change: &Change) -> AccountClaims {
        let next = change.apply(&self.account, self.now).expect("a change");
        assert_eq!(next.issued_at, self.account.issued_at + 1, "two versions of one second are told apart");
        assert_eq!(change.apply(&next, self.now), None, "{change:?} again");
        next
    }
}

#[test]
fn a_banned_key_stays_banned() {
    let house = house();
    let key = house.key(KeyKind::User);
    let next = house.after(&Change::ban(key.clone()));
    assert!(next.has_revoked(&key, FOR_GOOD) && !next.has_revoked(&house.key(KeyKind::User), 0));
    assert_eq!(Change::Revoke { key: key.clone(), until: 5 }.apply(&next, house.now), None, "it never shrinks");
    let earlier = Timestamp::from_second(5).unwrap();
    let next = Change::ban(key).apply(&house.account, earlier).unwrap();
    assert_eq!(next.issued_at, house.account.issued_at + 1, "also when the clock went back");
}

#[test]
fn all_are_revoked_until_a_second_and_pruned_by_name() {
    let house = house();
    let key = house.key(KeyKind::User);
    let all = house.after(&Change::RevokeAll { until: 7 });
    assert!(all.has_revoked(&key, 7) && !all.has_revoked(&key, 8));
    let banned = Change::ban(key.clone()).apply(&all, house.now).unwrap();
    let pruned = Change::Prune { keys: vec![key.clone()] }.apply(&banned, house.now).unwrap();
    assert!(!pruned.has_revoked(&key, 8) && pruned.has_revoked(&key, 7), "what holds for all stays");
    assert_eq!(Change::Prune { keys: vec![key] }.apply(&pruned, house.now), None);
}

#[test]
fn what_a_broker_remembers_is_taken_over_and_the_result_is_newer_than_both() {
    let house = house();
    let (ours, theirs) = (house.key(KeyKind::User), house.key(KeyKind::User));
    let own = Change::ban(ours.clone()).apply(&house.account, house.now).unwrap();
    let take = |issued_at| Change::TakeOver {
        revocations: BTreeMap::from([(theirs.as_str().to_owned(), FOR_GOOD)]),
        issued_at,
    };
    let both = take(own.issued_at + 500).apply(&own, house.now).unwrap();
    assert!(both.has_revoked(&ours, FOR_GOOD) && both.has_revoked(&theirs, FOR_GOOD));
    assert_eq!(both.issued_at, own.issued_at + 501);
    assert_eq!(take(own.issued_at + 500).apply(&both, house.now), None);
    // One of the same second with another body must be outdone as well.
    let same = Change::TakeOver { revocations: BTreeMap::new(), issued_at: both.issued_at };
    assert_eq!(same.apply(&both, house.now).unwrap().issued_at, both.issued_at + 1);
}

#[test]
fn a_role_is_made_edited_and_taken_away() {
    let house = house();
    let key = house.key(KeyKind::Account);
    let template = Box::new(permissions::limits(permissions::Permissions {
        publish: vec!["from.{{tag(user)}}.jobs.>".to_owned()],
        subscribe: vec!["to.{{tag(user)}}.>".to_owned()],
    }));
    let courier = |template: &UserLimits, key| Change::Role {
        role: "courier".to_owned(),
        template: Box::new(template.clone()),
        description: "brings things".to_owned(),
        key,
    };
    assert_eq!(courier(&template, None).apply(&house.account, house.now), None, "without a key there is no new role");
    let made = house.after(&courier(&template, Some(key.clone())));
    let scope = made.body.signing_keys.of_role("courier").unwrap();
    assert_eq!((&scope.key, &scope.template.known), (&key, &*template));
    assert!(made.body.signing_keys.of_role(USER_ROLE).is_some());

    let edited = courier(&permissions::user_role(), Some(house.key(KeyKind::Account))).apply(&made, house.now).unwrap();
    assert_eq!(edited.body.signing_keys.of_role("courier").unwrap().template.known, permissions::user_role());
    assert_eq!(edited.body.signing_keys.0.len(), made.body.signing_keys.0.len(), "a role that is there keeps its key");

    let gone = Change::RemoveRole { role: "courier".to_owned() }.apply(&edited, house.now).unwrap();
    assert_eq!(gone.body, house.account.body);
}

#[test]
fn keys_overlap_while_they_are_rotated() {
    let house = house();
    for role in [None, Some(USER_ROLE.to_owned())] {
        let key = house.key(KeyKind::Account);
        let more = house.after(&Change::AddKey { key: key.clone(), role: role.clone() });
        let scope = more.body.signing_keys.0.get(&key).unwrap();
        assert_eq!(scope.as_ref().map(|scope| scope.role.clone()), role);
        if let Some(scope) = scope {
            let old = house.account.body.signing_keys.of_role(USER_ROLE).unwrap();
            assert_eq!((&scope.template, &scope.key), (&old.template, &key));
        }
        // An edit of the role reaches both keys.
        let edit = Change::Role {
            role: USER_ROLE.to_owned(),
            template: Box::default(),
            description: String::new(),
            key: None,
        };
        let edited = edit.apply(&more, house.now).unwrap();
        let scopes = edited.body.signing_keys.0.values().flatten();
        assert!(scopes.into_iter().all(|scope| scope.template.known == UserLimits::default()));
        let less = Change::RemoveKey { key }.apply(&more, house.now).unwrap();
        assert_eq!(less.body, house.account.body);
    }
    let unknown = Change::AddKey { key: house.key(KeyKind::Account), role: Some("nobody".to_owned()) };
    assert_eq!(unknown.apply(&house.account, house.now), None);
}

#[test]
fn what_is_shared_is_shared_once() {
    let house = house();
    let share = Change::Share { routes: vec!["from.*.lab.>".parse().unwrap()] };
    let next = house.after(&share);
    assert!(next.body.exports.iter().any(|export| export.subject == "from.*.lab.>"));
    assert!(next.body.exports.len() > house.account.body.exports.len() + 1);
    let sorted = next.body.exports.windows(2).all(|pair| pair[0].subject <= pair[1].subject);
    assert!(sorted, "in the order in which they are written");
}
