//! Hashes of passwords in a running backend: settings that were changed, and a storm of logins.

use std::{collections::BTreeMap, fs, time::Duration};

use futures_util::future::join_all;
use relais_adapters::sql::Database;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::lifecycle::resident;
use crate::support::{Caller, PASSWORD, Up, World};

/// Logins at once: the line takes some 70.
const STORM: usize = 600;
/// Users who log in, each on less devices than a user may have.
const USERS: usize = 40;
/// What may remain of a storm, in KiB: less than half the memory of one hash.
const REMAINS: u64 = 8 * 1024;

fn credentials(name: &str, password: &str) -> Value {
    json!({"email": format!("{name}@example.org"), "password": password})
}

fn hashing(world: &World, memory: u32, passes: u32) -> Up {
    world.up_with(|command| {
        command.env("RELAIS_AUTH__HASH_MEMORY", memory.to_string());
        command.env("RELAIS_AUTH__HASH_PASSES", passes.to_string());
    })
}

/// The only user's hash, when the backend has ended.
async fn stored(world: &World) -> String {
    let database = Database::open(&format!("sqlite://{}", world.path("data/relais.db").display())).await.unwrap();
    let hashes = database.texts("SELECT password FROM users").await.unwrap();
    database.close().await.unwrap();
    let [hash] = <[String; 1]>::try_from(hashes).unwrap();
    hash
}

async fn is_refused(up: &Up) {
    let wrong = credentials("ada", "correct horse battery stable");
    let refused = Caller::stranger(up).refused(Method::POST, "/login", wrong).await;
    assert_eq!(refused, (401, "wrong-credentials".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn raised_settings_reach_a_hash_when_its_user_logs_in_and_lowered_ones_never() {
    let world = World::new();
    let up = hashing(&world, 7, 1);
    Caller::new(&up, "ada").await;
    up.stop();
    let low = stored(&world).await;
    assert!(low.starts_with("$argon2id$v=19$m=7168,t=1,p=1$"), "{low}");

    let up = hashing(&world, 9, 2);
    is_refused(&up).await;
    up.stop();
    assert_eq!(stored(&world).await, low, "who does not know the password changes nothing");
    let up = hashing(&world, 9, 2);
    Caller::stranger(&up).let_in("/login", credentials("ada", PASSWORD)).await;
    is_refused(&up).await;
    up.stop();
    let high = stored(&world).await;
    assert!(high.starts_with("$argon2id$v=19$m=9216,t=2,p=1$"), "{high}");

    let up = hashing(&world, 7, 1);
    Caller::stranger(&up).let_in("/login", credentials("ada", PASSWORD)).await;
    is_refused(&up).await;
    up.stop();
    assert_eq!(stored(&world).await, high);
}

/// Connections of a process, and whatever else of its is a socket.
fn sockets(pid: u32) -> usize {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = open.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_logins_is_let_in_or_told_to_come_back_and_leaves_no_memory_behind() {
    let world = World::new();
    let up = world.up_with(|command| {
        for limit in ["LOGIN_PER_EMAIL_AND_ADDRESS", "LOGIN_PER_EMAIL", "LOGIN_PER_ADDRESS", "REGISTER_PER_ADDRESS"] {
            command.env(format!("RELAIS_AUTH__LIMITS__{limit}"), "off");
        }
        // Slower than usual, so that the line is full on many cores too.
        command.env("RELAIS_AUTH__HASH_PASSES", "8");
    });
    let mut ada = Caller::new(&up, "ada").await;
    let names: Vec<_> = (0..USERS).map(|number| format!("user{number}")).collect();
    for name in &names {
        assert_eq!(ada.post("/register", credentials(name, PASSWORD)).await.0, StatusCode::CREATED);
    }
    let (before, connected) = (resident(up.pid()), sockets(up.pid()));

    let storm = Caller::stranger(&up);
    let url = format!("{}/login", up.text("http"));
    let all = (0..STORM).map(|number| {
        let body = credentials(&names[number % USERS], PASSWORD);
        storm.http.post(&url).json(&body).send()
    });
    let mut answers = BTreeMap::new();
    for answer in join_all(all).await {
        let answer = answer.unwrap();
        let later = answer.headers().get("retry-after").and_then(|later| later.to_str().ok()?.parse::<u32>().ok());
        let told = later.is_some_and(|seconds| seconds > 0);
        *answers.entry((answer.status(), told)).or_insert(0) += 1;
    }
    let in_all = answers.values().sum::<usize>();
    let (let_in, busy) = ((StatusCode::OK, false), (StatusCode::SERVICE_UNAVAILABLE, true));
    let found = |kind| answers.get(&kind).copied().unwrap_or_default();
    assert_eq!((found(let_in) + found(busy), in_all), (STORM, STORM), "{answers:?}");
    assert!(found(let_in) >= 64 && found(busy) > 0, "those in the line are let in, and it was full: {answers:?}");

    drop(storm);
    let left = async {
        while sockets(up.pid()) > connected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), left).await.expect("their connections end");
    ada.let_in("/login", credentials("ada", PASSWORD)).await;
    let after = resident(up.pid());
    assert!(after < before + REMAINS, "{after} KiB, and {before} before");
    up.stop();
}
