//! What nsc is given, by a stand-in that writes it down; and an nsc that hangs, floods, refuses or is not there.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
    sync::Mutex,
};

use proptest::prelude::*;
use relais_domain::{
    credentials::{
        Access, Grantee, KeyKind,
        permissions::Permissions,
        setup::{EntityName, Names, UserName},
        user_to_sign,
    },
    identity::{RoleName, ServiceName, Topic, UserId},
    memory,
    ports::{AccountRole, Grant, KeyPairs as _},
};
use tempfile::TempDir;

use super::*;

/// A program in a folder of its own.
struct StandIn {
    folder: TempDir,
    turn: Mutex<()>,
}

impl StandIn {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nsc");
        // Another process writes it. While a test beside this one starts a program, that program holds for a moment whatever this process
        // has open, and what is open for writing cannot be run ("text file busy").
        let mut writer = Command::new("sh")
            .args(["-c", r#"cat > "$1" && chmod 755 "$1""#, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        Self { folder, turn: Mutex::new(()) }
    }

    /// One that writes down its arguments, each with a NUL behind it.
    fn recording() -> Self {
        Self::new(r#"printf '%s\0' "$@" > "$HOME/said""#)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("nsc")
    }

    /// What it was given, byte for byte.
    fn given(&self, argv: &Argv) -> Vec<Vec<u8>> {
        let _turn = self.turn.lock().unwrap();
        Limits::default().run(&self.path(), argv, Some(self.folder.path())).unwrap();
        let said = fs::read(self.folder.path().join("said")).unwrap();
        said.split(|byte| *byte == 0).map(<[u8]>::to_vec).take(argv.iter().count()).collect()
    }
}

/// Names that mean something to a shell, to nsc, to a file system, to NATS, or to nobody.
fn hostile() -> impl Strategy<Value = String> {
    let sharp = prop::sample::select(vec![
        "-",
        "--",
        "@",
        "/",
        "\\",
        "..",
        "*",
        ">",
        "'",
        "\"",
        "`",
        "$(id)",
        ";",
        "&",
        "|",
        "\n",
        "\r",
        "\0",
        "\t",
        " ",
        ",",
        "=",
        "%",
        "~",
        "{{tag(user)}}",
        "{",
        "é",
        "\u{202e}",
        "😀",
        "--private-key=",
        "generate",
        "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
        "a",
        "ada",
        ".",
        "svc-",
        "\u{7f}",
        "\u{85}",
        "#",
        "!",
        "^",
        "<",
        "(",
        ")",
        "[",
        "]",
    ]);
    prop::collection::vec(
        prop_oneof![3 => sharp.prop_map(str::to_owned), 1 => "[ -~]{0,12}", 1 => any::<char>().prop_map(String::from)],
        0..6,
    )
    .prop_map(|parts| parts.concat())
}

fn samples(count: usize) -> Vec<String> {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let fixed =
        ["", "-rf", "@/etc/passwd", "a/b", "--help", "../../x", "a,b", "\"", "a\"b,\"c", "\0", "x\n--y", "-K=SU"];
    let drawn = (fixed.len()..count).map(|_| hostile().new_tree(&mut runner).unwrap().current());
    fixed.into_iter().map(str::to_owned).chain(drawn).collect()
}

use proptest::strategy::ValueTree as _;

/// A line of CSV with one field, as Go's `encoding/csv` reads it.
fn csv_field(line: &str) -> Option<String> {
    match line.strip_prefix('"') {
        Some(quoted) => {
            let inner = quoted.strip_suffix('"')?;
            let plain = inner.replace("\"\"", "\u{0}");
            if plain.contains('"') { None } else { Some(plain.replace('\u{0}', "\"")) }
        }
        None if line.contains([',', '"']) => None,
        None => Some(line.to_owned()),
    }
}

#[test]
fn ten_thousand_hostile_names_are_refused_or_given_byte_for_byte() {
    let stand_in = StandIn::recording();
    let (mut given, mut refused) = (0, 0);
    for names in samples(10_000).chunks(50) {
        let mut argv = Argv::of(["edit", "account"]);
        let mut expected = vec![b"edit".to_vec(), b"account".to_vec()];
        for name in names {
            let before = argv.clone();
            match (argv.flag("name", name), argv.entry("allow-pub", name)) {
                (Ok(()), Ok(())) => {
                    given += 1;
                    expected.push(format!("--name={name}").into_bytes());
                    let entry = argv.iter().last().unwrap().to_owned();
                    let line = entry.strip_prefix("--allow-pub=").unwrap();
                    assert_eq!(csv_field(line).as_ref(), Some(name), "nsc would read something else in {line:?}");
                    expected.push(entry.into_bytes());
                }
                (Err(ToolError::Odd(_)), Err(ToolError::Odd(_))) => {
                    refused += 1;
                    assert!(name.chars().any(char::is_control), "{name:?}");
                    assert_eq!(argv, before);
                }
                other => panic!("{name:?}: {other:?}"),
            }
        }
        assert_eq!(stand_in.given(&argv), expected);
    }
    assert!(given > 4_000 && refused > 500, "{given} given, {refused} refused");
}

/// What becomes a name of an operator, account, user, role, service or topic is refused by its type, before anything is run.
#[test]
fn no_hostile_name_is_a_name() {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let mut names = 0;
    for text in samples(10_000) {
        let parsed = [
            text.parse::<EntityName>().is_ok(),
            text.parse::<UserName>().is_ok(),
            text.parse::<UserId>().is_ok(),
            text.parse::<RoleName>().is_ok(),
            text.parse::<ServiceName>().is_ok(),
            text.parse::<Topic>().is_ok(),
        ];
        if parsed.contains(&true) {
            names += 1;
            assert!(plain(&text) && !text.starts_with(['-', '@', '_']) && !text.is_empty(), "{text:?} is a name");
        }
    }
    assert!(names < 5_000, "the rest is refused");
}

/// The commands for a user whose lists hold anything at all.
#[test]
fn the_commands_for_a_user_are_what_its_claims_say() {
    let (stand_in, pairs) = (StandIn::recording(), memory::KeyPairs::default());
    let names = Names { operator: "O".parse().unwrap(), application: "A".parse().unwrap() };
    let keys = Keys::generate(&pairs);
    let now = jiff::Timestamp::from_second(1_767_225_600).unwrap();
    let setup = Setup::new(&names, &keys, now);
    let (_, account) = setup.accounts.iter().find(|(role, _)| *role == AccountRole::Application).unwrap();
    for subjects in samples(1_000).chunks(10) {
        let lists = Permissions { publish: subjects.to_vec(), subscribe: vec!["to.ada.>".to_owned()] };
        let grantee = Grantee::User { name: "ada".parse().unwrap(), access: Access::Lists(lists) };
        let key = pairs.generate(KeyKind::User).public;
        let expires_at = Some(jiff::Timestamp::from_second(4_102_444_799).unwrap());
        let user = user_to_sign(&Grant { grantee, key: key.clone(), expires_at }, account, |_| true, now).unwrap();
        let steps = argv::user(&user);
        if subjects.iter().any(|subject| subject.chars().any(char::is_control)) {
            assert!(matches!(steps, Err(ToolError::Odd(_))));
            continue;
        }
        let steps = steps.unwrap();
        let given: Vec<String> =
            stand_in.given(&steps[0]).into_iter().map(|own| String::from_utf8(own).unwrap()).collect();
        let signer = user.signer();
        let mut expected = vec![
            "add".to_owned(),
            "user".to_owned(),
            "--account=A".to_owned(),
            "--name=ada".to_owned(),
            format!("--public-key={key}"),
            format!("--private-key={signer}"),
            "--expiry=2099-12-31 23:59:59 UTC".to_owned(),
            "--tag=user:ada".to_owned(),
        ];
        let at = expected.len();
        let listed: Vec<_> = given[at..at + subjects.len()]
            .iter()
            .map(|own| csv_field(own.strip_prefix("--allow-pub=").unwrap()).unwrap())
            .collect();
        assert_eq!(listed, subjects);
        expected.extend(given[at..at + subjects.len()].to_vec());
        expected.push("--allow-sub=to.ada.>".to_owned());
        assert_eq!(given, expected);
        let edit: Vec<_> = steps[1].iter().collect();
        assert_eq!(edit[..2], ["edit", "user"]);
        for limit in ["--subs=64", "--payload=524288", "--conn-type=STANDARD", "--conn-type=WEBSOCKET"] {
            assert!(edit.contains(&limit), "{limit} in {edit:?}");
        }
    }
}

/// nsc's own words: that it still says them, the contract suite of the real one looks.
#[test]
fn what_it_says_becomes_our_kinds() {
    for (said, kind) in [
        ("\"Z\" not in accounts for operator \"O\" in `/x`", "no account Z"),
        ("user \"v\" not found", "no user v"),
        ("user v does not exist in the current account", "no user v"),
        ("the user \"u\" already exists", "a user u"),
        ("the account \"App\" already exists", "an account App"),
        ("operator named O exists already please inspect", "an operator O"),
        ("unable to resolve any of the following signing keys in the keystore: A1, A2", "A1, A2"),
    ] {
        let error = run(&format!("echo 'Error: {said}' >&2; exit 1"), Limits::default());
        let told = match error.told() {
            EngineError::Unknown { what, name } => format!("no {what} {name}"),
            EngineError::Exists { what, name, .. } => format!("{what} {name}"),
            EngineError::NoKey { wanted, .. } => wanted,
            other => panic!("{said}: {other:?}"),
        };
        assert_eq!(told, kind);
    }
}

#[test]
fn revocations_that_are_no_keys_and_tiers_are_refused() {
    let (pairs, now) = (memory::KeyPairs::default(), jiff::Timestamp::from_second(1_767_225_600).unwrap());
    let names = Names { operator: "O".parse().unwrap(), application: "A".parse().unwrap() };
    let keys = Keys::generate(&pairs);
    let setup = Setup::new(&names, &keys, now);
    let (_, before) = setup.accounts.iter().find(|(role, _)| *role == AccountRole::Application).unwrap();
    let signer = &keys.operator_signing.public;
    for (key, good) in
        [("*".to_owned(), true), (pairs.generate(KeyKind::User).public.to_string(), true), ("ada".to_owned(), false)]
    {
        let mut next = before.clone();
        next.body.revocations.insert(key.clone(), 1);
        assert_eq!(argv::account(Some(before), &next, signer).is_ok(), good, "{key}");
    }
    let mut next = before.clone();
    next.body
        .limits
        .tiered_limits
        .insert("R3".to_owned(), relais_domain::credentials::JetStreamLimits::default().into());
    assert!(matches!(argv::account(Some(before), &next, signer), Err(ToolError::NoCommand(_))));
}

fn run(script: &str, limits: Limits) -> ToolError {
    let stand_in = StandIn::new(script);
    limits.run(&stand_in.path(), &Argv::of(["add", "user"]), None).unwrap_err()
}

#[test]
fn one_that_hangs_is_stopped() {
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let error = run("exec tail -f /dev/null", limits);
    assert!(matches!(error, ToolError::TooSlow { .. }), "{error}");
    assert!(error.to_string().contains("`nsc add user`"), "{error}");
    assert!(matches!(error.told(), EngineError::Busy(_)));
}

#[test]
fn one_that_hangs_in_silence_is_stopped() {
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let error = run("exec >&- 2>&-; exec sleep 1000", limits);
    assert!(matches!(error, ToolError::TooSlow { .. }), "{error}");
}

#[test]
fn one_that_floods_is_stopped() {
    for stream in ["exec yes", "exec yes >&2"] {
        let error = run(stream, Limits { output: 10_000, ..Limits::default() });
        assert!(matches!(error, ToolError::TooMuch { limit: 10_000, .. }), "{error}");
    }
}

#[test]
fn what_it_says_is_told_in_short() {
    let error = run("echo '[ OK ] fine'; echo 'Error: the user \"ada\" already exists' >&2; exit 1", Limits::default());
    assert!(error.to_string().contains("the user \"ada\" already exists"), "{error}");
    assert!(!error.to_string().contains("fine"), "{error}");
    assert!(matches!(error.told(), EngineError::Exists { .. }));
    let error = run("head -c 3000 /dev/zero | tr '\\0' x; exit 3", Limits::default());
    assert!(error.to_string().len() < 600, "{error}");
    assert!(matches!(error.told(), EngineError::Store(_)));
}

#[test]
fn one_that_is_not_there_says_how_to_install_it() {
    let folder = tempfile::tempdir().unwrap();
    let (pairs, clock) = (Arc::new(memory::KeyPairs::default()), Arc::new(memory::Clock::default()));
    fs::write(folder.path().join("nsc"), "no program").unwrap();
    let another = StandIn::new("echo another program");
    for name in [Path::new("absent"), Path::new("nsc"), Path::new("."), &another.path()] {
        let settings =
            Settings { directory: folder.path().join("store"), operator: "O".to_owned(), account: "A".to_owned() };
        let opened = Tool::open(&settings, folder.path().join(name), pairs.clone(), clock.clone());
        let Err(OpenError::Tool(error)) = opened.map(drop) else { panic!("{} was opened", name.display()) };
        assert!(error.to_string().contains("go install github.com/nats-io/nsc/v2@"), "{error}");
        assert!(matches!(error.told(), EngineError::NoTool { .. }));
        assert!(!settings.directory.exists(), "nothing is made before");
    }
    assert_eq!(find(Some(Path::new("/opt/nsc"))).unwrap(), Path::new("/opt/nsc"), "what is named is taken");
    assert!(find(Some(Path::new("tools/nsc"))).unwrap().is_absolute(), "it runs in another folder");
}

#[test]
fn it_gets_no_shell_no_input_and_no_environment_of_ours() {
    let stand_in = StandIn::new(r#"{ env; echo "stdin:$(cat)"; } > "$HOME/said""#);
    Limits::default().run(&stand_in.path(), &Argv::of(["env"]), Some(stand_in.folder.path())).unwrap();
    let said = fs::read_to_string(stand_in.folder.path().join("said")).unwrap();
    let names: Vec<_> = said.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    // What the shell of the stand-in adds by itself.
    let foreign: Vec<_> = names
        .iter()
        .filter(|name| !["HOME", "NSC_NO_GIT_IGNORE", "PWD", "_", "OLDPWD", "SHLVL", "PATH"].contains(name))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(said.ends_with("stdin:\n"), "{said}");
}
