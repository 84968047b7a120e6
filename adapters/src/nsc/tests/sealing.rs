//! Seeds that are sealed where they lie.

use relais_domain::{
    credentials::{creds::Creds, user_to_sign},
    ports::{CredentialsEngine as _, Keep, Rng},
    secret::Secret,
};

use super::*;
use crate::nsc::seal::{Seal, is_sealed};

/// A seal of a key of its own.
pub(super) fn seal(number: u8) -> Seal {
    let rng: Arc<dyn Rng> = Arc::new(memory::Rng::seeded(number.into()));
    Seal::new(&Secret::from(format!("{number:02x}").repeat(32)), rng).ok().unwrap()
}

impl Bench {
    pub(super) fn open_sealed(&self, number: u8) -> Result<Native, OpenError> {
        self.open_sealed_killed_after(number, None)
    }

    fn open_sealed_killed_after(&self, number: u8, steps: Option<usize>) -> Result<Native, OpenError> {
        let disk = Disk { steps_left: steps.into() };
        let seal = Some(Arc::new(seal(number)));
        Native::open_on(disk, signer::Ours, &self.settings(), seal, self.keys.clone(), self.clock())
    }

    /// Every secret file and what it says.
    pub(super) fn secrets(&self) -> Vec<(PathBuf, String)> {
        let secret = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "nk" || kind == "creds");
        let paths = files(&self.layout().key_store()).into_iter().filter(secret);
        paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
    }

    /// A user that is kept with its creds file.
    pub(super) async fn add_user(&self, engine: &Native) {
        let app = self.stored("App");
        let pair = self.keys.generate(KeyKind::User);
        let grant = Grant { key: pair.public.clone(), ..self.device() };
        let user = user_to_sign(&grant, &app, |_| true, self.clock.now()).unwrap();
        engine.sign(&user, Keep::Creds(pair)).await.unwrap();
    }
}

#[tokio::test]
async fn a_sealed_engine_keeps_the_contract_and_nothing_is_plain() {
    let bench = Bench::new();
    let engine = bench.open_sealed(1).unwrap();
    let names = bench.settings().names().unwrap();
    credentials_engine::suite(&engine, &names, bench.keys.as_ref(), &bench.clock).await;
    bench.add_user(&engine).await;
    let secrets = bench.secrets();
    assert!(secrets.iter().any(|(path, _)| path.extension().unwrap() == "creds"));
    assert!(secrets.len() >= 11 && secrets.iter().all(|(_, text)| is_sealed(text)), "{}", secrets.len());
}

#[tokio::test]
async fn a_plain_store_is_sealed_in_its_place_and_can_be_unsealed() {
    let bench = Bench::new();
    let engine = bench.engine().unwrap();
    bench.add_user(&engine).await;
    let (plain, trust) = (bench.secrets(), engine.into_nsc().trust().await.unwrap());
    assert!(plain.iter().any(|(path, _)| path.extension().unwrap() == "creds"));
    let seeds: Vec<&str> = plain.iter().map(|(_, text)| text.as_str()).filter(|text| text.starts_with('S')).collect();
    assert_eq!(seeds.len(), 10);
    // Left by a writer that was killed.
    private(&plain[0].0.with_file_name(".UA.nk.new"), seeds[0]);

    let nsc = bench.open_sealed(1).unwrap().into_nsc();
    assert_eq!(nsc.trust().await.unwrap(), trust);
    nsc.issue(bench.device()).await.unwrap();
    for path in files(&bench.directory()) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(seeds.iter().all(|seed| !text.contains(seed)), "a seed is plain in {}", path.display());
    }
    let sealed = bench.secrets();
    bench.open_sealed(1).unwrap();
    assert_eq!(bench.secrets(), sealed, "what is sealed stays as it is");

    let without = bench.open().err().unwrap();
    assert!(matches!(without, OpenError::Sealed(_)), "{without}");
    assert!(without.to_string().contains("nsc.seal_key_file"), "{without}");
    let other = bench.open_sealed(2).err().unwrap();
    assert!(matches!(other, OpenError::OtherSeal { .. }), "{other}");
    assert!(matches!(unseal(&bench.settings(), seal(2), bench.keys.clone()), Err(OpenError::OtherSeal { .. })));
    assert_eq!(bench.secrets(), sealed);

    assert_eq!(unseal(&bench.settings(), seal(1), bench.keys.clone()).unwrap(), plain.len());
    assert_eq!(bench.secrets(), plain);
    let creds = plain.iter().find(|(path, _)| path.extension().unwrap() == "creds").unwrap();
    Creds::parse(&creds.1).unwrap();
    bench.open().unwrap();
}

#[tokio::test]
async fn a_crash_at_any_step_of_sealing_leaves_each_secret_whole() {
    let bench = Bench::new();
    bench.add_user(&bench.engine().unwrap()).await;
    let plain = bench.secrets();
    let mut steps = 0;
    loop {
        let killed = bench.open_sealed_killed_after(1, Some(steps));
        let (done, now) = (killed.is_ok(), bench.secrets());
        assert_eq!(now.len(), plain.len());
        for ((path, before), (_, text)) in plain.iter().zip(&now) {
            let place = path.strip_prefix(bench.layout().key_store()).unwrap().to_str().unwrap();
            let holds = is_sealed(text) && seal(1).open(text, place).is_ok_and(|own| own.expose() == before);
            assert!(holds || text == before && !done, "{} after {steps} steps", path.display());
        }
        if done {
            break;
        }
        // The next start ends it, and leaves no half-written file behind.
        bench.open_sealed(1).unwrap().into_nsc().issue(bench.device()).await.unwrap();
        assert!(bench.secrets().iter().all(|(_, text)| is_sealed(text)));
        assert!(files(&bench.directory()).iter().all(|path| path.extension().is_none_or(|kind| kind != "new")));
        unseal(&bench.settings(), seal(1), bench.keys.clone()).unwrap();
        assert_eq!(bench.secrets(), plain);
        steps += 1;
    }
    assert!(steps >= 4 * plain.len(), "only {steps} steps were tried");
}

/// Not for a moment: whatever a disk keeps of a file that was there is sealed.
#[test]
fn no_seed_of_a_sealed_set_up_is_ever_plain() {
    let mut steps = 0;
    loop {
        let bench = Bench::new();
        let done = bench.open_sealed_killed_after(1, Some(steps)).is_ok();
        for path in files(&bench.directory()) {
            // A JWT begins with "ey", what is ours with "relais-sealed"; a seed with S.
            assert!(!fs::read_to_string(&path).unwrap().starts_with('S'), "{} after {steps} steps", path.display());
        }
        if done {
            break;
        }
        steps += 1;
    }
    assert!(steps > 80, "only {steps} steps were tried");
}

#[test]
fn nothing_is_sealed_where_another_key_has_sealed_a_part() {
    let bench = Bench::new();
    bench.open_sealed(1).unwrap();
    let layout = bench.layout();
    let app = bench.stored("App");
    let plain = bench.keys.generate(KeyKind::User);
    let path = layout.key(&plain.public);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    private(&path, plain.seed.expose());
    let before = bench.secrets();
    assert!(matches!(bench.open_sealed(2), Err(OpenError::OtherSeal { .. })));
    assert!(matches!(bench.open(), Err(OpenError::Sealed(_))));
    assert_eq!(bench.secrets(), before);

    // A seed in another's place, and a damaged one.
    let signer = layout.key(app.body.signing_keys.plain().next().unwrap());
    let text = fs::read_to_string(&signer).unwrap();
    let damaged = text[..text.len() - 3].to_owned();
    for bad in [fs::read_to_string(layout.key(&bench.stored("SYS").subject)).unwrap(), damaged] {
        private(&signer, &bad);
        let error = bench.open_sealed(1).err().unwrap();
        assert!(matches!(&error, OpenError::DamagedSeal(path) if *path == signer), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_sealed_store_or_a_key_that_others_can_read_is_not_opened() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.open_sealed(1).unwrap();
    let (seed, _) = bench.secrets().remove(0);
    fs::set_permissions(&seed, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(bench.open_sealed(1), Err(OpenError::Exposed { .. })));
    let key = bench.folder.path().join("seal.key");
    fs::write(&key, "01".repeat(32)).unwrap();
    let rng = || Arc::new(memory::Rng::seeded(1));
    for mode in [0o640, 0o604] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(Seal::from_file(&key, rng()), Err(OpenError::Exposed { .. })));
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(Seal::from_file(&key, rng()).ok().unwrap().id(), seal(1).id());
    fs::write(&key, "a canary that is no key").unwrap();
    let error = Seal::from_file(&key, rng()).err().unwrap().to_string();
    assert!(error.contains("seal.key") && !error.contains("canary"), "{error}");
}

/// Writes a file that is its owner's alone.
pub(super) fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}
