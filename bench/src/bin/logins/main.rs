//! What logins cost: the hash alone, logins and refreshes a second apart from it and with it, memory under a storm of them, and
//! whether the time of an answer tells who is registered. On SQLite, and on PostgreSQL where it is installed.
//!
//! `logins RELAIS [--quick] [--json FILE]`, with the program `relais` as it is released, and `nats-server` on the PATH. FILE is
//! added to, if it is there.

mod hash;
mod http;
mod load;
mod postgres;
mod relais;
mod report;
mod storm;
mod timing;

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use relais_adapters::argon2::Cost;
use relais_bench::median;

use self::{
    load::Kind,
    postgres::Postgres,
    relais::{Proof, Relais},
    report::Report,
    timing::Ask,
};

/// How many ask beside each other.
const CALLERS: [usize; 2] = [1, 16];

/// How much is done.
struct Plan {
    rounds: usize,
    /// Of one load in one round.
    time: Duration,
    /// Logins on new devices in one round, at most: each needs a place among a user's devices.
    new_devices: usize,
    /// Wrong passwords of each kind with the hash as it is by default, and requests of each kind that take no such time.
    slow: usize,
    quick: usize,
    storms: usize,
}

/// What takes part.
struct Cast {
    program: PathBuf,
    folder: PathBuf,
    postgres: Option<Postgres>,
    cores: usize,
    plan: Plan,
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let file = arguments.iter().position(|argument| argument == "--json").map(|at| arguments[at + 1].clone());
    let time = Duration::from_millis;
    let plan = if quick {
        Plan { rounds: 1, time: time(300), new_devices: 400, slow: 40, quick: 200, storms: 1 }
    } else {
        Plan { rounds: 3, time: time(1_500), new_devices: 2_000, slow: 300, quick: 1_000, storms: 3 }
    };
    let folder = std::env::temp_dir().join(format!("relais-bench-logins-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    let postgres = Postgres::start(&folder.join("postgres"));
    if postgres.is_none() {
        eprintln!("PostgreSQL is not installed, so logins are measured on SQLite alone: apt-get install postgresql");
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let program = arguments.first().and_then(|path| fs::canonicalize(path).ok()).expect("where relais is");
    let cast = Cast { program, folder, postgres, cores, plan };
    // One thread asks: the cores are for what answers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let report = runtime.block_on(cast.play());
    let _ = fs::remove_dir_all(&cast.folder);
    if let Some(file) = file {
        report.write(&file);
    }
}

impl Cast {
    async fn play(&self) -> Report {
        let mut report = Report::default();
        report.disk(disk(&self.folder));
        let bare = self.hashes(&mut report).await;
        self.without_hash(&mut report).await;
        self.with_hash(&mut report, bare).await;
        self.with_small_hash(&mut report).await;
        report
    }

    /// One `relais up` on each database.
    fn start(&self, name: &str, proof: Proof) -> Vec<(&'static str, Relais)> {
        let start = |kind, sql: Option<&str>| {
            let folder = self.folder.join(format!("{name}-{kind}"));
            (kind, Relais::start(&self.program, &folder, proof, sql))
        };
        let mut all = vec![start("SQLite", None)];
        if let Some(postgres) = &self.postgres {
            all.push(start("PostgreSQL", Some(&postgres.database(name))));
        }
        all
    }

    /// Every load of these on every database, in turns; medians of what the rounds found.
    async fn loads(&self, all: &[(&'static str, Relais)], kinds: &[Kind], callers: usize) -> Vec<report::Load> {
        let (mut loads, plan) = (Vec::new(), &self.plan);
        for kind in kinds {
            let mut found: Vec<_> = all.iter().map(|_| Vec::new()).collect();
            for round in 0..plan.rounds {
                for ((_, relais), found) in all.iter().zip(&mut found) {
                    let name = format!("{}-{callers}-{round}", kind.name().replace([' ', ','], ""));
                    found.push(load::run(relais, &name, *kind, callers, plan.time, plan.new_devices).await);
                }
            }
            let databases = all.iter().map(|(database, _)| *database);
            loads.extend(databases.zip(found).map(|(database, rounds)| report::Load {
                kind: *kind,
                callers,
                database,
                rounds,
            }));
        }
        loads
    }

    /// The hash alone, by the crate on one core and on all, then through our hasher; gives the first two of the default cost.
    async fn hashes(&self, report: &mut Report) -> [f64; 2] {
        let mut rates = Vec::new();
        for cost in [Cost::default(), hash::SMALL] {
            let mut found = [Vec::new(), Vec::new()];
            for _ in 0..self.plan.rounds {
                found[0].push(hash::bare(cost, 1, self.plan.time));
                found[1].push(hash::bare(cost, self.cores, self.plan.time));
            }
            rates.push(found.map(median));
        }
        for (cost, bare) in [Cost::default(), hash::SMALL].into_iter().zip(&rates) {
            let ours = [hash::ours(cost, 1, self.plan.time).await, hash::ours(cost, self.cores, self.plan.time).await];
            report.hash(cost, self.cores, *bare, ours);
        }
        rates[0]
    }

    async fn without_hash(&self, report: &mut Report) {
        let all = self.start("none", Proof::None);
        let mut loads = Vec::new();
        for callers in CALLERS {
            loads.extend(self.loads(&all, &Kind::ALL, callers).await);
        }
        report.loads("apart from the hash (auth.proof = none)", loads, None);
        all.into_iter().for_each(|(_, relais)| relais.stop());
    }

    async fn with_hash(&self, report: &mut Report, bare: [f64; 2]) {
        let all = self.start("password", Proof::Password);
        let mut loads = Vec::new();
        for callers in CALLERS {
            loads.extend(self.loads(&all, &[Kind::SameDevice], callers).await);
        }
        report.loads("with the hash as it is by default", loads, Some(bare));
        let mut storms = Vec::new();
        for (database, relais) in &all {
            for number in 0..self.plan.storms {
                storms.push((*database, storm::run(relais, &format!("storm-{number}")).await));
            }
        }
        report.storms(self.cores, Cost::default(), &storms);
        let mut timings = Vec::new();
        for (database, relais) in &all {
            let found = timing::run(relais, "timing", Ask::WrongPassword, self.plan.slow).await;
            timings.push((*database, "default hash", Ask::WrongPassword, found));
        }
        report.timings(self.plan.slow, &timings);
        all.into_iter().for_each(|(_, relais)| relais.stop());
    }

    /// What needs no hash, with nothing of one in the way of who registers.
    async fn with_small_hash(&self, report: &mut Report) {
        let all = self.start("small", Proof::SmallHash);
        let mut timings = Vec::new();
        for (number, ask) in [Ask::Code, Ask::Reset].into_iter().enumerate() {
            for (database, relais) in &all {
                let found = timing::run(relais, &format!("timing{number}"), ask, self.plan.quick).await;
                timings.push((*database, "smallest hash", ask, found));
            }
        }
        report.timings(self.plan.quick, &timings);
        all.into_iter().for_each(|(_, relais)| relais.stop());
    }
}

/// How long it takes until 4 KiB more of a file are on the disk, in microseconds: what a commit comes down to.
fn disk(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("disk")).expect("a file");
    let write = |_| {
        let begun = Instant::now();
        file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("written");
        begun.elapsed().as_secs_f64() * 1e6
    };
    median((0..200).map(write).collect())
}
