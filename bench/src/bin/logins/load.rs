//! Logins and refreshes, as many as there is time for.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use relais_adapters::{nkeys, system};
use relais_bench::percentile_micros;
use relais_domain::{credentials::KeyKind, ports::KeyPairs as _};
use serde_json::{Value, json};
use std::sync::Arc;

use super::{http::Http, relais::Relais};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// How many devices a user may have.
const DEVICES: usize = 20;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `POST /login` of the same device again and again, with its public key.
    SameDevice,
    /// `POST /login` without a key: each makes a key pair and a device.
    NewDevice,
    /// `POST /token`.
    Refresh,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::SameDevice, Self::NewDevice, Self::Refresh];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SameDevice => "login, same device",
            Self::NewDevice => "login, new device",
            Self::Refresh => "refresh",
        }
    }
}

/// What was found.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) per_second: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    pub(crate) cpu_micros: f64,
}

/// One of those who ask.
struct Caller {
    http: Http,
    kind: Kind,
    body: Value,
    /// Who logs in next on a new device, and how often still.
    users: Vec<String>,
    left: usize,
}

impl Caller {
    /// Asks once and says how long that took; `None` when there is nobody left to ask for.
    async fn ask(&mut self) -> Option<Duration> {
        if self.kind == Kind::NewDevice && self.left == 0 {
            self.body["email"] = self.users.pop()?.into();
            self.left = DEVICES;
        }
        self.left = self.left.saturating_sub(1);
        let path = if self.kind == Kind::Refresh { "/token" } else { "/login" };
        let begun = Instant::now();
        let answer = self.http.post(path, &self.body).await;
        let took = begun.elapsed();
        let answer = answer.expect(200);
        if self.kind == Kind::Refresh {
            self.body = json!({"refresh_token": answer["refresh_token"]});
        }
        Some(took)
    }

    async fn until(&mut self, end: Instant) -> Vec<Duration> {
        let mut times = Vec::new();
        while Instant::now() < end {
            let Some(took) = self.ask().await else { break };
            times.push(took);
        }
        times
    }
}

/// New users, whose addresses begin with `name`.
pub(crate) async fn register(server: &str, name: &str, count: usize) -> Vec<String> {
    let emails: Vec<_> = (0..count).map(|number| format!("{name}-{number:04}@example.org")).collect();
    // Four beside each other: no hash is refused for too many at once.
    let of = |part: usize| {
        let emails = &emails;
        async move {
            let mut http = Http::connect(server).await;
            for email in emails.iter().skip(part).step_by(4) {
                http.post("/register", &json!({"email": email, "password": PASSWORD})).await.expect(201);
            }
        }
    };
    join_all((0..4).map(of)).await;
    emails
}

/// Lets so many ask beside each other for so long. `name` is one that no users have yet.
pub(crate) async fn run(relais: &Relais, name: &str, kind: Kind, callers: usize, time: Duration, most: usize) -> Found {
    let users = if kind == Kind::NewDevice { most.div_ceil(DEVICES).max(callers) } else { callers };
    let mut users = register(&relais.server, name, users).await;
    let each = users.len() / callers;
    let keys = nkeys::KeyPairs::new(Arc::new(system::Rng));
    let mut all = Vec::new();
    for _ in 0..callers {
        let mut http = Http::connect(&relais.server).await;
        let users = users.split_off(users.len() - each);
        let mut body = json!({"email": users[0], "password": PASSWORD});
        if kind != Kind::NewDevice {
            body["public_key"] = keys.generate(KeyKind::User).public.to_string().into();
            let login = http.post("/login", &body).await.expect(200);
            if kind == Kind::Refresh {
                body = json!({"refresh_token": login["refresh_token"]});
            }
        }
        all.push(Caller { http, kind, body, users, left: 0 });
    }
    let (cpu, begun) = (relais.cpu(), Instant::now());
    let times = join_all(all.iter_mut().map(|caller| caller.until(begun + time))).await;
    let (took, spent) = (begun.elapsed().as_secs_f64(), relais.cpu() - cpu);
    let mut times: Vec<_> = times.into_iter().flatten().collect();
    times.sort();
    let count = times.len() as f64;
    Found {
        per_second: count / took,
        p50_micros: percentile_micros(&times, 50),
        p99_micros: percentile_micros(&times, 99),
        cpu_micros: spent.as_secs_f64() * 1e6 / count,
    }
}
