//! What it costs to keep a message on disk: the Buffer's `save`, beside bare SQLite with the same promise, and beside the disk itself.
//!
//! `buffer FOLDER [--quick] [--json FILE]`, FOLDER on the disk that is meant. FILE is added to, if it is there.
//!
//! - `disk`: one thread appends 256 bytes to a file and waits for `fdatasync`, one after the other: what nobody beats who promises each
//!   message by itself.
//! - `sqlite`: rows of a number, a subject and 256 bytes; WAL, `synchronous=FULL`; one thread, which commits all that has come
//!   meanwhile together.
//! - `buffer`: the Buffer, with the same bytes.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use relais_adapters::{
    sqlite_buffer::{Buffer, Options},
    system,
};
use relais_bench::median;
use relais_domain::{
    buffer::{Bounds, Draft},
    message::Headers,
    ports::{Buffer as _, Clock as _},
};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

const PAYLOAD: usize = 256;
const SENDERS: [usize; 3] = [1, 64, 1_024];

/// What is measured: how many messages were kept in a second.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Disk,
    Sqlite,
    Buffer,
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(arguments.first().expect("a folder"));
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let file = arguments.iter().position(|argument| argument == "--json").map(|at| arguments[at + 1].clone());
    let (rounds, time) = if quick { (1, Duration::from_millis(300)) } else { (5, Duration::from_secs(2)) };
    let own = folder.join(format!("relais-bench-buffer-{}", std::process::id()));
    fs::create_dir_all(&own).expect("a folder for the files");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut table = Vec::new();
    for senders in SENDERS {
        let kinds: &[Kind] =
            if senders == 1 { &[Kind::Disk, Kind::Sqlite, Kind::Buffer] } else { &[Kind::Sqlite, Kind::Buffer] };
        let mut rates = vec![Vec::new(); kinds.len()];
        for round in 0..rounds {
            for (at, kind) in kinds.iter().enumerate() {
                let place = own.join(format!("{senders}-{round}-{at}"));
                rates[at].push(runtime.block_on(rate(*kind, &place, senders, time)));
                let _ = fs::remove_dir_all(&place);
            }
        }
        table.extend(kinds.iter().zip(rates).map(|(kind, rates)| (*kind, senders, median(rates))));
    }
    fs::remove_dir_all(&own).expect("the folder was ours");
    report(&table, file.as_deref());
}

fn report(table: &[(Kind, usize, f64)], file: Option<&str>) {
    let disk = table.iter().find(|(kind, ..)| *kind == Kind::Disk).map_or(f64::NAN, |(.., rate)| *rate);
    println!("{:<8} {:>8} {:>12} {:>9} {:>9}", "", "senders", "a second", "× disk", "× sqlite");
    let mut told = Vec::new();
    for (kind, senders, rate) in table {
        let name = match kind {
            Kind::Disk => "disk",
            Kind::Sqlite => "sqlite",
            Kind::Buffer => "buffer",
        };
        let sqlite = table.iter().find(|(kind, own, _)| *kind == Kind::Sqlite && own == senders);
        let sqlite = sqlite.map_or(f64::NAN, |(.., rate)| *rate);
        println!("{name:<8} {senders:>8} {rate:>12.0} {:>9.2} {:>9.2}", rate / disk, rate / sqlite);
        told.push(serde_json::json!({"kind": name, "senders": senders, "a_second": rate, "of_disk": rate / disk, "of_sqlite": rate / sqlite}));
    }
    if let Some(file) = file {
        let mut all: serde_json::Value =
            fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        all["buffer"] = told.into();
        fs::write(file, all.to_string()).expect("the file for the figures");
    }
}

async fn rate(kind: Kind, place: &Path, senders: usize, time: Duration) -> f64 {
    fs::create_dir_all(place).expect("a folder");
    match kind {
        Kind::Disk => disk(&place.join("file"), time),
        Kind::Sqlite => {
            let bare = Arc::new(Bare::open(&place.join("bare.db")));
            among(senders, time, move || {
                let bare = Arc::clone(&bare);
                async move { bare.save().await }
            })
            .await
        }
        Kind::Buffer => {
            let bounds = Bounds { bytes: u64::MAX / 2, entries: u64::MAX / 2 };
            let (user, rng) = ("ada".parse().expect("a user id"), Arc::new(system::Rng));
            let options = Options { path: place.join("buffer.db"), user, bounds, key: None, rng };
            let buffer = Arc::new(Buffer::open(&options).expect("a Buffer").buffer);
            let draft = Draft {
                subject: "from.ada.orders".parse().expect("a subject"),
                kind: "bench.Order".to_owned(),
                version: 1,
                headers: Headers::default(),
                payload: vec![7; PAYLOAD].into(),
            };
            among(senders, time, move || {
                let (buffer, draft) = (Arc::clone(&buffer), draft.clone());
                async move {
                    buffer.save(draft, system::Clock.now()).await.expect("it is kept");
                }
            })
            .await
        }
    }
}

/// How much so many get done beside each other, a second.
async fn among<F: Future<Output = ()> + Send + 'static>(
    senders: usize,
    time: Duration,
    work: impl Fn() -> F + Clone + Send + 'static,
) -> f64 {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..senders)
        .map(|_| {
            let work = work.clone();
            tokio::spawn(async move {
                let mut done = 0_u32;
                while begun.elapsed() < time {
                    work().await;
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.expect("it does not panic");
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}

fn disk(path: &Path, time: Duration) -> f64 {
    let mut file = File::create(path).expect("a file");
    let (begun, mut done) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        file.write_all(&[7; PAYLOAD]).expect("room");
        file.sync_data().expect("a disk");
        done += 1;
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}

/// SQLite with group commit, and nothing else.
struct Bare(mpsc::Sender<oneshot::Sender<()>>);

impl Bare {
    fn open(path: &Path) -> Self {
        let sqlite = Connection::open(path).expect("a database");
        let set = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                   CREATE TABLE entries (place INTEGER PRIMARY KEY, subject TEXT NOT NULL, body BLOB NOT NULL)";
        sqlite.execute_batch(set).expect("it is set");
        let (ask, mut asked) = mpsc::channel::<oneshot::Sender<()>>(1_024);
        std::thread::spawn(move || {
            let mut group = Vec::new();
            while let Some(first) = asked.blocking_recv() {
                group.push(first);
                while group.len() < 1_024
                    && let Ok(next) = asked.try_recv()
                {
                    group.push(next);
                }
                sqlite.execute_batch("BEGIN IMMEDIATE").expect("it begins");
                for _ in &group {
                    let text = "INSERT INTO entries (subject, body) VALUES (?1, ?2)";
                    let row = ("from.ada.orders", [7_u8; PAYLOAD]);
                    sqlite.prepare_cached(text).and_then(|mut insert| insert.execute(row)).expect("room");
                }
                sqlite.execute_batch("COMMIT").expect("a disk");
                group.drain(..).for_each(|answer| _ = answer.send(()));
            }
        });
        Self(ask)
    }

    async fn save(&self) {
        let (answer, told) = oneshot::channel();
        self.0.send(answer).await.expect("its thread lives");
        told.await.expect("it is kept");
    }
}
