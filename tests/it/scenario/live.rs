//! Account changes on running brokers: on every one of a cluster, never an older one for long, and felt by who is connected.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, StreamExt as _, future::join_all, stream};
use relais_adapters::{nats, nkeys, nsc, system};
use relais_domain::{
    credentials::{AccountJwt, Grantee, KeyKind, PublicKey, creds::Creds},
    live::{self, Report, Standing},
    memory,
    nsc::Nsc,
    ports::{AccountRole, Clock, CredentialsIssuer as _, Grant, IssueError, KeyPairs, Resolver as _},
};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinSet};

use super::security::native;
use crate::{
    contract::resolver::{all_answer, resolver},
    support::{Broker, Raw, Up, World, http, run},
};

/// A store and three brokers that serve it.
struct Cluster {
    native: Arc<Nsc>,
    keys: Arc<dyn KeyPairs>,
    brokers: Vec<Broker>,
    _folder: TempDir,
}

impl Cluster {
    async fn new(clock: Arc<dyn Clock>) -> Self {
        let folder = TempDir::new().unwrap();
        let keys: Arc<dyn KeyPairs> = Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)));
        let settings =
            nsc::Settings { directory: folder.path().join("nsc"), operator: "o".to_owned(), account: "app".to_owned() };
        let native = Arc::new(nsc::Native::open(&settings, Arc::clone(&keys), clock).unwrap().into_nsc());
        let trust = native.trust().await.unwrap();
        let one = Broker::clustered("one", &trust, None).await;
        let two = Broker::clustered("two", &trust, Some(&one)).await;
        let three = Broker::clustered("three", &trust, Some(&one)).await;
        let cluster = Self { native, keys, brokers: vec![one, two, three], _folder: folder };
        // They find one another in a moment.
        let resolver = cluster.resolver(0).await;
        let system = trust.system_account;
        all_answer(&resolver, &system).await;
        cluster
    }

    /// The issuer's way to the brokers, through one of them.
    async fn resolver(&self, number: usize) -> nats::Resolver {
        let creds = self.creds(Grantee::Issuer).await;
        resolver(self.brokers[number].url().to_owned(), creds.jwt, creds.seed).await
    }

    async fn creds(&self, grantee: Grantee) -> Creds {
        issued(&self.native, &*self.keys, grantee).await.1
    }

    /// The application's account, as it is in the store now.
    async fn account(&self) -> AccountJwt {
        application(&self.native).await
    }

    async fn report(&self) -> Report {
        self.native.compare().await.unwrap().into_iter().find(|report| report.name == "app").unwrap()
    }
}

async fn issued(native: &Nsc, keys: &dyn KeyPairs, grantee: Grantee) -> (PublicKey, Creds) {
    let pair = keys.generate(KeyKind::User);
    let grant = Grant { grantee, key: pair.public.clone(), expires_at: None };
    (pair.public, Creds { jwt: native.issue(grant).await.unwrap(), seed: pair.seed })
}

/// The application's account in a store.
async fn application(native: &Nsc) -> AccountJwt {
    let (trust, info) = (native.trust().await.unwrap(), native.info().await.unwrap());
    let (.., key) = info.accounts.into_iter().find(|(role, ..)| *role == AccountRole::Application).unwrap();
    trust.accounts.into_iter().find(|(own, _)| *own == key).unwrap().1
}

fn ada() -> Grantee {
    Grantee::Device { user: "ada".parse().unwrap(), device: "phone".parse().unwrap(), role: "user".parse().unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broker_of_a_cluster_is_told_compared_and_told_apart() {
    let cluster = Cluster::new(Arc::new(system::Clock)).await;
    cluster.native.attach(Arc::new(cluster.resolver(1).await)).await.unwrap();
    let report = cluster.report().await;
    let names: Vec<_> = report.found.iter().map(|found| found.broker.as_ref().unwrap().name.as_str()).collect();
    assert_eq!((names, report.agrees()), (vec!["one", "three", "two"], true));

    // Whoever is connected to any of them is cut off by the time it is confirmed.
    let (key, creds) = issued(&cluster.native, &*cluster.keys, ada()).await;
    let mut connections = Vec::new();
    for broker in &cluster.brokers {
        connections.push(Raw::connect(broker.url(), Some(&creds)).await);
    }
    cluster.native.revoke(AccountRole::Application, &key).await.unwrap();
    join_all(connections.into_iter().map(Raw::hung_up)).await;
    assert!(cluster.report().await.agrees());
}

/// nats-server takes an old account and lets the revoked back in. It is noticed within a minute and put right, with an alarm.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_account_that_somebody_pushes_is_overwritten_within_a_minute_and_alarming() {
    let clock = memory::Clock::at(system::Clock.now());
    let cluster = Cluster::new(Arc::new(clock.clone())).await;
    cluster.native.attach(Arc::new(cluster.resolver(0).await)).await.unwrap();
    let (key, creds) = issued(&cluster.native, &*cluster.keys, ada()).await;
    let old = cluster.account().await;
    cluster.native.revoke(AccountRole::Application, &key).await.unwrap();

    let attacker = cluster.resolver(2).await;
    attacker.push(&old).await.unwrap();
    let report = cluster.report().await;
    assert!(report.found.iter().all(|found| found.standing == Standing::Older), "{report:?}");
    let mut back = Vec::new();
    for broker in &cluster.brokers {
        back.push(Raw::connect(broker.url(), Some(&creds)).await);
    }

    // As `relais up` does it, on a clock that is moved by hand.
    let (rounds, mut ended) = watch::channel(0);
    let native = Arc::clone(&cluster.native);
    let own = clock.clone();
    let keeping = tokio::spawn(async move {
        let round = || {
            async {
                native.reconcile().await.unwrap();
                rounds.send_modify(|rounds| *rounds += 1);
            }
            .boxed()
        };
        live::keep(&own, stream::pending().boxed(), round).await;
    });
    let minute = async {
        while *ended.borrow_and_update() == 0 {
            // It may not sleep yet; a minute that passes before is not counted.
            clock.advance(live::EVERY);
            tokio::task::yield_now().await;
        }
    };
    minute.await;
    keeping.abort();
    join_all(back.into_iter().map(Raw::hung_up)).await;
    assert!(cluster.report().await.agrees());
    let counted = cluster.native.counters().snapshot();
    assert_eq!((counted.put_back, counted.unknown, counted.foreign), (3, 0, 0), "each of the three: {counted:?}");
}

/// A broker that was ended without a word is counted as one that has not confirmed; when it is back it is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_missed_and_catches_up() {
    let mut cluster = Cluster::new(Arc::new(system::Clock)).await;
    cluster.native.attach(Arc::new(cluster.resolver(0).await)).await.unwrap();
    let trust = cluster.native.trust().await.unwrap();
    let (key, creds) = issued(&cluster.native, &*cluster.keys, ada()).await;
    drop(cluster.brokers.remove(2));
    let told = cluster.native.revoke(AccountRole::Application, &key).await;
    assert!(matches!(&told, Err(IssueError::NotPushed(why)) if why.to_string().starts_with("1 of 3")), "{told:?}");
    let report = cluster.report().await;
    assert!(report.missing() == 1 && report.found.iter().all(|found| found.standing == Standing::Same), "{report:?}");

    // It comes back with what it had before.
    let back = Broker::clustered("three", &trust, Some(&cluster.brokers[0])).await;
    let mut bob = Vec::new();
    for broker in cluster.brokers.iter().chain([&back]) {
        // Who serves what of an account is told where somebody of that account is connected.
        bob.push(Raw::connect(broker.url(), Some(&cluster.creds(ada()).await)).await);
    }
    let named = |report: &Report| {
        let names = |found: &live::Compared| found.broker.as_ref().is_some_and(|own| own.name == "three");
        report.found.iter().find(|found| names(found)).map(|found| found.standing)
    };
    let found = async {
        loop {
            if let Some(found) = named(&cluster.report().await) {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), found).await.expect("it is told apart");
    assert_eq!(found, Standing::Older);
    cluster.native.reconcile().await.unwrap();
    assert_eq!(named(&cluster.report().await), Some(Standing::Same));
    assert_eq!(cluster.native.counters().snapshot().put_back, 0, "having been away is no alarm");
    let refused =
        async_nats::ConnectOptions::with_credentials(creds.format().expose()).unwrap().connect(back.url()).await;
    assert!(refused.is_err());
}

/// A broker is lost with its folder. A new one in its place knows the system account only, by which the others reach it; it gets
/// every account as it is now, revocations and all.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_broker_in_the_place_of_a_lost_one_gets_every_account() {
    let mut cluster = Cluster::new(Arc::new(system::Clock)).await;
    cluster.native.attach(Arc::new(cluster.resolver(0).await)).await.unwrap();
    let (key, revoked) = issued(&cluster.native, &*cluster.keys, ada()).await;
    cluster.native.revoke(AccountRole::Application, &key).await.unwrap();
    drop(cluster.brokers.remove(2));

    let mut trust = cluster.native.trust().await.unwrap();
    trust.accounts.retain(|(key, _)| *key == trust.system_account);
    let new = Broker::clustered("four", &trust, Some(&cluster.brokers[0])).await;
    let has_all = async || {
        let reports = cluster.native.push_all().await.unwrap();
        let has = |report: &Report| {
            let own = report.found.iter().find(|found| found.broker.as_ref().is_some_and(|own| own.name == "four"));
            own.is_some_and(|own| own.standing == Standing::Same)
        };
        assert_eq!(reports.len(), 3);
        reports.iter().all(has)
    };
    let told = async { while !has_all().await {} };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("it is told of every account");
    Raw::connect(new.url(), Some(&cluster.creds(ada()).await)).await.flush().await;
    let refused =
        async_nats::ConnectOptions::with_credentials(revoked.format().expose()).unwrap().connect(new.url()).await;
    assert!(refused.is_err());
}

/// The figures are printed, and asserted by nobody: `./x test a_thousand_connections -- --nocapture`.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_of_a_revoked_key_are_closed() {
    let world = World::new();
    let up = world.up();
    let (native, keys) = native(&world);
    let (key, creds) = issued(&native, &*keys, ada()).await;
    let (_, other) = issued(&native, &*keys, ada()).await;
    let mut kept = Raw::connect(up.text("nats"), Some(&other)).await;
    let mut connections = Vec::new();
    for _ in 0..1_000 {
        connections.push(Raw::connect(up.text("nats"), Some(&creds)).await);
    }
    let issuer = issued(&native, &*keys, Grantee::Issuer).await.1;
    native.attach(Arc::new(resolver(up.text("nats").to_owned(), issuer.jwt, issuer.seed).await)).await.unwrap();
    let begun = Instant::now();
    let mut closing: JoinSet<Duration> = JoinSet::new();
    for connection in connections {
        closing.spawn(async move {
            connection.hung_up().await;
            begun.elapsed()
        });
    }
    native.revoke(AccountRole::Application, &key).await.unwrap();
    let confirmed = begun.elapsed();
    let mut closed = closing.join_all().await;
    closed.sort();
    println!(
        "confirmed after {confirmed:?}; closed: p50 {:?}, p99 {:?}, last {:?}",
        closed[499], closed[989], closed[999]
    );
    kept.flush().await;
}

fn nsc(world: &World, up: &Up, arguments: &[&str]) -> (i32, String, String) {
    let mut command = world.relais(arguments);
    let ran = run(command.env("RELAIS_NATS__URL", up.text("nats")), "");
    (ran.code, ran.stdout, ran.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tells_who_serves_what_and_pushes() {
    let world = World::new();
    let up = world.up();
    let (code, out, err) = nsc(&world, &up, &["nsc", "status"]);
    assert_eq!((code, out.matches(" ours ").count()), (0, 3), "{out}{err}");

    let (native, keys) = native(&world);
    let issuer = issued(&native, &*keys, Grantee::Issuer).await.1;
    let resolver = resolver(up.text("nats").to_owned(), issuer.jwt, issuer.seed).await;
    let old = application(&native).await;
    native.reach(Arc::new(resolver.clone())).await;
    let (key, _) = issued(&native, &*keys, ada()).await;
    native.revoke(AccountRole::Application, &key).await.unwrap();
    resolver.push(&old).await.unwrap();
    let (code, out, err) = nsc(&world, &up, &["nsc", "status", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    let has = |told: &serde_json::Value| {
        let accounts = told["accounts"].as_array().unwrap().clone();
        let app = accounts.into_iter().find(|account| account["name"] == "app").unwrap();
        (app["brokers"][0]["name"].as_str().unwrap().to_owned(), app["brokers"][0]["has"].as_str().unwrap().to_owned())
    };
    assert_eq!((code, &told["agree"]), (1, &false.into()), "{out}{err}");
    assert_eq!(has(&told), ("relais".to_owned(), "older".to_owned()));
    assert!(err.contains("relais nsc push"), "{err}");

    let (code, out, err) = nsc(&world, &up, &["nsc", "push", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, has(&told).1.as_str()), (0, "ours"), "{out}{err}");

    let metrics = http().get(format!("{}/metrics", up.text("http"))).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("\nrelais_accounts_put_back_total 0\n"), "{metrics}");
    up.stop();
    let gone = run(&mut world.relais(&["nsc", "status", "--set", "nats.url=nats://127.0.0.1:1"]), "");
    assert_eq!((gone.code, gone.stdout.as_str()), (4, ""), "{}", gone.stderr);
}
