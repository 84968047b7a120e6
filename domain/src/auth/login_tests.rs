//! What a login promises, on the fakes.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::{
    auth::{AuthSettings, Expiry, PasswordHash, Reset, fixture::*},
    ports::{HashError, MockDevices, MockPasswordHasher},
    testing::devices::{device, key},
};

use super::*;

fn error(result: Result<LoggedIn, AuthError>) -> AuthError {
    match result {
        Ok(_) => panic!("it worked"),
        Err(error) => error,
    }
}

/// What is looked at on the way takes time of its own, which would tell what there is.
#[tokio::test]
async fn a_refusal_takes_as_long_as_each_does() {
    use futures_util::FutureExt as _;
    let mut fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let settings = AuthSettings { refusal: Duration::from_millis(100), ..AuthSettings::default().at_once() };
    fixture.auth = Auth::new(fixture.auth.ports.clone(), settings);
    for email in [EMAIL, "nobody@example.org"] {
        let wrong = Login { password: Some("another one, long enough".into()), ..login(email) };
        let refused = fixture.auth.login(wrong);
        futures_util::pin_mut!(refused);
        for _ in 0..2 {
            assert!(refused.as_mut().now_or_never().is_none(), "{email}: it waits");
            fixture.clock.advance(Duration::from_millis(50));
        }
        assert!(matches!(refused.await, Err(AuthError::Unauthorized)));
        let reset = Reset { email: email.to_owned(), code: "00000000".into(), password: PASSWORD.into(), from: home() };
        let refused = fixture.auth.reset_password(reset);
        futures_util::pin_mut!(refused);
        assert!(refused.as_mut().now_or_never().is_none(), "{email}: it waits");
        fixture.clock.advance(Duration::from_millis(100));
        assert!(matches!(refused.await, Err(AuthError::Unauthorized)));
    }
    // Who is let in waits for nothing.
    assert!(fixture.auth.login(login(EMAIL)).now_or_never().is_some_and(|done| done.is_ok()));
}

#[tokio::test]
async fn a_device_that_brings_no_key_gets_the_seed_this_once() {
    let settings = AuthSettings { servers: vec!["nats://127.0.0.1:4222".to_owned()], ..AuthSettings::default() };
    let fixture = Fixture::set(settings);
    fixture.register(EMAIL).await;
    let one = fixture.login(EMAIL).await;
    let user = &one.user_id;

    let creds = one.creds.as_ref().unwrap().expose();
    assert!(creds.contains(&format!("-----BEGIN NATS USER JWT-----\n{}\n------END", one.jwt.as_str())));
    assert!(creds.contains("-----BEGIN USER NKEY SEED-----\nSEED200\n------END"));
    assert_eq!(one.servers, ["nats://127.0.0.1:4222"]);
    assert_eq!(one.inbox_prefix, format!("_INBOX.{user}"));
    assert_eq!(one.permissions.publish, [format!("from.{user}.>")]);
    assert_eq!(one.permissions.subscribe, [format!("to.{user}.>"), format!("_INBOX.{user}.>")]);
    assert_eq!(one.expires_at.unwrap().to_string(), "2026-07-01T00:00:00Z", "6 months of the calendar");
    assert_eq!(one.expires_in.as_secs(), 900);
    let grants = fixture.issuer.grants.lock().unwrap().clone();
    let grantee = Grantee::Device { user: user.clone(), device: one.device_id.clone(), role: "user".parse().unwrap() };
    assert_eq!(grants, [Grant { grantee, key: key(200), expires_at: one.expires_at }]);

    let two = fixture.login(EMAIL).await;
    assert_eq!(two.user_id, one.user_id);
    assert_ne!(two.device_id, one.device_id, "another login is another device");
    let access = fixture.auth.authenticate(two.access_token.expose()).await.unwrap();
    assert_eq!((access.user, access.device), (two.user_id, two.device_id));
}

#[tokio::test]
async fn a_device_that_brings_its_key_is_renewed_and_gets_no_seed() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let wish = Login { public_key: Some(key(7)), device: Some(" phone ".to_owned()), ..login(EMAIL) };
    let one = fixture.auth.login(wish.clone()).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(one.creds.is_none());
    fixture.clock.advance(Duration::from_secs(86_400));
    let two = fixture.auth.login(wish).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(two.device_id, one.device_id);
    assert!(two.expires_at > one.expires_at);
    let devices = fixture.auth.devices(&one.user_id).await.unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!((devices[0].name.as_str(), devices[0].seen_at), ("phone", fixture.auth.now()));
}

#[tokio::test]
async fn a_key_is_one_users_and_a_user_key() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    fixture.register("bob@example.org").await;
    let with = |email, key| Login { public_key: Some(key), ..login(email) };
    assert!(fixture.auth.login(with(EMAIL, key(7))).await.is_ok());
    let stolen = fixture.auth.login(with("bob@example.org", key(7))).await;
    assert!(matches!(error(stolen), AuthError::KeyTaken));
    let account = PublicKey::from_raw(KeyKind::Account, &[1; 32]);
    let wrong = fixture.auth.login(with(EMAIL, account)).await;
    assert!(matches!(error(wrong), AuthError::Invalid { field: "public_key", .. }));
}

#[tokio::test]
async fn a_removed_key_is_refused_for_good() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let wish = Login { public_key: Some(key(7)), ..login(EMAIL) };
    let one = fixture.auth.login(wish.clone()).await.unwrap_or_else(|error| panic!("{error}"));
    fixture.auth.remove_device(&one.user_id, &one.device_id).await.unwrap();
    assert!(matches!(error(fixture.auth.login(wish).await), AuthError::KeyRevoked(_)));
    assert!(fixture.auth.devices(&one.user_id).await.unwrap().is_empty(), "and no device is left behind");
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_one_answer_after_one_work() {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_hash().returning(|_| Ok(PasswordHash::from_text("kept".to_owned())));
    hasher.expect_verify().times(2).returning(|_, _| Ok(Verdict::Wrong));
    let fixture = Fixture::with(AuthSettings::default(), Arc::new(hasher));
    fixture.register(EMAIL).await;
    let known = error(fixture.auth.login(login(EMAIL)).await);
    let unknown = error(fixture.auth.login(login("nobody@example.org")).await);
    assert!(matches!((&known, &unknown), (AuthError::Unauthorized, AuthError::Unauthorized)));
    assert_eq!(known.to_string(), unknown.to_string());
}

/// A hasher that says "right" to whom it never saw must not let anybody in.
#[tokio::test]
async fn nobody_is_let_in_as_nobody() {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_verify().returning(|_, _| Ok(Verdict::Right));
    let fixture = Fixture::with(AuthSettings::default(), Arc::new(hasher));
    assert!(matches!(error(fixture.auth.login(login(EMAIL)).await), AuthError::Unauthorized));
}

#[tokio::test]
async fn nothing_is_hashed_for_what_breaks_a_rule() {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_verify().never();
    let fixture = Fixture::with(AuthSettings::default(), Arc::new(hasher));
    let broken = [
        Login { password: Some("x".repeat(257).into()), ..login(EMAIL) },
        Login { password: Some("short".into()), ..login(EMAIL) },
        Login { password: None, ..login(EMAIL) },
        Login { email: "no address".to_owned(), ..login(EMAIL) },
        Login { device: Some("x".repeat(65)), ..login(EMAIL) },
        Login { device: Some("a\nb".to_owned()), ..login(EMAIL) },
        Login { device: Some("  ".to_owned()), ..login(EMAIL) },
    ];
    for login in broken {
        assert!(matches!(error(fixture.auth.login(login).await), AuthError::Invalid { .. }));
    }
}

#[tokio::test]
async fn too_much_at_once_is_busy() {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_verify().returning(|_, _| Err(HashError::Busy));
    let fixture = Fixture::with(AuthSettings::default(), Arc::new(hasher));
    assert!(matches!(error(fixture.auth.login(login(EMAIL)).await), AuthError::Busy));
}

#[tokio::test]
async fn devices_are_bounded_and_ended_ones_make_room() {
    let fixture = Fixture::set(AuthSettings { devices_per_user: 2, ..AuthSettings::default() });
    fixture.register(EMAIL).await;
    let browser = || Login { client: ClientKind::Browser, ..login(EMAIL) };
    let first = fixture.auth.login(browser()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(first.expires_at, Some(fixture.auth.now() + SignedDuration::from_mins(15)));
    fixture.login(EMAIL).await;
    assert!(matches!(error(fixture.auth.login(browser()).await), AuthError::TooManyDevices(2)));
    fixture.clock.advance(Duration::from_secs(15 * 60));
    assert!(fixture.auth.login(browser()).await.is_ok(), "the first one's credentials have ended");
}

#[tokio::test]
async fn a_browsers_credentials_never_outlive_a_devices() {
    let hours = AuthSettings { credentials_expiry: "5m".parse().unwrap(), ..AuthSettings::default() };
    let never = AuthSettings { credentials_expiry: Expiry::NEVER, ..AuthSettings::default() };
    for (settings, device, browser) in [(hours, Some(5), 5), (never, None, 15)] {
        let auth = Fixture::set(settings).auth;
        let end = |minutes| auth.now() + SignedDuration::from_mins(minutes);
        assert_eq!(auth.credentials_end(ClientKind::Device, auth.now()), device.map(end));
        assert_eq!(auth.credentials_end(ClientKind::Browser, auth.now()), Some(end(browser)));
    }
}

#[tokio::test]
async fn without_proof_an_address_is_enough_but_must_be_registered() {
    let fixture = Fixture::set(AuthSettings { proof: Proof::None, ..AuthSettings::default() });
    let bare = |email| Login { password: None, ..login(email) };
    assert!(matches!(error(fixture.auth.login(bare(EMAIL)).await), AuthError::Unauthorized));
    fixture.register(EMAIL).await;
    assert!(fixture.auth.login(bare(EMAIL)).await.is_ok());
}

#[tokio::test]
async fn two_logins_of_one_new_key_at_once_are_one_device() {
    let mut devices = MockDevices::new();
    let mut renewals = 0;
    devices.expect_renew().times(2).returning(move |user, key, renewal| {
        renewals += 1;
        let Renewal { seen_at, expires_at, .. } = *renewal;
        let stored = Device { user: user.clone(), key: key.clone(), seen_at, expires_at, ..device("ada", 7) };
        Ok((renewals == 2).then_some(stored))
    });
    devices.expect_was_removed().returning(|_| Ok(false));
    devices.expect_keep_jwt().times(1).returning(|_, _, _| Ok(()));
    devices.expect_insert().times(1).returning(|_, _| Err(StoreError::Taken));
    let mut fixture = Fixture::new();
    fixture.register(EMAIL).await;
    fixture.auth.ports.devices = Arc::new(devices);
    let login = Login { public_key: Some(key(7)), ..login(EMAIL) };
    let one = fixture.auth.login(login).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(one.device_id, device("ada", 7).id, "the one that was stored, in answer and JWT");
    assert!(one.jwt.as_str().contains(one.device_id.as_str()));
}
