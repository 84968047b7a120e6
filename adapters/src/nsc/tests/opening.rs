//! What is opened and what is refused.

use super::*;

#[cfg(unix)]
#[test]
fn files_and_folders_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.open().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in files(&bench.directory()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        for folder in file.ancestors().skip(1).take_while(|folder| folder.starts_with(bench.directory())) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
}

#[cfg(unix)]
#[test]
fn a_store_that_others_can_read_is_not_opened() {
    use std::os::unix::fs::PermissionsExt;
    let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let bench = Bench::new();
    bench.open().unwrap();
    let layout = bench.layout();
    for seed in seeds(&bench) {
        for mode in [0o640, 0o604, 0o620, 0o644] {
            chmod(&seed, mode);
            let error = bench.open().err().unwrap();
            let text = error.to_string();
            assert!(matches!(error, OpenError::Exposed { .. }));
            assert!(text.contains(&seed.display().to_string()) && text.contains("chmod 600"), "{text}");
        }
        chmod(&seed, 0o600);
    }
    for folder in [layout.key_store(), layout.keys(), layout.stores()] {
        chmod(&folder, 0o755);
        let text = bench.open().err().unwrap().to_string();
        assert!(text.contains("chmod 700"), "{text}");
        chmod(&folder, 0o700);
    }
    bench.open().unwrap();
}

#[test]
fn names_that_are_none_are_refused_before_anything_is_made() {
    for bad in ["", "..", "-x", "a/b", "a.b", "é", "@file"] {
        for (operator, account) in [(bad, "App"), ("Relais", bad)] {
            let bench = Bench::new();
            let settings = Settings { operator: operator.to_owned(), account: account.to_owned(), ..bench.settings() };
            let opened = Native::open(&settings, bench.keys.clone(), bench.clock());
            assert!(matches!(opened, Err(OpenError::Name(_))), "{bad:?}");
            assert!(!bench.directory().exists());
        }
    }
    for reserved in ["SYS", "OPS", "ops"] {
        let bench = Bench::new();
        let settings = Settings { account: reserved.to_owned(), ..bench.settings() };
        let opened = Native::open(&settings, bench.keys.clone(), bench.clock());
        assert!(matches!(opened, Err(OpenError::Reserved(_))));
    }
}

#[test]
fn another_operator_or_account_in_the_settings_does_not_make_a_second_installation() {
    let bench = Bench::new();
    bench.open().unwrap();
    let with = |operator: &str, account: &str| {
        let settings = Settings { operator: operator.to_owned(), account: account.to_owned(), ..bench.settings() };
        Native::open(&settings, bench.keys.clone(), bench.clock()).err().unwrap()
    };
    let other = with("Other", "App");
    assert!(matches!(&other, OpenError::OtherOperator { found, .. } if found == "Relais"), "{other}");
    let other = with("Relais", "Shop");
    assert!(other.to_string().contains("App, OPS, SYS"), "{other}");
    bench.open().unwrap();
}

#[test]
fn a_damaged_store_says_which_file_and_is_left_as_it_is() {
    let damage = |path: &dyn Fn(&Bench) -> PathBuf, bytes: &[u8]| {
        let bench = Bench::new();
        bench.open().unwrap();
        let path = path(&bench);
        fs::write(&path, bytes).unwrap();
        let error = bench.open().err().unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        let shown = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(error.to_string().contains(&shown), "{error}");
        error
    };
    let operator = |bench: &Bench| bench.layout().operator("Relais");
    let account = |bench: &Bench| bench.layout().account("Relais", "App");
    for bytes in [&b""[..], b"a.b.c", &[0xff, 0xfe], "x".repeat(2_000_000).as_bytes()] {
        damage(&operator, bytes);
        damage(&account, bytes);
    }
    let foreign = Bench::new();
    foreign.keys.generate(KeyKind::User);
    foreign.open().unwrap();
    let jwt = fs::read(foreign.layout().account("Relais", "App")).unwrap();
    assert!(matches!(damage(&account, &jwt), OpenError::Untrusted(_)));
}

#[test]
fn a_missing_or_exchanged_seed_is_named() {
    let signing = |bench: &Bench| {
        let app = bench.stored("App");
        let key = app.body.signing_keys.plain().next().unwrap().clone();
        (bench.layout().key(&key), key)
    };
    let bench = Bench::new();
    bench.open().unwrap();
    let (path, key) = signing(&bench);
    fs::remove_file(&path).unwrap();
    let error = bench.open().err().unwrap();
    assert!(matches!(error, OpenError::NoSeed { .. }) && error.to_string().contains(key.as_str()), "{error}");
    for text in [bench.keys.generate(KeyKind::Account).seed.expose().to_owned(), "SAAA".to_owned(), String::new()] {
        fs::write(&path, &text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let error = bench.open().err().unwrap();
        assert!(matches!(error, OpenError::WrongSeed { .. }), "{error}");
        assert!(text.is_empty() || !error.to_string().contains(&text), "the seed is shown");
    }
}
