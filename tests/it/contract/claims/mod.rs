//! Claims as `github.com/nats-io/jwt/v2` itself judges them (through `tools/jwtcheck`), as nsc and nats-server take
//! them, and a thousand broken ones that nobody takes.

mod broker;
mod corpus;
mod mutants;
mod verdicts;

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
};

use data_encoding::BASE64URL_NOPAD;
use relais_adapters::{nkeys, system};
use relais_domain::{
    ports::{KeyPair, KeyPairs as _},
    secret::Secret,
};
use serde_json::{Value, json};

use crate::support::tool;

const HEADER: &str = r#"{"typ":"JWT","alg":"ed25519-nkey"}"#;

fn keys() -> nkeys::KeyPairs {
    nkeys::KeyPairs::new(Arc::new(system::Rng))
}

/// A pair of the golden files' keys.
fn pair(name: &str) -> KeyPair {
    let all: Value = serde_json::from_str(include_str!("../../../../domain/src/credentials/golden/keys.json")).unwrap();
    keys().from_seed(&Secret::from(all[name].as_str().unwrap())).unwrap()
}

/// The claims in a token, as they stand there.
fn payload(token: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap()
}

/// A token of these bytes, well signed whatever they are.
fn signed(header: &[u8], claims: &[u8], signer: &KeyPair) -> String {
    let text = [header, claims].map(|part| BASE64URL_NOPAD.encode(part)).join(".");
    let signature = keys().sign(&signer.seed, text.as_bytes()).unwrap();
    format!("{text}.{}", BASE64URL_NOPAD.encode(&signature))
}

/// What jwt/v2 makes of tokens, each with the name of the key that shall sign it anew.
fn library(tokens: &[(String, &str)]) -> Vec<Value> {
    let mut child = Command::new(tool("jwtcheck")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut asked = String::new();
    for (token, signer) in tokens {
        let seed = if signer.is_empty() { String::new() } else { pair(signer).seed.expose().to_owned() };
        asked.push_str(&json!({ "token": token, "seed": seed }).to_string());
        asked.push('\n');
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(asked.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), tokens.len());
    answers
}

/// Numbers below a bound, the same in every run.
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    }
}
