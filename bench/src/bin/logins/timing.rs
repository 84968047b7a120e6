//! Whether the time of an answer tells who is registered.

use std::time::Instant;

use relais_adapters::system;
use relais_bench::median;
use relais_domain::ports::Rng as _;
use serde_json::{Value, json};

use super::{http::Http, load, relais::Relais};

/// How many addresses of each kind are asked about in turn.
const ADDRESSES: usize = 20;
/// How often a difference is drawn anew from what was measured.
const DRAWN: usize = 1_000;

/// What is asked.
#[derive(Clone, Copy)]
pub(crate) enum Ask {
    /// `POST /login` with a wrong password.
    WrongPassword,
    /// `POST /login/code`.
    Code,
    /// `POST /password/reset`.
    Reset,
}

impl Ask {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong password",
            Self::Code => "/login/code",
            Self::Reset => "/password/reset",
        }
    }

    async fn ask(self, http: &mut Http, email: &str) -> f64 {
        let (path, body, status) = match self {
            Self::WrongPassword => ("/login", json!({"email": email, "password": "wrong horse battery staple"}), 401),
            Self::Code => ("/login/code", json!({"email": email}), 202),
            Self::Reset => ("/password/reset", json!({"email": email}), 202),
        };
        let begun = Instant::now();
        let answer = http.post(path, &body).await;
        let took = begun.elapsed();
        let _: Value = answer.expect(status);
        took.as_secs_f64() * 1e6
    }
}

/// What was found, in microseconds.
pub(crate) struct Found {
    pub(crate) known: f64,
    pub(crate) unknown: f64,
    /// What their difference may be off by ([`noise`]).
    pub(crate) noise: f64,
    /// The difference between one half of the known ones and the other: what is no difference at all.
    pub(crate) halves: f64,
    /// How much longer the request takes that comes right behind one about a known address, and what that may be off by.
    pub(crate) next: f64,
    pub(crate) next_noise: f64,
}

/// Asks so many times about each kind of address, shuffled: what an answer leaves behind to do hits both kinds alike.
pub(crate) async fn run(relais: &Relais, name: &str, ask: Ask, each: usize) -> Found {
    let known = load::register(&relais.server, &format!("{name}-is"), ADDRESSES).await;
    let unknown: Vec<_> = known.iter().map(|email| email.replace("-is-", "-no-")).collect();
    let mut http = Http::connect(&relais.server).await;
    for email in known.iter().chain(&unknown) {
        ask.ask(&mut http, email).await;
    }
    let mut order: Vec<_> = (0..2 * each).map(|number| number % 2 == 0).collect();
    (1..order.len()).for_each(|last| order.swap(last, drawn(last + 1)));
    let (mut times, mut next) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut before = None;
    for (number, is_known) in order.into_iter().enumerate() {
        let emails = if is_known { &known } else { &unknown };
        let took = ask.ask(&mut http, &emails[number % ADDRESSES]).await;
        times[usize::from(is_known)].push(took);
        if let Some(before) = before.replace(is_known) {
            next[usize::from(before)].push(took);
        }
    }
    let ([unknown, known], [after_unknown, after_known]) = (times, next);
    let halves = known.chunks(2).map(|pair| (pair[0], pair[pair.len() - 1])).unzip();
    let (one, other): (Vec<f64>, Vec<f64>) = halves;
    Found {
        known: median(known.clone()),
        unknown: median(unknown.clone()),
        noise: noise(&known, &unknown),
        halves: median(one) - median(other),
        next: median(after_known.clone()) - median(after_unknown.clone()),
        next_noise: noise(&after_known, &after_unknown),
    }
}

/// Half of the interval that the difference of the medians lies in 95 times of 100, when both are drawn anew from what was measured.
fn noise(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<_> = (0..DRAWN).map(|_| median(again(one)) - median(again(other))).collect();
    all.sort_by(f64::total_cmp);
    (all[DRAWN * 975 / 1_000] - all[DRAWN * 25 / 1_000]) / 2.0
}

/// As many of them, each perhaps several times.
fn again(times: &[f64]) -> Vec<f64> {
    times.iter().map(|_| times[drawn(times.len())]).collect()
}

fn drawn(below: usize) -> usize {
    let mut bytes = [0; 4];
    system::Rng.fill(&mut bytes);
    u32::from_le_bytes(bytes) as usize % below
}
