//! What is asked of JetStream, and what its answers become. What a real one does is in the contract and scenario tests.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use relais_domain::{
    identity::ServiceName,
    memory,
    message::{Headers, Message},
    ports::{Bus, BusError, Cache as _, CacheError, CacheKey, Clock as _, Malformed, MockBus},
};
use serde_json::{Value, json};

use super::{bucket::configuration, *};

fn shop() -> ServiceName {
    "shop".parse().unwrap()
}

fn key() -> CacheKey {
    CacheKey::of(["key"])
}

fn answer(payload: impl Into<bytes::Bytes>) -> Result<Message, BusError> {
    Ok(Message::new("_SVC.shop.1".parse().unwrap(), payload))
}

fn told(value: &Value) -> Result<Message, BusError> {
    answer(value.to_string())
}

fn no_stream() -> Result<Message, BusError> {
    told(&json!({"error": {"code": 404, "err_code": 10059, "description": "stream not found"}}))
}

fn silence() -> Result<Message, BusError> {
    Err(BusError::Timeout { subject: "x".to_owned(), after: Duration::ZERO })
}

/// A JetStream that answers a question after the other with these, and the questions.
fn scripted(answers: Vec<Result<Message, BusError>>) -> (Arc<dyn Bus>, Arc<Mutex<Vec<Message>>>) {
    let (answers, asked) = (Mutex::new(answers.into_iter()), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&asked);
    let mut bus = MockBus::new();
    bus.expect_request().returning(move |message, patience| {
        let start = message.subject.as_str().starts_with("$JS.API.STREAM.");
        assert!(start || patience <= Duration::from_millis(500), "a handler waits {patience:?}");
        seen.lock().unwrap().push(message);
        answers.lock().unwrap().next().expect("nothing more is asked")
    });
    (Arc::new(bus), asked)
}

/// A cache on the bucket as it is made, whose further questions are answered with these.
async fn cache(answers: Vec<Result<Message, BusError>>) -> (Cache, memory::Clock, Arc<Mutex<Vec<Message>>>) {
    let opened = told(&json!({"config": configuration(&shop())}));
    let (bus, asked) = scripted([opened].into_iter().chain(answers).collect());
    let clock = memory::Clock::default();
    let cache = Cache::open(bus, shop(), Arc::new(clock.clone())).await.unwrap();
    assert_eq!(asked.lock().unwrap().remove(0).subject.as_str(), "$JS.API.STREAM.INFO.KV_shop_cache");
    (cache, clock, asked)
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_value_is_put_with_its_end_for_us_and_for_the_broker() {
    let ack = || told(&json!({"stream": "KV_shop_cache", "seq": 1}));
    for (ttl, seconds) in [
        (Duration::from_nanos(1), "1"),
        (Duration::from_secs(5), "5"),
        (Duration::from_millis(5_001), "6"),
        (Duration::MAX, "315360000"),
    ] {
        let (cache, clock, asked) = cache(vec![ack()]).await;
        cache.put(&key(), "tea".into(), ttl).await.unwrap();
        let put = asked.lock().unwrap().remove(0);
        assert_eq!(put.subject.as_str(), format!("$KV.shop_cache.{}", key().as_str()));
        assert_eq!((put.payload, put.headers.get("Nats-TTL")), ("tea".into(), Some(seconds)));
        let until: i64 = put.headers.get("Relais-Until").unwrap().parse().unwrap();
        let micros = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        assert_eq!(until, clock.now().as_microsecond().saturating_add(micros));
    }
}

#[tokio::test]
async fn only_a_value_of_ours_that_is_not_over_is_found() {
    let now = memory::Clock::default().now().as_microsecond();
    let (soon, passed) = ((now + 1).to_string(), now.to_string());
    let message = |headers: &[(&str, &str)]| {
        let headers: Headers = headers.iter().copied().collect();
        answer("tea").map(|message| Message { headers, ..message })
    };
    for (answer, found) in [
        (message(&[("Relais-Until", &soon)]), true),
        (message(&[("Relais-Until", &passed)]), false),
        (message(&[]), false),
        (message(&[("Relais-Until", "tomorrow")]), false),
        (message(&[("Relais-Until", &soon), ("KV-Operation", "DEL")]), false),
        (Err(BusError::Malformed(Malformed::Status(404))), false),
    ] {
        let case = format!("{answer:?}");
        let (cache, _, asked) = cache(vec![answer]).await;
        assert_eq!(cache.get(&key()).await.unwrap().is_some(), found, "{case}");
        let subject = asked.lock().unwrap()[0].subject.to_string();
        assert_eq!(subject, format!("$JS.API.DIRECT.GET.KV_shop_cache.$KV.shop_cache.{}", key().as_str()));
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_sent() {
    let (cache, _, asked) = cache(vec![Err(BusError::TooLarge { size: 9_000, limit: 8_000 })]).await;
    let limit = 1024 * 1024 - 128;
    let huge = cache.put(&key(), vec![0; limit + 1].into(), Duration::from_secs(1)).await;
    assert!(matches!(huge, Err(CacheError::TooLarge { size, limit: own }) if (size, own) == (limit + 1, limit)));
    assert!(asked.lock().unwrap().is_empty());
    let smaller_broker = cache.put(&key(), vec![0; 9_000].into(), Duration::from_secs(1)).await;
    assert!(matches!(smaller_broker, Err(CacheError::TooLarge { size: 9_000, limit: 7_872 })), "{smaller_broker:?}");
}

#[tokio::test]
async fn an_error_says_what_is_wrong() {
    let nobody = Err(BusError::NoResponders { subject: "x".to_owned() });
    let full = told(&json!({"error": {"code": 503, "err_code": 10047, "description": "insufficient storage"}}));
    for (answer, words) in [
        (nobody, "no bucket shop_cache, or JetStream is off; `relais migrate`"),
        (full, "insufficient storage (JetStream error 10047)"),
        (answer("OK"), "is none of JetStream's"),
        (silence(), "no answer"),
    ] {
        let (cache, ..) = cache(vec![answer]).await;
        let error = cache.put(&key(), "tea".into(), Duration::from_secs(1)).await.unwrap_err();
        assert!(matches!(error, CacheError::Unavailable(_)));
        assert!(causes(&error).contains(words), "{}", causes(&error));
    }
}

#[tokio::test]
async fn who_does_not_answer_is_left_alone_for_a_while() {
    let none = || Err(BusError::Malformed(Malformed::Status(404)));
    let deleted = told(&json!({"seq": 1}));
    let (cache, clock, asked) = cache(vec![silence(), silence(), none(), none(), silence(), deleted, none()]).await;
    let get = || async { cache.get(&key()).await.map(drop).map_err(|error| causes(&error)) };
    let questions = || asked.lock().unwrap().len();
    assert!(get().await.unwrap_err().contains("no answer"));
    assert!(get().await.unwrap_err().contains("asked again in 2000 ms"));
    assert_eq!(questions(), 1);
    clock.advance(Duration::from_secs(2));
    assert!(get().await.unwrap_err().contains("no answer"), "one tries again");
    assert!(get().await.unwrap_err().contains("asked again"));
    clock.advance(Duration::from_secs(2));
    assert!(get().await.is_ok() && get().await.is_ok(), "it is back");
    assert!(get().await.is_err());
    cache.delete(&key()).await.unwrap();
    assert!(get().await.is_ok(), "a delete always tries, and finds that it is back");
    assert_eq!(questions(), 7);
}

#[tokio::test]
async fn a_bucket_that_cannot_be_a_cache_is_refused_at_the_start() {
    let mut without_ttl = configuration(&shop());
    without_ttl["allow_msg_ttl"] = Value::Null;
    let off = Err(BusError::NoResponders { subject: "x".to_owned() });
    for (answer, words) in [
        (no_stream(), "there is no bucket shop_cache"),
        (told(&json!({"config": without_ttl})), "cannot be a cache: allow_msg_ttl is null, wanted true"),
        (off, "is it on, in the broker and in the account?"),
        (told(&json!({"error": {"err_code": 1, "description": "not now"}})), "not now"),
    ] {
        let (bus, _) = scripted(vec![answer]);
        let error = Cache::open(bus, shop(), Arc::new(memory::Clock::default())).await.err().unwrap();
        assert!(causes(&error).contains(words), "{}", causes(&error));
    }
    let mut other_sizes = configuration(&shop());
    other_sizes["max_bytes"] = json!(1);
    other_sizes["max_msg_size"] = json!(1_000);
    let (bus, _) = scripted(vec![told(&json!({"config": other_sizes}))]);
    let cache = Cache::open(bus, shop(), Arc::new(memory::Clock::default())).await.unwrap();
    let large = cache.put(&key(), vec![0; 900].into(), Duration::from_secs(1)).await;
    assert!(matches!(large, Err(CacheError::TooLarge { limit: 872, .. })), "sizes are the operator's: {large:?}");
}

#[tokio::test]
async fn a_bucket_is_made_once_and_never_changed() {
    let is = |config: Value| told(&json!({"config": config}));
    let smaller = || {
        let mut config = configuration(&shop());
        config["max_bytes"] = json!(1_024);
        config["num_replicas"] = json!(3);
        config
    };
    let difference = Difference { setting: "max_bytes", is: "1024".to_owned(), wanted: (64 * 1024 * 1024).to_string() };
    let taken = || told(&json!({"error": {"err_code": 10058, "description": "in use"}}));
    for (answers, provisioned) in [
        (vec![no_stream(), is(configuration(&shop()))], Provisioned::Made),
        (vec![is(configuration(&shop()))], Provisioned::There),
        (vec![is(smaller())], Provisioned::Different(vec![difference.clone()])),
        (vec![no_stream(), taken(), is(smaller())], Provisioned::Different(vec![difference])),
    ] {
        let (bus, asked) = scripted(answers);
        let bucket = Provisioner::new(bus).cache(&shop()).await.unwrap();
        assert_eq!(bucket, Bucket { name: "shop_cache".to_owned(), provisioned });
        let verbs = asked.lock().unwrap().iter().map(|own| own.subject.to_string()).collect::<Vec<_>>();
        assert!(verbs.iter().all(|verb| verb.contains("STREAM.INFO") || verb.contains("STREAM.CREATE")), "{verbs:?}");
    }
    let full = told(&json!({"error": {"err_code": 10047, "description": "insufficient storage"}}));
    let (bus, _) = scripted(vec![no_stream(), full]);
    let error = Provisioner::new(bus).cache(&shop()).await.unwrap_err();
    assert!(
        causes(&error).contains("the bucket shop_cache cannot be made: insufficient storage"),
        "{}",
        causes(&error)
    );
}
