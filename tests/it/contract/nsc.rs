//! The real `nsc`: it reads the store that Relais makes and finds nothing wrong with it, it is an engine like the native one,
//! and the two take turns on one store, with each other and with somebody who runs it by hand.

use std::{fs, process::Command, sync::Arc};

use relais_adapters::{nkeys, nsc, system};
use relais_domain::{
    credentials::{FOR_GOOD, KeyKind},
    memory,
    nsc::{NewUser, Nsc, Wish},
    ports::{AccountRole, CredentialsEngine, CredentialsIssuer as _, KeyPairs, Made},
    testing::{credentials_engine, credentials_issuer},
};

use crate::support::{Ran, User, World, run, tool};

fn nsc(world: &World, arguments: &[&str]) -> Ran {
    let data = world.path("data/nsc");
    let mut command = Command::new(tool("nsc"));
    command.args(arguments).arg("--config-dir").arg(world.path("nsc-config"));
    command.arg("--data-dir").arg(data.join("stores")).arg("--keystore-dir").arg(data.join("keys"));
    command.env("HOME", world.path("home")).env("NKEYS_PATH", data.join("keys")).env("NSC_NO_GIT_IGNORE", "true");
    let mut ran = run(&mut command, "");
    // nsc tells its results on standard error.
    ran.stdout.push_str(&ran.stderr);
    ran
}

#[test]
fn nsc_reads_what_we_made() {
    let world = World::new();
    let up = world.up();
    // Devices are not in the store: a hundred thousand files would drown nsc, and one expired user turns it red.
    let _ada = User::new(&world, &up, "ada");
    up.stop();
    fs::create_dir_all(world.path("home")).unwrap();
    let selected = nsc(&world, &["env", "--operator", "relais"]);
    assert_eq!(selected.code, 0, "{}", selected.stdout);
    let validated = nsc(&world, &["validate", "--all-accounts"]);
    assert_eq!(validated.code, 0, "{}", validated.stdout);
    assert!(!validated.stdout.contains("[ERR ]"), "{}", validated.stdout);
    let accounts = nsc(&world, &["list", "accounts"]);
    for name in ["app", "SYS", "OPS"] {
        assert!(accounts.stdout.contains(name), "{name} in {}", accounts.stdout);
    }
    let described = nsc(&world, &["describe", "account", "--name", "app", "--json"]);
    assert_eq!(described.code, 0, "{}", described.stdout);
    assert!(described.stdout.contains("{{tag(user)}}"), "the role's template: {}", described.stdout);
    let keys = nsc(&world, &["list", "keys", "--all"]);
    assert!(keys.code == 0 && !keys.stdout.to_lowercase().contains("missing"), "{}", keys.stdout);
}

fn keys() -> Arc<dyn KeyPairs> {
    Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)))
}

fn settings(world: &World) -> nsc::Settings {
    nsc::Settings { directory: world.path("data/nsc"), operator: "relais".to_owned(), account: "app".to_owned() }
}

fn by_tool(world: &World, keys: &Arc<dyn KeyPairs>) -> nsc::Tool {
    nsc::Tool::open(&settings(world), tool("nsc"), Arc::clone(keys), Arc::new(system::Clock)).unwrap()
}

fn by_hand(world: &World, keys: &Arc<dyn KeyPairs>) -> nsc::Native {
    nsc::Native::open(&settings(world), Arc::clone(keys), Arc::new(system::Clock)).unwrap()
}

/// By these words its refusals are told apart; see the engine's own tests.
#[test]
fn nsc_still_says_what_we_understand() {
    let (world, keys) = (World::new(), keys());
    fs::create_dir_all(world.path("home")).unwrap();
    drop(by_hand(&world, &keys));
    typed(&world, &["env", "--operator", "relais"]);
    let user = keys.generate(KeyKind::User).public;
    let add = ["add", "user", "--account", "app", "--name", "u", "--public-key", user.as_str()];
    typed(&world, &add);
    let says = |arguments: &[&str], words: &str| {
        let ran = nsc(&world, arguments);
        assert!(ran.code == 1 && ran.stdout.contains(words), "nsc {arguments:?}: {}", ran.stdout);
    };
    says(
        &["edit", "account", "--name", "Z", "--conns", "1"],
        "Error: \"Z\" not in accounts for operator \"relais\" in",
    );
    says(&add, "Error: the user \"u\" already exists");
    says(&["add", "account", "--name", "app"], "Error: the account \"app\" already exists");
    says(&["add", "operator", "--name", "relais"], "[ERR ] operator named relais exists already");
    says(&["edit", "user", "--account", "app", "--name", "v", "--tag", "x"], "Error: user \"v\" not found");
    let gone = "Error: user v does not exist in the current account";
    says(&["delete", "user", "--account", "app", "--name", "v"], gone);
    fs::remove_dir_all(world.path("data/nsc/keys/keys/O")).unwrap();
    let keyless = "Error: unable to resolve any of the following signing keys in the keystore: O";
    says(&["edit", "account", "--name", "app", "--conns", "1"], keyless);
}

#[test]
fn a_relative_folder_and_a_relative_nsc_do() {
    let world = World::new();
    fs::copy(tool("nsc"), world.path("nsc-of-ours")).unwrap();
    let mut setup = world.relais(&["nsc", "setup", "--data", "here"]);
    setup.current_dir(world.path("")).env("NSC_ENGINE", "nsc").env("NSC_PATH", "nsc-of-ours");
    let made = run(&mut setup, "");
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(world.path("here/nsc/stores/relais/relais.jwt").is_file());
    assert!(!world.path("here/nsc/.work").exists(), "nothing is left of the copies");
}

/// What a person types, where it must succeed.
fn typed(world: &World, arguments: &[&str]) -> String {
    let ran = nsc(world, arguments);
    assert_eq!(ran.code, 0, "nsc {arguments:?}: {}", ran.stdout);
    ran.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_on_nsc_keeps_the_contract() {
    let (world, keys) = (World::new(), keys());
    let engine = by_tool(&world, &keys);
    let names = relais_domain::credentials::setup::Names {
        operator: "relais".parse().unwrap(),
        application: "app".parse().unwrap(),
    };
    credentials_engine::suite(&engine, &names, &*keys, &system::Clock).await;
    typed(&world, &["env", "--operator", "relais"]);
    let validated = typed(&world, &["validate", "--all-accounts"]);
    assert!(!validated.contains("[ERR ]"), "{validated}");
    assert!(!world.path("data/nsc/.work").exists(), "nothing is left of the copies");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_on_nsc_keeps_the_contract() {
    let (world, keys) = (World::new(), keys());
    let issuer = by_tool(&world, &keys).into_nsc();
    credentials_issuer::suite(Arc::new(issuer), &*keys).await;
}

async fn add(nsc: &Nsc, name: &str) -> relais_domain::nsc::MadeUser {
    let Made::New(made) = nsc.add_user(NewUser { name: name.to_owned(), ..NewUser::default() }).await.unwrap() else {
        panic!("{name} was there")
    };
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_and_a_person_take_turns_on_one_store() {
    let keys = keys();
    for tool_first in [false, true] {
        let world = World::new();
        fs::create_dir_all(world.path("home")).unwrap();
        let (first, second) = if tool_first {
            let first = by_tool(&world, &keys).into_nsc();
            (first, by_hand(&world, &keys).into_nsc())
        } else {
            let first = by_hand(&world, &keys).into_nsc();
            (first, by_tool(&world, &keys).into_nsc())
        };
        typed(&world, &["env", "--operator", "relais"]);
        let brokers = memory::Resolver::new(&first.trust().await.unwrap().operator, Arc::clone(&keys));
        for nsc in [&first, &second] {
            nsc.attach(Arc::new(brokers.clone())).await.unwrap();
        }
        let (one, two) = (add(&first, "till").await, add(&second, "desk").await);
        let listed = typed(&world, &["list", "users", "--account", "app"]);
        assert!(listed.contains("till") && listed.contains("desk"), "{listed}");
        let described = typed(&world, &["describe", "user", "--account", "app", "--name", "till"]);
        assert!(described.contains("user:till") && described.contains(one.public_key.as_str()), "{described}");

        // A person revokes one, edits the account, and adds a user.
        let signer = signing_key(&world, "operator");
        let person = |arguments: &[&str]| typed(&world, &[arguments, &["--private-key", &signer]].concat());
        person(&["revocations", "add-user", "--account", "app", "--user-public-key", one.public_key.as_str()]);
        person(&["edit", "account", "--name", "app", "--description", "made by hand", "--disallow-bearer"]);
        let plain = signing_key(&world, "account");
        let by_person = ["add", "user", "--account", "app", "--name", "byhand", "--allow-pub", "from.byhand.>"];
        typed(&world, &[&by_person[..], &["--private-key", &plain]].concat());
        for nsc in [&first, &second] {
            let users = nsc.users(None).await.unwrap();
            let refused: Vec<_> =
                users.iter().map(|user| (user.held.claims.name.as_str(), user.refused.is_some())).collect();
            assert_eq!(refused, [("byhand", false), ("desk", false), ("till", true)]);
        }

        // Each engine goes on from what the others left.
        let lists =
            Wish::Lists { publish: vec!["from.{user}.a".to_owned()], subscribe: vec!["to.{user}.>".to_owned()] };
        for (nsc, key) in [(&first, &two.public_key), (&second, &one.public_key)] {
            nsc.edit_user("byhand", None, &lists).await.unwrap();
            nsc.revoke(AccountRole::Application, key).await.unwrap();
            let account = nsc.account_named(&"app".parse().unwrap()).await.unwrap();
            assert!(account.held.claims.has_revoked(key, FOR_GOOD));
            assert_eq!(account.held.claims.body.description, "made by hand", "what others wrote is kept");
        }
        let validated = nsc(&world, &["validate", "--all-accounts"]).stdout;
        assert!(!validated.contains("[ERR ]"), "{validated}");
    }
}

/// A signing key of the operator, or the plain one of the application's account.
fn signing_key(world: &World, of: &str) -> String {
    let described = match of {
        "operator" => typed(world, &["describe", "operator", "--json"]),
        account => typed(world, &["describe", account, "--name", "app", "--json"]),
    };
    let start = described.find('{').unwrap();
    let claims: serde_json::Value =
        serde_json::Deserializer::from_str(&described[start..]).into_iter().next().unwrap().unwrap();
    let keys = claims["nats"]["signing_keys"].as_array().unwrap();
    keys.iter().find_map(serde_json::Value::as_str).unwrap().to_owned()
}

/// A field that neither engine knows, as a later nsc may write.
#[tokio::test(flavor = "multi_thread")]
async fn the_native_engine_keeps_fields_that_it_does_not_know() {
    let (world, keys) = (World::new(), keys());
    let engine = by_hand(&world, &keys);
    let name = "app".parse().unwrap();
    let mut claims = engine.account(&name).await.unwrap().claims.clone();
    claims.body.unknown.insert("later".to_owned(), serde_json::json!({"a": 1}));
    claims.issued_at += 1;
    let operator = engine.operator().await.unwrap();
    let signer = &operator.claims.body.signing_keys[0];
    let seed = engine.seed(signer).await.unwrap().unwrap();
    let pair = keys.from_seed(&seed).unwrap();
    let jwt = relais_domain::credentials::encode(&claims, &pair, &*keys).unwrap();
    fs::write(world.path("data/nsc/stores/relais/accounts/app/app.jwt"), jwt.as_str()).unwrap();
    let nsc = engine.into_nsc();
    let _ = nsc.revoke(AccountRole::Application, &keys.generate(KeyKind::User).public).await;
    let after = nsc.account_named(&name).await.unwrap();
    assert_eq!(after.held.claims.body.unknown["later"]["a"], 1);
}
