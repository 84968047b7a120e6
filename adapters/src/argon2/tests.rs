//! What the hasher promises, on Argon2 itself.

use std::sync::atomic::Ordering::Relaxed;

use argon2::{Algorithm, Argon2, Version, password_hash::PasswordHasher as _};
use futures_util::{FutureExt, future::join_all, pin_mut};
use relais_domain::{memory, ports::PasswordHasher as _, testing};

use super::*;

const CHEAP: Cost = Cost { memory: 8, passes: 1 };
const RIGHT: &str = "open sesame";
const WRONG: &str = "open sesam";

fn hasher(cost: Cost, load: Load) -> PasswordHasher {
    PasswordHasher::new(cost, load, Arc::new(memory::Rng::default())).unwrap()
}

#[tokio::test]
async fn keeps_the_contract() {
    let load = Load::of_cores(2);
    testing::password_hasher::suite(&hasher(CHEAP, load), &hasher(Cost { passes: 2, ..CHEAP }, load)).await;
}

#[tokio::test]
async fn the_default_is_owasps() {
    let hash = hasher(Cost::default(), Load::of_cores(1)).hash(&"open sesame".into()).await.unwrap();
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
}

/// `argon2 somesalt -id -t 2 -k 65536 -p 1` of the reference implementation, and `-i` of its version 1.0, whose hashes do not tell the
/// version (phc-winner-argon2, test.c).
#[tokio::test]
async fn believes_the_reference_implementation() {
    let hasher = hasher(Cost::default(), Load::of_cores(1));
    for (hash, verdict) in [
        ("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", Verdict::Right),
        ("$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ", Verdict::RightButWeak),
    ] {
        let hash = PasswordHash::from_text(hash.to_owned());
        assert_eq!(hasher.verify(&"password".into(), Some(&hash)).await.unwrap(), verdict);
        assert_eq!(hasher.verify(&"passwore".into(), Some(&hash)).await.unwrap(), Verdict::Wrong);
    }
}

#[tokio::test]
async fn a_hash_is_written_as_the_crate_writes_it() {
    for params in [Params::new(8, 1, 1, None).unwrap(), Params::default()] {
        let recipe = Recipe::new(params.clone());
        let mut memory = Memory::new(recipe.blocks()).unwrap();
        let own = recipe.hash(&RIGHT.into(), b"a salt of its own", &mut memory).unwrap();
        let theirs = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let theirs = theirs.hash_password_with_salt(RIGHT.as_bytes(), b"a salt of its own").unwrap();
        assert_eq!(own, theirs.to_string());
    }
}

#[tokio::test]
async fn an_older_variant_is_weak() {
    let salted = |algorithm, version| {
        let argon2 = Argon2::new(algorithm, version, Params::new(8, 1, 1, None).unwrap());
        let hash = argon2.hash_password_with_salt(b"open sesame", b"saltsalt").unwrap();
        PasswordHash::from_text(hash.to_string())
    };
    let hasher = hasher(CHEAP, Load::of_cores(1));
    for (algorithm, version, verdict) in [
        (Algorithm::Argon2id, Version::V0x13, Verdict::Right),
        (Algorithm::Argon2i, Version::V0x13, Verdict::RightButWeak),
        (Algorithm::Argon2id, Version::V0x10, Verdict::RightButWeak),
    ] {
        let hash = salted(algorithm, version);
        assert_eq!(hasher.verify(&"open sesame".into(), Some(&hash)).await.unwrap(), verdict, "{}", hash.expose());
    }
}

#[tokio::test]
async fn a_damaged_row_does_not_take_all_memory() {
    let hasher = hasher(CHEAP, Load::of_cores(1));
    for cost in ["m=4294967295,t=1,p=1", "m=8,t=4294967295,p=1", "m=1048576,t=1,p=1024"] {
        let hash = PasswordHash::from_text(format!("$argon2id$v=19${cost}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q"));
        assert!(matches!(hasher.verify(&"x".into(), Some(&hash)).await, Err(HashError::Unreadable(_))), "{cost}");
    }
    assert!(PasswordHasher::new(Cost { memory: u32::MAX, passes: 1 }, Load::of_cores(1), hasher.rng.clone()).is_err());
    assert!(PasswordHasher::new(Cost { memory: 8, passes: 0 }, Load::of_cores(1), hasher.rng.clone()).is_err());
}

#[tokio::test]
async fn who_comes_beyond_the_line_is_told_at_once() {
    let hasher = hasher(CHEAP, Load { at_once: 1, waiting: 2 });
    let password = Secret::from("open sesame");
    let running = hasher.line.place().unwrap().turn().await.unwrap();
    let first = hasher.hash(&password);
    pin_mut!(first);
    assert!(first.as_mut().now_or_never().is_none());
    {
        let second = hasher.verify(&password, None);
        pin_mut!(second);
        assert!(second.as_mut().now_or_never().is_none());
        for _ in 0..3 {
            assert!(matches!(hasher.hash(&password).await, Err(HashError::Busy)));
            assert!(matches!(hasher.verify(&password, None).await, Err(HashError::Busy)));
        }
    }
    let third = hasher.hash(&password);
    pin_mut!(third);
    assert!(third.as_mut().now_or_never().is_none(), "who goes away frees the place");
    drop(running);
    first.await.unwrap();
    third.await.unwrap();
    assert!(hasher.line.is_idle());
}

/// Blocks times passes that a check of this password takes.
async fn work(hasher: &PasswordHasher, password: &str, hash: Option<&PasswordHash>) -> u32 {
    let before = hasher.line.seen.written.load(Relaxed);
    let verdict = hasher.verify(&password.into(), hash).await.unwrap();
    assert_eq!(verdict == Verdict::Wrong, password == WRONG, "{password}");
    hasher.line.seen.written.load(Relaxed) - before
}

#[tokio::test]
async fn a_wrong_password_is_as_much_work_for_a_cheaper_hash_as_for_nobody() {
    let costs = [(8, 1), (8, 2), (8, 7), (64, 1), (64, 2), (100, 3), (1000, 1), (1000, 5)];
    for (memory, passes) in costs {
        let hasher_now = hasher(Cost { memory, passes }, Load::of_cores(1));
        // Somebody waits, so memory is kept, and what was done in it before does not count.
        let _waits = hasher_now.line.place().unwrap();
        let today = memory * passes;
        assert_eq!(work(&hasher_now, WRONG, None).await, today, "nobody's");
        for (memory, passes) in costs {
            let own = memory * passes;
            let hash = hasher(Cost { memory, passes }, Load::of_cores(1)).hash(&RIGHT.into()).await.unwrap();
            assert_eq!(work(&hasher_now, RIGHT, Some(&hash)).await, own, "who knows the password is not kept");
            let done = work(&hasher_now, WRONG, Some(&hash)).await;
            if own >= today {
                assert_eq!(done, own, "nothing is made up for what costs as much, or more");
            } else {
                // Argon2 begins with 8 blocks.
                assert!(done <= today && today - done < 8, "{memory} KiB, {passes}: {done} and not {today}");
            }
        }
    }
}

/// Also in memory that is larger than what is made up in it, and of other variants.
#[tokio::test]
async fn what_is_made_up_is_no_matter_of_the_variant() {
    let hasher = hasher(Cost { memory: 64, passes: 3 }, Load::of_cores(1));
    for (algorithm, version) in [(Algorithm::Argon2i, Version::V0x10), (Algorithm::Argon2d, Version::V0x13)] {
        let argon2 = Argon2::new(algorithm, version, Params::new(128, 1, 2, None).unwrap());
        let hash = argon2.hash_password_with_salt(RIGHT.as_bytes(), b"saltsalt").unwrap();
        let hash = PasswordHash::from_text(hash.to_string());
        assert_eq!(work(&hasher, WRONG, Some(&hash)).await, 192);
    }
}

#[tokio::test]
async fn memory_goes_from_one_to_the_next_and_then_back() {
    let hasher = hasher(CHEAP, Load { at_once: 2, waiting: 8 });
    let hash = hasher.hash(&RIGHT.into()).await.unwrap();
    assert!(hasher.line.is_idle());
    let running = join_all([1, 2].map(|_| hasher.line.place().unwrap().turn())).await;
    let right = Secret::from(RIGHT);
    let mut waiting = join_all((0..8).map(|_| hasher.verify(&right, Some(&hash))));
    assert!((&mut waiting).now_or_never().is_none());
    let before = hasher.line.seen.made.load(Relaxed);
    drop(running);
    // What others have left does not get into what they find.
    assert!(waiting.await.into_iter().all(|verdict| verdict.unwrap() == Verdict::Right));
    let made = hasher.line.seen.made.load(Relaxed) - before;
    assert!((1..=2).contains(&made), "one for each core: {made}");
    assert!(hasher.line.is_idle(), "and none when nobody is there");
    assert_eq!(hasher.line.seen.trims.load(Relaxed), 0, "nobody was sent away");
}

/// Dearer hashes need larger memory, which is not kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_is_never_more_memory_than_cores() {
    let large = hasher(Cost { memory: 640, passes: 1 }, Load::of_cores(1)).hash(&RIGHT.into()).await.unwrap();
    let hasher = Arc::new(hasher(CHEAP, Load { at_once: 2, waiting: 1000 }));
    let small = hasher.hash(&RIGHT.into()).await.unwrap();
    let all = (0..600).map(|number| {
        let (hasher, hash) = (Arc::clone(&hasher), if number % 3 == 0 { large.clone() } else { small.clone() });
        tokio::spawn(async move { hasher.verify(&RIGHT.into(), Some(&hash)).await.unwrap() })
    });
    for verdict in join_all(all.collect::<Vec<_>>()).await {
        assert_eq!(verdict.unwrap(), Verdict::Right);
    }
    let most = hasher.line.seen.most.load(Relaxed);
    assert!(most <= 2, "{most}");
    assert!(hasher.line.is_idle());
}

#[tokio::test]
async fn larger_memory_than_usual_is_not_kept() {
    let large = hasher(Cost { memory: 64, passes: 1 }, Load::of_cores(1)).hash(&RIGHT.into()).await.unwrap();
    let hasher = hasher(CHEAP, Load { at_once: 1, waiting: 1 });
    let waits = hasher.line.place().unwrap();
    assert_eq!(hasher.verify(&RIGHT.into(), Some(&large)).await.unwrap(), Verdict::Right);
    assert_eq!(hasher.line.seen.alive(), 0);
    hasher.hash(&RIGHT.into()).await.unwrap();
    assert_eq!(hasher.line.seen.alive(), 1, "the usual is, as long as somebody waits");
    drop(waits);
    assert!(hasher.line.is_idle());
}

#[tokio::test]
async fn after_a_crowd_what_is_free_goes_back_when_it_is_over_and_when_it_has_left() {
    let hasher = hasher(CHEAP, Load { at_once: 1, waiting: 0 });
    let trims = || hasher.line.seen.trims.load(Relaxed);
    hasher.hash(&RIGHT.into()).await.unwrap();
    assert_eq!(trims(), 0, "it takes milliseconds");
    for crowd in 0..2 {
        let running = hasher.line.place().unwrap();
        for _ in 0..3 {
            assert!(matches!(hasher.hash(&RIGHT.into()).await, Err(HashError::Busy)));
        }
        assert_eq!(trims(), 2 * crowd, "not while somebody is there");
        drop(running);
        assert_eq!(trims(), 2 * crowd + 1);
        for _ in 0..3 {
            hasher.hash(&RIGHT.into()).await.unwrap();
            assert_eq!(trims(), 2 * crowd + 2);
        }
    }
}
