//! What [`crate::ports::KeyPairs`] promises.

use crate::{
    credentials::{KeyKind, PublicKey},
    ports::{KeyError, KeyPairs},
    secret::Secret,
};

const KINDS: [(KeyKind, &str, &str); 4] = [
    (KeyKind::Operator, "O", "SO"),
    (KeyKind::Account, "A", "SA"),
    (KeyKind::User, "U", "SU"),
    (KeyKind::Server, "N", "SN"),
];

/// Runs the whole suite.
///
/// # Panics
/// Where a promise is not kept.
pub fn suite(keys: &dyn KeyPairs) {
    pairs_are_of_their_kind_and_never_the_same(keys);
    a_seed_gives_its_pair_back(keys);
    signatures_hold_for_the_key_and_the_bytes_only(keys);
    what_is_no_seed_is_refused_without_being_shown(keys);
}

fn pairs_are_of_their_kind_and_never_the_same(keys: &dyn KeyPairs) {
    for (kind, public, seed) in KINDS {
        let (one, other) = (keys.generate(kind), keys.generate(kind));
        assert_ne!(one.public, other.public);
        assert!(one.seed.expose() != other.seed.expose());
        assert_eq!(one.public.kind(), kind);
        assert!(one.public.as_str().starts_with(public) && one.seed.expose().starts_with(seed));
        assert_eq!((one.public.as_str().len(), one.seed.expose().len()), (56, 58));
        assert_eq!(one.public.as_str().parse::<PublicKey>().as_ref(), Ok(&one.public));
    }
}

fn a_seed_gives_its_pair_back(keys: &dyn KeyPairs) {
    for (kind, ..) in KINDS {
        let pair = keys.generate(kind);
        let again = keys.from_seed(&pair.seed).expect("a seed that was just made");
        assert_eq!(again.public, pair.public);
        assert!(again.seed.expose() == pair.seed.expose());
    }
}

fn signatures_hold_for_the_key_and_the_bytes_only(keys: &dyn KeyPairs) {
    for (kind, ..) in KINDS {
        let (own, other) = (keys.generate(kind), keys.generate(kind));
        for bytes in [&b""[..], b"hello", &[0xff; 5000]] {
            let signature = keys.sign(&own.seed, bytes).expect("a seed that was just made");
            assert_eq!(signature.len(), 64);
            assert!(keys.verify(&own.public, bytes, &signature));
            assert!(!keys.verify(&other.public, bytes, &signature), "another key");
            assert!(!keys.verify(&own.public, b"other bytes", &signature), "other bytes");
            for at in [0, 31, 32, 63] {
                let mut changed = signature.clone();
                changed[at] ^= 1;
                assert!(!keys.verify(&own.public, bytes, &changed), "a changed signature");
            }
            for length in [0, 1, 63] {
                assert!(!keys.verify(&own.public, bytes, &signature[..length]), "a cut signature");
            }
            assert!(!keys.verify(&own.public, bytes, &[signature.as_slice(), &[0]].concat()), "a longer signature");
        }
    }
    // 32 bytes that are no point of the curve are a well-formed public key, and nobody's signature.
    let nobody = PublicKey::from_raw(KeyKind::User, &[0xff; 32]);
    assert!(!keys.verify(&nobody, b"hello", &[0; 64]));
}

fn what_is_no_seed_is_refused_without_being_shown(keys: &dyn KeyPairs) {
    let good = keys.generate(KeyKind::User).seed;
    let good = good.expose();
    let cluster = "SCAASCIJBEEQSCIJBEEQSCIJBEEQSCIJBEEQSCIJBEEQSCIJBEEQSCNWHE";
    let longer = format!("{good}A");
    let first = if good.ends_with('A') { 'B' } else { 'A' };
    let changed = format!("{}{first}{}", &good[..20], &good[21..]);
    let public = keys.generate(KeyKind::User).public.to_string();
    let lower = good.to_lowercase();
    let ten_kilobytes = "S".repeat(10_000);
    let mut hostile =
        vec!["", "S", "SU", " ", "é", "SUé", &longer, &good[1..], &lower, cluster, &public, &ten_kilobytes, "\0"];
    if changed != good {
        hostile.push(&changed);
    }
    for text in hostile {
        let seed = Secret::from(text);
        let why = keys.from_seed(&seed).err().map(|KeyError::Seed(why)| why);
        let why = why.expect("this is no seed");
        assert!(why.len() < 200 && !why.contains(&good[10..30]), "the reason shows the seed");
        assert!(keys.sign(&seed, b"hello").is_err());
    }
}
