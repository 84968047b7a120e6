//! Tests of one-time codes.

use super::*;
use crate::{
    auth::{AuthSettings, Registration, fixture::*},
    memory::{self, MailFailure},
};

fn verifying() -> Fixture {
    Fixture::set(AuthSettings { verify: true, ..AuthSettings::default() })
}

fn refused<T>(result: Result<T, AuthError>) -> AuthError {
    match result {
        Ok(_) => panic!("it went well"),
        Err(error) => error,
    }
}

#[test]
fn codes_are_read_as_people_type_them() {
    let read = |typed: &str| Code::parse(typed).map(|code| code.0.expose().to_owned());
    for typed in ["7K2M-Q9X0", "7k2mq9x0", " 7K2M - Q9XO ", "7k2m\tq9xo\n", "7-K-2-M-Q-9-X-0"] {
        assert_eq!(read(typed).as_deref(), Some("7K2MQ9X0"), "{typed:?}");
    }
    assert_eq!(read("ILil-0oO0").as_deref(), Some("11110000"));
    let endless = "-".repeat(100_000) + "7K2MQ9X0";
    for odd in ["", "7K2M-Q9X", "7K2M-Q9X00", "7K2M-Q9XU", "7K2M-Q9Xé", "7K2M_Q9X0", &endless] {
        assert!(read(odd).is_none(), "{odd:.20}");
    }
}

#[test]
fn codes_have_forty_bits() {
    let rng = memory::Rng::default();
    let codes: std::collections::HashSet<_> = (0..1_000).map(|_| Code::generate(&rng).0.expose().to_owned()).collect();
    assert_eq!(codes.len(), 1_000);
    for at in 0..LENGTH {
        let there: std::collections::HashSet<_> = codes.iter().map(|code| code.as_bytes()[at]).collect();
        assert_eq!(there.len(), 32, "each place has every letter of the alphabet");
    }
}

#[test]
fn a_hash_is_of_one_address_one_code_and_one_key() {
    let [ada, bob]: [Email; 2] = ["ada@example.org", "bob@example.org"].map(|text| text.parse().unwrap());
    let [one, two] = ["AAAAAAAA", "AAAAAAAB"].map(|text| Code::parse(text).unwrap());
    let (key, other) = (CodeKey::new(&[1; 32]), CodeKey::new(&[2; 32]));
    assert_eq!(key.hash(&ada, &one), key.clone().hash(&ada, &one));
    for different in [key.hash(&bob, &one), key.hash(&ada, &two), other.hash(&ada, &one)] {
        assert_ne!(key.hash(&ada, &one), different);
    }
}

#[tokio::test]
async fn a_code_lets_in_once_and_ends() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let code = fixture.code(" ADA@example.org").await;
    let wrong = Secret::from("00000000");
    assert!(matches!(refused(fixture.try_login(EMAIL, None, Some(&wrong)).await), AuthError::Unauthorized));
    let in_ = fixture.try_login(EMAIL, None, Some(&code)).await;
    assert!(in_.is_ok(), "a wrong one before does no harm");
    assert!(matches!(refused(fixture.try_login(EMAIL, None, Some(&code)).await), AuthError::Unauthorized), "once");
    let late = fixture.code(EMAIL).await;
    fixture.clock.advance(CODE_LIFE);
    assert!(matches!(refused(fixture.try_login(EMAIL, None, Some(&late)).await), AuthError::Unauthorized));
}

#[tokio::test]
async fn a_code_somebody_else_asks_for_does_not_end_the_first() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let first = fixture.code(EMAIL).await;
    let second = fixture.code(EMAIL).await;
    assert!(fixture.try_login(EMAIL, None, Some(&first)).await.is_ok());
    assert!(fixture.try_login(EMAIL, None, Some(&second)).await.is_err(), "all end with the one that was used");
}

#[tokio::test]
async fn a_code_is_of_one_address() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    fixture.register("bob@example.org").await;
    let code = fixture.code(EMAIL).await;
    let theft = fixture.try_login("bob@example.org", None, Some(&code)).await;
    assert!(matches!(refused(theft), AuthError::Unauthorized));
}

/// What is done for an address that is somebody's is not done right behind the answer, where the next request would feel it.
#[tokio::test]
async fn a_mail_waits_for_a_random_while() {
    let mut fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let pause = Duration::from_millis(500);
    let mut settings = AuthSettings { mail_pause: pause, ..AuthSettings::default() };
    settings.limits.mail_per_email = "100 per 1h".parse().unwrap();
    fixture.auth = Auth::new(fixture.auth.ports.clone(), settings);
    let mut waited = std::collections::BTreeSet::new();
    for count in 1..=10 {
        fixture.auth.send_code(EMAIL, CodeWish::Login, &home()).await.unwrap();
        fixture.spawner.settle().await;
        let mut steps = 0;
        while fixture.mailer.sent().len() < count {
            assert!(steps <= 100, "it is mailed within the pause");
            fixture.clock.advance(pause / 100);
            steps += 1;
            fixture.spawner.settle().await;
        }
        waited.insert(steps);
    }
    assert!(waited.len() > 5, "{waited:?}");
}

#[tokio::test]
async fn nobody_is_told_whose_address_it_is() {
    let fixture = Fixture::new();
    fixture.auth.send_code("nobody@example.org", CodeWish::Reset, &home()).await.unwrap();
    fixture.spawner.settle().await;
    assert!(fixture.mailer.sent().is_empty());
    // And the answer came before anything was looked up.
    fixture.register(EMAIL).await;
    fixture.auth.send_code(EMAIL, CodeWish::Reset, &home()).await.unwrap();
    assert!(fixture.mailer.sent().is_empty());
    fixture.spawner.settle().await;
    assert_eq!(fixture.mailer.sent().len(), 1);
}

#[tokio::test]
async fn a_mail_says_what_for_and_its_subject_tells_no_code() {
    let fixture = Fixture::set(AuthSettings { mail_name: "Tea & Söhne".to_owned(), ..AuthSettings::default() });
    fixture.register(EMAIL).await;
    for (wish, word) in
        [(CodeWish::Login, "log in"), (CodeWish::Verify, "registered"), (CodeWish::Reset, "forgotten the password")]
    {
        fixture.auth.send_code(EMAIL, wish, &home()).await.unwrap();
        fixture.spawner.settle().await;
        let mail = fixture.mailer.sent().pop().unwrap();
        let code = fixture.mailed_code();
        assert_eq!(mail.to.as_str(), EMAIL);
        assert!(mail.body.expose().contains(word) && mail.body.expose().contains("15 minutes"));
        assert!(mail.subject.as_str().starts_with("Tea & Söhne: ") && !mail.subject.as_str().contains(code.expose()));
    }
}

#[tokio::test]
async fn a_mail_that_is_not_taken_is_tried_again_and_the_code_is_the_same() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    fixture.mailer.fail(Some(MailFailure::Unavailable));
    fixture.auth.send_code(EMAIL, CodeWish::Login, &home()).await.unwrap();
    fixture.spawner.settle().await;
    fixture.clock.advance(AGAIN[0]);
    fixture.spawner.settle().await;
    fixture.mailer.fail(None);
    fixture.clock.advance(AGAIN[1]);
    fixture.spawner.settle().await;
    assert_eq!(fixture.mailer.sent().len(), 1);
    assert!(fixture.try_login(EMAIL, None, Some(&fixture.mailed_code())).await.is_ok());
}

#[tokio::test]
async fn without_a_mailer_there_are_no_codes() {
    let fixture = Fixture::new();
    let mut ports = fixture.auth.ports.clone();
    ports.mailer = None;
    let auth = Auth::new(ports, AuthSettings::default());
    assert!(matches!(refused(auth.send_code(EMAIL, CodeWish::Login, &home()).await), AuthError::NoMail));
}

#[tokio::test]
async fn whoever_has_registered_proves_the_address_at_the_first_login() {
    let fixture = verifying();
    let wish = Registration { email: EMAIL.to_owned(), password: Some(PASSWORD.into()), from: home() };
    let registered = fixture.auth.register(wish).await.unwrap();
    assert!(registered.to_be_verified);
    fixture.spawner.settle().await;
    let code = fixture.mailed_code();
    assert!(matches!(refused(fixture.try_login(EMAIL, Some(PASSWORD), None).await), AuthError::Unverified));
    let wrong = refused(fixture.try_login(EMAIL, Some("not the one"), None).await);
    assert!(matches!(wrong, AuthError::Unauthorized), "only who has the password is told");
    fixture.spawner.settle().await;
    assert_eq!(fixture.mailer.sent().len(), 2, "another code comes with the right password");
    let Ok(one) = fixture.try_login(EMAIL, Some(PASSWORD), Some(&code)).await else { panic!("it is proven") };
    assert_eq!(one.user_id, registered.id, "it is who has registered");
    assert!(fixture.auth.me(&registered.id).await.unwrap().verified);
    assert!(fixture.try_login(EMAIL, Some(PASSWORD), None).await.is_ok(), "from then on the password is enough");
    let code = fixture.code(EMAIL).await;
    let wrong = refused(fixture.try_login(EMAIL, Some("not the one"), Some(&code)).await);
    assert!(matches!(wrong, AuthError::Unauthorized), "what is given has to be right");
    assert!(fixture.try_login(EMAIL, None, Some(&code)).await.is_ok(), "or a code alone, which was not used by that");
}

#[tokio::test]
async fn nobody_squats_an_address() {
    let fixture = verifying();
    fixture.register(EMAIL).await;
    let squatter = fixture.auth.ports.users.by_email(&EMAIL.parse().unwrap()).await.unwrap().unwrap();
    fixture.belongings.give(&squatter.id, "file");
    // From before addresses were verified.
    let lax = Auth::new(fixture.auth.ports.clone(), AuthSettings::default());
    let Ok(had) = lax.login(login(EMAIL)).await else { panic!("it was let in") };
    let code = fixture.code(EMAIL).await;
    let Ok(owner) = fixture.try_login(EMAIL, None, Some(&code)).await else { panic!("the owner is let in") };
    assert_ne!(owner.user_id, squatter.id);
    assert!(fixture.belongings.of(&squatter.id).is_empty(), "nothing of the squatter's is left");
    assert_eq!(fixture.issuer.revoked.lock().unwrap().len(), 1, "the squatter's device is cut off");
    assert!(lax.authenticate(had.access_token.expose()).await.is_err());
    assert!(lax.refresh(&had.refresh_token).await.is_err());
    let again = refused(fixture.try_login(EMAIL, Some(PASSWORD), None).await);
    assert!(matches!(again, AuthError::Unauthorized), "the squatter's password is worth nothing");
    let audit = fixture.auth.audit(None, 1).await.unwrap();
    assert_eq!((audit[0].action.as_str(), audit[0].target.as_str()), ("users.displace", squatter.id.as_str()));
}

#[tokio::test]
async fn an_owner_who_brings_a_password_keeps_it() {
    let fixture = verifying();
    fixture.register(EMAIL).await;
    let code = fixture.code(EMAIL).await;
    let own = "the owner's own words";
    assert!(fixture.try_login(EMAIL, Some(own), Some(&code)).await.is_ok());
    assert!(fixture.try_login(EMAIL, Some(own), None).await.is_ok());
}

#[tokio::test]
async fn a_displacement_that_a_broker_stops_goes_on() {
    let fixture = verifying();
    fixture.register(EMAIL).await;
    let lax = Auth::new(fixture.auth.ports.clone(), AuthSettings::default());
    assert!(lax.login(login(EMAIL)).await.is_ok());
    *fixture.issuer.brokers_away.lock().unwrap() = true;
    let first = fixture.code(EMAIL).await;
    assert!(matches!(refused(fixture.try_login(EMAIL, None, Some(&first)).await), AuthError::NotConfirmed(_)));
    assert!(fixture.try_login(EMAIL, Some(PASSWORD), None).await.is_err(), "the squatter is out already");
    *fixture.issuer.brokers_away.lock().unwrap() = false;
    fixture.auth.sweep().await.unwrap();
    let free = fixture.auth.ports.users.by_email(&EMAIL.parse().unwrap()).await.unwrap();
    assert!(free.is_none(), "the address is free to be registered by its owner");
}

#[tokio::test]
async fn with_codes_for_proof_a_password_is_not_asked_for_and_opens_nothing() {
    let fixture = Fixture::set(AuthSettings { proof: Proof::Code, verify: true, ..AuthSettings::default() });
    let wish = Registration { email: EMAIL.to_owned(), password: None, from: home() };
    let registered = fixture.auth.register(wish).await.unwrap();
    fixture.spawner.settle().await;
    match refused(fixture.try_login(EMAIL, Some(PASSWORD), None).await) {
        AuthError::Invalid { field, .. } => assert_eq!(field, "code"),
        other => panic!("{other}"),
    }
    let code = fixture.mailed_code();
    let Ok(one) = fixture.try_login(EMAIL, None, Some(&code)).await else { panic!("it is let in") };
    assert_eq!(one.user_id, registered.id, "nobody could have had a password");
}

#[tokio::test]
async fn who_is_kept_out_stays_out_with_a_code_too() {
    let fixture = Fixture::new();
    fixture.register(EMAIL).await;
    let code = fixture.code(EMAIL).await;
    let user = fixture.auth.ports.users.by_email(&EMAIL.parse().unwrap()).await.unwrap().unwrap();
    fixture.auth.ports.users.set_standing(&user.id, Standing::Disabled).await.unwrap();
    assert!(matches!(refused(fixture.try_login(EMAIL, None, Some(&code)).await), AuthError::Disabled));
    fixture.auth.send_code(EMAIL, CodeWish::Login, &home()).await.unwrap();
    fixture.spawner.settle().await;
    assert_eq!(fixture.mailer.sent().len(), 1, "and is mailed none");
}
