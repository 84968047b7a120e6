//! Runs every kind of server against the same broker and load, in turns, and prints what each costs beside the bare loop.
//!
//! `bench [--quick] [--json FILE]`, with `nats-server` on the PATH, and `server` beside this program. CPU time is the
//! service's own: on few cores the broker and the load hide it in rates.

mod load;
mod odd;
mod process;
mod report;

use std::time::{Duration, Instant};

use relais_bench::percentile_micros;

use self::{load::Load, report::Report};

/// Every kind of server, the one first that the others are compared with.
const KINDS: [&str; 8] = [
    "bare",
    "bare-current-thread",
    "spawned",
    "async-nats-service",
    "ruststream",
    "ruststream-64",
    "relais-bus",
    "relais",
];
/// The kinds that somebody sends odd messages to.
const KINDS_WITH_ODD: [&str; 3] = ["bare", "relais-bus", "relais"];

/// What one run found.
#[derive(Clone, Copy)]
struct Found {
    per_second: f64,
    cpu_micros: f64,
    p99_micros: f64,
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let file = arguments.iter().position(|argument| argument == "--json").map(|at| arguments[at + 1].clone());
    let (scale, rounds) = if quick { (1, 1) } else { (4, 3) };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut report = Report::default();
    for load in load::all(scale) {
        let mut found: Vec<_> = KINDS.iter().map(|kind| (*kind, Vec::new())).collect();
        // In turns, so that what else the machine does hits all alike.
        for _ in 0..rounds {
            for (kind, found) in &mut found {
                found.push(runtime.block_on(run(kind, load)));
            }
        }
        report.load(load, &found);
    }
    let time = Duration::from_secs(if quick { 3 } else { 10 });
    let found: Vec<_> = KINDS_WITH_ODD.iter().map(|kind| (*kind, runtime.block_on(run_with_odd(kind, time)))).collect();
    report.odd(time, &found);
    if let Some(file) = file {
        report.write(&file);
    }
}

async fn run(kind: &str, load: Load) -> Found {
    let broker = process::broker();
    let server = process::server(kind, &broker.url);
    let bus = load::connect(&broker.url).await;
    // Warm up: code paths, allocators, the broker's routes.
    load::ask(&bus, Load { requests: 5_000, outstanding: 64, fire: None, slow: false, ..load }).await;
    let (cpu, begun) = (server.cpu(), Instant::now());
    let times = load::ask(&bus, load).await;
    let took = begun.elapsed().as_secs_f64();
    let spent = server.cpu() - cpu;
    let requests = load.requests as f64;
    Found {
        per_second: requests / took,
        cpu_micros: spent.as_secs_f64() * 1e6 / requests,
        p99_micros: percentile_micros(&times, 99),
    }
}

async fn run_with_odd(kind: &str, time: Duration) -> odd::Found {
    let broker = process::broker();
    let _server = process::server(kind, &broker.url);
    let bus = load::connect(&broker.url).await;
    load::ask(&bus, Load { requests: 5_000, ..load::all(1)[0] }).await;
    odd::run(&bus, &broker, time).await
}
