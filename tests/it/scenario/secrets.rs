//! Passwords, seeds and tokens are seen by nobody they are not for: not in logs at their loudest, not in the database, not
//! in a list of processes.

use std::{fs, path::Path};

use relais_domain::credentials::creds::Creds;

use serde_json::json;

use crate::support::{Caller, PASSWORD, User, World, caught, code_in, run};

/// Every file below `folder`, except where seeds are kept on purpose.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(bytes) = fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_canary_is_found_nowhere() {
    let world = World::new();
    let up = world.up_with(|command| _ = command.env("RELAIS_LOG", "trace"));
    let ada = User::new(&world, &up, "ada");
    assert_eq!(ada.run(&["request", "echo.identified", "hello"]).code, 0);
    let wrong = ada.run_with(&["login", "ada@example.org"], "a-wrong-canary-password");
    assert_eq!(wrong.code, 3);
    let shop = world.path("shop.creds");
    let added = run(&mut world.relais(&["service", "add", "shop", "--out", shop.to_str().unwrap()]), "");
    assert_eq!(added.code, 0, "{}", added.stderr);

    let creds = Creds::parse(&fs::read_to_string(ada.creds()).unwrap()).unwrap();
    let service = Creds::parse(&fs::read_to_string(&shop).unwrap()).unwrap();
    let token = fs::read_to_string(ada.creds().parent().unwrap().join("access")).unwrap();
    let mut kept = Vec::new();
    files(&world.path("data"), &mut kept);
    let mut seeds: Vec<String> = kept
        .iter()
        .filter(|(path, _)| path.ends_with(".nk"))
        .map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap().trim().to_owned())
        .collect();
    assert!(seeds.len() >= 6);
    seeds.push(fs::read_to_string(world.path("data/access.key")).unwrap());
    let canaries = [PASSWORD, "a-wrong-canary-password", creds.seed.expose(), service.seed.expose(), token.trim()];
    let canaries: Vec<&str> = canaries.into_iter().chain(seeds.iter().map(String::as_str)).collect();

    let log = up.log();
    assert!(log.contains("DEBUG") && log.len() > 1_000, "the log is at its loudest: {} bytes", log.len());
    let arguments = fs::read(format!("/proc/{}/cmdline", up.pid())).unwrap();
    for canary in &canaries {
        assert!(!log.contains(canary), "a secret is in the log");
        assert!(!holds(&arguments, canary), "a secret is in the list of processes");
    }
    for (path, bytes) in &kept {
        if path.ends_with(".nk") || path.ends_with("access.key") {
            continue;
        }
        for canary in &canaries {
            assert!(!holds(bytes, canary), "a secret is in {path}");
        }
    }
    assert!(kept.iter().any(|(path, bytes)| path.ends_with("relais.db") || holds(bytes, "ada@example.org")));
}

/// Everything that a login and what follows it lets somebody know: each refresh token of a chain, access tokens, codes that were used
/// and one that was not, passwords old and new, a seed that the server has made.
#[tokio::test(flavor = "multi_thread")]
async fn what_sessions_and_codes_hand_out_is_found_nowhere() {
    let world = World::new();
    let up = world.up_with(|command| _ = command.env("RELAIS_LOG", "trace"));
    let mut ada = Caller::new(&up, "ada").await;
    let mut canaries = vec![PASSWORD.to_owned(), "another-canary-word".to_owned(), "a-third-canary-word".to_owned()];
    let creds = Creds::parse(ada.login["creds"].as_str().unwrap()).unwrap();
    canaries.push(creds.seed.expose().to_owned());
    for _ in 0..3 {
        canaries.extend(["access_token", "refresh_token"].map(|name| ada.login[name].as_str().unwrap().to_owned()));
        ada.refresh().await;
    }
    let words = json!({"old": PASSWORD, "new": "another-canary-word"});
    assert_eq!(ada.post("/password", words).await.0, 204);
    let email = json!({"email": "ada@example.org"});
    for (count, path) in [(1, "/login/code"), (2, "/password/reset"), (3, "/login/code")] {
        assert_eq!(ada.post(path, email.clone()).await.0, 202);
        let code = code_in(caught(up.text("mail"), count).await[0]["body"].as_str().unwrap());
        canaries.extend([code.clone(), code.replace('-', "")]);
        let done = match count {
            1 => ada.post("/login", json!({"email": "ada@example.org", "code": code})).await.0,
            2 => {
                let reset = json!({"email": "ada@example.org", "code": code, "password": "a-third-canary-word"});
                ada.post("/password/reset/confirm", reset).await.0
            }
            _ => continue,
        };
        assert!(done.is_success(), "{done}");
    }
    let log = up.log();
    assert!(log.contains("DEBUG") && log.contains("a forgotten password was replaced"), "the log is at its loudest");
    let mut kept = Vec::new();
    files(&world.path("data"), &mut kept);
    assert!(kept.iter().any(|(path, bytes)| path.contains("relais.db") && holds(bytes, "ada@example.org")));
    for canary in &canaries {
        assert!(!log.contains(canary), "{} is in the log", &canary[..4]);
        for (path, bytes) in &kept {
            assert!(!holds(bytes, canary), "{} is in {path}", &canary[..4]);
        }
    }
    up.stop();
}
