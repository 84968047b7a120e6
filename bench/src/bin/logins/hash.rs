//! The hash alone: Argon2id by the crate that makes it, and through our hasher, which bounds how many there are at once and gives
//! their memory back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Params, Version};
use relais_adapters::{
    argon2::{Cost, Load, PasswordHasher},
    system,
};
use relais_domain::{ports::PasswordHasher as _, secret::Secret};

use super::load::PASSWORD;

/// The smallest cost that can be set.
pub(crate) const SMALL: Cost = Cost { memory: 7 * 1024, passes: 1 };

/// Hashes a second by the crate, so many threads beside each other.
pub(crate) fn bare(cost: Cost, threads: usize, time: Duration) -> f64 {
    let begun = Instant::now();
    let one = || {
        let params = Params::new(cost.memory, cost.passes, 1, None).expect("a cost");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let (mut hash, mut made) = ([0; 32], 0_u32);
        while begun.elapsed() < time {
            argon2.hash_password_into(PASSWORD.as_bytes(), b"0123456789abcdef", &mut hash).expect("a hash");
            made += 1;
        }
        made
    };
    let made: u32 = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|thread| thread.join().expect("it hashes")).sum()
    });
    f64::from(made) / begun.elapsed().as_secs_f64()
}

/// The same through our hasher. From the first time on, memory of this process goes back to the system.
pub(crate) async fn ours(cost: Cost, callers: usize, time: Duration) -> f64 {
    let hasher = PasswordHasher::new(cost, Load::of_cores(callers), Arc::new(system::Rng)).expect("a cost");
    let password = Secret::from(PASSWORD);
    let begun = Instant::now();
    let one = || async {
        let mut made = 0_u32;
        while begun.elapsed() < time {
            hasher.verify(&password, None).await.expect("a place");
            made += 1;
        }
        made
    };
    let made: u32 = futures_util::future::join_all((0..callers).map(|_| one())).await.into_iter().sum();
    f64::from(made) / begun.elapsed().as_secs_f64()
}
