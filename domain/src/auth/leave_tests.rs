//! Leaving, being removed, being kept out.

use super::*;
use crate::auth::{UserChange, fixture::*};

async fn access(fixture: &Fixture, email: &str) -> Access {
    let login = fixture.login(email).await;
    fixture.auth.authenticate(login.access_token.expose()).await.unwrap()
}

async fn two_users() -> (Fixture, Access, Access) {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    fixture.register("bob@example.org").await;
    let (ada, bob) = (access(&fixture, EMAIL).await, access(&fixture, "bob@example.org").await);
    (fixture, ada, bob)
}

#[tokio::test]
async fn who_leaves_is_gone_with_all_that_was_there() {
    let (fixture, ada, bob) = two_users().await;
    let second = fixture.login(EMAIL).await;
    fixture.belongings.give(&ada.user, "photo.jpg");
    fixture.belongings.give(&bob.user, "photo.jpg");
    fixture.auth.leave(&ada).await.unwrap();
    assert_eq!(fixture.issuer.revoked.lock().unwrap().len(), 2, "both keys");
    assert!(fixture.belongings.of(&ada.user).is_empty() && !fixture.belongings.of(&bob.user).is_empty());
    assert!(matches!(fixture.auth.login(login(EMAIL)).await.map(drop), Err(AuthError::Unauthorized)));
    assert!(matches!(fixture.auth.refresh(&second.refresh_token).await.map(drop), Err(AuthError::Refresh)));
    fixture.register(EMAIL).await;
    assert_ne!(fixture.login(EMAIL).await.user_id, ada.user, "the address is free, the id is not");
    assert_eq!(fixture.auth.devices(&bob.user).await.unwrap().len(), 1, "nobody else has lost anything");
    let audit = fixture.auth.audit(None, 10).await.unwrap();
    assert!(audit.iter().any(|own| own.action == Action::RemoveUser && own.outcome == Outcome::Done));
}

#[tokio::test]
async fn what_fails_on_the_way_is_done_by_the_next_sweep() {
    let (fixture, ada, _) = two_users().await;
    fixture.belongings.give(&ada.user, "photo.jpg");
    *fixture.issuer.brokers_away.lock().unwrap() = true;
    assert!(matches!(fixture.auth.leave(&ada).await, Err(AuthError::NotConfirmed(_))));
    assert!(matches!(fixture.auth.login(login(EMAIL)).await.map(drop), Err(AuthError::Disabled)), "kept out at once");
    *fixture.issuer.brokers_away.lock().unwrap() = false;
    fixture.belongings.set_away(true);
    assert_eq!(fixture.auth.sweep().await.unwrap().users, 0);
    assert!(fixture.auth.devices(&ada.user).await.unwrap().is_empty());
    assert!(!fixture.belongings.of(&ada.user).is_empty());
    fixture.belongings.set_away(false);
    assert_eq!(fixture.auth.sweep().await.unwrap().users, 1);
    assert!(fixture.belongings.of(&ada.user).is_empty());
    assert!(fixture.auth.ports.users.by_id(&ada.user).await.unwrap().is_none());
    assert_eq!(fixture.auth.sweep().await.unwrap().users, 0);
}

#[tokio::test]
async fn admins_remove_users_and_keep_them_out_and_the_last_admin_stays() {
    let (fixture, ada, bob) = two_users().await;
    fixture.auth.claim(&ada, &TOKEN.into()).await.map(drop).unwrap();
    assert!(matches!(fixture.auth.leave(&ada).await, Err(AuthError::LastAdmin)));
    let change = |disabled| UserChange { disabled: Some(disabled), ..UserChange::default() };
    let own = fixture.auth.change_user(&ada, &ada.user, &change(true)).await.map(drop);
    assert!(matches!(own, Err(AuthError::LastAdmin)));

    let out = fixture.auth.change_user(&ada, &bob.user, &change(true)).await;
    assert!(out.is_ok_and(|user| user.standing == Standing::Disabled));
    assert!(fixture.auth.devices(&bob.user).await.unwrap().is_empty(), "cut off");
    let wish = login("bob@example.org");
    assert!(matches!(fixture.auth.login(wish.clone()).await.map(drop), Err(AuthError::Disabled)));
    let wrong = crate::auth::Login { password: Some("another one".into()), ..wish };
    assert!(matches!(fixture.auth.login(wrong).await.map(drop), Err(AuthError::Unauthorized)), "told to who may know");
    let back = fixture.auth.change_user(&ada, &bob.user, &change(false)).await;
    assert!(back.is_ok_and(|user| user.standing == Standing::Active));
    access(&fixture, "bob@example.org").await;

    fixture.auth.delete_user(&ada, &bob.user).await.unwrap();
    assert!(matches!(fixture.auth.delete_user(&ada, &bob.user).await, Err(AuthError::NoSuchUser)));
    assert_eq!(fixture.auth.users(None, 10, Some("EXAMPLE")).await.unwrap().len(), 1);
    assert!(fixture.auth.users(None, 10, Some("bob")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let (fixture, ada, _) = two_users().await;
    let other = fixture.login(EMAIL).await;
    let new = "a better password".into();
    let change = async |old: &str, new: &crate::secret::Secret, cut| {
        fixture.auth.change_password(&ada, &old.into(), new, cut).await
    };
    assert!(matches!(change("another one", &new, true).await, Err(AuthError::WrongPassword)));
    let short = fixture.auth.change_password(&ada, &PASSWORD.into(), &"short".into(), true).await;
    assert!(matches!(short, Err(AuthError::Invalid { field: "new", .. })));
    assert_eq!(fixture.auth.devices(&ada.user).await.unwrap().len(), 2);
    change(PASSWORD, &new, false).await.unwrap();
    assert_eq!(fixture.auth.devices(&ada.user).await.unwrap().len(), 2);
    assert!(matches!(fixture.auth.login(login(EMAIL)).await.map(drop), Err(AuthError::Unauthorized)));
    change(new.expose(), &PASSWORD.into(), true).await.unwrap();
    let left = fixture.auth.devices(&ada.user).await.unwrap();
    assert_eq!(left.iter().map(|own| &own.id).collect::<Vec<_>>(), [&ada.device], "the others are cut off");
    assert!(fixture.auth.refresh(&other.refresh_token).await.is_err());
    fixture.login(EMAIL).await;
}
