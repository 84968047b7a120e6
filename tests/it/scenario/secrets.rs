//! Passwords, seeds and tokens are seen by nobody they are not for: not in logs at their loudest, not in the database, not
//! in a list of processes.

use std::{fs, path::Path};

use relais_domain::credentials::creds::Creds;

use crate::support::{PASSWORD, User, World, run};

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
