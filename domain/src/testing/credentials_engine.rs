//! What [`crate::ports::CredentialsEngine`] promises.

use std::{collections::BTreeMap, slice::from_ref};

use crate::{
    credentials::{
        Account, AccountClaims, Change, FOR_GOOD, Grantee, KeyKind, Operator, PublicKey, User, UserLimits, alike,
        decode,
        permissions::{self, USER_ROLE},
        setup::{AccountKeys, EntityName, Names, OPERATIONS, SYSTEM, base},
        user_to_sign,
    },
    ports::{Clock, CredentialsEngine, EngineError, Grant, Keep, KeyPair, KeyPairs, Made},
};

/// Runs the whole suite on an engine that has been set up with `names`.
///
/// # Panics
/// Where a promise is not kept.
pub async fn suite(engine: &dyn CredentialsEngine, names: &Names, keys: &dyn KeyPairs, clock: &dyn Clock) {
    let house = House { engine, names, keys, clock };
    house.the_set_up_is_one_operator_with_three_accounts().await;
    house.another_set_up_stands_beside_it().await;
    house.what_is_unknown_is_told().await;
    house.every_change_means_what_the_domain_says().await;
    house.a_repeat_is_no_new_version().await;
    house.a_further_account_is_kept_once().await;
    house.users_are_signed_and_kept_as_asked().await;
    house.a_kept_user_is_replaced_and_removed().await;
    house.keys_come_and_go().await;
    house.a_retired_key_signs_no_more().await;
    drop(engine.push_turn().await.expect("a turn"));
    drop(engine.push_turn().await.expect("and another, when the first has ended"));
}

struct House<'a> {
    engine: &'a dyn CredentialsEngine,
    names: &'a Names,
    keys: &'a dyn KeyPairs,
    clock: &'a dyn Clock,
}

/// Without what encoding writes in, and with lists in order.
fn settled(user: &User) -> User {
    let mut user = user.clone();
    user.generic.kind.clear();
    user.generic.version = 0;
    user.limits.publish.allow.sort();
    user.limits.subscribe.allow.sort();
    user
}

fn name(text: &str) -> EntityName {
    text.parse().expect("a plain name")
}

impl House<'_> {
    fn key(&self, kind: KeyKind) -> PublicKey {
        self.keys.generate(kind).public
    }

    async fn kept(&self, kind: KeyKind) -> KeyPair {
        let pair = self.keys.generate(kind);
        self.engine.keep_key(&pair).await.expect("a key is kept");
        pair
    }

    async fn application(&self) -> AccountClaims {
        let held = self.engine.account(&self.names.application).await.expect("the application's account");
        assert_eq!(decode::<Account>(held.jwt.as_str(), self.keys).expect("its JWT"), held.claims);
        held.claims.clone()
    }

    async fn change(&self, change: &Change) -> AccountClaims {
        self.engine.change(&self.names.application, change).await.expect("a change").claims.clone()
    }

    async fn the_set_up_is_one_operator_with_three_accounts(&self) {
        let operator = self.engine.operator().await.expect("the operator");
        assert_eq!(operator.claims.name, self.names.operator.as_str());
        assert_eq!(decode::<Operator>(operator.jwt.as_str(), self.keys).expect("its JWT"), operator.claims);
        assert!(operator.claims.body.strict_signing_key_usage, "identity keys sign nothing but the operator");
        let accounts = self.engine.accounts().await.expect("accounts");
        let own: Vec<_> = accounts.iter().map(|held| held.claims.name.as_str()).collect();
        let mut wanted = [self.names.application.as_str(), OPERATIONS, SYSTEM];
        wanted.sort_unstable();
        assert_eq!(own, wanted, "by name");
        for held in &accounts {
            assert!(operator.claims.signed(&held.claims), "{} is not the operator's", held.claims.name);
            let body = &held.claims.body;
            let default = &body.default_permissions;
            assert_eq!((&default.publish.deny, &default.subscribe.deny), (&vec![">".into()], &vec![">".into()]));
            assert!(body.limits.disallow_bearer && body.limits.leaf == 0);
            assert_eq!(body.signing_keys.plain().count(), 1);
            let keys: Vec<_> = body.signing_keys.0.keys().cloned().collect();
            assert_eq!(self.engine.at_hand(&keys).await.expect("seeds"), keys);
            let is_system = operator.claims.body.system_account.as_ref() == Some(&held.claims.subject);
            assert_eq!(is_system, held.claims.name == SYSTEM);
        }
        let application = self.application().await;
        let role = application.body.signing_keys.of_role(USER_ROLE).expect("the role of ordinary users");
        let mut template = role.template.known.clone();
        let mut wanted = permissions::user_role();
        for limits in [&mut template, &mut wanted] {
            limits.publish.allow.sort();
            limits.subscribe.allow.sort();
        }
        assert_eq!(template, wanted);
        assert_ne!(application.body.limits.jetstream.disk_storage, 0);
        let operations = self.engine.account(&name(OPERATIONS)).await.expect("OPS").claims.clone();
        let imported: Vec<_> = operations.body.imports.iter().map(|import| &import.subject).collect();
        let exported: Vec<_> = application.body.exports.iter().map(|export| &export.subject).collect();
        assert_eq!(imported, exported, "persons see what the application shows");
        assert!(operations.body.imports.iter().all(|import| import.account.as_ref() == Some(&application.subject)));
    }

    async fn another_set_up_stands_beside_it(&self) {
        let before = self.engine.operator().await.expect("the operator");
        let again = self.engine.set_up(self.names).await.expect("the same again");
        assert_eq!(again, Made::There(before.clone()), "a repeat returns what is there");
        let other = Names { operator: name("Other"), application: name("Shop") };
        let Ok(Made::New(made)) = self.engine.set_up(&other).await else { unreachable!("another one is new") };
        assert_ne!(made.claims.subject, before.claims.subject);
        assert_eq!(self.engine.set_up(&other).await.expect("again"), Made::There(made));
        let wrong = Names { application: name("Elsewhere"), ..other };
        let told = self.engine.set_up(&wrong).await.map(drop);
        assert!(matches!(&told, Err(EngineError::Exists { why, .. }) if why.contains("Shop")), "{told:?}");
        assert_eq!(self.engine.operator().await.expect("the operator"), before, "the engine's own stays");
    }

    async fn what_is_unknown_is_told(&self) {
        let nowhere = name("Nowhere");
        let unknown = |told: Result<(), EngineError>| {
            assert!(matches!(&told, Err(EngineError::Unknown { name, .. }) if name == "Nowhere"), "{told:?}");
        };
        unknown(self.engine.account(&nowhere).await.map(drop));
        unknown(self.engine.change(&nowhere, &Change::ban(self.key(KeyKind::User))).await.map(drop));
        unknown(self.engine.users(&nowhere).await.map(drop));
        unknown(self.engine.remove_user(&nowhere, &"x".parse().expect("a plain name")).await.map(drop));
    }

    fn changes(&self, kept: &PublicKey, role_key: &PublicKey) -> Vec<Change> {
        let courier = |subject: &str| {
            let lists = permissions::Permissions {
                publish: vec![format!("from.{{{{tag(user)}}}}.{subject}.>")],
                subscribe: vec!["to.{{tag(user)}}.>".to_owned(), "_INBOX.{{tag(user)}}.>".to_owned()],
            };
            Box::new(UserLimits { subs: 7, payload: 1024, ..permissions::limits(lists) })
        };
        let role = |subject: &str, key| Change::Role {
            role: "courier".to_owned(),
            template: courier(subject),
            description: "brings things".to_owned(),
            key,
        };
        let (lost, gone) = (self.key(KeyKind::User), self.key(KeyKind::User));
        vec![
            Change::ban(lost.clone()),
            Change::Revoke { key: gone.clone(), until: 1_700_000_000 },
            Change::Revoke { key: gone.clone(), until: 1_700_000_500 },
            Change::RevokeAll { until: 1_600_000_000 },
            Change::TakeOver {
                revocations: BTreeMap::from([(self.key(KeyKind::User).as_str().to_owned(), FOR_GOOD)]),
                issued_at: 1,
            },
            Change::Prune { keys: vec![gone] },
            role("jobs", Some(role_key.clone())),
            role("tasks", None),
            Change::AddKey { key: kept.clone(), role: None },
            Change::RemoveKey { key: kept.clone() },
            Change::AddKey { key: kept.clone(), role: Some("courier".to_owned()) },
            role("errands", None),
            Change::RemoveKey { key: role_key.clone() },
            Change::Share { routes: vec!["from.*.lab.x".parse().expect("a filter")] },
            Change::Share { routes: vec!["from.*.lab.>".parse().expect("a filter")] },
            Change::RemoveRole { role: "courier".to_owned() },
        ]
    }

    async fn every_change_means_what_the_domain_says(&self) {
        let (kept, role_key) = (self.kept(KeyKind::Account).await, self.kept(KeyKind::Account).await);
        for change in self.changes(&kept.public, &role_key.public) {
            let before = self.application().await;
            let expected = change.apply(&before, self.clock.now()).expect("it is no change");
            let made = self.change(&change).await;
            assert!(
                alike(&made.body, &expected.body),
                "after {change:?}: {:#?}\nand not {:#?}",
                made.body,
                expected.body
            );
            assert!(made.issued_at > before.issued_at, "{change:?}: nats-server keeps the later one");
            assert_eq!((&made.subject, &made.name), (&before.subject, &before.name));
            assert!(self.engine.operator().await.expect("the operator").claims.signed(&made));
            assert_eq!(self.application().await, made, "what is returned is what is there");
        }
        let newer = self.application().await.issued_at + 3;
        let take = Change::TakeOver { revocations: BTreeMap::new(), issued_at: newer };
        assert!(self.change(&take).await.issued_at > newer, "newer than what a broker has");
    }

    async fn a_repeat_is_no_new_version(&self) {
        let key = self.key(KeyKind::User);
        let once = self.change(&Change::ban(key.clone())).await;
        assert_eq!(self.change(&Change::ban(key)).await, once);
    }

    async fn a_further_account_is_kept_once(&self) {
        let keys =
            AccountKeys { identity: self.kept(KeyKind::Account).await, signing: self.kept(KeyKind::Account).await };
        let claims = AccountClaims::new("Partner", keys.identity.public.clone(), base(&keys), self.clock.now());
        let made = self.engine.add_account(&claims).await.expect("a further account").claims.clone();
        assert_eq!((&made.subject, &made.name), (&claims.subject, &claims.name));
        assert!(alike(&made.body, &claims.body), "{:#?}", made.body);
        assert!(self.engine.operator().await.expect("the operator").claims.signed(&made));
        assert_eq!(self.engine.accounts().await.expect("accounts").len(), 4);
        let again = self.engine.add_account(&claims).await.map(drop);
        assert!(matches!(again, Err(EngineError::Exists { .. })), "{again:?}");
    }

    async fn sign(&self, grantee: Grantee, key: PublicKey, ends: Option<i64>, keep: Keep) -> Result<(), EngineError> {
        let account = self.application().await;
        let keys: Vec<_> = account.body.signing_keys.0.keys().cloned().collect();
        let at_hand = self.engine.at_hand(&keys).await.expect("seeds");
        let expires_at = ends.map(|at| jiff::Timestamp::from_second(at).expect("a time within range"));
        let grant = Grant { grantee, key: key.clone(), expires_at };
        let user = user_to_sign(&grant, &account, |key| at_hand.contains(key), self.clock.now()).expect("a grant");
        let jwt = self.engine.sign(&user, keep).await?;
        let made = decode::<User>(jwt.as_str(), self.keys).expect("a JWT that its issuer signed");
        assert_eq!((&made.name, &made.subject, made.expires_at), (&user.claims().name, &key, ends.unwrap_or(0)));
        assert_eq!(made.issuer.as_ref(), Some(user.signer()));
        assert_eq!(
            settled(&made.body),
            settled(&user.claims().body),
            "it claims what was to be claimed, and nothing else"
        );
        assert_eq!(account.vouches_for(&made), Ok(()));
        Ok(())
    }

    fn device(&self) -> Grantee {
        let role = USER_ROLE.parse().expect("a role");
        Grantee::Device { user: "ada".parse().expect("a plain id"), device: "phone".parse().expect("a plain id"), role }
    }

    fn service(&self) -> Grantee {
        let routes = vec!["from.*.a".parse().expect("a filter"), "from.*.b.>".parse().expect("a filter")];
        Grantee::Service { name: "shop".parse().expect("a plain name"), routes }
    }

    async fn names_kept(&self) -> Vec<String> {
        let users = self.engine.users(&self.names.application).await.expect("users");
        users.iter().map(|held| held.claims.name.clone()).collect()
    }

    async fn users_are_signed_and_kept_as_asked(&self) {
        assert_eq!(self.names_kept().await, [] as [&str; 0]);
        for ends in [None, Some(4_102_444_799)] {
            self.sign(self.device(), self.key(KeyKind::User), ends, Keep::Nothing).await.expect("a device");
            self.sign(Grantee::Provisioner, self.key(KeyKind::User), ends, Keep::Nothing).await.expect("a provisioner");
        }
        assert_eq!(self.names_kept().await, [] as [&str; 0], "nothing is kept of them");
        let pair = self.keys.generate(KeyKind::User);
        self.sign(self.service(), pair.public.clone(), None, Keep::Jwt).await.expect("a service");
        assert_eq!(self.names_kept().await, ["svc-shop"]);
        assert!(self.engine.at_hand(&[pair.public]).await.expect("seeds").is_empty(), "nobody asked to keep its seed");
    }

    async fn a_kept_user_is_replaced_and_removed(&self) {
        let pair = self.keys.generate(KeyKind::User);
        let keep = Keep::Creds(pair.clone());
        self.sign(self.service(), pair.public.clone(), Some(4_102_444_800), keep).await.expect("the service again");
        let users = self.engine.users(&self.names.application).await.expect("users");
        assert_eq!(users.len(), 1, "the name is its own once");
        assert_eq!((&users[0].claims.subject, users[0].claims.expires_at), (&pair.public, 4_102_444_800));
        assert_eq!(decode::<User>(users[0].jwt.as_str(), self.keys).expect("its JWT"), users[0].claims);
        assert_eq!(self.engine.at_hand(from_ref(&pair.public)).await.expect("seeds"), from_ref(&pair.public));
        let seed = self.engine.seed(&pair.public).await.expect("seeds").expect("its seed");
        assert!(seed.expose() == pair.seed.expose(), "the seed that was kept");
        let user = "svc-shop".parse().expect("a plain name");
        assert!(self.engine.remove_user(&self.names.application, &user).await.expect("removed"));
        assert!(!self.engine.remove_user(&self.names.application, &user).await.expect("it is gone"));
        assert_eq!(self.names_kept().await, [] as [&str; 0]);
        assert!(self.engine.at_hand(&[pair.public]).await.expect("seeds").is_empty(), "and so is its seed");
        assert!(self.engine.seed(&self.key(KeyKind::User)).await.expect("seeds").is_none());
    }

    async fn keys_come_and_go(&self) {
        let (one, two) = (self.kept(KeyKind::Account).await, self.kept(KeyKind::Account).await);
        self.engine.keep_key(&one).await.expect("kept again");
        let stranger = self.key(KeyKind::Account);
        let all = [two.public.clone(), stranger, one.public.clone()];
        let held = [two.public.clone(), one.public.clone()];
        assert_eq!(self.engine.at_hand(&all).await.expect("seeds"), held, "in the order in which they were named");
        for _ in 0..2 {
            self.engine.retire_key(&one.public).await.expect("forgotten, and again");
            assert_eq!(self.engine.at_hand(&all).await.expect("seeds"), from_ref(&two.public));
        }
        self.engine.retire_key(&two.public).await.expect("forgotten");
    }

    async fn a_retired_key_signs_no_more(&self) {
        let account = self.application().await;
        let grant = Grant { grantee: self.device(), key: self.key(KeyKind::User), expires_at: None };
        let user = user_to_sign(&grant, &account, |_| true, self.clock.now()).expect("a grant");
        let role = user.signer().clone();
        let fresh = self.kept(KeyKind::Account).await.public;
        self.change(&Change::AddKey { key: fresh.clone(), role: Some(USER_ROLE.to_owned()) }).await;
        self.engine.retire_key(&role).await.expect("forgotten");
        let told = self.engine.sign(&user, Keep::Nothing).await.map(drop);
        assert!(matches!(&told, Err(EngineError::NoKey { wanted, .. }) if *wanted == role.to_string()), "{told:?}");
        self.sign(self.device(), self.key(KeyKind::User), None, Keep::Nothing).await.expect("the other key signs");
        self.change(&Change::RemoveKey { key: role }).await;
        self.sign(self.device(), self.key(KeyKind::User), None, Keep::Nothing).await.expect("as before");
    }
}
