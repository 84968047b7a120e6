//! The contract of an issuer on a store, and a store that is killed at every step.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use relais_domain::{
    credentials::{Account, AccountClaims, AccountJwt, FOR_GOOD, Grantee, KeyKind, PublicKey, Trust, User, decode},
    memory,
    nsc::Nsc,
    ports::{AccountRole, Clock, CredentialsIssuer as _, Grant, IssueError, KeyPairs as _, Resolver},
    testing::{credentials_engine, credentials_issuer},
};
use tempfile::TempDir;

use super::{files::Disk, layout::Layout, *};
use std::sync::Arc;

mod backup;
mod opening;
mod pushing;
mod sealing;

/// A clock on which who sleeps makes the time pass.
struct Hasty(memory::Clock);

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.0.set(at.max(self.0.now()));
    }

    async fn sleep(&self, wait: Duration) {
        self.0.advance(wait);
    }
}

/// What the first of the brokers has for an account.
async fn served(resolver: &dyn Resolver, account: &PublicKey) -> Option<AccountJwt> {
    resolver.lookup(account).await.unwrap().answers.swap_remove(0).jwt
}

struct Bench {
    folder: TempDir,
    keys: Arc<memory::KeyPairs>,
    clock: memory::Clock,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, keys: Arc::default(), clock: memory::Clock::default() }
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("nsc")
    }

    fn layout(&self) -> Layout {
        Layout::new(self.directory())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(Hasty(self.clock.clone()))
    }

    fn settings(&self) -> Settings {
        Settings { directory: self.directory(), operator: "Relais".to_owned(), account: "App".to_owned() }
    }

    fn open(&self) -> Result<Nsc, OpenError> {
        self.engine().map(Native::into_nsc)
    }

    fn engine(&self) -> Result<Native, OpenError> {
        Native::open(&self.settings(), self.keys.clone(), self.clock())
    }

    /// Opens as if the process were killed after so many steps.
    fn open_killed_after(&self, steps: usize) -> Result<Nsc, OpenError> {
        let disk = Disk { steps_left: Some(steps).into() };
        Native::open_on(disk, signer::Ours, &self.settings(), None, self.keys.clone(), self.clock())
            .map(Native::into_nsc)
    }

    async fn resolver(&self, native: &Nsc) -> memory::Resolver {
        memory::Resolver::new(&native.trust().await.unwrap().operator, self.keys.clone())
    }

    fn user_key(&self) -> PublicKey {
        self.keys.generate(KeyKind::User).public
    }

    fn device(&self) -> Grant {
        let grantee = Grantee::Device {
            user: "ada".parse().unwrap(),
            device: "d".parse().unwrap(),
            role: "user".parse().unwrap(),
        };
        Grant { grantee, key: self.user_key(), expires_at: None }
    }

    fn stored(&self, account: &str) -> AccountClaims {
        let text = fs::read_to_string(self.layout().account("Relais", account)).unwrap();
        decode::<Account>(&text, self.keys.as_ref()).unwrap()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in files::list(folder).unwrap() {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn seeds(bench: &Bench) -> Vec<PathBuf> {
    files(&bench.layout().keys())
}

#[tokio::test]
async fn keeps_the_contract_of_an_engine() {
    let bench = Bench::new();
    let engine = bench.engine().unwrap();
    let names = bench.settings().names().unwrap();
    credentials_engine::suite(&engine, &names, bench.keys.as_ref(), &bench.clock).await;
}

#[tokio::test]
async fn keeps_the_contract_with_and_without_a_broker() {
    let bench = Bench::new();
    let native = Arc::new(bench.open().unwrap());
    credentials_issuer::suite(native.clone(), bench.keys.as_ref()).await;
    native.attach(Arc::new(bench.resolver(&native).await)).await.unwrap();
    credentials_issuer::suite(native, bench.keys.as_ref()).await;
}

#[tokio::test]
async fn the_next_start_uses_what_the_first_one_made() {
    let bench = Bench::new();
    let first = bench.open().unwrap();
    let (trust, info) = (first.trust().await.unwrap(), first.info().await.unwrap());
    drop(first);
    let second = bench.open().unwrap();
    assert_eq!((second.trust().await.unwrap(), second.info().await.unwrap()), (trust.clone(), info));
    assert_eq!(trust.accounts.len(), 3);
    assert!(trust.accounts.iter().any(|(key, _)| *key == trust.system_account));
    assert_eq!(seeds(&bench).len(), 9);
    second.issue(bench.device()).await.unwrap();
}

#[tokio::test]
async fn a_crash_at_any_step_of_the_first_set_up_is_mended_by_the_next_start() {
    let whole = files(&{
        let bench = Bench::new();
        bench.open().unwrap();
        bench.folder.keep()
    });
    let mut steps = 0;
    loop {
        let bench = Bench::new();
        let killed = bench.open_killed_after(steps);
        if killed.is_ok() {
            break;
        }
        let before = fs::read_to_string(bench.layout().operator("Relais")).ok();
        let native = bench.open().unwrap_or_else(|e| panic!("after {steps} steps: {e}"));
        let after = fs::read_to_string(bench.layout().operator("Relais")).unwrap();
        assert!(before.is_none_or(|before| before == after), "a store that is there stays");
        assert_eq!(native.trust().await.unwrap().accounts.len(), 3);
        assert_eq!(files(&bench.directory()).len(), whole.len(), "no stray seeds after {steps} steps");
        assert!(!bench.layout().staging().root().exists());
        steps += 1;
    }
    assert!(steps > 80, "only {steps} steps were tried");
    fs::remove_dir_all(whole[0].ancestors().nth(2).unwrap()).unwrap();
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_revocation_leaves_the_old_version_or_the_new_one() {
    for steps in 0..10 {
        let bench = Bench::new();
        bench.open().unwrap();
        let native = bench.open_killed_after(steps).unwrap();
        let key = bench.user_key();
        let answer = native.revoke(AccountRole::Application, &key).await;
        let stored = bench.stored("App").has_revoked(&key, FOR_GOOD);
        match answer {
            Err(IssueError::Store(_)) => assert!(!stored),
            Err(IssueError::NotPushed(_)) => assert!(stored),
            other => panic!("{other:?}"),
        }
        let next = bench.open().unwrap();
        let again = next.revoke(AccountRole::Application, &key).await;
        assert!(matches!(again, Err(IssueError::NotPushed(_))));
        assert!(bench.stored("App").has_revoked(&key, FOR_GOOD));
    }
}

#[tokio::test]
async fn a_revocation_is_stored_first_and_pushed_then_or_later() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let resolver = bench.resolver(&native).await;
    let app = bench.stored("App").subject;
    let (one, two) = (bench.user_key(), bench.user_key());

    let alone = native.revoke(AccountRole::Application, &one).await;
    assert!(matches!(alone, Err(IssueError::NotPushed(_))), "there is no broker yet");
    assert!(bench.stored("App").has_revoked(&one, FOR_GOOD));
    native.attach(Arc::new(resolver.clone())).await.unwrap();
    let broker = async || {
        let jwt = served(&resolver, &app).await.unwrap();
        decode::<Account>(jwt.as_str(), bench.keys.as_ref()).unwrap()
    };
    assert!(broker().await.has_revoked(&one, FOR_GOOD), "it was pushed with the broker's coming");

    resolver.set_away(true);
    let away = native.revoke(AccountRole::Application, &two).await;
    assert!(matches!(away, Err(IssueError::NotPushed(_))));
    resolver.set_away(false);
    assert!(!broker().await.has_revoked(&two, FOR_GOOD));
    native.revoke(AccountRole::Application, &two).await.unwrap();
    assert!(broker().await.has_revoked(&two, FOR_GOOD), "a repeat pushes it");
    assert_eq!(broker().await, bench.stored("App"));
}

#[tokio::test]
async fn a_broker_with_an_older_or_no_account_is_brought_up_to_date() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let resolver = bench.resolver(&native).await;
    let old = native.trust().await.unwrap();
    let key = bench.user_key();
    let _ = native.revoke(AccountRole::Application, &key).await;
    let (app, older) = old.accounts.iter().find(|(key, _)| *key == bench.stored("App").subject).unwrap();
    resolver.push(older).await.unwrap();
    native.attach(Arc::new(resolver.clone())).await.unwrap();
    for (account, jwt) in native.trust().await.unwrap().accounts {
        assert_eq!(served(&resolver, &account).await, Some(jwt));
    }
    assert_ne!(served(&resolver, app).await.as_ref(), Some(older));
}

#[tokio::test]
async fn revocations_that_only_the_broker_remembers_come_back_into_a_restored_store() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let resolver = bench.resolver(&native).await;
    native.attach(Arc::new(resolver.clone())).await.unwrap();
    let path = bench.layout().account("Relais", "App");
    let backup = fs::read(&path).unwrap();
    let (lost, later) = (bench.device(), bench.device());
    native.revoke(AccountRole::Application, &lost.key).await.unwrap();
    drop(native);

    fs::write(&path, backup).unwrap();
    let restored = bench.open().unwrap();
    assert!(restored.issue(lost.clone()).await.is_ok(), "the backup knows nothing of it");
    restored.attach(Arc::new(resolver.clone())).await.unwrap();
    assert!(matches!(restored.issue(lost.clone()).await, Err(IssueError::Revoked(_))));
    restored.revoke(AccountRole::Application, &later.key).await.unwrap();
    let app = bench.stored("App");
    assert!(app.has_revoked(&lost.key, FOR_GOOD) && app.has_revoked(&later.key, FOR_GOOD));
    let broker: AccountJwt = served(&resolver, &app.subject).await.unwrap();
    assert_eq!(decode::<Account>(broker.as_str(), bench.keys.as_ref()).unwrap(), app);
}

#[tokio::test]
async fn two_processes_revoke_at_once_and_nothing_is_lost() {
    let bench = Bench::new();
    let natives = [Arc::new(bench.open().unwrap()), Arc::new(bench.open().unwrap())];
    let resolver = Arc::new(bench.resolver(&natives[0]).await);
    for native in &natives {
        native.attach(resolver.clone()).await.unwrap();
    }
    let keys: Vec<_> = (0..40).map(|_| bench.user_key()).collect();
    let running: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(at, key)| {
            let (native, key) = (Arc::clone(&natives[at % 2]), key.clone());
            tokio::spawn(async move { native.revoke(AccountRole::Application, &key).await })
        })
        .collect();
    for done in running {
        done.await.unwrap().unwrap();
    }
    let app = bench.stored("App");
    assert!(keys.iter().all(|key| app.has_revoked(key, FOR_GOOD)));
    let broker = served(&*resolver, &app.subject).await.unwrap();
    assert_eq!(decode::<Account>(broker.as_str(), bench.keys.as_ref()).unwrap(), app);
    let grant = Grant { key: keys[0].clone(), ..bench.device() };
    for native in &natives {
        assert!(matches!(native.issue(grant.clone()).await, Err(IssueError::Revoked(_))), "each sees the other's");
    }
}

#[tokio::test]
async fn versions_grow_also_when_the_clock_goes_back() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let first = bench.stored("App").issued_at;
    bench.clock.set("1999-01-01T00:00:00Z".parse().unwrap());
    let _ = native.revoke(AccountRole::Application, &bench.user_key()).await;
    assert_eq!(bench.stored("App").issued_at, first + 1);
    bench.clock.set("2030-01-01T00:00:00Z".parse().unwrap());
    bench.clock.advance(Duration::from_secs(1));
    let _ = native.revoke(AccountRole::Application, &bench.user_key()).await;
    assert_eq!(bench.stored("App").issued_at, 1_893_456_001);
}

#[tokio::test]
async fn devices_are_not_written_down() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let before = files(&bench.directory());
    let jwt = native.issue(bench.device()).await.unwrap();
    let claims = decode::<User>(jwt.as_str(), bench.keys.as_ref()).unwrap();
    assert_eq!(bench.stored("App").vouches_for(&claims), Ok(()));
    assert_eq!(files(&bench.directory()), before);
}
