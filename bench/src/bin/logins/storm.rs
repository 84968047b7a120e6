//! A thousand logins at once, and what memory they take.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::json;

use super::{
    http::Http,
    load::{self, PASSWORD},
    relais::Relais,
};

/// Logins at once.
pub(crate) const LOGINS: usize = 1_000;
/// How often its memory is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// What was found; memory in MiB.
pub(crate) struct Found {
    pub(crate) let_in: usize,
    /// 503 with `Retry-After`.
    pub(crate) busy: usize,
    pub(crate) seconds: f64,
    pub(crate) before: f64,
    /// With all connections open, before anybody has asked.
    pub(crate) connected: f64,
    pub(crate) peak: f64,
    /// When all are answered and gone.
    pub(crate) after: f64,
}

/// Storms it once. `name` is one that no users have yet.
pub(crate) async fn run(relais: &Relais, name: &str) -> Found {
    let users = load::register(&relais.server, name, 50).await;
    let before = resident(relais.pid());
    let mut all = Vec::new();
    for _ in 0..LOGINS {
        all.push(Http::connect(&relais.server).await);
    }
    // The last one is taken when it is answered, and all others before it.
    all[LOGINS - 1].post("/login", &json!({})).await;
    let connected = resident(relais.pid());
    let over = Arc::new(AtomicBool::new(false));
    let watch = watch(relais.pid(), Arc::clone(&over));
    let begun = Instant::now();
    let logins = all.iter_mut().enumerate().map(|(number, http)| {
        let body = json!({"email": users[number % users.len()], "password": PASSWORD});
        async move { http.post("/login", &body).await }
    });
    let answers = join_all(logins).await;
    let seconds = begun.elapsed().as_secs_f64();
    over.store(true, Ordering::Relaxed);
    let peak = watch.join().expect("it watches");
    drop(all);
    let (mut let_in, mut busy) = (0, 0);
    for answer in answers {
        match answer.status {
            200 => let_in += 1,
            503 if answer.retry_after => busy += 1,
            other => panic!("nothing else than 200 and 503 with Retry-After: {other} {}", answer.expect(other)),
        }
    }
    Found { let_in, busy, seconds, before, connected, peak, after: settled(relais.pid()).await }
}

/// The most it has while this goes on.
fn watch(pid: u32, over: Arc<AtomicBool>) -> std::thread::JoinHandle<f64> {
    std::thread::spawn(move || {
        let mut peak = 0.0_f64;
        while !over.load(Ordering::Relaxed) {
            peak = peak.max(resident(pid));
            std::thread::sleep(LOOK);
        }
        peak
    })
}

/// What it has when that has been the same for half a second.
async fn settled(pid: u32) -> f64 {
    let mut last = resident(pid);
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = resident(pid);
        if (now - last).abs() < 0.5 {
            return now;
        }
        last = now;
    }
}

/// A process's resident memory in MiB.
fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}
