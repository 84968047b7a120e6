//! What the bucket of a cache is like.

use std::fmt;

use relais_domain::{credentials::streams, identity::ServiceName};
use serde_json::{Value, json};

/// Bytes of all values with their keys and headers.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Keys.
const MAX_KEYS: u64 = 100_000;
/// Bytes of one value with its headers: what nats-server takes in one message unless told otherwise.
const MAX_VALUE: u64 = 1024 * 1024;
/// What the two headers of a value take, with room to spare.
const HEADERS: usize = 128;

/// A setting of a bucket that is not as it was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name in the configuration of a stream: `max_bytes`.
    pub setting: &'static str,
    /// What it is, as JSON.
    pub is: String,
    /// What was wanted, as JSON.
    pub wanted: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, wanted {}", self.setting, self.is, self.wanted)
    }
}

/// The settings that matter, with the values that are wanted. Replicas and placement are the operator's business.
fn wanted(service: &ServiceName) -> Vec<(&'static str, Value)> {
    vec![
        ("subjects", json!([streams::cache_subjects(service)])),
        // In memory the bucket itself would be gone when a broker that stands alone is started again.
        ("storage", json!("file")),
        // The disk may lag behind: what a crash takes is computed anew.
        ("persist_mode", json!("async")),
        ("max_bytes", json!(MAX_BYTES)),
        ("max_msgs", json!(MAX_KEYS)),
        ("max_msg_size", json!(MAX_VALUE)),
        ("max_msgs_per_subject", json!(1)),
        // A full cache makes room. A bucket of KV would refuse what is new, for a store must not forget.
        ("discard", json!("old")),
        ("allow_direct", json!(true)),
        ("allow_msg_ttl", json!(true)),
        // What clients of KV expect of a bucket (NATS ADR-8).
        ("allow_rollup_hdrs", json!(true)),
        ("deny_delete", json!(true)),
    ]
}

/// The configuration to make it with.
pub(super) fn configuration(service: &ServiceName) -> Value {
    let mut config = json!({
        "name": streams::cache(service),
        "description": "what the service keeps for a while; all of it may be lost",
        "retention": "limits",
    });
    for (setting, value) in wanted(service) {
        config[setting] = value;
    }
    config
}

/// Where a bucket that is there differs.
pub(super) fn differences(service: &ServiceName, is: &Value) -> Vec<Difference> {
    let differs = wanted(service).into_iter().filter(|(setting, wanted)| is[setting] != *wanted);
    differs.map(|(setting, wanted)| difference(setting, is, &wanted)).collect()
}

/// The first setting without which it cannot be a cache, whatever the rest is like.
pub(super) fn unfit(service: &ServiceName, is: &Value) -> Option<Difference> {
    let needed = ["subjects", "allow_direct", "allow_msg_ttl"];
    differences(service, is).into_iter().find(|own| needed.contains(&own.setting))
}

/// Bytes of the largest value that it takes.
pub(super) fn largest_value(is: &Value) -> usize {
    // −1 and 0 are no limit, and the broker's own is left.
    let limit = is["max_msg_size"].as_u64().filter(|limit| *limit > 0);
    limit.map_or(usize::MAX, |limit| value_in(usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// Bytes of the largest value in a message of at most so many.
pub(super) fn value_in(limit: usize) -> usize {
    limit.saturating_sub(HEADERS)
}

fn difference(setting: &'static str, is: &Value, wanted: &Value) -> Difference {
    Difference { setting, is: is[setting].to_string(), wanted: wanted.to_string() }
}
