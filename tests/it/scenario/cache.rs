//! The cache of a running Relais: the caching echo on both kinds, and who makes the bucket.

use std::{fs, time::Duration};

use relais::{Settings, prelude::*};
use relais_adapters::system;
use relais_domain::{credentials::Grantee, ports::Clock as _};
use serde_json::{Value, json};

use super::{
    library::log_in,
    lifecycle::{broker_pid, gone},
    security::{as_grantee, streams_of},
};
use crate::support::{Broker, Ran, Up, User, Verdict, World, run, signal};

/// When an answer of the caching echo was computed, by itself.
fn computed(answer: &Ran) -> jiff::Timestamp {
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let time = answer.stdout.trim_end().strip_prefix("echo tea from ").expect(&answer.stdout);
    time.parse().unwrap()
}

/// Waits until the broker has freed every key of the application server's cache.
async fn freed(provisioner: &Verdict) {
    let emptied = async {
        loop {
            let info = provisioner.client().request("$JS.API.STREAM.INFO.KV_relais_cache", "".into()).await.unwrap();
            let info: Value = serde_json::from_slice(&info.payload).unwrap();
            if info["state"]["messages"] == 0 {
                return;
            }
            system::Clock.sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), emptied).await.expect("what is over is freed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_stays_for_five_seconds_on_both_caches() {
    let five = jiff::SignedDuration::from_secs(5);
    for kind in ["memory", "jetstream"] {
        let world = World::new();
        let up = world.up_with(|command| _ = command.env("RELAIS_CACHE", kind));
        let ada = User::new(&world, &up, "ada");
        let ask = || computed(&ada.run(&["request", "echo.cached", "tea"]));
        let first = ask();
        if kind == "jetstream" {
            let provisioner = as_grantee(&world, &up, Grantee::Provisioner).await;
            let again = ask();
            let now = system::Clock.now();
            assert!(again == first || now.duration_since(first) >= five, "{first}, {again}, {now}");
            freed(&provisioner).await;
        }
        let next = loop {
            let asked = system::Clock.now();
            let answer = ask();
            if answer != first {
                break answer;
            }
            // It was put a little after it was computed.
            let latest = five + jiff::SignedDuration::from_secs(2);
            assert!(asked.duration_since(first) < latest, "the old answer goes on: {first} at {asked} on {kind}");
            system::Clock.sleep(Duration::from_millis(200)).await;
        };
        assert!(next.duration_since(first) >= five, "{first}, then {next} on {kind}");
        up.stop();
    }
}

/// The broker takes its time to put what is cached on the disk, and has the bucket nonetheless when it comes back.
#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_outlives_a_broker_that_is_killed() {
    let world = World::new();
    let up = world.up_with(|command| _ = command.env("RELAIS_CACHE", "jetstream"));
    let ada = User::new(&world, &up, "ada");
    computed(&ada.run(&["request", "echo.cached", "tea"]));
    let broker = broker_pid(&world);
    signal(broker, "KILL");
    gone(broker);
    // Nobody answers until broker and service are back.
    while ada.run(&["request", "echo", "hi"]).code != 0 {}
    let provisioner = as_grantee(&world, &up, Grantee::Provisioner).await;
    let stored = async || {
        let info = provisioner.client().request("$JS.API.STREAM.INFO.KV_relais_cache", "".into()).await.unwrap();
        serde_json::from_slice::<Value>(&info.payload).unwrap()["state"]["last_seq"].as_u64().expect("it is there")
    };
    let before = stored().await;
    computed(&ada.run(&["request", "echo.cached", "tea"]));
    // The old answer may have been found; another question has none.
    assert_eq!(ada.run(&["request", "echo.cached", "cake"]).code, 0);
    assert!(stored().await > before, "and it keeps answers again");
    up.stop();
}

async fn price(cache: Cache) -> Result<Vec<u8>, Fault> {
    let price = cache.bytes(["price"], Duration::from_secs(600), || async { Ok::<_, Fault>("3 coins") }).await?;
    Ok(price.to_vec())
}

fn shop(world: &World, up: &Up) -> Settings {
    let mut settings = Settings { cache: relais::settings::Cache::Jetstream, ..Settings::default() };
    settings.nats.url = vec![up.text("nats").into()];
    settings.nats.creds = Some(world.path("shop.creds"));
    settings
}

/// A service of one's own: without its bucket it does not start and says what makes it; `service add` makes it, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_gets_its_bucket_with_its_creds() {
    let world = World::new();
    let up = world.up();
    let creds = world.path("shop.creds");
    let add = |more: &[&str]| {
        let mut command = world.relais(&["service", "add", "shop", "--out", creds.to_str().unwrap()]);
        run(command.args(more), "")
    };
    // At port 0 there is no broker: the creds are made nonetheless, and what is missing is said.
    let without = add(&[]);
    assert_eq!(without.code, 0, "{}", without.stderr);
    assert!(without.stderr.contains("the bucket shop_cache was not made: no broker answers"), "{}", without.stderr);
    assert!(without.stderr.contains("--set nats.url="), "{}", without.stderr);

    let router = || Router::new().subscribe("from.{user}.price", price);
    let error = relais::serve(shop(&world, &up), router()).await.unwrap_err().to_string();
    for words in ["no bucket shop_cache", "`relais service add shop`"] {
        assert!(error.contains(words), "{error}");
    }

    let at = format!("nats.url={}", up.text("nats"));
    let key = fs::read_to_string(&creds).unwrap().lines().rfind(|line| line.starts_with('S')).unwrap().to_owned();
    for state in ["made", "there"] {
        let added = add(&["--json", "--set", &at]);
        let told: Value = serde_json::from_str(&added.stdout).unwrap_or_else(|_| panic!("{}", added.stderr));
        assert_eq!(told["bucket"], json!({"name": "shop_cache", "state": state}));
        assert!(fs::read_to_string(&creds).unwrap().contains(&key), "a repeat keeps the key");
    }

    let serving = tokio::spawn(relais::serve(shop(&world, &up), router()));
    let ada = world.path("ada.creds");
    log_in(up.text("http"), "ada", &ada).await;
    let client = relais::connect_client(&[up.text("nats")], &ada).await.unwrap();
    let answered = async {
        loop {
            // Until it listens nobody answers.
            if let Ok(answer) = client.request_bytes("price", "").await {
                return answer;
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), answered).await.unwrap(), "3 coins");
    let provisioner = as_grantee(&world, &up, Grantee::Provisioner).await;
    let names: Vec<_> = streams_of(&provisioner).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["KV_shop_cache"], "and `up`, whose cache is in memory, has made none");
    serving.abort();
}

/// On a broker of one's own `serve` makes nothing: `migrate` does, once, and changes nothing that is there.
#[tokio::test(flavor = "multi_thread")]
async fn migrate_makes_what_serve_needs() {
    let world = World::new();
    world.up().stop();
    let broker = Broker::of_installation(&world.path("data")).await;
    let url = broker.url().to_owned();
    let command = |arguments: &[&str]| {
        let mut command = world.relais(arguments);
        command.env("RELAIS_NATS__URL", &url).env("RELAIS_CACHE", "jetstream");
        command.env("RELAIS_EXAMPLES", "true");
        command
    };
    let refused = run(&mut command(&["serve"]), "");
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    for words in ["no bucket relais_cache", "`relais migrate`"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }

    fs::remove_file(world.path("data/relais.db")).unwrap();
    let migrate = |arguments: &[&str]| {
        let ran = run(command(&["migrate"]).args(arguments), "");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let first = migrate(&[]);
    assert!(first.starts_with("brought the database up to date: m0001_users_and_devices, "), "{first}");
    assert!(first.ends_with("made the bucket relais_cache\n"), "{first}");
    assert_eq!(migrate(&[]), "the database is up to date\nthe bucket relais_cache is there\n");
    let again: Value = serde_json::from_str(&migrate(&["--json"])).unwrap();
    let there = json!({"name": "relais_cache", "state": "there"});
    assert_eq!(again, json!({"database": {"applied": []}, "bucket": there}));

    let serve = Up::start(command(&["serve", "--json"]));
    let ada = User::new(&world, &serve, "ada");
    computed(&ada.run(&["request", "echo.cached", "tea"]));
    // What somebody has changed is somebody's choice: it is told, left, and served with.
    let provisioner = as_grantee(&world, &serve, Grantee::Provisioner).await;
    let request = async |verb: &str, body: String| {
        let subject = format!("$JS.API.STREAM.{verb}.KV_relais_cache");
        let answer = provisioner.client().request(subject, body.into()).await.unwrap();
        serde_json::from_slice::<Value>(&answer.payload).unwrap()
    };
    let mut config = request("INFO", String::new()).await["config"].take();
    assert_eq!(config["persist_mode"], "async");
    config["max_bytes"] = json!(1_000_000);
    let updated = request("UPDATE", config.to_string()).await;
    assert!(updated["error"].is_null(), "{updated}");
    let different: Value = serde_json::from_str(&migrate(&["--json"])).unwrap();
    let difference = json!([{"setting": "max_bytes", "is": "1000000", "wanted": "67108864"}]);
    assert_eq!(different["bucket"]["differences"], difference);
    assert!(migrate(&[]).contains("was left so: max_bytes is 1000000, wanted 67108864"));
    assert_eq!(request("INFO", String::new()).await["config"]["max_bytes"], 1_000_000);
    serve.stop();

    drop(broker);
    let gone = run(&mut command(&["migrate"]), "");
    assert_eq!((gone.code, gone.stdout.as_str()), (4, "the database is up to date\n"), "{}", gone.stderr);
    assert!(gone.stderr.contains("no broker answers") && gone.stderr.contains("run this again"), "{}", gone.stderr);
}
