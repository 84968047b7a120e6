//! Runs every kind of server against the same broker and load, in turns, and prints what each costs beside the bare loop.
//!
//! `bench [--quick]`, with `nats-server` on the PATH, and `server` beside this program. CPU time is the service's own, read
//! from /proc: on few cores the broker and the load hide it in rates.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use prost::Message as _;
use relais_adapters::{nats, nkeys, system};
use relais_domain::{
    credentials::{KeyKind, UserJwt},
    message::Message,
    ports::{Bus as _, KeyPairs},
};
use relais_proto::v1::EchoRequest;

const KINDS: [&str; 3] = ["bare", "async-nats-service", "relais"];
const SUBJECT: &str = "from.ada.echo";
const HOUR: Duration = Duration::from_secs(3_600);

/// A process that ends with this one.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A kind of load.
#[derive(Clone, Copy)]
struct Load {
    name: &'static str,
    requests: usize,
    outstanding: usize,
    /// Without an answer, save for the last one.
    fire: bool,
    /// Whether every hundredth handler waits 20 ms.
    slow: bool,
}

/// What one run found.
#[derive(Clone, Copy)]
struct Found {
    per_second: f64,
    cpu_micros: f64,
    p99_micros: f64,
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let scale = if quick { 1 } else { 4 };
    let loads = [
        Load { name: "request, 64 outstanding", requests: 50_000 * scale, outstanding: 64, fire: false, slow: false },
        Load { name: "request, 256 outstanding", requests: 50_000 * scale, outstanding: 256, fire: false, slow: false },
        Load { name: "publish", requests: 100_000 * scale, outstanding: 1, fire: true, slow: false },
        Load {
            name: "request, 256, 1 in 100 waits 20 ms",
            requests: 10_000 * scale,
            outstanding: 256,
            fire: false,
            slow: true,
        },
    ];
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for load in loads {
        let rounds = if quick { 1 } else { 3 };
        let mut found: BTreeMap<&str, Vec<Found>> = BTreeMap::new();
        // In turns, so that what else the machine does hits all alike.
        for _ in 0..rounds {
            for kind in KINDS {
                found.entry(kind).or_default().push(runtime.block_on(run(kind, load)));
            }
        }
        print(load, &found);
    }
}

fn print(load: Load, found: &BTreeMap<&str, Vec<Found>>) {
    let median = |kind: &str, of: fn(&Found) -> f64| {
        let mut all: Vec<_> = found[kind].iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!("\n{} ({} messages, median of {})", load.name, load.requests, found["bare"].len());
    println!("{:20} {:>10} {:>8} {:>12} {:>8} {:>10}", "", "a second", "× bare", "CPU µs each", "× bare", "p99 µs");
    for kind in KINDS {
        let (rate, cpu) = (median(kind, |own| own.per_second), median(kind, |own| own.cpu_micros));
        let (base_rate, base_cpu) = (median("bare", |own| own.per_second), median("bare", |own| own.cpu_micros));
        let p99 = median(kind, |own| own.p99_micros);
        println!("{kind:20} {rate:>10.0} {:>8.2} {cpu:>12.2} {:>8.2} {p99:>10.0}", rate / base_rate, cpu / base_cpu);
    }
}

async fn run(kind: &str, load: Load) -> Found {
    let (_broker, url) = broker();
    let server = server(kind, &url);
    let bus = connect(&url).await;
    // Warm up: code paths, allocators, the broker's routes.
    ask(&bus, Load { requests: 5_000, outstanding: 64, fire: false, slow: false, ..load }).await;
    let (cpu, begun) = (cpu_of(server.0.id()), Instant::now());
    let times = ask(&bus, load).await;
    let took = begun.elapsed().as_secs_f64();
    let spent = cpu_of(server.0.id()) - cpu;
    let requests = load.requests as f64;
    Found {
        per_second: requests / took,
        cpu_micros: spent.as_secs_f64() * 1e6 / requests,
        p99_micros: times.get(times.len() * 99 / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6),
    }
}

/// Sends the load; gives the times of requests, the shortest first.
async fn ask(bus: &nats::Bus, load: Load) -> Vec<Duration> {
    let message = |text: &str| {
        let payload = EchoRequest { message: text.to_owned() }.encode_to_vec();
        Message::new(SUBJECT.parse().expect("a subject"), payload)
    };
    let (quick, slow) = (message("hello"), message("slow"));
    if load.fire {
        for _ in 0..load.requests {
            bus.publish(quick.clone()).await.expect("published");
        }
        // It is answered behind all of them.
        bus.request(quick, HOUR).await.expect("an answer");
        return Vec::new();
    }
    let one = |worker: usize| {
        let (quick, slow) = (quick.clone(), slow.clone());
        async move {
            let mut times = Vec::new();
            for number in (worker..load.requests).step_by(load.outstanding) {
                let question = if load.slow && number % 100 == 0 { slow.clone() } else { quick.clone() };
                let begun = Instant::now();
                bus.request(question, HOUR).await.expect("an answer");
                times.push(begun.elapsed());
            }
            times
        }
    };
    let mut times: Vec<_> = join_all((0..load.outstanding).map(one)).await.into_iter().flatten().collect();
    times.sort();
    times
}

fn broker() -> (Process, String) {
    let mut command = Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", "-1"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("nats-server on the PATH");
    let said = BufReader::new(child.stderr.take().expect("piped"));
    let mut url = String::new();
    let mut lines = said.lines();
    for line in lines.by_ref().map_while(Result::ok) {
        if let Some((_, address)) = line.split_once("Listening for client connections on ") {
            url = format!("nats://{address}");
        }
        if line.contains("Server is ready") {
            break;
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    (Process(child), url)
}

fn server(kind: &str, url: &str) -> Process {
    let path: PathBuf = std::env::current_exe().expect("this program").with_file_name("server");
    let mut child = Command::new(path).args([kind, url]).stdout(Stdio::piped()).spawn().expect("the server");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "ready");
    Process(child)
}

async fn connect(url: &str) -> nats::Bus {
    let keys: Arc<dyn KeyPairs> = Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)));
    let options = nats::ConnectOptions {
        servers: vec![url.to_owned()],
        jwt: UserJwt::from_text(String::new()),
        seed: keys.generate(KeyKind::User).seed,
        inbox_prefix: "_INBOX.ada".to_owned(),
        name: "load".to_owned(),
        keys,
        rng: Arc::new(system::Rng),
    };
    nats::Bus::connect(options).await.expect("a broker")
}

/// User and system time of a process, in ticks of 10 ms.
fn cpu_of(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<_> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: u64 = [fields[11], fields[12]].iter().map(|text| text.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}
