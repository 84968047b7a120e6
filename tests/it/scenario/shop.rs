//! A developer's own program, from `relais new` to an answer: the README's, built as a stranger builds it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Lines, Program, User, World, run, service_creds};

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The target folder these tests were built in, so that what is compiled already is compiled once.
fn target() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).expect("a target folder").to_owned()
}

/// Has `relais new` write the program `shop` into `folder`.
fn new(world: &World, folder: &Path) {
    let written = run(&mut world.relais(&["new", "shop", "--path", folder.to_str().unwrap()]), "");
    assert_eq!(written.code, 0, "{}", written.stderr);
}

#[test]
fn the_readme_shows_the_program_that_is_written() {
    let world = World::new();
    new(&world, &world.path("shop"));
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    for (file, longest) in [("src/lib.rs", 10), ("src/main.rs", 5)] {
        let text = fs::read_to_string(world.path("shop").join(file)).unwrap();
        // All but what the file is for.
        let (_, program) = text.split_once("\n\n").unwrap();
        assert!(readme.contains(program), "README.md does not show the {file} that relais new writes");
        let lines = program.lines().filter(|line| !line.trim().is_empty() && !line.contains("///")).count();
        assert!(lines <= longest, "{file} has {lines} lines");
    }
}

#[test]
fn a_new_program_passes_its_test_and_answers_within_a_running_relais() {
    // Always the same folder, so that cargo knows what it has built there before.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new/shop");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    let world = World::new();
    new(&world, &folder);
    // The versions that this repository is tested with, which are here already: a stranger's cargo asks the registry.
    fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let mut tests = Command::new(env!("CARGO"));
    tests.args(["test", "--offline", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    // The workspace's settings for what lies below, so that what both have alike is not compiled again.
    tests.env("CARGO_TARGET_DIR", target()).env("CARGO_PROFILE_DEV_DEBUG", "false");
    let tested = run(tests.env("CARGO_PROFILE_DEV_SPLIT_DEBUGINFO", "unpacked"), "");
    assert_eq!(tested.code, 0, "{}{}", tested.stdout, tested.stderr);
    assert!(tested.stdout.contains("2 passed"), "{}", tested.stdout);

    let settings = folder.join("relais.toml");
    let up = world.up_with(|command| {
        command.arg("--config").arg(&settings);
    });
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let creds = service_creds(&world, &up, "shop");
    let program = target().join("debug/shop");
    let shop = Program::answering(&world, &up, &program, &creds, &[]);

    let proto = folder.join("shop.proto");
    let ask = |body: &str| {
        let proto = proto.to_str().unwrap();
        ada.run(&["request", "shop.hello", body, "--type", "HelloRequest", "--descriptors", proto])
    };
    let answered = ask("Ada");
    assert_eq!(
        (answered.code, answered.stdout),
        (0, format!("hello Ada, you are {}\n", ada.id())),
        "{}",
        answered.stderr
    );
    let refused = ada.run(&["request", "shop.hello", "\u{7f}", "--raw"]);
    assert!(refused.code == 1 && refused.stderr.contains("(400)"), "{}", refused.stderr);
    let mut heard = Lines::listening(&mut bob.command(&["subscribe", "--topic", "news", "--count", "1"]));
    assert_eq!(ada.run(&["publish", "topic.news", "it rains"]).code, 0);
    assert_eq!(heard.next(), format!("topic.news.{}  it rains", ada.id()), "their role lets them");
    assert_eq!(ada.run(&["request", "echo", "still here"]).stdout, "echo still here\n", "both services answer");

    let log = shop.stop();
    assert_eq!(ask("Ada").code, 4);
    assert!(log.contains("answering") && !log.contains('\u{1b}'), "no colours where no terminal is: {log}");

    let mut wrong = Command::new(&program);
    wrong.env_clear().env("RELAIS_NATS__CREDS", "/no/such.creds").current_dir(world.path(""));
    let ran = run(&mut wrong, "");
    assert!(ran.stderr.contains("the creds file /no/such.creds cannot be used: No such file"), "{}", ran.stderr);
    assert_eq!(ran.code, 1);
}
