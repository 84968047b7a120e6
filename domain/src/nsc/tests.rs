//! What the NSC service does, on an installation in memory with one broker.

use jiff::Timestamp;

use super::{fixture::Fixture, *};
use crate::{
    credentials::{KeyKind, User, UserClaims, decode},
    live::Report,
    ports::{EngineError, IssueError, Made},
};

fn new(name: &str) -> NewUser {
    NewUser { name: name.to_owned(), ..NewUser::default() }
}

fn lists(publish: &[&str], subscribe: &[&str]) -> Wish {
    let owned = |list: &[&str]| list.iter().map(|subject| (*subject).to_owned()).collect();
    Wish::Lists { publish: owned(publish), subscribe: owned(subscribe) }
}

impl Fixture {
    fn claims(&self, made: &MadeUser) -> UserClaims {
        decode::<User>(made.jwt.as_str(), self.pairs.as_ref()).unwrap()
    }

    async fn add(&self, new: NewUser) -> MadeUser {
        match self.nsc.add_user(new).await.unwrap() {
            Made::New(made) => made,
            Made::There(made) => panic!("{} was there", made.name),
        }
    }

    async fn agreed(&self) -> bool {
        self.nsc.compare().await.unwrap().iter().all(Report::agrees)
    }
}

#[tokio::test]
async fn a_user_is_a_member_of_the_role_user_unless_something_else_is_said() {
    let fixture = Fixture::attached().await;
    let made = fixture.add(new("till")).await;
    let claims = fixture.claims(&made);
    assert_eq!((claims.name.as_str(), claims.body.generic.tags.as_slice()), ("till", &["user:till".to_owned()][..]));
    assert_eq!(claims.body.limits, crate::credentials::UserLimits::default());
    assert_eq!(fixture.application().await.vouches_for(&claims), Ok(()));
    let creds = made.creds.unwrap();
    assert!(creds.expose().contains(made.jwt.as_str()), "the pair was made here, so its seed is in the answer");
    let users = fixture.nsc.users(None).await.unwrap();
    assert_eq!(users.len(), 1);
    assert_eq!((users[0].role.as_deref(), users[0].refused), (Some("user"), None));
    assert!(fixture.engine.seed(&made.public_key).await.unwrap().is_none(), "and nowhere else");
}

#[tokio::test]
async fn a_repeat_returns_what_is_there_and_something_else_is_a_conflict() {
    let fixture = Fixture::attached().await;
    let first = fixture.add(new("till")).await;
    let Made::There(again) = fixture.nsc.add_user(new("till")).await.unwrap() else { panic!("it was made twice") };
    assert_eq!((again.public_key, again.jwt.as_str()), (first.public_key.clone(), first.jwt.as_str()));
    assert!(again.creds.is_none(), "its seed was not kept");
    let key = fixture.pairs.generate(KeyKind::User).public;
    for other in [
        NewUser { public_key: Some(key), ..new("till") },
        NewUser { wish: lists(&["from.{user}.x"], &["to.{user}.>"]), ..new("till") },
    ] {
        let told = fixture.nsc.add_user(other).await.map(|_| ());
        assert!(matches!(told, Err(NscError::Exists { .. })), "{told:?}");
    }
    let kept = NewUser { keep_seed: true, ..new("desk") };
    let first = fixture.add(kept.clone()).await;
    let Made::There(again) = fixture.nsc.add_user(kept).await.unwrap() else { panic!("it was made twice") };
    assert!(again.creds.unwrap().expose() == first.creds.unwrap().expose());
}

#[tokio::test]
async fn names_that_are_none_and_lists_that_reach_others_are_refused_before_anything_is_made() {
    let fixture = Fixture::attached().await;
    let before = fixture.application().await;
    for name in ["", "*", ">", "a.b", "-x", "@f", "a/b", "svc-shop", "op-nina", "Ada", "ada_phone", "é", "a\n"] {
        let told = fixture.nsc.add_user(new(name)).await.map(|_| ());
        assert!(matches!(told, Err(NscError::Invalid { field: "name", .. })), "{name:?}: {told:?}");
    }
    for (publish, subscribe) in [(">", "to.{user}.>"), ("from.{user}.>", "to.>"), ("from.bob.>", "_INBOX.>")] {
        let told = fixture.nsc.add_user(NewUser { wish: lists(&[publish], &[subscribe]), ..new("till") }).await;
        assert!(matches!(told.map(|_| ()), Err(NscError::Lint(_))));
    }
    for (account, role) in [(Some("Nowhere".to_owned()), None), (None, Some("nobody".to_owned()))] {
        let wish = role.map_or(Wish::Default, Wish::Role);
        let told = fixture.nsc.add_user(NewUser { account, wish, ..new("till") }).await.map(|_| ());
        assert!(matches!(told, Err(NscError::Engine(EngineError::Unknown { .. }))), "{told:?}");
    }
    assert_eq!(fixture.application().await, before);
    assert!(fixture.nsc.users(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_settings_say_what_users_get_and_which_subjects_are_forced() {
    let fixture = Fixture::new();
    let allowed = Allowed {
        publish: vec!["from.{user}.sensors.>".to_owned()],
        subscribe: vec!["to.{user}.>".to_owned(), "weather.>".to_owned()],
        forced: ["weather.>".to_owned()].into(),
        ..Allowed::default()
    };
    let fixture = Fixture { nsc: fixture.nsc.allowing(allowed), ..fixture };
    let claims = fixture.claims(&fixture.add(new("till")).await);
    assert_eq!(claims.body.limits.publish.allow, ["from.till.sensors.>"]);
    assert_eq!(claims.body.limits.subscribe.allow, ["to.till.>", "weather.>"]);
    assert_eq!((claims.body.limits.subs, claims.body.limits.payload), (64, 524_288));
    assert_eq!(claims.body.generic.tags, ["user:till"]);
    assert_eq!(fixture.application().await.vouches_for(&claims), Ok(()));
    let users = fixture.nsc.users(None).await.unwrap();
    assert_eq!(users[0].role, None, "signed by a plain key");
}

#[tokio::test]
async fn an_edit_replaces_the_jwt_and_refuses_the_one_before() {
    let fixture = Fixture::attached().await;
    let before = fixture.add(NewUser { keep_seed: true, ..new("till") }).await;
    let wish = lists(&["from.{user}.pay"], &["to.{user}.>"]);
    let after = fixture.nsc.edit_user("till", None, &wish).await.unwrap();
    assert_eq!(after.public_key, before.public_key);
    let account = fixture.application().await;
    let (old, now) = (fixture.claims(&before), fixture.claims(&after));
    assert!(account.vouches_for(&old).is_err() && account.vouches_for(&now) == Ok(()));
    assert_eq!(now.body.limits.publish.allow, ["from.till.pay"]);
    assert!(after.creds.unwrap().expose().contains(after.jwt.as_str()));
    assert!(fixture.agreed().await, "and every broker knows");
    let again = fixture.nsc.edit_user("till", None, &wish).await.unwrap();
    assert_eq!(again.jwt.as_str(), after.jwt.as_str(), "a repeat changes nothing");
    let told = fixture.nsc.edit_user("nobody", None, &wish).await.map(|_| ());
    assert!(matches!(told, Err(NscError::Engine(EngineError::Unknown { .. }))));
}

#[tokio::test]
async fn an_edit_that_no_broker_would_read_takes_nothing_away() {
    let fixture = Fixture::attached().await;
    let before = fixture.add(NewUser { keep_seed: true, ..new("till") }).await;
    let many: Vec<_> = (0..200).map(|n| format!("from.{{user}}.pay.{n}")).collect();
    let wish = Wish::Lists { publish: many, subscribe: vec!["to.{user}.>".to_owned()] };
    let told = fixture.nsc.edit_user("till", None, &wish).await.map(|_| ());
    assert!(matches!(told, Err(NscError::Issue(IssueError::TooLong { .. }))), "{told:?}");
    assert_eq!(fixture.application().await.vouches_for(&fixture.claims(&before)), Ok(()), "it is believed as before");
    let told = fixture.nsc.add_user(NewUser { wish, ..new("desk") }).await.map(|_| ());
    assert!(matches!(told, Err(NscError::Issue(IssueError::TooLong { .. }))), "{told:?}");
    assert_eq!(fixture.nsc.users(None).await.unwrap().len(), 1);
}

/// Between the two steps of an edit the old JWT is refused and no new one is there.
#[tokio::test]
async fn an_edit_that_was_cut_off_goes_on_when_it_is_repeated() {
    let fixture = Fixture::attached().await;
    let before = fixture.add(new("till")).await;
    let cut = Change::Revoke { key: before.public_key.clone(), until: fixture.claims(&before).issued_at };
    fixture.nsc.change(&fixture.names.application, &cut).await.unwrap();
    let after = fixture.nsc.edit_user("till", None, &Wish::Default).await.unwrap();
    assert_eq!(fixture.application().await.vouches_for(&fixture.claims(&after)), Ok(()));
}

#[tokio::test]
async fn a_revoked_user_is_banned_and_forgotten() {
    let fixture = Fixture::attached().await;
    let made = fixture.add(new("till")).await;
    assert_eq!(fixture.nsc.revoke_user("till", None).await.unwrap(), made.public_key);
    assert!(fixture.application().await.vouches_for(&fixture.claims(&made)).is_err());
    assert!(fixture.nsc.users(None).await.unwrap().is_empty() && fixture.agreed().await);
    assert_eq!(fixture.nsc.revoke_user(made.public_key.as_str(), None).await.unwrap(), made.public_key, "by its key");
    let told = fixture.nsc.revoke_user("till", None).await;
    assert!(matches!(told, Err(NscError::Engine(EngineError::Unknown { .. }))));
    let again = NewUser { public_key: Some(made.public_key), ..new("till") };
    let told = fixture.nsc.add_user(again).await.map(|_| ());
    assert!(matches!(told, Err(NscError::Issue(IssueError::Revoked(_)))), "a new key is needed");
    let account = fixture.pairs.generate(KeyKind::Account).public;
    let told = fixture.nsc.revoke_user(account.as_str(), None).await;
    assert!(matches!(told, Err(NscError::Issue(IssueError::WrongKey(_)))));
}

#[tokio::test]
async fn all_are_revoked_until_now_and_may_come_back_with_something_newer() {
    let fixture = Fixture::attached().await;
    let made = fixture.add(new("till")).await;
    fixture.nsc.revoke_all(&fixture.names.application).await.unwrap();
    assert_eq!(fixture.nsc.users(None).await.unwrap()[0].refused, Some("revoked"));
    assert!(fixture.application().await.vouches_for(&fixture.claims(&made)).is_err());
    // Who comes in the same second is not banned, but waits until it is over.
    let early = fixture.add(new("desk")).await;
    assert_eq!(fixture.application().await.vouches_for(&fixture.claims(&early)), Ok(()));
    let after = fixture.nsc.edit_user("till", None, &Wish::Default).await.unwrap();
    assert_eq!(fixture.application().await.vouches_for(&fixture.claims(&after)), Ok(()));
    let told = fixture.nsc.revoke_all(&"SYS".parse().unwrap()).await.map(|_| ());
    assert!(matches!(told, Err(NscError::Own(..))), "nobody could tell the brokers any more: {told:?}");
}

#[tokio::test]
async fn accounts_are_made_once_and_their_users_are_their_own() {
    let fixture = Fixture::attached().await;
    let Made::New(partner) = fixture.nsc.add_account("Partner").await.unwrap() else { panic!("it was there") };
    assert!(matches!(fixture.nsc.add_account("Partner").await.unwrap(), Made::There(again) if again == partner));
    assert!(fixture.agreed().await, "brokers have it");
    for bad in ["", "-x", "@x", "a/b", "..", "a b"] {
        let told = fixture.nsc.add_account(bad).await.map(|_| ());
        assert!(matches!(told, Err(NscError::Invalid { field: "name", .. })), "{bad:?}");
    }
    let made = fixture.add(NewUser { account: Some("Partner".to_owned()), ..new("till") }).await;
    let claims = fixture.claims(&made);
    assert_eq!(claims.body.issuer_account.as_ref(), Some(&partner.held.claims.subject));
    assert_eq!(claims.body.limits.publish.allow, ["from.till.>"], "there is no role, so it brings its lists");
    assert!(fixture.nsc.users(None).await.unwrap().is_empty());
    assert_eq!(fixture.nsc.users(Some("Partner")).await.unwrap().len(), 1);
    let overview = fixture.nsc.overview().await.unwrap();
    let users: Vec<_> = overview.accounts.iter().map(|own| (own.held.claims.name.as_str(), own.users)).collect();
    assert_eq!(users, [("App", 0), ("OPS", 0), ("Partner", 1), ("SYS", 0)]);
    let jwt = fixture.nsc.account_jwt(&partner.held.claims.subject).await.unwrap();
    assert_eq!(jwt.as_ref(), Some(&partner.held.jwt));
    assert_eq!(fixture.nsc.account_jwt(&fixture.pairs.generate(KeyKind::Account).public).await.unwrap(), None);
}

#[tokio::test]
async fn another_operator_is_made_beside_the_own_one() {
    let fixture = Fixture::new();
    assert!(matches!(fixture.nsc.set_up("Memory", "App").await.unwrap(), Made::There(_)));
    assert!(matches!(fixture.nsc.set_up("Other", "Shop").await.unwrap(), Made::New(_)));
    assert!(matches!(fixture.nsc.set_up("Other", "Shop").await.unwrap(), Made::There(_)), "a repeat");
    let told = fixture.nsc.set_up("Memory", "Shop").await.map(|_| ());
    assert!(matches!(told, Err(NscError::Engine(EngineError::Exists { .. }))));
    for (operator, account, field) in [("-x", "A", "operator"), ("O", "a/b", "account"), ("O", "sys", "account")] {
        let told = fixture.nsc.set_up(operator, account).await.map(|_| ());
        assert!(matches!(told, Err(NscError::Invalid { field: own, .. }) if own == field));
    }
}

#[tokio::test]
async fn rotated_keys_overlap_until_the_overlap_is_ended() {
    let fixture = Fixture::attached().await;
    let own = fixture.names.application.clone();
    let before = fixture.add(new("before")).await;
    let told = fixture.nsc.rotate(&own, false).await.unwrap();
    assert_eq!((told.added.len(), told.retired.len()), (2, 2), "one without a scope, one of the role user");
    assert!(told.removed.is_empty() && told.cut_off.is_empty());
    let after = fixture.add(new("after")).await;
    let account = fixture.application().await;
    let (old, now) = (fixture.claims(&before), fixture.claims(&after));
    assert!(account.vouches_for(&old) == Ok(()) && account.vouches_for(&now) == Ok(()), "both are believed");
    assert!(told.added.iter().any(|(key, _)| now.issuer.as_ref() == Some(key)), "and the new keys sign");
    let issued = fixture.nsc.issue(Grant {
        grantee: Grantee::Provisioner,
        key: fixture.pairs.generate(KeyKind::User).public,
        expires_at: None,
    });
    issued.await.unwrap();

    let ended = fixture.nsc.end_rotation(&own).await.unwrap();
    assert_eq!(ended.removed, told.retired);
    assert_eq!(ended.cut_off, ["before"], "who needs new creds is told");
    let account = fixture.application().await;
    assert!(account.vouches_for(&old).is_err() && account.vouches_for(&now) == Ok(()));
    assert!(fixture.nsc.end_rotation(&own).await.unwrap().removed.is_empty(), "a repeat has nothing to do");
    assert!(fixture.agreed().await);
}

#[tokio::test]
async fn a_leaked_key_is_rotated_at_once() {
    let fixture = Fixture::attached().await;
    let before = fixture.add(new("before")).await;
    let told = fixture.nsc.rotate(&fixture.names.application, true).await.unwrap();
    assert_eq!((told.removed.len(), told.cut_off.as_slice()), (2, &["before".to_owned()][..]));
    assert!(fixture.application().await.vouches_for(&fixture.claims(&before)).is_err());
    let next = fixture.add(new("after")).await;
    assert_eq!(fixture.application().await.vouches_for(&fixture.claims(&next)), Ok(()));
}

#[tokio::test]
async fn a_service_is_kept_by_name_and_revoked_by_it() {
    let fixture = Fixture::attached().await;
    let routes = vec!["from.*.shop.>".parse().unwrap()];
    let key = fixture.pairs.generate(KeyKind::User).public;
    let grantee = Grantee::Service { name: "shop".parse().unwrap(), routes };
    let grant = Grant { grantee, key: key.clone(), expires_at: None };
    fixture.nsc.issue(grant.clone()).await.unwrap();
    assert!(fixture.nsc.users(None).await.unwrap().is_empty(), "what a process signs for itself is not kept");
    fixture.nsc.issue_kept(grant).await.unwrap();
    assert_eq!(fixture.nsc.users(None).await.unwrap()[0].held.claims.name, "svc-shop");
    assert_eq!(fixture.nsc.revoke_user("svc-shop", None).await.unwrap(), key);
    assert!(fixture.application().await.has_revoked(&key, crate::credentials::FOR_GOOD));
}

#[tokio::test]
async fn users_whose_jwts_have_ended_are_forgotten() {
    let fixture = Fixture::new();
    let ends = |at| Some(Timestamp::from_second(at).unwrap());
    let now = fixture.clock.now().as_second();
    fixture.add(NewUser { expires_at: ends(now + 10), ..new("brief") }).await;
    fixture.add(NewUser { expires_at: ends(now + 1_000), ..new("longer") }).await;
    fixture.add(new("forever")).await;
    assert_eq!(fixture.nsc.forget_ended().await.unwrap(), [] as [&str; 0]);
    fixture.clock.advance(std::time::Duration::from_secs(11));
    assert_eq!(fixture.nsc.users(None).await.unwrap()[0].refused, Some("expired"));
    assert_eq!(fixture.nsc.forget_ended().await.unwrap(), ["brief"]);
    assert_eq!(fixture.nsc.users(None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_no_broker_has_confirmed_is_told_and_stored() {
    let fixture = Fixture::attached().await;
    let made = fixture.add(new("till")).await;
    fixture.brokers.set_away(true);
    let told = fixture.nsc.revoke_user("till", None).await;
    assert!(matches!(told, Err(NscError::Issue(IssueError::NotPushed(_)))));
    assert!(fixture.application().await.vouches_for(&fixture.claims(&made)).is_err());
    fixture.brokers.set_away(false);
    fixture.nsc.revoke_user("till", None).await.unwrap();
    assert!(fixture.nsc.users(None).await.unwrap().is_empty(), "a repeat goes on where it stopped");
}
