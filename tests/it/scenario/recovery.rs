//! What was lost, and how it goes on: the store of keys, the identity keys. (A lost broker: `live.rs`.)

use std::{fs, path::Path, process::Command, sync::Arc};

use relais_adapters::nkeys;
use relais_domain::{
    credentials::{Grantee, KeyKind, Operator, PublicKey, creds::Creds, decode},
    nsc::Nsc,
    ports::{AccountRole, CredentialsIssuer as _, Grant, KeyPairs as _},
};

use super::security::native;
use crate::{
    contract::resolver::resolver,
    support::{Ran, Up, User, World, run},
};

/// 32 bytes, as a setting has them.
const SEAL_KEY: &str = "c2VhbGVkIHdpdGggYSBrZXkgb2YgMzIgYnl0ZXMhISE=";
const OTHER_KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

/// The broker's address, to be used again by the next start.
fn same_ports(up: &Up) -> impl FnOnce(&mut Command) + use<> {
    let ports = [("RELAIS_HTTP__LISTEN", up.text("http")), ("RELAIS_NATS__LISTEN", up.text("nats"))];
    let ports = ports.map(|(name, url)| (name, url.split("//").nth(1).unwrap().to_owned()));
    move |command| _ = command.envs(ports)
}

fn relais(world: &World, arguments: &[&str]) -> Ran {
    run(&mut world.relais(arguments), "")
}

fn at_broker(world: &World, up: &Up, arguments: &[&str]) -> Ran {
    run(world.relais(arguments).env("RELAIS_NATS__URL", up.text("nats")), "")
}

fn echo(user: &User<'_>) -> Ran {
    user.run(&["request", "echo", "hi", "--timeout", "30s"])
}

/// Revokes the key of a user's device on the broker of a running Relais.
async fn revoke(nsc: &Nsc, keys: &nkeys::KeyPairs, up: &Up, user: &User<'_>) {
    let pair = keys.generate(KeyKind::User);
    let grant = Grant { grantee: Grantee::Issuer, key: pair.public, expires_at: None };
    let jwt = nsc.issue(grant).await.unwrap();
    nsc.attach(Arc::new(resolver(up.text("nats").to_owned(), jwt, pair.seed).await)).await.unwrap();
    let creds = Creds::parse(&fs::read_to_string(user.creds()).unwrap()).unwrap();
    nsc.revoke(AccountRole::Application, &creds.check(keys).unwrap().subject).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_store_comes_back_and_the_broker_remembers_who_was_revoked_since() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let file = world.path("store.backup");
    let file = file.to_str().unwrap();
    let made = relais(&world, &["nsc", "backup", "--out", file, "--json"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stderr.contains("NOT sealed"), "{}", made.stderr);
    let told: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!((&told["accounts"], &told["sealed"]), (&serde_json::json!(["OPS", "SYS", "app"]), &false.into()));
    let again = relais(&world, &["nsc", "backup", "--out", file]);
    assert!(again.code == 1 && again.stderr.contains("there already"), "{}", again.stderr);

    let (nsc, keys) = native(&world);
    revoke(&nsc, &keys, &up, &bob).await;
    drop(nsc);
    assert_eq!((echo(&ada).code, echo(&bob).code), (0, 3));
    let over = relais(&world, &["nsc", "restore", file]);
    assert!(over.code == 1 && over.stderr.contains("there already"), "{}", over.stderr);
    let ports = same_ports(&up);
    up.stop();

    fs::remove_dir_all(world.path("data/nsc")).unwrap();
    let back = relais(&world, &["nsc", "restore", file]);
    assert_eq!(back.code, 0, "{}", back.stderr);
    assert!(back.stdout.contains("OPS, SYS, app") && back.stderr.contains("relais up"), "{}", back.stdout);
    let up = world.up_with(ports);
    assert_eq!((echo(&ada).stdout.as_str(), echo(&bob).code), ("echo hi\n", 3));
    User::new(&world, &up, "carol");
    let status = at_broker(&world, &up, &["nsc", "status"]);
    assert_eq!(status.code, 0, "{}{}", status.stdout, status.stderr);
    up.stop();
    // It stands in the store again, not only on the broker.
    fs::remove_dir_all(world.path("data/nats")).unwrap();
    let up = world.up();
    let bob = Creds::parse(&fs::read_to_string(bob.creds()).unwrap()).unwrap();
    let refused = async_nats::ConnectOptions::with_credentials(bob.format().expose()).unwrap();
    assert!(refused.connect(up.text("nats")).await.is_err());
    up.stop();
}

/// Where nsc keeps a seed.
fn seed(data: &Path, key: &PublicKey) -> std::path::PathBuf {
    let key = key.as_str();
    data.join("nsc/keys/keys").join(&key[..1]).join(&key[1..3]).join(format!("{key}.nk"))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_identity_keys_it_goes_on_by_the_signing_keys() {
    let world = World::new();
    world.up().stop();
    let (nsc, keys) = native(&world);
    let trust = nsc.trust().await.unwrap();
    let operator = decode::<Operator>(trust.operator.as_str(), &*keys).unwrap().subject;
    for key in trust.accounts.iter().map(|(key, _)| key).chain([&operator]) {
        fs::remove_file(seed(&world.path("data"), key)).unwrap();
    }
    drop(nsc);
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let (nsc, keys) = native(&world);
    revoke(&nsc, &keys, &up, &bob).await;
    assert_eq!((echo(&ada).code, echo(&bob).code), (0, 3));
    let shop = world.path("shop.creds");
    assert_eq!(relais(&world, &["service", "add", "shop", "--out", shop.to_str().unwrap()]).code, 0);
    let pushed = at_broker(&world, &up, &["nsc", "push"]);
    assert_eq!(pushed.code, 0, "{}{}", pushed.stdout, pushed.stderr);
    up.stop();

    // The last key that signs accounts is named when it is gone.
    let signing = decode::<Operator>(trust.operator.as_str(), &*keys).unwrap().body.signing_keys;
    signing.iter().for_each(|key| fs::remove_file(seed(&world.path("data"), key)).unwrap());
    let ran = relais(&world, &["up"]);
    assert!(ran.code == 1 && ran.stderr.contains(signing[0].as_str()), "{}", ran.stderr);
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

#[test]
fn a_sealed_store_runs_with_its_key_alone_and_shows_neither_key_nor_seeds() {
    let world = World::new();
    world.up().stop();
    let seeds: Vec<String> = files(&world.path("data/nsc/keys"))
        .into_iter()
        .filter(|(path, _)| path.ends_with(".nk"))
        .map(|own| own.1)
        .collect();
    assert!(seeds.len() >= 9);
    let sealed = |arguments: &[&str]| run(world.relais(arguments).env("RELAIS_NSC__SEAL_KEY", SEAL_KEY), "");

    let up = world.up_with(|command| _ = command.env("RELAIS_NSC__SEAL_KEY", SEAL_KEY).env("RELAIS_LOG", "trace"));
    let ada = User::new(&world, &up, "ada");
    assert_eq!(echo(&ada).code, 0);
    let file = world.path("sealed.backup");
    let backup = sealed(&["nsc", "backup", "--out", file.to_str().unwrap()]);
    assert_eq!((backup.code, backup.stderr.as_str()), (0, ""));
    let settings = sealed(&["settings"]);
    assert!(settings.stdout.contains("nsc.seal_key ") && settings.stdout.contains("***"), "{}", settings.stdout);
    let log = up.log();
    assert!(log.contains("sealed now") && log.len() > 1_000, "{log}");
    let arguments = fs::read_to_string(format!("/proc/{}/cmdline", up.pid())).unwrap();
    let mut seen = files(&world.path("data"));
    seen.push(("the backup".to_owned(), fs::read_to_string(&file).unwrap()));
    seen.extend(
        [("the log", &log), ("settings", &settings.stdout), ("the list of processes", &arguments)]
            .map(|own| (own.0.to_owned(), own.1.clone())),
    );
    for (place, text) in &seen {
        assert!(!text.contains(SEAL_KEY), "the key is in {place}");
        assert!(seeds.iter().all(|seed| !text.contains(seed.trim())), "a seed is in {place}");
    }
    up.stop();

    let refused = |set: &[(&str, &str)], words: &str| {
        let ran = run(world.relais(&["up"]).envs(set.iter().copied()), "");
        assert!(ran.code != 0 && ran.stderr.contains(words), "{words} in {}", ran.stderr);
        assert!(!ran.stderr.contains(SEAL_KEY) && !ran.stderr.contains(OTHER_KEY), "{}", ran.stderr);
    };
    refused(&[], "nsc.seal_key_file");
    refused(&[("RELAIS_NSC__SEAL_KEY", OTHER_KEY)], "was sealed with another key");
    refused(&[("RELAIS_NSC__SEAL_KEY", "too short")], "the seal key of nsc.seal_key is none");
    refused(
        &[("RELAIS_NSC__SEAL_KEY", SEAL_KEY), ("RELAIS_NSC__ENGINE", "nsc")],
        "nsc.engine is nsc, which cannot read sealed keys",
    );
    let key = world.path("seal.key");
    fs::write(&key, SEAL_KEY).unwrap();
    let key = key.to_str().unwrap();
    let mode = |mode| fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    refused(&[("RELAIS_NSC__SEAL_KEY_FILE", key)], "is open to other users of this computer");
    mode(0o600);
    refused(&[("RELAIS_NSC__SEAL_KEY_FILE", key), ("RELAIS_NSC__SEAL_KEY", SEAL_KEY)], "leave one of them out");
    world.up_with(|command| _ = command.env("RELAIS_NSC__SEAL_KEY_FILE", key)).stop();

    // Sealed, lost, back; then plain for nsc.
    fs::remove_dir_all(world.path("data/nsc")).unwrap();
    let without = relais(&world, &["nsc", "restore", file.to_str().unwrap()]);
    assert!(without.code == 1 && without.stderr.contains("nsc.seal_key_file"), "{}", without.stderr);
    assert_eq!(sealed(&["nsc", "restore", file.to_str().unwrap()]).code, 0);
    assert_eq!(relais(&world, &["nsc", "unseal"]).code, 2);
    let unsealed = sealed(&["nsc", "unseal", "--json"]);
    assert_eq!(unsealed.stdout, format!("{{\"unsealed\":{}}}\n", seeds.len()), "{}", unsealed.stderr);
    world.up().stop();
}
