//! What has been pushed and seen, counted, as Prometheus reads it.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::Alarm;

/// What has been pushed to the brokers and seen there since the process began.
#[derive(Debug, Default)]
pub struct Counters {
    pushes: AtomicU64,
    unconfirmed: AtomicU64,
    put_back: AtomicU64,
    unknown: AtomicU64,
    foreign: AtomicU64,
    unchecked: AtomicU64,
    half: AtomicU64,
    bytes: AtomicU64,
    limit: AtomicU64,
}

/// Where the counters stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Pushes that every broker confirmed.
    pub pushes: u64,
    /// Pushes that failed, or that a broker did not confirm.
    pub unconfirmed: u64,
    /// [`Alarm::PutBack`].
    pub put_back: u64,
    /// [`Alarm::Unknown`].
    pub unknown: u64,
    /// [`Alarm::Foreign`].
    pub foreign: u64,
    /// Rounds of comparing in which a broker did not answer, or that failed.
    pub unchecked: u64,
    /// Looks at which an account JWT had reached half of what the brokers take.
    pub half: u64,
    /// Bytes of the largest account JWT.
    pub bytes: u64,
    /// The most bytes that the brokers take; 0 before they have said so.
    pub limit: u64,
}

type Family = (&'static str, bool, &'static str, fn(&Snapshot) -> u64);

const FAMILIES: [Family; 9] = [
    ("pushes_total", true, "Account JWTs that every broker confirmed.", |s| s.pushes),
    ("pushes_unconfirmed_total", true, "Pushes that failed or that a broker did not confirm.", |s| s.unconfirmed),
    ("put_back_total", true, "Brokers found with an older account JWT than they had: an attack, or a slip.", |s| {
        s.put_back
    }),
    ("unknown_total", true, "Brokers found with an account JWT that the store does not know.", |s| s.unknown),
    ("foreign_total", true, "Brokers found with an account JWT that the operator did not sign.", |s| s.foreign),
    ("unchecked_total", true, "Rounds of comparing that failed, or in which a broker did not answer.", |s| s.unchecked),
    ("half_full_total", true, "Looks at which an account JWT had reached half of what the brokers take.", |s| s.half),
    ("jwt_bytes", false, "Bytes of the largest account JWT.", |s| s.bytes),
    ("jwt_limit_bytes", false, "The most bytes that the brokers take as one message.", |s| s.limit),
];

impl Counters {
    /// A push has been confirmed by every broker, or not.
    pub fn pushed(&self, confirmed: bool) {
        if confirmed { &self.pushes } else { &self.unconfirmed }.fetch_add(1, Relaxed);
    }

    /// Something alarming was seen.
    pub fn alarmed(&self, alarm: Alarm) {
        let counter = match alarm {
            Alarm::PutBack => &self.put_back,
            Alarm::Unknown => &self.unknown,
            Alarm::Foreign => &self.foreign,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// A round of comparing did not see every broker.
    pub fn unchecked(&self) {
        self.unchecked.fetch_add(1, Relaxed);
    }

    /// An account JWT has reached half of what the brokers take.
    pub fn half_full(&self) {
        self.half.fetch_add(1, Relaxed);
    }

    /// The size of the largest account and what the brokers take.
    pub fn sizes(&self, bytes: usize, limit: usize) {
        self.bytes.store(bytes as u64, Relaxed);
        self.limit.store(limit as u64, Relaxed);
    }

    /// Where they stand.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            pushes: self.pushes.load(Relaxed),
            unconfirmed: self.unconfirmed.load(Relaxed),
            put_back: self.put_back.load(Relaxed),
            unknown: self.unknown.load(Relaxed),
            foreign: self.foreign.load(Relaxed),
            unchecked: self.unchecked.load(Relaxed),
            half: self.half.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            limit: self.limit.load(Relaxed),
        }
    }

    /// All of it in Prometheus' text format 0.0.4: `relais_accounts_…`.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let (snapshot, mut text) = (self.snapshot(), String::new());
        for (name, grows, about, value) in FAMILIES {
            let (kind, value) = (if grows { "counter" } else { "gauge" }, value(&snapshot));
            let _ = writeln!(text, "# HELP relais_accounts_{name} {about}\n# TYPE relais_accounts_{name} {kind}");
            let _ = writeln!(text, "relais_accounts_{name} {value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_under_its_name() {
        let counters = Counters::default();
        let times = |count: usize, what: &dyn Fn()| (0..count).for_each(|_| what());
        times(1, &|| counters.pushed(true));
        times(2, &|| counters.pushed(false));
        times(3, &|| counters.alarmed(Alarm::PutBack));
        times(4, &|| counters.alarmed(Alarm::Unknown));
        times(5, &|| counters.alarmed(Alarm::Foreign));
        times(6, &|| counters.unchecked());
        times(7, &|| counters.half_full());
        counters.sizes(8, 9);
        let text = counters.prometheus();
        let samples: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("relais_accounts_")).collect();
        let expected = [
            "pushes_total 1",
            "pushes_unconfirmed_total 2",
            "put_back_total 3",
            "unknown_total 4",
            "foreign_total 5",
            "unchecked_total 6",
            "half_full_total 7",
            "jwt_bytes 8",
            "jwt_limit_bytes 9",
        ];
        assert_eq!(samples, expected);
    }
}
