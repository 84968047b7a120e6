//! The port to chance.

/// Chance, good enough for keys.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Rng: Send + Sync {
    /// Fills `bytes` with unpredictable ones. An operating system that has none left is no state a program can go on
    /// in, so there is no error.
    fn fill(&self, bytes: &mut [u8]);
}
