//! Refreshing, repeating, racing, copying.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;

use super::*;
use crate::{
    auth::{Login, fixture::*},
    credentials::UserJwt,
    ports::TokenError,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn logged_in() -> (Fixture, LoggedIn) {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let one = fixture.login(EMAIL).await;
    (fixture, one)
}

async fn refreshed(fixture: &Fixture, token: &Secret) -> LoggedIn {
    let Ok(answer) = fixture.auth.refresh(token).await else { panic!("it is good") };
    answer
}

async fn refused(fixture: &Fixture, token: &Secret) -> bool {
    matches!(fixture.auth.refresh(token).await.map(drop), Err(AuthError::Refresh))
}

#[tokio::test]
async fn a_refresh_renews_the_same_device_and_replaces_the_token() {
    let (fixture, one) = logged_in().await;
    fixture.clock.advance(DAY);
    let two = refreshed(&fixture, &one.refresh_token).await;
    assert_eq!((&two.user_id, &two.device_id), (&one.user_id, &one.device_id));
    assert!(two.refresh_token.expose() != one.refresh_token.expose() && two.creds.is_none());
    assert!(two.expires_at > one.expires_at, "the JWT holds longer");
    assert!(two.access_token.expose() != one.access_token.expose());
    let access = fixture.auth.authenticate(two.access_token.expose()).await.unwrap();
    let devices = fixture.auth.devices(&access.user).await.unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!((devices[0].expires_at, devices[0].seen_at), (two.expires_at, fixture.auth.now()));
    assert_eq!(devices[0].jwt.as_ref().map(UserJwt::as_str), Some(two.jwt.as_str()));
    let three = refreshed(&fixture, &two.refresh_token).await;
    assert!(three.refresh_token.expose().starts_with(REFRESH_PREFIX));
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_repeated() {
    let (fixture, one) = logged_in().await;
    let two = refreshed(&fixture, &one.refresh_token).await;
    fixture.clock.advance(Duration::from_secs(59));
    for _ in 0..3 {
        let again = refreshed(&fixture, &one.refresh_token).await;
        assert_eq!(again.refresh_token.expose(), two.refresh_token.expose(), "the same successor");
    }
    refreshed(&fixture, &two.refresh_token).await;
    assert!(refused(&fixture, &one.refresh_token).await, "the successor was used, so no answer was lost");
}

#[tokio::test]
async fn a_copy_used_later_ends_the_session_and_revokes_the_key() {
    for (wait, rotations) in [(61, 1), (0, 2)] {
        let (fixture, one) = logged_in().await;
        let mut newest = one.refresh_token.clone();
        for _ in 0..rotations {
            newest = refreshed(&fixture, &newest).await.refresh_token;
        }
        fixture.clock.advance(Duration::from_secs(wait));
        assert!(refused(&fixture, &one.refresh_token).await);
        assert!(refused(&fixture, &newest).await, "nobody knows who has which");
        assert_eq!(fixture.issuer.revoked.lock().unwrap().len(), 1, "the key is revoked");
        assert!(fixture.auth.devices(&one.user_id).await.unwrap().is_empty());
        let token = fixture.auth.authenticate(one.access_token.expose()).await.map(drop);
        assert!(matches!(token, Err(AuthError::Token(TokenError::Expired))));
    }
}

#[tokio::test]
async fn what_cannot_be_revoked_at_once_is_worth_nothing_and_is_revoked_later() {
    let (fixture, one) = logged_in().await;
    let two = refreshed(&fixture, &one.refresh_token).await;
    let three = refreshed(&fixture, &two.refresh_token).await;
    *fixture.issuer.brokers_away.lock().unwrap() = true;
    assert!(refused(&fixture, &one.refresh_token).await);
    assert_eq!(fixture.auth.devices(&one.user_id).await.unwrap().len(), 1, "not confirmed, so it is still listed");
    assert!(refused(&fixture, &three.refresh_token).await);
    let token = fixture.auth.authenticate(three.access_token.expose()).await.map(drop);
    assert!(matches!(token, Err(AuthError::Token(TokenError::Expired))), "its access token neither");
    *fixture.issuer.brokers_away.lock().unwrap() = false;
    assert_eq!(fixture.auth.sweep().await.unwrap().ended, 1);
    assert!(fixture.auth.devices(&one.user_id).await.unwrap().is_empty());
    assert_eq!(fixture.auth.sweep().await.unwrap().ended, 0);
}

#[tokio::test]
async fn of_eight_at_once_one_replaces_it_and_all_get_the_same() {
    let (fixture, one) = logged_in().await;
    for _ in 0..10 {
        let newest = fixture.login(EMAIL).await;
        let race = join_all((0..8).map(|_| fixture.auth.refresh(&newest.refresh_token))).await;
        let tokens: HashSet<_> =
            race.into_iter().map(|came| came.map(|own| own.refresh_token.expose().to_owned()).ok()).collect();
        assert_eq!(tokens.len(), 1, "one successor");
        let next = tokens.into_iter().next().flatten().unwrap();
        refreshed(&fixture, &next.into()).await;
        assert!(refused(&fixture, &newest.refresh_token).await);
    }
    assert_eq!(fixture.auth.devices(&one.user_id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_lives_as_long_as_it_is_used() {
    let (fixture, mut newest) = logged_in().await;
    for _ in 0..5 {
        fixture.clock.advance(89 * DAY);
        newest = refreshed(&fixture, &newest.refresh_token).await;
    }
    fixture.clock.advance(90 * DAY);
    assert!(refused(&fixture, &newest.refresh_token).await);
    assert!(fixture.issuer.revoked.lock().unwrap().is_empty(), "that is no theft");
}

#[tokio::test]
async fn a_browser_gets_minutes_each_time_and_stays_a_device() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let Ok(one) = fixture.auth.login(Login { client: ClientKind::Browser, ..login(EMAIL) }).await else { panic!() };
    fixture.clock.advance(DAY);
    fixture.auth.sweep().await.unwrap();
    let two = refreshed(&fixture, &one.refresh_token).await;
    let minutes = fixture.auth.now() + jiff::SignedDuration::from_mins(15);
    assert_eq!(two.expires_at.map(Timestamp::as_second), Some(minutes.as_second()));
}

#[tokio::test]
async fn another_login_on_the_same_key_begins_another_session() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let key = Some(crate::testing::devices::key(7));
    let with_key = Login { public_key: key, ..login(EMAIL) };
    let Ok(one) = fixture.auth.login(with_key.clone()).await else { panic!() };
    let Ok(two) = fixture.auth.login(with_key).await else { panic!() };
    assert!(refused(&fixture, &one.refresh_token).await, "it is gone");
    assert!(fixture.issuer.revoked.lock().unwrap().is_empty(), "and no theft");
    refreshed(&fixture, &two.refresh_token).await;
}

#[tokio::test]
async fn who_is_not_let_in_or_logged_out_does_not_go_on() {
    let (fixture, one) = logged_in().await;
    let two = fixture.login(EMAIL).await;
    let access = fixture.auth.authenticate(one.access_token.expose()).await.unwrap();
    fixture.auth.logout(&access).await.unwrap();
    assert!(refused(&fixture, &one.refresh_token).await);
    assert_eq!(fixture.issuer.revoked.lock().unwrap().len(), 1);
    let again = fixture.auth.authenticate(one.access_token.expose()).await;
    assert!(matches!(again, Err(AuthError::Token(_))));
    let two = refreshed(&fixture, &two.refresh_token).await;
    fixture.auth.ports.users.set_standing(&one.user_id, Standing::Disabled).await.unwrap();
    assert!(refused(&fixture, &two.refresh_token).await);
}

#[tokio::test]
async fn nothing_else_is_a_token() {
    let (fixture, one) = logged_in().await;
    let good = one.refresh_token.expose();
    let body = good.strip_prefix(REFRESH_PREFIX).unwrap();
    let other_secret = format!("{}{}", &good[..good.len() - 20], "A".repeat(20));
    for text in ["", REFRESH_PREFIX, body, &format!("{good}A"), &good[..good.len() - 2], &good.to_uppercase(), "é"] {
        assert!(refused(&fixture, &text.into()).await, "{text}");
    }
    assert_eq!(fixture.auth.devices(&one.user_id).await.unwrap().len(), 1, "what is no token revokes nothing");
    assert!(refused(&fixture, &other_secret.into()).await);
    assert!(fixture.auth.devices(&one.user_id).await.unwrap().is_empty(), "who knows the session had a token of it");
}
