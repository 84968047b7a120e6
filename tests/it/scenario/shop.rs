//! A developer's own program: the one in the README, built as a stranger builds it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{User, World, run, signal};

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The target folder these tests were built in, so that what is compiled already is compiled once.
fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).expect("a target folder").to_owned()
}

#[test]
fn the_readme_shows_the_program_that_is_tested() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let program = fs::read_to_string(repository().join("docs/first-program/src/main.rs")).unwrap();
    assert!(readme.contains(&program), "README.md and docs/first-program/src/main.rs differ");
    let lines = program.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 10, "a ten-line program has {lines} lines");
}

#[test]
fn ten_lines_answer_within_a_running_relais() {
    let manifest = repository().join("docs/first-program/Cargo.toml");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .env("CARGO_TARGET_DIR", target())
        .status()
        .unwrap();
    assert!(built.success());

    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let creds = world.path("shop.creds");
    let added = run(&mut world.relais(&["service", "add", "shop", "--out", creds.to_str().unwrap()]), "");
    assert_eq!(added.code, 0, "{}", added.stderr);

    let program = target().join("debug/shop");
    let mut shop = Command::new(program);
    shop.env_clear().env("RELAIS_NATS__CREDS", &creds).env("RELAIS_NATS__URL", up.text("nats"));
    let mut shop =
        shop.current_dir(world.path("")).stderr(fs::File::create(world.path("shop.log")).unwrap()).spawn().unwrap();

    let proto = repository().join("docs/first-program/shop.proto");
    let ask = |body: &str| {
        let proto = proto.to_str().unwrap();
        ada.run(&["request", "orders.new", body, "--type", "shop.OrderRequest", "--descriptors", proto])
    };
    // It takes a moment to connect; until then nobody answers, which is exit code 4.
    let answered = loop {
        let asked = ask("tea");
        if asked.code != 4 {
            break asked;
        }
    };
    assert_eq!((answered.code, answered.stdout), (0, format!("tea for {}\n", ada.id())), "{}", answered.stderr);
    assert_eq!(ask(r#"{"item":"milk"}"#).stdout, format!("milk for {}\n", ada.id()));
    assert_eq!(ada.run(&["request", "echo", "still here"]).stdout, "echo still here\n", "both services answer");

    signal(shop.id(), "INT");
    assert!(shop.wait().unwrap().success(), "Ctrl-C ends it well");
    assert_eq!(ask("tea").code, 4);
    let log = fs::read_to_string(world.path("shop.log")).unwrap();
    assert!(log.contains("answering") && !log.contains('\u{1b}'), "no colours where no terminal is: {log}");

    let mut wrong = Command::new(target().join("debug/shop"));
    wrong.env_clear().env("RELAIS_NATS__CREDS", Path::new("/no/such.creds")).current_dir(world.path(""));
    let ran = run(&mut wrong, "");
    assert!(ran.stderr.contains("the creds file /no/such.creds cannot be used: No such file"), "{}", ran.stderr);
    assert!(ran.code == 1 && ran.stderr.contains("/no/such.creds"), "{}", ran.stderr);
}
