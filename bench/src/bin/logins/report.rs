//! Tables for people, and the figures for whoever keeps them.

use relais_adapters::argon2::Cost;
use relais_bench::median;
use serde_json::{Map, Value, json};

use super::{
    load::{Found, Kind},
    storm,
    timing::{self, Ask},
};

/// What was found so far.
#[derive(Default)]
pub(crate) struct Report(Map<String, Value>);

/// What the rounds of one load found.
pub(crate) struct Load {
    pub(crate) kind: Kind,
    pub(crate) callers: usize,
    pub(crate) database: &'static str,
    pub(crate) rounds: Vec<Found>,
}

impl Load {
    fn median(&self, of: fn(&Found) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }
}

impl Report {
    fn keep(&mut self, name: &str, value: Value) {
        if let Some(list) = self.0.entry(name).or_insert_with(|| json!([])).as_array_mut() {
            list.push(value);
        }
    }

    pub(crate) fn disk(&mut self, micros: f64) {
        println!("\nLogins. Until 4 KiB more are on the disk: {micros:.0} µs (median)");
        self.0.insert("disk_micros".to_owned(), micros.into());
    }

    /// Prints hashes a second on one core and on all, by the crate and by ours.
    pub(crate) fn hash(&mut self, cost: Cost, cores: usize, bare: [f64; 2], ours: [f64; 2]) {
        println!("\nArgon2id alone, {} MiB and {} passes", cost.memory / 1024, cost.passes);
        println!("{:28} {:>10} {:>10} {:>8}", "", "a second", "ms each", "× bare");
        for (at, beside) in [(0, 1), (1, cores)] {
            for (name, rate) in [("bare", bare[at]), ("ours, memory given back", ours[at])] {
                let each = 1e3 * beside as f64 / rate;
                println!(
                    "{:28} {rate:>10.1} {each:>10.2} {:>8.2}",
                    format!("{name}, {beside} at once"),
                    rate / bare[at]
                );
                let (memory, passes) = (cost.memory, cost.passes);
                self.keep(
                    "hash",
                    json!({"by": name, "at_once": beside, "kib": memory, "passes": passes, "per_second": rate}),
                );
            }
        }
    }

    /// Prints medians; with hashes a second on one core and on all beside them.
    pub(crate) fn loads(&mut self, title: &str, loads: Vec<Load>, bare: Option<[f64; 2]>) {
        println!("\n{title}");
        let last = if bare.is_some() { "× hash" } else { "" };
        println!(
            "{:20} {:>8} {:12} {:>10} {:>10} {:>10} {:>10} {last:>8}",
            "", "callers", "", "a second", "p50 µs", "p99 µs", "CPU µs"
        );
        for load in loads {
            let rate = load.median(|one| one.per_second);
            let [p50, p99] = [load.median(|one| one.p50_micros), load.median(|one| one.p99_micros)];
            let cpu = load.median(|one| one.cpu_micros);
            let ratio = bare.map(|[one, all]| rate / if load.callers == 1 { one } else { all });
            let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            let (kind, callers, database) = (load.kind.name(), load.callers, load.database);
            println!(
                "{kind:20} {callers:>8} {database:12} {rate:>10.0} {p50:>10.0} {p99:>10.0} {cpu:>10.0} {ratio:>8}"
            );
            let of = |one: &Found| {
                json!({
                    "per_second": one.per_second,
                    "p50_micros": one.p50_micros,
                    "p99_micros": one.p99_micros,
                    "cpu_micros": one.cpu_micros,
                })
            };
            let rounds: Vec<_> = load.rounds.iter().map(of).collect();
            let value =
                json!({"with": title, "load": kind, "callers": callers, "database": database, "rounds": rounds});
            self.keep("loads", value);
        }
    }

    /// Prints what became of storms, and what memory they may take.
    pub(crate) fn storms(&mut self, cores: usize, cost: Cost, storms: &[(&str, storm::Found)]) {
        let (count, each) = (storm::LOGINS, cost.memory / 1024);
        println!("\n{count} logins at once, with the hash as it is by default; resident memory of relais in MiB.");
        println!("Hashes take at most {cores} × {each} MiB at a time.");
        println!(
            "{:12} {:>6} {:>6} {:>6} {:>10} {:>10} {:>10} {:>10}",
            "", "200", "503", "s", "before", "connected", "peak", "after"
        );
        for (database, one) in storms {
            println!(
                "{database:12} {:>6} {:>6} {:>6.1} {:>10.1} {:>10.1} {:>10.1} {:>10.1}",
                one.let_in, one.busy, one.seconds, one.before, one.connected, one.peak, one.after
            );
            self.keep(
                "storms",
                json!({
                    "database": database,
                    "let_in": one.let_in,
                    "busy": one.busy,
                    "seconds": one.seconds,
                    "before_mib": one.before,
                    "connected_mib": one.connected,
                    "peak_mib": one.peak,
                    "after_mib": one.after,
                }),
            );
        }
    }

    /// Prints what known and unknown addresses differ by.
    pub(crate) fn timings(&mut self, each: usize, timings: &[(&str, &str, Ask, timing::Found)]) {
        println!("\nKnown and unknown addresses, {each} of each in a random order (medians; noise at 95 of 100)");
        for (database, hash, ask, one) in timings {
            let (name, difference) = (ask.name(), one.known - one.unknown);
            println!("{name}, {hash}, {database}: known {:.0} µs, unknown {:.0} µs;", one.known, one.unknown);
            println!("    difference of medians {difference:.1} µs, noise ± {:.1} µs", one.noise);
            println!("    of two halves of the known ones {:.1} µs", one.halves);
            println!("    of the next request behind either kind {:.1} µs, noise ± {:.1} µs", one.next, one.next_noise);
            self.keep(
                "timings",
                json!({
                    "ask": name,
                    "hash": hash,
                    "database": database,
                    "each": each,
                    "known_micros": one.known,
                    "unknown_micros": one.unknown,
                    "difference_micros": difference,
                    "noise_micros": one.noise,
                    "halves_micros": one.halves,
                    "next_micros": one.next,
                    "next_noise_micros": one.next_noise,
                }),
            );
        }
    }

    /// Adds the figures to a file, as `logins`.
    pub(crate) fn write(self, file: &str) {
        let old = std::fs::read_to_string(file).ok().and_then(|text| serde_json::from_str(&text).ok());
        let mut all: Map<String, Value> = old.unwrap_or_default();
        all.insert("logins".to_owned(), Value::Object(self.0));
        let text = serde_json::to_string_pretty(&all).expect("plain values");
        std::fs::write(file, text + "\n").unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}
