//! The contract of [`crate::ports::Rng`].

use std::collections::HashSet;

use crate::ports::Rng;

/// Panics where `rng` does not keep its contract.
pub fn suite(rng: &dyn Rng) {
    let mut seen = HashSet::new();
    for _ in 0..1_000 {
        let mut bytes = [0_u8; 16];
        rng.fill(&mut bytes);
        assert!(seen.insert(bytes), "16 random bytes came twice");
    }
    let mut odd = [0_u8; 4_099];
    rng.fill(&mut odd);
    let kinds: HashSet<u8> = odd.iter().copied().collect();
    assert!(kinds.len() == 256, "4 099 random bytes have every value; these have {}", kinds.len());
    assert!(odd[odd.len() - 32..].iter().any(|byte| *byte != 0), "the end is filled too");
    rng.fill(&mut []);
}

#[cfg(test)]
mod tests {
    use crate::{memory, ports::Rng};

    #[test]
    fn memory_keeps_it() {
        super::suite(&memory::Rng::default());
    }

    #[test]
    fn a_seed_says_it_all() {
        let draw = |seed| {
            let mut bytes = [0_u8; 8];
            memory::Rng::seeded(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
