//! Tests of how often somebody may try.

use std::time::Duration;

use super::*;
use crate::{
    auth::{AuthSettings, ClientAddress, CodeWish, Login, Registration, fixture::*},
    credentials::PublicKey,
    secret::Secret,
    testing,
};

fn from(number: usize) -> ClientAddress {
    ClientAddress::new(format!("198.51.100.{number}"))
}

/// Whether a login with this is refused because of too many, or of the password.
async fn guess(fixture: &Fixture, from: ClientAddress, key: Option<PublicKey>) -> AuthError {
    let login = Login { password: Some("a wild guess".into()), public_key: key, from, ..login(EMAIL) };
    match fixture.auth.login(login).await {
        Ok(_) => panic!("a guess is right"),
        Err(error) => error,
    }
}

fn limits(change: impl FnOnce(&mut RateLimits)) -> Fixture {
    let mut limits = RateLimits::default();
    change(&mut limits);
    Fixture::set(AuthSettings { limits, ..AuthSettings::default() })
}

#[tokio::test]
async fn guesses_from_one_address_end_and_come_back() {
    let fixture = limits(|limits| limits.login_per_email_and_address = "3 per 1h".parse().unwrap());
    fixture.register(EMAIL).await;
    for _ in 0..3 {
        assert!(matches!(guess(&fixture, home(), None).await, AuthError::Unauthorized));
    }
    let AuthError::TooOften(wait) = guess(&fixture, home(), None).await else { panic!("too many") };
    assert_eq!(wait, Duration::from_secs(1_200));
    let right = fixture.try_login(EMAIL, Some(PASSWORD), None).await;
    assert!(matches!(right, Err(AuthError::TooOften(_))), "also the right one, or it would be guessed");
    assert!(matches!(guess(&fixture, from(1), None).await, AuthError::Unauthorized), "others are not kept out");
    fixture.clock.advance(wait);
    assert!(fixture.try_login(EMAIL, Some(PASSWORD), None).await.is_ok());
}

#[tokio::test]
async fn who_gets_in_takes_no_place() {
    let fixture = limits(|limits| {
        limits.login_per_email_and_address = "1 per 1h".parse().unwrap();
        limits.login_per_email = "1 per 1h".parse().unwrap();
        limits.login_per_address = "1 per 1h".parse().unwrap();
    });
    fixture.register(EMAIL).await;
    for _ in 0..5 {
        fixture.login(EMAIL).await;
    }
}

#[tokio::test]
async fn a_stranger_keeps_nobody_out() {
    let fixture = limits(|limits| limits.login_per_email = "5 per 1d".parse().unwrap());
    fixture.register(EMAIL).await;
    let key = testing::devices::key(3);
    let own = Login { public_key: Some(key.clone()), ..login(EMAIL) };
    assert!(fixture.auth.login(own.clone()).await.is_ok());
    for number in 0..5 {
        assert!(matches!(guess(&fixture, from(number), None).await, AuthError::Unauthorized));
    }
    assert!(matches!(guess(&fixture, from(9), None).await, AuthError::TooOften(_)), "from nowhere");
    let unknown = guess(&fixture, from(9), Some(testing::devices::key(4))).await;
    assert!(matches!(unknown, AuthError::TooOften(_)), "a key that is no device's is no way in");
    assert!(fixture.auth.login(own).await.is_ok(), "a device that is there");
    let code = fixture.code(EMAIL).await;
    for number in 0..20 {
        let wrong = Secret::from("00000000");
        let login = Login { password: None, code: Some(wrong), from: from(number), ..login(EMAIL) };
        assert!(matches!(fixture.auth.login(login).await, Err(AuthError::Unauthorized)));
    }
    assert!(fixture.try_login(EMAIL, None, Some(&code)).await.is_ok(), "and a new one, by a code");
}

#[tokio::test]
async fn a_known_device_has_a_bucket_of_its_own_that_ends() {
    let fixture = limits(|limits| {
        limits.login_per_email = "1 per 1d".parse().unwrap();
        limits.login_per_known_device = "2 per 1h".parse().unwrap();
    });
    fixture.register(EMAIL).await;
    let key = testing::devices::key(3);
    assert!(fixture.auth.login(Login { public_key: Some(key.clone()), ..login(EMAIL) }).await.is_ok());
    for number in 0..3 {
        assert!(matches!(guess(&fixture, from(number), Some(key.clone())).await, AuthError::Unauthorized));
    }
    assert!(matches!(guess(&fixture, from(9), Some(key)).await, AuthError::TooOften(_)));
}

#[tokio::test]
async fn an_address_and_everybody_have_their_limits() {
    let fixture = limits(|limits| limits.login_per_address = "2 per 1h".parse().unwrap());
    for email in ["a@example.org", "b@example.org"] {
        let unknown = fixture.try_login(email, Some(PASSWORD), None).await;
        assert!(matches!(unknown, Err(AuthError::Unauthorized)));
    }
    let third = fixture.try_login("c@example.org", Some(PASSWORD), None).await;
    assert!(matches!(third, Err(AuthError::TooOften(_))));

    let fixture = limits(|limits| limits.login_total = "2 per 1h".parse().unwrap());
    fixture.register(EMAIL).await;
    fixture.login(EMAIL).await;
    fixture.login(EMAIL).await;
    let third = fixture.try_login(EMAIL, Some(PASSWORD), None).await;
    assert!(matches!(third, Err(AuthError::TooOften(_))), "who gets in counts too");
}

#[tokio::test]
async fn registrations_removals_and_refreshes_have_theirs() {
    let fixture = limits(|limits| {
        limits.register_per_address = "2 per 1h".parse().unwrap();
        limits.device_removals_per_user = "1 per 1h".parse().unwrap();
        limits.refresh_per_device = "1 per 15m".parse().unwrap();
    });
    fixture.register("a@example.org").await;
    fixture.register(EMAIL).await;
    let wish = Registration { email: "c@example.org".into(), password: Some(PASSWORD.into()), from: home() };
    assert!(matches!(fixture.auth.register(wish.clone()).await, Err(AuthError::TooOften(_))));
    assert!(fixture.auth.register(Registration { from: from(1), ..wish }).await.is_ok());

    let (one, two, three) = (fixture.login(EMAIL).await, fixture.login(EMAIL).await, fixture.login(EMAIL).await);
    let access = fixture.auth.authenticate(one.access_token.expose()).await.unwrap();
    let nobodys = "01jd4x0000000000000000000x".parse().unwrap();
    assert!(matches!(fixture.auth.remove_own_device(&access, &nobodys).await, Err(AuthError::NoSuchDevice)));
    fixture.auth.remove_own_device(&access, &two.device_id).await.unwrap();
    let second = fixture.auth.remove_own_device(&access, &three.device_id).await;
    assert!(matches!(second, Err(AuthError::TooOften(_))));

    let Ok(next) = fixture.auth.refresh(&one.refresh_token).await else { panic!("it goes on") };
    assert!(matches!(fixture.auth.refresh(&next.refresh_token).await, Err(AuthError::TooOften(_))));
    fixture.clock.advance(Duration::from_secs(15 * 60));
    assert!(fixture.auth.refresh(&next.refresh_token).await.is_ok(), "the same token is good later");
}

#[tokio::test]
async fn mails_have_theirs_and_an_earlier_code_holds_as_long() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let mut newest = None;
    for number in 0..6 {
        match fixture.auth.send_code(EMAIL, CodeWish::Login, &from(number)).await {
            Ok(()) => {
                fixture.spawner.settle().await;
                newest = Some(fixture.mailed_code());
            }
            Err(AuthError::TooOften(wait)) => {
                assert_eq!(number, 5);
                assert!(wait < crate::auth::CODE_LIFE);
                fixture.clock.advance(wait.saturating_sub(Duration::from_millis(1)));
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(fixture.try_login(EMAIL, None, newest.as_ref()).await.is_ok());
}

#[tokio::test]
async fn who_is_on_this_machine_is_not_counted_by_address() {
    let fixture = limits(|limits| {
        limits.register_per_address = "1 per 1h".parse().unwrap();
        limits.login_per_address = "1 per 1h".parse().unwrap();
        limits.mail_per_address = "1 per 1h".parse().unwrap();
    });
    let here = ClientAddress::on_this_machine("127.0.0.1");
    for number in 0..5 {
        let email = format!("{number}@example.org");
        let wish = Registration { email: email.clone(), password: Some(PASSWORD.into()), from: here.clone() };
        assert!(fixture.auth.register(wish).await.is_ok());
        let wrong = Login { password: Some("a wild guess".into()), from: here.clone(), ..login(&email) };
        assert!(matches!(fixture.auth.login(wrong).await, Err(AuthError::Unauthorized)));
        fixture.auth.send_code(&email, CodeWish::Login, &here).await.unwrap();
    }
}
