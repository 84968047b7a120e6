//! Passwords, seeds and tokens are seen by nobody they are not for: not in logs at their loudest, not in the database, not in a
//! list of processes or its environment, not in what a command says, and in files of their owner's alone.

mod commands;
mod house;
mod process;
mod settings;

use std::{path::Path, process::Command};

use relais_domain::credentials::creds::Creds;
use serde_json::json;

use self::house::Keys;
use crate::support::{Caller, Canaries, PASSWORD, User, World, caught, code_in, run};

/// The same command under a mask that takes nothing away from others: what is private then is so on purpose.
fn open_handed(command: &Command) -> Command {
    let mut own = Command::new("sh");
    own.args(["-c", "umask 0; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args()).env_clear();
    own.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        own.current_dir(folder);
    }
    own
}

/// Plants what a profile holds.
fn plant_profile(canaries: &mut Canaries, number: &str, folder: &Path) {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap().trim().to_owned();
    let creds = Creds::parse(&read("creds")).unwrap();
    canaries.plant_at(&format!("the seed of {number}"), creds.seed.expose(), &[&folder.join("creds")]);
    canaries.plant_at(&format!("the access token of {number}"), &read("access"), &[&folder.join("access")]);
    plant_refresh_token(canaries, number, &read("refresh"), &[&folder.join("refresh")]);
}

/// Plants a refresh token, and the secret in it by itself.
fn plant_refresh_token(canaries: &mut Canaries, number: &str, token: &str, homes: &[&Path]) {
    canaries.plant_at(&format!("the refresh token of {number}"), token, homes);
    let bytes = data_encoding::BASE64URL_NOPAD.decode(token.strip_prefix("relais_rt_").unwrap().as_bytes()).unwrap();
    // Of what names the session the database knows.
    let hidden = data_encoding::HEXLOWER.encode(&bytes[16..]);
    canaries.plant_at(&format!("what the refresh token of {number} hides"), &hidden, homes);
}

/// Plants a mailed code, as people type it too.
fn plant_code(canaries: &mut Canaries, number: &str, code: &str) {
    canaries.plant(&format!("the code of {number}"), code);
    let (bare, small) = (code.replace('-', ""), code.to_lowercase());
    canaries.plant(&format!("the code of {number} in one word"), &bare);
    canaries.plant(&format!("the code of {number} in small letters"), &small);
    canaries.plant(&format!("the code of {number} in one word in small letters"), &bare.to_lowercase());
}

#[test]
fn a_canary_is_found_nowhere() {
    let world = World::new();
    let up = crate::support::Up::start(open_handed(world.relais(&["up", "--json"]).env("RELAIS_LOG", "trace")));
    let mut canaries = Canaries::default();
    canaries.plant("the password", PASSWORD);
    canaries.plant("a wrong password", "a-wrong-canary-password");
    let keys = Keys::of(&world.path("data"), &mut canaries, &[]);
    let ada = User::new(&world, &up, "ada");
    assert_eq!(ada.run(&["request", "echo.identified", "hello"]).code, 0);
    let wrong = ada.run_with(&["login", "ada@example.org"], "a-wrong-canary-password");
    assert_eq!(wrong.code, 3);
    let shop = world.path("shop.creds");
    let add = ["service", "add", "shop", "--out", shop.to_str().unwrap()];
    let added = run(&mut open_handed(&world.relais(&add)), "");
    assert_eq!(added.code, 0, "{}", added.stderr);
    plant_profile(&mut canaries, "ada", ada.creds().parent().unwrap());
    let service = Creds::parse(&std::fs::read_to_string(&shop).unwrap()).unwrap();
    canaries.plant_at("the service's seed", service.seed.expose(), &[&shop]);

    let log = up.log();
    assert!(log.contains("DEBUG") && log.len() > 1_000, "the log is at its loudest: {} bytes", log.len());
    canaries.absent("the log", &log);
    canaries.absent("what it prints", up.ready.to_string());
    process::look(&up, &canaries, &[]);
    let home = canaries.sweep(&world.path(""));
    assert!(keys.count >= 7 && home.len() >= keys.count + 5, "found where they are at home: {home:?}");
    let kept = crate::support::files(&world.path("data"));
    let database = kept.iter().filter(|path| path.to_string_lossy().contains("relais.db"));
    let emails =
        database.filter(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).contains("ada@example.org"));
    assert!(emails.count() > 0, "the database was looked at");
    house::is_private(&world.path("data"));
    up.stop();
    canaries.sweep(&world.path(""));
}

/// Everything that a login and what follows it lets somebody know: each refresh token of a chain, access tokens, codes that were used
/// and one that was not, passwords old and new, a seed that the server has made.
#[tokio::test(flavor = "multi_thread")]
async fn what_sessions_and_codes_hand_out_is_found_nowhere() {
    let world = World::new();
    let seal = "c0ffee15".repeat(8);
    let up = world.up_with(|command| _ = command.env("RELAIS_LOG", "trace").env("RELAIS_NSC__SEAL_KEY", &seal));
    let mut ada = Caller::new(&up, "ada").await;
    let mut canaries = Canaries::default();
    canaries.plant("the key that seals", &seal);
    for (name, password) in [("first", PASSWORD), ("second", "another-canary-word"), ("third", "a-third-canary-word")] {
        canaries.plant(&format!("the {name} password"), password);
    }
    let creds = Creds::parse(ada.login["creds"].as_str().unwrap()).unwrap();
    canaries.plant("the seed", creds.seed.expose());
    for round in 0..3 {
        let of = |name: &str| ada.login[name].as_str().unwrap().to_owned();
        canaries.plant(&format!("access token {round}"), &of("access_token"));
        plant_refresh_token(&mut canaries, &round.to_string(), &of("refresh_token"), &[]);
        ada.refresh().await;
    }
    let words = json!({"old": PASSWORD, "new": "another-canary-word"});
    assert_eq!(ada.post("/password", words).await.0, 204);
    let email = json!({"email": "ada@example.org"});
    for (count, path) in [(1, "/login/code"), (2, "/password/reset"), (3, "/login/code")] {
        assert_eq!(ada.post(path, email.clone()).await.0, 202);
        let code = code_in(caught(up.text("mail"), count).await[0]["body"].as_str().unwrap());
        plant_code(&mut canaries, &format!("mail {count}"), &code);
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
    canaries.absent("the log", &log);
    process::look(&up, &canaries, &["the key that seals"]);
    canaries.sweep(&world.path("data"));
    up.stop();
    canaries.sweep(&world.path("data"));
}
