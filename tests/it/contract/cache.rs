//! `jetstream::Cache` keeps the contract that `memory::Cache` keeps, on a real bucket: what instances share, what the broker
//! frees by itself, and what is left when it is away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use relais_adapters::{jetstream, nats, system};
use relais_domain::{
    cache, memory,
    message::Message,
    ports::{Bus as _, Cache as _, CacheError, CacheKey, Clock},
    routing::{Fault, Router, Service, ServiceOptions, ServicePorts},
    testing,
};

use super::bus::connect;
use crate::support::{Broker, run, tool};

/// A broker with the bucket of the service `shop`.
async fn broker() -> (Broker, nats::Bus) {
    let broker = Broker::with_jetstream().await;
    let bus = connect(&broker).await;
    let made = jetstream::Provisioner::new(Arc::new(bus.clone())).cache(&"shop".parse().unwrap()).await.unwrap();
    assert_eq!(made.provisioned, jetstream::Provisioned::Made);
    (broker, bus)
}

async fn open(bus: &nats::Bus, clock: impl Clock + 'static) -> jetstream::Cache {
    jetstream::Cache::open(Arc::new(bus.clone()), "shop".parse().unwrap(), Arc::new(clock)).await.unwrap()
}

/// How many keys the broker has, and how many messages it has ever stored.
async fn stored(bus: &nats::Bus) -> (u64, u64) {
    let info = Message::new("$JS.API.STREAM.INFO.KV_shop_cache".parse().unwrap(), "");
    let info = bus.request(info, Duration::from_secs(10)).await.unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.payload).unwrap();
    let state = |name: &str| info["state"][name].as_u64().unwrap();
    (state("messages"), state("last_seq"))
}

/// Waits until the broker has freed every key.
async fn freed(bus: &nats::Bus) {
    let empty = async {
        while stored(bus).await.0 > 0 {
            system::Clock.sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), empty).await.expect("what is over is freed");
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_keeps_it() {
    let (broker, bus) = broker().await;
    let clock = memory::Clock::default();
    let one = open(&bus, clock.clone()).await;
    let other = open(&connect(&broker).await, clock.clone()).await;
    testing::cache::suite(&one, &other, &|step| clock.advance(step)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_frees_what_is_over_and_what_was_deleted() {
    let (_broker, bus) = broker().await;
    // This clock stands still, so that it is the broker's time alone that frees.
    let cache = open(&bus, memory::Clock::default()).await;
    let key = |name: &str| CacheKey::of([name]);
    let begun = Instant::now();
    cache.put(&key("a"), "tea".into(), Duration::from_millis(1_500)).await.unwrap();
    cache.put(&key("b"), "milk".into(), Duration::from_secs(600)).await.unwrap();
    cache.delete(&key("b")).await.unwrap();
    assert_eq!(stored(&bus).await.1, 3, "two values, and the mark of the deleted one");
    freed(&bus).await;
    assert!(begun.elapsed() >= Duration::from_millis(1_500), "never before its time: {:?}", begun.elapsed());
    assert_eq!(cache.get(&key("a")).await.unwrap(), None);
}

/// Of two instances, on connections of their own, each message reaches one; what one has computed the other finds.
#[tokio::test(flavor = "multi_thread")]
async fn instances_share_what_one_has_computed() {
    let (broker, bus) = broker().await;
    let computed = Arc::new(AtomicUsize::new(0));
    let mut services = Vec::new();
    for _ in 0..2 {
        let own = connect(&broker).await;
        let ports = ServicePorts {
            bus: Arc::new(own.clone()),
            clock: Arc::new(system::Clock),
            rng: Arc::new(system::Rng),
            cache: cache::Cache::new(Arc::new(open(&own, system::Clock).await)),
        };
        let computed = Arc::clone(&computed);
        let price = move |cache: cache::Cache| {
            let computed = Arc::clone(&computed);
            async move {
                let compute = || async {
                    computed.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, Fault>("3 coins")
                };
                cache.bytes(["price"], Duration::from_secs(600), compute).await
            }
        };
        let options = ServiceOptions::new("shop".parse().unwrap());
        let router = Router::new().subscribe("price", price);
        services.push(Service::start(router, ports, &system::Spawner::current(), options).await.unwrap());
    }
    let ask = || bus.request(Message::new("price".parse().unwrap(), ""), Duration::from_secs(10));
    assert_eq!(ask().await.unwrap().payload, "3 coins");
    for answer in join_all((0..200).map(|_| ask())).await {
        assert_eq!(answer.unwrap().payload, "3 coins");
    }
    assert_eq!(computed.load(Ordering::Relaxed), 1);
    assert!(services.iter().all(|own| own.stats()[0].1.handled > 0), "both have answered");
    drop(broker);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_is_away_costs_computations_and_no_answer() {
    let (broker, bus) = broker().await;
    let port = Arc::new(open(&bus, system::Clock).await);
    let cache = cache::Cache::new(Arc::clone(&port) as _);
    let compute = |value: &'static str| {
        let cache = cache.clone();
        async move {
            let long = Duration::from_secs(600);
            cache.bytes(["key"], long, || async { Ok::<_, Fault>(value) }).await.unwrap()
        }
    };
    assert_eq!((compute("a").await, compute("b").await), ("a".into(), "a".into()));

    let delete = Message::new("$JS.API.STREAM.DELETE.KV_shop_cache".parse().unwrap(), "");
    bus.request(delete, Duration::from_secs(10)).await.unwrap();
    assert_eq!((compute("c").await, compute("d").await), ("c".into(), "d".into()), "nobody keeps it now");
    let error = port.put(&CacheKey::of(["x"]), "x".into(), Duration::from_secs(9)).await.unwrap_err();
    let CacheError::Unavailable(cause) = error else { panic!("{error}") };
    assert!(
        cause.to_string().contains("no bucket shop_cache") && cause.to_string().contains("relais migrate"),
        "{cause}"
    );

    drop(broker);
    while bus.is_up() {
        tokio::task::yield_now().await;
    }
    assert_eq!(compute("e").await, "e", "after one wait");
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(compute("f").await, "f");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "a thousand do not wait for it: {:?}", begun.elapsed());
}

/// The bucket is one that the tools of others read, though it makes room where theirs would refuse.
#[tokio::test(flavor = "multi_thread")]
async fn the_nats_command_line_reads_the_bucket() {
    let (broker, bus) = broker().await;
    let cache = open(&bus, system::Clock).await;
    let key = CacheKey::of(["a"]);
    cache.put(&key, "tea".into(), Duration::from_secs(600)).await.unwrap();
    let kv = |arguments: &[&str]| {
        let mut nats = std::process::Command::new(tool("nats"));
        nats.args(["--server", broker.url(), "kv"]).args(arguments).env("HOME", broker.directory());
        let ran = run(&mut nats, "");
        assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    assert_eq!(kv(&["get", "shop_cache", key.as_str(), "--raw"]).trim_end(), "tea");
    assert!(kv(&["ls", "shop_cache"]).contains(key.as_str()));
    assert!(kv(&["info", "shop_cache"]).contains("64 MiB"));
    kv(&["put", "shop_cache", key.as_str(), "no end"]);
    assert_eq!(cache.get(&key).await.unwrap(), None, "what bears no end is not taken for an answer of ours");
    cache.put(&key, "tea".into(), Duration::from_secs(600)).await.unwrap();
    kv(&["del", "shop_cache", key.as_str(), "--force"]);
    assert_eq!(cache.get(&key).await.unwrap(), None);
}
