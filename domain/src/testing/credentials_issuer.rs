//! What [`crate::ports::CredentialsIssuer`] promises.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    credentials::{Grantee, KeyKind, PublicKey, User, UserClaims, UserLimits, decode, permissions},
    ports::{AccountRole, CredentialsIssuer, Grant, IssueError, KeyPairs},
};

/// Runs the whole suite. An engine that can reach a broker must be attached to one; without, its revocations may end in
/// [`IssueError::NotPushed`].
///
/// # Panics
/// Where a promise is not kept.
pub async fn suite(issuer: Arc<dyn CredentialsIssuer>, keys: &dyn KeyPairs) {
    let issuer = issuer.as_ref();
    there_are_three_accounts_of_one_operator(issuer).await;
    a_device_is_its_user_and_nothing_of_its_own(issuer, keys).await;
    everybody_else_brings_its_lists(issuer, keys).await;
    a_role_that_is_not_there_signs_nothing(issuer, keys).await;
    a_repeat_is_another_jwt_for_the_same(issuer, keys).await;
    what_is_no_user_key_is_refused(issuer, keys).await;
    a_service_gets_routes_only(issuer, keys).await;
    a_revoked_key_never_comes_back(issuer, keys).await;
}

fn key(keys: &dyn KeyPairs) -> PublicKey {
    keys.generate(KeyKind::User).public
}

fn device(user: &str, device: &str) -> Grantee {
    let role = permissions::USER_ROLE.parse().expect("a role");
    Grantee::Device { user: user.parse().expect("a plain id"), device: device.parse().expect("a plain id"), role }
}

fn others() -> Vec<Grantee> {
    let routes = |routes: &[&str]| routes.iter().map(|route| route.parse().expect("a plain filter")).collect();
    vec![
        Grantee::Service { name: "relais".parse().expect("a plain name"), routes: routes(&["from.*.>"]) },
        Grantee::Service { name: "shop".parse().expect("a plain name"), routes: routes(&["from.*.a", "from.*.b.>"]) },
        Grantee::Provisioner,
        Grantee::Issuer,
        Grantee::Operator { name: "nina".parse().expect("a plain name") },
    ]
}

async fn issued(issuer: &dyn CredentialsIssuer, keys: &dyn KeyPairs, grant: &Grant) -> UserClaims {
    let jwt = issuer.issue(grant.clone()).await.expect("a harmless grant");
    let claims = decode::<User>(jwt.as_str(), keys).expect("a JWT that its issuer signed");
    assert_eq!(claims.subject, grant.key);
    assert_eq!(claims.name, grant.grantee.to_string());
    assert_eq!(claims.expires_at, grant.expires_at.map_or(0, Timestamp::as_second));
    assert!(claims.issued_at > 0 && !claims.id.is_empty());
    let account = account_of(issuer, grant.grantee.account()).await;
    assert_eq!(claims.body.issuer_account.as_ref(), Some(&account));
    assert_ne!(claims.issuer.as_ref(), Some(&account), "identity keys sign no users");
    assert!(!claims.body.limits.bearer_token, "a JWT alone must be of no use");
    claims
}

async fn account_of(issuer: &dyn CredentialsIssuer, wanted: AccountRole) -> PublicKey {
    let info = issuer.info().await.expect("info");
    info.accounts.into_iter().find(|(role, ..)| *role == wanted).expect("all three accounts").2
}

async fn there_are_three_accounts_of_one_operator(issuer: &dyn CredentialsIssuer) {
    let info = issuer.info().await.expect("info");
    assert_eq!(info.operator.1.kind(), KeyKind::Operator);
    assert_eq!(info.accounts.len(), 3);
    for role in [AccountRole::Application, AccountRole::Operations, AccountRole::System] {
        assert_eq!(account_of(issuer, role).await.kind(), KeyKind::Account);
    }
    assert_eq!(issuer.info().await.expect("info"), info, "it does not change by being asked for");
}

async fn a_device_is_its_user_and_nothing_of_its_own(issuer: &dyn CredentialsIssuer, keys: &dyn KeyPairs) {
    let ends = Timestamp::from_second(4_102_444_800).expect("a time within range");
    let grant = Grant { grantee: device("ada", "phone"), key: key(keys), expires_at: Some(ends) };
    let claims = issued(issuer, keys, &grant).await;
    let told = issuer.permissions(&device("ada", "phone")).await.expect("permissions");
    assert!(
        told.publish.contains(&"from.ada.>".to_owned()) && told.subscribe.contains(&"to.ada.>".to_owned()),
        "{told:?}"
    );
    assert_eq!(claims.name, "ada_phone");
    assert_eq!(claims.body.generic.tags, ["user:ada"]);
    assert_eq!(claims.body.limits, UserLimits::default(), "a scoped user has no permissions and limits of its own");
}

async fn everybody_else_brings_its_lists(issuer: &dyn CredentialsIssuer, keys: &dyn KeyPairs) {
    for grantee in others() {
        let expected = permissions::of(&grantee);
        assert_eq!(issuer.permissions(&grantee).await.expect("permissions"), expected);
        let grant = Grant { grantee, key: key(keys), expires_at: None };
        let claims = issued(issuer, keys, &grant).await;
        let kept = issuer.issue_kept(grant).await.expect("a harmless grant");
        let kept = decode::<User>(kept.as_str(), keys).expect("a JWT that its issuer signed");
        assert_eq!((&kept.subject, &kept.name, &kept.body), (&claims.subject, &claims.name, &claims.body));
        // In which order they stand means nothing.
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        assert_eq!(sorted(&claims.body.limits.publish.allow), sorted(&expected.publish));
        assert_eq!(sorted(&claims.body.limits.subscribe.allow), sorted(&expected.subscribe));
        assert!(!expected.publish.is_empty() && !expected.subscribe.is_empty());
        assert!(claims.body.generic.tags.is_empty(), "tags are for users");
        let limits = &claims.body.limits;
        assert_eq!((limits.subs, limits.data, limits.payload), (-1, -1, -1), "0 would be none");
    }
}

async fn a_role_that_is_not_there_signs_nothing(issuer: &dyn CredentialsIssuer, keys: &dyn KeyPairs) {
    let Grantee::Device { user, device, .. } = device("ada", "phone") else { return };
    let grantee = Grantee::Device { user, device, role: "nobody".parse().expect("a role") };
    let permissions = issuer.permissions(&grantee).await.expect("permissions");
    assert!(permissions.publish.is_empty() && permissions.subscribe.is_empty(), "{permissions:?}");
    let told = issuer.issue(Grant { grantee, key: key(keys), expires_at: None }).await;
    assert!(matches!(&told, Err(IssueError::Store(why)) if why.to_string().contains("nsc.roles.nobody")), "{told:?}");
}

async fn a_repeat_is_another_jwt_for_the_same(issuer: &dyn CredentialsIssuer, keys: &dyn KeyPairs) {
    let grant = Grant { grantee: device("ada", "phone"), key: key(keys), expires_at: None };
    let (one, two) = (issued(issuer, keys, &grant).await, issued(issuer, keys, &grant).await);
    assert_eq!((one.body, one.issuer), (two.body, two.issuer));
}

async fn what_is_no_user_key_is_refused(issuer: &dyn CredentialsIssuer, keys: &dyn KeyPairs) {
    for kind in [KeyKind::Account, KeyKind::Operator] {
        let key = keys.generate(kind).public;
        let grant = Grant { grantee: device("ada", "phone"), key: key.clone(), expires_at: None };
        assert!(matches!(issuer.issue(grant).await, Err(IssueError::WrongKey(named)) if named == key));
        let revoked = issuer.revoke(AccountRole::Application, &key).await;
        assert!(matches!(revoked, Err(IssueError::WrongKey(named)) if named == key));
    }
}

async fn a_service_gets_routes_only(issuer: &dyn CredentialsIssuer, keys: &dyn KeyPairs) {
    for odd in [">", "to.>", "_INBOX.>", "from.>"] {
        let routes = vec![odd.parse().expect("a plain filter")];
        let grantee = Grantee::Service { name: "shop".parse().expect("a plain name"), routes };
        let answer = issuer.issue(Grant { grantee, key: key(keys), expires_at: None }).await;
        assert!(matches!(answer, Err(IssueError::NotGranted(_))), "{odd}");
    }
    // More than a broker reads when it connects would shut it out.
    let routes = (0..200).map(|n| format!("from.*.orders.{n}").parse().expect("a plain filter")).collect();
    let grantee = Grantee::Service { name: "shop".parse().expect("a plain name"), routes };
    for _ in 0..2 {
        let grant = Grant { grantee: grantee.clone(), key: key(keys), expires_at: None };
        assert!(matches!(issuer.issue(grant.clone()).await, Err(IssueError::TooLong { .. })));
        assert!(matches!(issuer.issue_kept(grant).await, Err(IssueError::TooLong { .. })));
    }
}

async fn a_revoked_key_never_comes_back(issuer: &dyn CredentialsIssuer, keys: &dyn KeyPairs) {
    let mut grantees = others();
    grantees.push(device("ada", "lost"));
    for grantee in grantees {
        let role = grantee.account();
        let (lost, kept) = (key(keys), key(keys));
        let grant = |key: &PublicKey| Grant { grantee: grantee.clone(), key: key.clone(), expires_at: None };
        issued(issuer, keys, &grant(&lost)).await;
        for _ in 0..2 {
            let done = issuer.revoke(role, &lost).await;
            assert!(matches!(done, Ok(()) | Err(IssueError::NotPushed(_))), "revoking, and again");
            let refused = issuer.issue(grant(&lost)).await;
            assert!(matches!(refused, Err(IssueError::Revoked(named)) if named == lost), "a new JWT for a revoked key");
        }
        issued(issuer, keys, &grant(&kept)).await;
    }
    // Who keeps a key from coming back can have its revocation forgotten, once every JWT for it has ended.
    let ended = key(keys);
    let _ = issuer.revoke(AccountRole::Application, &ended).await;
    for _ in 0..2 {
        let pruned = issuer.prune(std::slice::from_ref(&ended)).await;
        assert!(matches!(pruned, Ok(()) | Err(IssueError::NotPushed(_))), "{pruned:?}");
    }
    issued(issuer, keys, &Grant { grantee: device("ada", "desk"), key: ended, expires_at: None }).await;
    // A key is revoked in its account, and nowhere else.
    let both = key(keys);
    let _ = issuer.revoke(AccountRole::Operations, &both).await;
    issued(issuer, keys, &Grant { grantee: device("ada", "desk"), key: both, expires_at: None }).await;
}
