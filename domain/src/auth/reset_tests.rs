//! Tests of forgotten passwords.

use super::*;
use crate::auth::{AuthSettings, CodeWish, fixture::*};

const NEW: &str = "another sesame";

fn reset(code: &Secret) -> Reset {
    Reset { email: EMAIL.to_owned(), code: code.clone(), password: NEW.into(), from: home() }
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_all_devices_are_cut_off() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let one = fixture.login(EMAIL).await;
    fixture.auth.send_code(EMAIL, CodeWish::Reset, &home()).await.unwrap();
    fixture.spawner.settle().await;
    let code = fixture.mailed_code();
    fixture.auth.reset_password(reset(&code)).await.unwrap();
    assert!(fixture.auth.devices(&one.user_id).await.unwrap().is_empty());
    assert!(fixture.auth.refresh(&one.refresh_token).await.is_err());
    assert!(fixture.try_login(EMAIL, Some(PASSWORD), None).await.is_err(), "the old one is worth nothing");
    let Ok(two) = fixture.try_login(EMAIL, Some(NEW), None).await else { panic!("the new one lets in") };
    assert_eq!(two.user_id, one.user_id);
    assert!(matches!(fixture.auth.reset_password(reset(&code)).await, Err(AuthError::Unauthorized)), "once");
}

#[tokio::test]
async fn what_is_wrong_is_told_alike_and_changes_nothing() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let code = fixture.code(EMAIL).await;
    for wrong in ["", "00000000", "not a code"] {
        let refused = fixture.auth.reset_password(reset(&wrong.into())).await;
        assert!(matches!(refused, Err(AuthError::Unauthorized)), "{wrong:?}");
    }
    let unknown = Reset { email: "nobody@example.org".to_owned(), ..reset(&code) };
    assert!(matches!(fixture.auth.reset_password(unknown).await, Err(AuthError::Unauthorized)));
    let short = Reset { password: "short".into(), ..reset(&code) };
    assert!(matches!(fixture.auth.reset_password(short).await, Err(AuthError::Invalid { field: "password", .. })));
    assert!(fixture.auth.reset_password(reset(&code)).await.is_ok(), "the code was not used by any of these");
}

#[tokio::test]
async fn a_squatter_is_displaced_by_it() {
    let fixture = Fixture::set(AuthSettings { verify: true, ..AuthSettings::default() });
    fixture.register(EMAIL).await;
    let squatter = fixture.auth.ports.users.by_email(&EMAIL.parse().unwrap()).await.unwrap().unwrap();
    let code = fixture.code(EMAIL).await;
    fixture.auth.reset_password(reset(&code)).await.unwrap();
    let Ok(owner) = fixture.try_login(EMAIL, Some(NEW), None).await else { panic!("the owner is let in") };
    assert_ne!(owner.user_id, squatter.id);
}

#[tokio::test]
async fn without_passwords_there_is_none_to_replace() {
    let fixture = Fixture::set(AuthSettings { proof: Proof::Code, ..AuthSettings::default() });
    let refused = fixture.auth.reset_password(reset(&"00000000".into())).await;
    assert!(matches!(refused, Err(AuthError::NoMail)));
}
