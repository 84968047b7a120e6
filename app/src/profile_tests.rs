//! Profiles in folders of their own.

use relais_domain::credentials::UserJwt;

use super::*;

pub(crate) fn ada() -> Profile {
    Profile {
        server: "http://127.0.0.1:8080".to_owned(),
        user_id: "ada".parse().unwrap(),
        email: "ada@example.org".to_owned(),
        device_id: "d1".parse().unwrap(),
        servers: vec!["nats://127.0.0.1:4222".to_owned()],
        websocket: Vec::new(),
        inbox_prefix: "_INBOX.ada".to_owned(),
        expires_at: None,
        permissions: PermissionLists { publish: vec!["from.ada.>".to_owned()], subscribe: vec!["to.ada.>".to_owned()] },
        ca: None,
    }
}

pub(crate) fn creds(seed: &str) -> Creds {
    Creds { jwt: UserJwt::from_text("a.b.c".to_owned()), seed: Secret::from(seed) }
}

pub(crate) fn tokens() -> Tokens {
    Tokens { access: Secret::from("tok"), refresh: Secret::from("again") }
}

pub(crate) fn logged_in() -> (tempfile::TempDir, Profiles) {
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::at(folder.path().join("relais"));
    profiles.save("default", &ada(), &creds("SUABC"), &tokens()).unwrap();
    (folder, profiles)
}

#[test]
fn a_login_is_stored_for_this_user_alone() {
    let (_folder, profiles) = logged_in();
    assert_eq!(profiles.open("default", None).unwrap(), ada());
    assert_eq!(profiles.creds("default").unwrap().seed.expose(), "SUABC");
    #[cfg(unix)]
    for (file, mode) in [("", 0o700), (CREDS, 0o600), (ACCESS, 0o600), (REFRESH, 0o600), (PROFILE, 0o600)] {
        use std::os::unix::fs::PermissionsExt as _;
        let path = profiles.folder("default").unwrap().join(file);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
}

#[test]
fn damage_asks_for_a_login_and_never_panics() {
    for (file, text) in [
        (PROFILE, ""),
        (PROFILE, "{"),
        (PROFILE, "null"),
        (PROFILE, r#"{"server": "x"}"#),
        (CREDS, ""),
        (CREDS, "hello"),
    ] {
        let (_folder, profiles) = logged_in();
        fs::write(profiles.folder("default").unwrap().join(file), text).unwrap();
        let error = match file {
            PROFILE => profiles.open("default", None).err(),
            _ => profiles.creds("default").err(),
        };
        assert!(matches!(error, Some(ProfileError::Corrupt { .. })), "{file} {text}");
    }
    let (_folder, profiles) = logged_in();
    let path = profiles.folder("default").unwrap();
    fs::write(path.join(PROFILE), b"\xff\xfe").unwrap();
    assert!(matches!(profiles.open("default", None), Err(ProfileError::Corrupt { .. })));
    fs::remove_file(path.join(CREDS)).unwrap();
    fs::create_dir(path.join(CREDS)).unwrap();
    assert!(matches!(profiles.creds("default"), Err(ProfileError::Corrupt { .. })), "unreadable");
    let mut foreign = ada();
    foreign.inbox_prefix = "_INBOX.>".to_owned();
    fs::write(path.join(PROFILE), serde_json::to_vec(&foreign).unwrap()).unwrap();
    assert!(matches!(profiles.open("default", None), Err(ProfileError::Corrupt { .. })));
}

#[test]
fn a_login_that_was_cut_off_is_no_login() {
    let (_folder, profiles) = logged_in();
    let folder = profiles.folder("default").unwrap();
    // The creds cannot be replaced: a folder stands where their draft would be renamed to.
    fs::remove_file(folder.join(CREDS)).unwrap();
    fs::create_dir(folder.join(CREDS)).unwrap();
    assert!(profiles.save("default", &ada(), &creds("SUX"), &tokens()).is_err());
    assert!(matches!(profiles.open("default", None), Err(ProfileError::NotLoggedIn { .. })));
}

#[test]
fn creds_are_half_over_after_half_of_their_life() {
    use relais_domain::{
        credentials::{Claims, KeyKind, User, encode},
        ports::KeyPairs as _,
    };
    let (_folder, profiles) = logged_in();
    let pairs = nkeys::KeyPairs::new(Arc::new(system::Rng));
    let (account, user) = (pairs.generate(KeyKind::Account), pairs.generate(KeyKind::User));
    let at = |second| Timestamp::from_second(second).unwrap();
    let saved = |expires_at| {
        let mut claims = Claims::new("ada_d1", user.public.clone(), User::default(), at(1_000));
        claims.expires_at = expires_at;
        let jwt = encode(&claims, &account, &pairs).unwrap();
        profiles.save("default", &ada(), &Creds { jwt, seed: user.seed.clone() }, &tokens()).unwrap();
    };
    saved(2_000);
    assert!(!profiles.is_half_over("default", at(1_499)).unwrap());
    assert!(profiles.is_half_over("default", at(1_500)).unwrap());
    fs::remove_file(profiles.folder("default").unwrap().join(REFRESH)).unwrap();
    assert!(!profiles.is_half_over("default", at(1_999)).unwrap(), "nothing renews it");
    saved(0);
    assert!(!profiles.is_half_over("default", at(9_999)).unwrap(), "it never ends");
}

#[test]
fn what_is_forgotten_is_gone() {
    let (_folder, profiles) = logged_in();
    assert_eq!(profiles.refresh_token("default").unwrap().unwrap().expose(), "again");
    let next = Tokens { refresh: Secret::from("and again"), ..tokens() };
    profiles.save("default", &ada(), &creds("SUABC"), &next).unwrap();
    let kept = profiles.refresh_token("default").unwrap().unwrap();
    assert_eq!(kept.expose(), "and again", "that of the login before is worth nothing");
    for _ in 0..2 {
        profiles.forget("default").unwrap();
        assert!(matches!(profiles.open("default", None), Err(ProfileError::NotLoggedIn { .. })));
        for file in [CREDS, ACCESS, REFRESH, PROFILE] {
            assert!(!profiles.folder("default").unwrap().join(file).exists(), "{file}");
        }
    }
}

#[test]
fn names_do_not_leave_the_folder() {
    let (_folder, profiles) = logged_in();
    for name in ["", ".", "..", "../x", "a/b", "/etc", "a\0b", "é", ".hidden", &"a".repeat(65)] {
        assert!(matches!(profiles.open(name, None), Err(ProfileError::Name(_))), "{name:?}");
    }
    assert!(matches!(profiles.open("work", None), Err(ProfileError::NotLoggedIn { .. })));
}

#[test]
fn another_server_is_another_login() {
    let (_folder, profiles) = logged_in();
    assert!(profiles.open("default", Some("http://127.0.0.1:8080/")).is_ok());
    let error = profiles.open("default", Some("https://example.org")).unwrap_err();
    assert!(matches!(error, ProfileError::OtherServer { .. }));
}
