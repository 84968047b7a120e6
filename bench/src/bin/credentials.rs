//! What a user credential costs: a new key, the claims of a device, and the signature; by hand, through the native engine and
//! through the real `nsc`, on one core. `credentials [NSC]`; it calls itself as `credentials --once DIRECTORY`.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use nkeys::{KeyPair, KeyPairType};
use relais_adapters::{nkeys::KeyPairs, nsc, system};
use relais_bench::median;
use relais_domain::{
    credentials::{Grantee, KeyKind},
    nsc::Nsc,
    ports::{CredentialsIssuer as _, Grant, KeyPairs as _, Rng as _},
};
use serde_json::json;
use sha2::{Digest as _, Sha512_256};

/// In how many processes it is measured: where a process and its stack come to lie makes Ed25519 a fifth faster or slower.
const PROCESSES: usize = 21;
/// How often each kind is measured in one of them. Rounds are short and in turns, and each is compared with the one beside
/// it: a computer that is used by others, or grows hot, is so for both.
const ROUNDS: usize = 31;
const ROUND: Duration = Duration::from_millis(10);

/// One credential by hand: what nats-io's libraries do, written down plainly.
fn bare(signer: &KeyPair, issuer: &str, account: &str, now: i64) -> (String, String) {
    let mut raw = [0; 32];
    system::Rng.fill(&mut raw);
    let pair = KeyPair::new_from_raw(KeyPairType::User, raw).expect("any 32 bytes are a key");
    let (subject, seed) = (pair.public_key(), pair.seed().expect("it was made from one"));
    let mut claims = json!({ "iat": now, "iss": issuer, "name": "ada_phone", "sub": subject });
    let id = BASE32_NOPAD.encode(&Sha512_256::digest(claims.to_string()));
    claims["jti"] = id.into();
    claims["nats"] =
        json!({ "pub": {}, "sub": {}, "issuer_account": account, "tags": ["user:ada"], "type": "user", "version": 2 });
    let header = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"ed25519-nkey"}"#);
    let signed = format!("{header}.{}", BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
    let signature = signer.sign(signed.as_bytes()).expect("it holds its seed");
    (format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)), seed)
}

async fn issue(nsc: &Nsc, keys: &KeyPairs) -> usize {
    let pair = keys.generate(KeyKind::User);
    let grantee = Grantee::Device {
        user: "ada".parse().expect("a plain id"),
        device: "phone".parse().expect("a plain id"),
        role: "user".parse().expect("a role"),
    };
    let jwt = nsc.issue(Grant { grantee, key: pair.public, expires_at: None }).await.expect("a credential");
    jwt.as_str().len() + pair.seed.expose().len()
}

/// Credentials a second in one round, by this clock.
async fn rate(clock: impl Fn() -> Duration, mut one: impl AsyncFnMut() -> usize) -> f64 {
    let (begun, mut made) = (clock(), 0_u32);
    while clock() - begun < ROUND {
        for _ in 0..10 {
            assert!(one().await > 500, "a JWT and a seed");
            made += 1;
        }
    }
    f64::from(made) / (clock() - begun).as_secs_f64()
}

/// How long this process has had a core: waiting for one is no work.
fn core() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it points to a `timespec`.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(done, 0, "every Unix has this clock");
    Duration::new(
        time.tv_sec.try_into().expect("no time before 0"),
        time.tv_nsec.try_into().expect("less than a second"),
    )
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match &arguments[..] {
        [once, directory] if once.as_os_str() == "--once" => runtime.block_on(compare(directory)),
        _ => {
            let folder = std::env::temp_dir().join(format!("relais-bench-{}", std::process::id()));
            let (bare, native, ratio) = processes(&folder.join("native"));
            println!("{:<28} {:>14} {:>14}", "user credentials, one core", "a second", "x bare");
            println!("{:<28} {bare:>14.0} {:>14.2}", "bare", 1.0);
            println!("{:<28} {native:>14.0} {ratio:>14.2}", "native engine");
            if let Some(nsc) = arguments.first().map(|path| runtime.block_on(by_nsc(path, &folder.join("nsc")))) {
                println!("{:<28} {nsc:>14.0} {:>14.4}", "nsc engine", nsc / bare);
            }
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
}

fn settings(directory: &Path) -> nsc::Settings {
    nsc::Settings { directory: directory.to_owned(), operator: "Relais".to_owned(), account: "App".to_owned() }
}

fn key_pairs() -> Arc<KeyPairs> {
    Arc::new(KeyPairs::new(Arc::new(system::Rng)))
}

/// Medians of what each process has found: both rates and their ratio.
fn processes(directory: &Path) -> (f64, f64, f64) {
    let own = std::env::current_exe().expect("this program");
    let mut found = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..PROCESSES {
        let ran = Command::new(&own).arg("--once").arg(directory).output().expect("this program runs");
        let text = String::from_utf8(ran.stdout).expect("numbers");
        let numbers: Vec<f64> = text.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        assert_eq!(numbers.len(), found.len(), "{}", String::from_utf8_lossy(&ran.stderr));
        found.iter_mut().zip(numbers).for_each(|(all, number)| all.push(number));
    }
    let [bare, native, ratio] = found.map(median);
    (bare, native, ratio)
}

async fn compare(directory: &Path) {
    let keys = key_pairs();
    let native = nsc::Native::open(&settings(directory), keys.clone(), Arc::new(system::Clock));
    let native = native.expect("a store").into_nsc();
    let signer = KeyPair::new_from_raw(KeyPairType::Account, [7; 32]).expect("any 32 bytes are a key");
    let (issuer, now) = (signer.public_key(), 1_767_225_600);
    let (mut by_hand, mut by_native) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        by_hand.push(
            rate(core, async || {
                let (jwt, seed) = bare(&signer, &issuer, &issuer, now);
                jwt.len() + seed.len()
            })
            .await,
        );
        by_native.push(rate(core, async || issue(&native, &keys).await).await);
    }
    let ratio = median(by_native.iter().zip(&by_hand).map(|(native, bare)| native / bare).collect());
    println!("{} {} {ratio}", median(by_hand), median(by_native));
}

async fn by_nsc(path: &Path, directory: &Path) -> f64 {
    let keys = key_pairs();
    let tool = nsc::Tool::open(&settings(directory), path.to_owned(), keys.clone(), Arc::new(system::Clock));
    let tool = tool.expect("a store").into_nsc();
    let begun = Instant::now();
    let mut rates = Vec::new();
    for _ in 0..9 {
        // Other processes do its work, so the clock on the wall counts.
        rates.push(rate(|| begun.elapsed(), async || issue(&tool, &keys).await).await);
    }
    median(rates)
}
