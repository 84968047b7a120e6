//! A store in one file, and back; files that say they are one.

use proptest::prelude::*;
use relais_domain::{ports::CredentialsEngine as _, secret::Secret};

use super::{
    sealing::{private, seal},
    *,
};
use crate::nsc::backup::{Archive, Entry, inner, restore_on};

impl Bench {
    fn file(&self) -> PathBuf {
        self.folder.path().join("store.backup")
    }

    fn backup(&self, key: Option<u8>) -> Result<Backup, OpenError> {
        backup(&self.settings(), key.map(seal), self.keys.clone(), self.clock(), &self.file())
    }

    fn restore(&self, key: Option<u8>) -> Result<Backup, OpenError> {
        restore(&self.file(), &self.settings(), key.map(seal), self.keys.clone(), self.clock())
    }

    fn lose(&self) {
        if self.directory().exists() {
            fs::remove_dir_all(self.directory()).unwrap();
        }
    }

    /// Every file of the store and what it says.
    fn content(&self) -> Vec<(PathBuf, String)> {
        let layout = self.layout();
        let paths = [layout.stores(), layout.key_store()].into_iter().flat_map(|folder| files(&folder));
        paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
    }

    /// What a plain backup holds.
    fn archive(&self) -> Archive {
        let text = fs::read_to_string(self.file()).unwrap();
        serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
    }

    fn put(&self, archive: &Archive) {
        private(&self.file(), archive.text().expose());
    }
}

#[tokio::test]
async fn a_backup_brings_back_all_of_it_and_overwrites_nothing() {
    let bench = Bench::new();
    let engine = bench.engine().unwrap();
    bench.add_user(&engine).await;
    let (content, trust) = (bench.content(), engine.into_nsc().trust().await.unwrap());
    let made = bench.backup(None).unwrap();
    assert_eq!((made.operator.as_str(), made.seeds, made.sealed), ("Relais", 10, false));
    assert_eq!((made.accounts.join(" "), made.files), ("App OPS SYS".to_owned(), content.len()));
    assert!(matches!(bench.backup(None), Err(OpenError::Exists(path)) if path == bench.file()));
    assert!(matches!(bench.restore(None), Err(OpenError::Exists(_))), "there is a store");
    assert_eq!(bench.content(), content);

    bench.lose();
    assert_eq!(bench.restore(None).unwrap(), made);
    assert_eq!(bench.content(), content);
    assert!(!bench.layout().staging().root().exists());
    let native = bench.open().unwrap();
    assert_eq!(native.trust().await.unwrap(), trust);
    native.issue(bench.device()).await.unwrap();
    assert!(matches!(bench.restore(None), Err(OpenError::Exists(_))));
}

#[test]
fn where_there_is_no_store_nothing_is_backed_up_or_made() {
    let bench = Bench::new();
    assert!(matches!(bench.backup(None), Err(OpenError::NoStore { .. })));
    assert!(!bench.directory().exists());
    fs::create_dir(bench.directory()).unwrap();
    assert!(matches!(bench.backup(None), Err(OpenError::NoStore { .. })));
    assert!(bench.content().is_empty() && !bench.file().exists());
    assert!(matches!(bench.restore(None), Err(OpenError::Io { .. })));
}

#[tokio::test]
async fn with_a_seal_a_backup_is_sealed_and_so_is_what_comes_back() {
    let bench = Bench::new();
    bench.open_sealed(1).unwrap();
    assert!(matches!(bench.backup(None), Err(OpenError::Sealed(_))));
    assert!(bench.backup(Some(1)).unwrap().sealed);
    let text = fs::read_to_string(bench.file()).unwrap();
    assert!(!text.contains("Relais") && text.starts_with("relais-sealed-v1 "));
    let content = bench.content();
    bench.lose();
    assert!(matches!(bench.restore(None), Err(OpenError::Sealed(path)) if path == bench.file()));
    assert!(matches!(bench.restore(Some(2)), Err(OpenError::OtherSeal { .. })));
    private(&bench.file(), &text[..text.len() - 9]);
    assert!(matches!(bench.restore(Some(1)), Err(OpenError::DamagedSeal(_))));
    assert!(bench.content().is_empty());
    private(&bench.file(), &text);
    assert!(bench.restore(Some(1)).unwrap().sealed);
    assert_eq!(bench.content(), content);

    // A plain one becomes a sealed store on the way.
    let plain = Bench::new();
    let trust = plain.open().unwrap().trust().await.unwrap();
    plain.backup(None).unwrap();
    plain.lose();
    assert!(!plain.restore(Some(1)).unwrap().sealed);
    assert!(plain.secrets().iter().all(|(_, text)| text.starts_with("relais-sealed-v1 ")));
    assert_eq!(plain.open_sealed(1).unwrap().into_nsc().trust().await.unwrap(), trust);
}

#[tokio::test]
async fn a_crash_at_any_step_of_bringing_back_leaves_all_of_it_or_nothing() {
    let bench = Bench::new();
    bench.add_user(&bench.engine().unwrap()).await;
    let content = bench.content();
    bench.backup(None).unwrap();
    for steps in 0..100 {
        bench.lose();
        let disk = Arc::new(Disk { steps_left: Some(steps).into() });
        let (settings, keys) = (bench.settings(), bench.keys.clone());
        let _ = restore_on(&disk, &bench.file(), &settings, Some(Arc::new(seal(1))), keys, bench.clock());
        let plain = |path: &PathBuf| fs::read_to_string(path).unwrap().starts_with('S');
        assert!(!files(&bench.directory()).iter().any(plain), "with a seal no seed is ever plain ({steps} steps)");
    }
    let (mut steps, mut all) = (0, 0);
    loop {
        bench.lose();
        let disk = Arc::new(Disk { steps_left: Some(steps).into() });
        let (settings, keys) = (bench.settings(), bench.keys.clone());
        if restore_on(&disk, &bench.file(), &settings, None, keys, bench.clock()).is_ok() {
            break;
        }
        match bench.restore(None) {
            Ok(_) => {}
            // It was complete, and this has moved the rest of it.
            Err(OpenError::Exists(_)) => all += 1,
            Err(error) => panic!("after {steps} steps: {error}"),
        }
        assert_eq!(bench.content(), content, "after {steps} steps");
        assert!(!bench.layout().staging().root().exists());
        bench.open().unwrap();
        assert_eq!(bench.content(), content);
        steps += 1;
    }
    assert!(steps > 80 && all > 20, "{steps} steps, {all} after the mark");
}

#[cfg(unix)]
#[test]
fn a_backup_is_its_owners_alone_and_one_that_was_not_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.open().unwrap();
    bench.backup(None).unwrap();
    assert_eq!(fs::metadata(bench.file()).unwrap().permissions().mode() & 0o777, 0o600);
    bench.lose();
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(bench.file(), fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(bench.restore(None), Err(OpenError::Exposed { .. })));
    }
    fs::set_permissions(bench.file(), fs::Permissions::from_mode(0o600)).unwrap();
    bench.restore(None).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in files(&bench.directory()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        assert_eq!(mode(file.parent().unwrap()), 0o700);
    }
}

/// Puts the seeds of two files in each other's place.
fn exchange(archive: &mut Archive, names: &[String; 2]) {
    let at = |name: &String| archive.files.iter().position(|own| own.path.ends_with(name)).unwrap();
    let (one, other) = (at(&names[0]), at(&names[1]));
    let text = archive.files[one].text.clone();
    archive.files[one].text = archive.files[other].text.clone();
    archive.files[other].text = text;
}

#[test]
fn a_crash_at_any_step_of_refusing_a_backup_leaves_nothing() {
    let bench = Bench::new();
    bench.open().unwrap();
    let identities = ["SYS", "OPS"].map(|name| format!("{}.nk", bench.stored(name).subject));
    bench.backup(None).unwrap();
    let mut archive = bench.archive();
    exchange(&mut archive, &identities);
    bench.put(&archive);
    for steps in 0..200 {
        bench.lose();
        let disk = Arc::new(Disk { steps_left: Some(steps).into() });
        let (settings, keys) = (bench.settings(), bench.keys.clone());
        assert!(restore_on(&disk, &bench.file(), &settings, None, keys, bench.clock()).is_err());
        setup::recover(&Disk::default(), &bench.layout()).unwrap();
        assert!(files(&bench.directory()).iter().all(|path| path.ends_with(".lock")), "after {steps} steps");
    }
}

/// Paths that lead elsewhere.
const HOSTILE: [&str; 19] = [
    "../evil.nk",
    "keys/../../evil.nk",
    "keys/../evil.nk",
    "stores/Relais/../../../evil.jwt",
    "/evil.nk",
    "//stores/evil",
    "keys//evil.nk",
    "keys/./evil.nk",
    "keys\\..\\evil.nk",
    "C:/keys/evil.nk",
    "keys/C:evil.nk",
    "keys/evil\0.nk",
    "keys/evil\n.nk",
    "keys",
    "",
    "evil.nk",
    ".lock",
    ".setup/complete",
    "keys/a/b/c/d/e/f/g/h/i.nk",
];

#[test]
fn what_is_no_store_of_ours_is_refused_and_nothing_is_left() {
    let bench = Bench::new();
    bench.open().unwrap();
    let identities = ["SYS", "OPS"].map(|name| format!("{}.nk", bench.stored(name).subject));
    let exchange = |archive: &mut Archive| exchange(archive, &identities);
    bench.backup(None).unwrap();
    bench.lose();
    let refused = |change: &dyn Fn(&mut Archive), words: &str| {
        let mut archive = bench.archive();
        change(&mut archive);
        let good = fs::read_to_string(bench.file()).unwrap();
        bench.put(&archive);
        let error = bench.restore(None).err().unwrap_or_else(|| panic!("{words}: brought back"));
        assert!(error.to_string().contains(words), "{words} in {error}");
        assert!(bench.content().is_empty() && !bench.layout().staging().root().exists(), "{words}");
        let beside: Vec<_> = fs::read_dir(bench.folder.path()).unwrap().map(|own| own.unwrap().file_name()).collect();
        assert!(beside.iter().all(|name| name == "nsc" || name == "store.backup"), "{beside:?}");
        private(&bench.file(), &good);
    };
    let entry = |path: &str, text: &str| Entry { path: path.to_owned(), text: Secret::from(text) };
    for path in HOSTILE {
        refused(&|archive| archive.files.push(entry(path, "SU")), "is not the path of a file in a store");
        assert_eq!(inner(path), None, "{path:?}");
    }
    refused(&|archive| archive.files.push(entry("stores/Relais/Relais.jwt", "x")), "is there twice");
    refused(&|archive| archive.files.push(entry("stores/Relais/Relais.jwt/x", "x")), "cannot make the folder");
    refused(&|archive| archive.operator = "Other".to_owned(), "belongs to the operator Other");
    refused(&|archive| archive.files.clear(), "the JWT of the operator Relais is not in it");
    refused(&|archive| archive.files.retain(|own| !own.path.starts_with("keys/")), "is not in the store (one of:");
    refused(&exchange, "does not hold the seed of");
    let elsewhere = |archive: &mut Archive| {
        let moved = archive.files.iter_mut().find(|own| own.path.ends_with(&identities[0])).unwrap();
        moved.path = moved.path.replace("keys/keys/A/", "keys/keys/U/");
    };
    refused(&elsewhere, "is not the name of a key in its place");
    refused(&|archive| archive.files.push(entry("keys/keys/U/AA/evil.nk", "SU")), "is not the name of a key");
    let foreign = Bench::new();
    foreign.keys.generate(KeyKind::User);
    foreign.open().unwrap();
    let jwt = fs::read_to_string(foreign.layout().account("Relais", "App")).unwrap();
    let account = |archive: &mut Archive| {
        let own = archive.files.iter_mut().find(|own| own.path.ends_with("/App.jwt")).unwrap();
        own.text = Secret::from(jwt.as_str());
    };
    refused(&account, "is not signed by the operator");
    bench.restore(None).unwrap();
}

#[test]
fn a_file_that_is_no_backup_is_refused_without_showing_it() {
    let bench = Bench::new();
    for text in [
        "",
        "canary",
        "relais-backup-v1",
        "relais-backup-v1\n",
        "relais-backup-v2\n{}",
        "relais-backup-v1\n{\"canary\"",
    ] {
        private(&bench.file(), text);
        let error = Failure(bench.restore(None).err().unwrap()).to_string();
        assert!(error.contains("store.backup cannot be brought back") && !error.contains("canary"), "{error}");
    }
    private(&bench.file(), &format!("relais-backup-v1\n{}", "[".repeat(100_000)));
    assert!(matches!(bench.restore(None), Err(OpenError::NotABackup { .. })));
    assert!(!bench.directory().exists());
}

/// An error with its causes.
struct Failure(OpenError);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        std::error::Error::source(&self.0).map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

proptest! {
    #[test]
    fn no_path_leads_out_of_the_store(path in "(keys|stores|\\.\\.|)?([./\\\\:a-c\0]|\\.\\./|\\PC){0,12}") {
        if let Some(inner) = inner(&path) {
            prop_assert!(inner.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            prop_assert!(inner.starts_with("keys") || inner.starts_with("stores"));
            prop_assert_eq!(inner.to_str(), Some(path.as_str()));
        }
    }
}

/// The identity keys lie elsewhere, or are lost: everything is signed by signing keys.
#[tokio::test]
async fn without_identity_keys_a_store_goes_on_by_its_signing_keys() {
    for key in [None, Some(1)] {
        let bench = Bench::new();
        let open = || key.map_or_else(|| bench.engine(), |key| bench.open_sealed(key));
        let operator = open().unwrap().operator().await.unwrap().claims.subject.clone();
        let accounts = ["App", "OPS", "SYS"].map(|name| bench.stored(name).subject);
        for identity in accounts.iter().chain([&operator]) {
            fs::remove_file(bench.layout().key(identity)).unwrap();
        }
        let native = open().unwrap().into_nsc();
        let resolver = bench.resolver(&native).await;
        native.attach(Arc::new(resolver.clone())).await.unwrap();
        let device = bench.device();
        native.issue(device.clone()).await.unwrap();
        native.revoke(AccountRole::Application, &device.key).await.unwrap();
        let jwt = served(&resolver, &accounts[0]).await.unwrap();
        assert!(decode::<Account>(jwt.as_str(), bench.keys.as_ref()).unwrap().has_revoked(&device.key, FOR_GOOD));
        let names = bench.settings().names().unwrap();
        let before = bench.stored("App").body.signing_keys;
        native.rotate(&names.application, true).await.unwrap();
        assert_ne!(bench.stored("App").body.signing_keys, before, "signing keys are rotated");
        native.issue(bench.device()).await.unwrap();
        // A backup of it is as good.
        drop(native);
        bench.backup(key).unwrap();
        bench.lose();
        bench.restore(key).unwrap();
        open().unwrap();
    }
}
