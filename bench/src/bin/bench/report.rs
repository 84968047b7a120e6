//! Tables for people, and the figures for whoever keeps them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Found, load::Load, odd};

/// What was found so far.
#[derive(Default)]
pub(crate) struct Report {
    loads: Vec<Value>,
    odd: Vec<Value>,
}

impl Report {
    /// Prints what the rounds of a load found; the first kind is what the others are compared with.
    pub(crate) fn load(&mut self, load: Load, found: &[(&str, Vec<Found>)]) {
        let base = &found[0].1;
        let name = found[0].0;
        println!("\n{} ({} messages, median of {})", load.name, load.requests, base.len());
        println!(
            "{:20} {:>10} {:>8} {:>12} {:>8} {:>10}",
            "",
            "a second",
            format!("× {name}"),
            "CPU µs each",
            format!("× {name}"),
            "p99 µs"
        );
        let (base_rate, base_cpu) = (median(base, |one| one.per_second), median(base, |one| one.cpu_micros));
        for (kind, rounds) in found {
            let (rate, cpu) = (median(rounds, |one| one.per_second), median(rounds, |one| one.cpu_micros));
            let p99 = median(rounds, |one| one.p99_micros);
            println!(
                "{kind:20} {rate:>10.0} {:>8.2} {cpu:>12.2} {:>8.2} {p99:>10.0}",
                rate / base_rate,
                cpu / base_cpu
            );
            let rounds: Vec<_> = rounds
                .iter()
                .map(|one| {
                    json!({"per_second": one.per_second, "cpu_micros": one.cpu_micros, "p99_micros": one.p99_micros})
                })
                .collect();
            self.loads.push(json!({"load": load.name, "messages": load.requests, "kind": kind, "rounds": rounds}));
        }
    }

    /// Prints what became of requests beside odd messages.
    pub(crate) fn odd(&mut self, time: Duration, found: &[(&str, odd::Found)]) {
        let (asked, odd) = (odd::ASKED, odd::ODD);
        let (seconds, patience) = (time.as_secs(), odd::PATIENCE.as_secs());
        println!(
            "\n{asked} requests a second at most for {seconds} s, beside {odd} odd messages a second; an answer is"
        );
        println!("waited for {patience} s, and who waits asks nothing else");
        println!("{:20} {:>10} {:>10} {:>10} {:>10} {:>12}", "", "odd", "answered", "failed", "p99 µs", "reconnected");
        for (kind, one) in found {
            println!(
                "{kind:20} {:>10} {:>10} {:>10} {:>10.0} {:>12}",
                one.odd, one.answered, one.failed, one.p99_micros, one.reconnected
            );
            self.odd.push(json!({
                "kind": kind,
                "seconds": time.as_secs(),
                "odd": one.odd,
                "answered": one.answered,
                "failed": one.failed,
                "p99_micros": one.p99_micros,
                "reconnected": one.reconnected,
            }));
        }
    }

    /// Keeps the figures of every round in a file.
    pub(crate) fn write(&self, file: &str) {
        let text = serde_json::to_string_pretty(&json!({"loads": self.loads, "odd": self.odd})).expect("plain values");
        std::fs::write(file, text + "\n").unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

fn median(rounds: &[Found], of: fn(&Found) -> f64) -> f64 {
    relais_bench::median(rounds.iter().map(of).collect())
}
