//! JWTs of every kind, creds files, public keys and seeds, as somebody might hand them to us.
//!
//! The input: a byte that says what it is, then a JWT as text; or the claims of one, which are signed with one of the fixed
//! keys so that they are looked at; or a creds file; or a key.

use std::sync::{Arc, OnceLock};

use data_encoding::BASE64URL_NOPAD;
use relais_adapters::nkeys;
use relais_domain::{
    credentials::{
        Account, Activation, AuthorizationRequest, AuthorizationResponse, Body, Operator, PublicKey, User,
        creds::Creds, decode, encode, is_public_key,
    },
    memory,
    ports::{Clock as _, KeyPair, KeyPairs},
    secret::Secret,
};

/// The keys of the golden files: one key set for all tests.
const SEEDS: &str = include_str!("../../../domain/src/credentials/golden/keys.json");

struct World {
    keys: nkeys::KeyPairs,
    pairs: Vec<KeyPair>,
    now: memory::Clock,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let keys = nkeys::KeyPairs::new(Arc::new(memory::Rng::seeded(1)));
        let seeds = SEEDS.split('"').filter(|text| text.starts_with('S') && text.len() == 58);
        let pairs: Vec<_> = seeds.filter_map(|seed| keys.from_seed(&Secret::from(seed)).ok()).collect();
        assert!(pairs.len() > 3, "there are keys of every kind");
        World { keys, pairs, now: memory::Clock::default() }
    })
}

/// Every property of one input.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    match choice % 10 {
        0 => every_kind(&String::from_utf8_lossy(rest)),
        1 => signed::<Operator>(rest),
        2 => signed::<Account>(rest),
        3 => signed::<User>(rest),
        4 => signed::<Activation>(rest),
        5 => signed::<AuthorizationRequest>(rest),
        6 => signed::<AuthorizationResponse>(rest),
        7 => creds(&String::from_utf8_lossy(rest)),
        8 => key(&String::from_utf8_lossy(rest)),
        _ => seed(&String::from_utf8_lossy(rest)),
    }
}

/// A JWT is of one kind at most.
fn every_kind(text: &str) {
    let keys = &world().keys;
    let kinds = [
        decode::<Operator>(text, keys).is_ok(),
        decode::<Account>(text, keys).is_ok(),
        decode::<User>(text, keys).is_ok(),
        decode::<Activation>(text, keys).is_ok(),
        decode::<AuthorizationRequest>(text, keys).is_ok(),
        decode::<AuthorizationResponse>(text, keys).is_ok(),
    ];
    assert!(kinds.iter().filter(|is| **is).count() <= 1, "{text}");
}

/// What is read is what was signed: its claims, signed again, are read as the same, and nobody else's key is believed.
fn signed<B: Body>(claims: &[u8])
where
    relais_domain::credentials::Claims<B>: PartialEq + std::fmt::Debug,
    B::Jwt: AsText,
{
    let World { keys, pairs, now } = world();
    let text = String::from_utf8_lossy(claims);
    let by = |pair: &&KeyPair| text.contains(&format!("\"iss\":\"{}\"", pair.public));
    let pair = pairs.iter().find(by).unwrap_or(&pairs[0]);
    let header = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"ed25519-nkey"}"#);
    let head = format!("{header}.{}", BASE64URL_NOPAD.encode(claims));
    let sign = |pair: &KeyPair| keys.sign(&pair.seed, head.as_bytes()).expect("a seed of ours");
    let token = format!("{head}.{}", BASE64URL_NOPAD.encode(&sign(pair)));
    let Ok(read) = decode::<B>(&token, keys) else { return };
    assert_eq!(read.issuer.as_ref(), Some(&pair.public), "who signed it is who is believed");
    for other in pairs.iter().filter(|other| other.public != pair.public) {
        let forged = format!("{head}.{}", BASE64URL_NOPAD.encode(&sign(other)));
        assert!(decode::<B>(&forged, keys).is_err(), "another key has signed it: {text}");
    }
    let issues = read.validate(now.now(), keys);
    assert!(issues.iter().all(|issue| !issue.text.is_empty()));
    // What cannot be signed again says so; what can reads the same, but for who made it when.
    let Ok(again) = encode(&read, pair, keys) else { return };
    let mut once = decode::<B>(again.text(), keys).expect("what we sign can be read");
    let twice = encode(&once, pair, keys).expect("and signed again");
    assert_eq!(again.text(), twice.text(), "writing settles at once");
    once.id.clone_from(&read.id);
    let mut settled = read;
    settled.body.settle();
    settled.body.tidy();
    *once.body.generic_mut() = settled.body.generic().clone();
    assert_eq!(once, settled, "nothing is lost on the way");
}

/// The text of a JWT of any kind.
pub trait AsText {
    /// It.
    fn text(&self) -> &str;
}

macro_rules! as_text {
    ($($jwt:ident),*) => {
        $(impl AsText for relais_domain::credentials::$jwt {
            fn text(&self) -> &str {
                self.as_str()
            }
        })*
    };
}
as_text!(OperatorJwt, AccountJwt, UserJwt, ActivationJwt, AuthorizationRequestJwt, AuthorizationResponseJwt);

/// A creds file that is read is written so that the same is read again; one whose parts do not belong together is refused.
fn creds(text: &str) {
    let Ok(read) = Creds::parse(text) else { return };
    let again = Creds::parse(read.format().expose()).expect("what we write can be read");
    assert_eq!((again.jwt.as_str(), again.seed.expose()), (read.jwt.as_str(), read.seed.expose()));
    if let Ok(claims) = read.check(&world().keys) {
        let pair = world().keys.from_seed(&read.seed).expect("it was checked");
        assert_eq!(claims.subject, pair.public);
    }
}

/// A public key is 56 letters of base32 with a checksum: exactly what the nkeys crate takes, and printed as it was written.
fn key(text: &str) {
    let theirs = ::nkeys::KeyPair::from_public_key(text).is_ok();
    match text.parse::<PublicKey>() {
        Ok(key) => {
            assert_eq!(key.as_str(), text);
            assert!(is_public_key(text, key.kind()));
            assert!(theirs, "{text}");
            assert!(!world().keys.verify(&key, b"anything", &[0; 64]) && !world().keys.verify(&key, b"", b""));
        }
        // Theirs knows kinds that are of no use to us.
        Err(_) => assert!(!theirs || !text.starts_with(['O', 'A', 'U', 'N']), "{text}"),
    }
}

/// A seed that is read makes signatures that its public key believes.
fn seed(text: &str) {
    let keys = &world().keys;
    let Ok(pair) = keys.from_seed(&Secret::from(text)) else { return };
    let signature = keys.sign(&pair.seed, b"words").expect("it has been read");
    assert!(keys.verify(&pair.public, b"words", &signature));
    assert!(!keys.verify(&pair.public, b"other words", &signature));
}
