//! Registering, logging in, and who is logged in.

use super::*;
use crate::commands::account;

#[tokio::test]
async fn whoami_prints_what_scripts_rely_on() {
    let (folder, profiles) = logged_in();
    let (globals, command) = parse(&["whoami", "--json", "--server", "http://127.0.0.1:8080/"]);
    let (result, written) = with_context!(globals, profiles, "", |context| Box::pin(dispatch(command, context)).await);
    result.unwrap();
    let expected = json!({
        "user_id": "ada", "email": "ada@example.org", "device_id": "d1", "server": "http://127.0.0.1:8080",
        "servers": ["nats://127.0.0.1:4222"], "creds": folder.path().join("relais/default/creds"),
        "inbox_prefix": "_INBOX.ada", "expires_at": null,
        "permissions": {"publish": ["from.ada.>"], "subscribe": ["to.ada.>"]},
    });
    assert_eq!(serde_json::from_str::<Value>(written.out()).unwrap(), expected);
}

async fn log_in(email: &str, server: &str, profiles: &Profiles) -> (Result<(), Failure>, Written) {
    let (globals, command) = parse(&["login", email, "--server", server, "--device", "laptop"]);
    let Command::Login(args) = command else { panic!("no login") };
    with_context!(globals, profiles, "correct horse\nmore\n", |context| account::login(&args, &keys(), context).await)
}

#[tokio::test]
async fn a_login_sends_only_the_public_key_and_the_next_one_reuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::at(folder.path().join("relais"));
    let taken = json!({"title": "taken", "detail": "this key was removed"});
    let (server, heard) = http(vec![
        (200, login_answer()),
        (200, login_answer()),
        (409, taken.clone()),
        (200, login_answer()),
        (200, login_answer()),
        (401, taken),
    ]);
    let sent = |at: usize| heard.lock().unwrap()[at].body["public_key"].as_str().unwrap().to_owned();
    let (result, written) = log_in("ada@example.org", &server, &profiles).await;
    result.unwrap();
    assert!(written.out().starts_with(&format!("logged in as ada@example.org (ada) at {server}")));
    let body = json!({
        "email": "ada@example.org", "password": "correct horse", "device": "laptop", "public_key": public(2).as_str()
    });
    assert_eq!(heard.lock().unwrap()[0].body, body);
    assert_eq!(profiles.creds("default").unwrap().seed.expose(), "SUNEW");
    // The same user at the same server: the key in the profile, which the mock reads as key 1.
    log_in("ada@example.org", &server, &profiles).await.0.unwrap();
    assert_eq!(sent(1), public(1).as_str());
    // The server has banned that key: a new one.
    log_in("ada@example.org", &server, &profiles).await.0.unwrap();
    assert_eq!((sent(2), sent(3)), (public(1).to_string(), public(2).to_string()));
    // Somebody else on this profile: a new one.
    log_in("bob@example.org", &server, &profiles).await.0.unwrap();
    assert_eq!(sent(4), public(2).as_str());
    let (result, _) = log_in("bob@example.org", &server, &profiles).await;
    let failure = result.unwrap_err();
    assert_eq!((failure.exit, failure.hint.unwrap().contains("relais register")), (Exit::NotAllowed, true));
}

#[tokio::test]
async fn registering_takes_the_password_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::at(folder.path().to_owned());
    let user =
        json!({"id": "ada", "email": "ada@example.org", "created_at": "2026-01-01T00:00:00Z", "to_be_verified": false});
    let (server, heard) = http(vec![(201, user), (409, json!({"detail": "taken"}))]);
    let line = ["register", "Ada@Example.org", "--server", &server];
    for (input, expected) in [
        ("pass word \r\n", Ok("registered ada@example.org as ada\n")),
        ("x", Err((Exit::Failed, "relais login"))),
        ("", Err((Exit::Usage, "standard input"))),
        ("\n", Err((Exit::Usage, "standard input"))),
    ] {
        let (globals, command) = parse(&line);
        let (result, written) =
            with_context!(globals, profiles, input, |context| Box::pin(dispatch(command, context)).await);
        match expected {
            Ok(text) => assert_eq!((result, written.out()), (Ok(()), text)),
            Err((exit, hint)) => {
                let failure = result.unwrap_err();
                assert_eq!((failure.exit, failure.hint.unwrap().contains(hint)), (exit, true), "{input:?}");
            }
        }
    }
    assert_eq!(heard.lock().unwrap()[0].body["password"], "pass word ");
}
