//! How much a Buffer keeps: [`Bounds`].

/// How much a Buffer keeps of what is not stored yet. What comes beyond is refused with [`Full`], so nothing that was accepted is ever
/// pushed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes, as [`super::Draft::size`] counts them; 64 MB.
    pub bytes: u64,
    /// Messages; 50 000.
    pub entries: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 64 * 1024 * 1024, entries: 50_000 }
    }
}

/// How much is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Messages.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// How much is read at once: so many messages, and no more bytes than this, but one message always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Messages; 500.
    pub entries: usize,
    /// Bytes; 512 KB.
    pub bytes: u64,
}

impl Default for Batch {
    fn default() -> Self {
        Self { entries: 500, bytes: 512 * 1024 }
    }
}

/// The Buffer is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the Buffer is full: {} messages of {} bytes are waiting, and {} of {} are kept; it empties when the server can be reached",
    .there.entries, .there.bytes, .bounds.entries, .bounds.bytes
)]
pub struct Full {
    /// What is there.
    pub there: Count,
    /// What is kept.
    pub bounds: Bounds,
}

impl Bounds {
    /// What is there when a message of `size` bytes has come too.
    ///
    /// # Errors
    /// [`Full`]; the newest is the one that is refused.
    pub fn admit(self, there: Count, size: u64) -> Result<Count, Full> {
        let full = Full { there, bounds: self };
        let then = Count { entries: there.entries + 1, bytes: there.bytes.saturating_add(size) };
        if then.entries > self.entries || then.bytes > self.bytes { Err(full) } else { Ok(then) }
    }
}

impl Count {
    /// What is left when a message of `size` bytes has gone.
    #[must_use]
    pub fn without(self, size: u64) -> Self {
        Self { entries: self.entries.saturating_sub(1), bytes: self.bytes.saturating_sub(size) }
    }
}

impl Batch {
    /// Whether a message of `size` bytes goes with `taken`.
    #[must_use]
    pub fn takes(self, taken: Count, size: u64) -> bool {
        let few = usize::try_from(taken.entries).is_ok_and(|taken| taken < self.entries.max(1));
        few && (taken.entries == 0 || taken.bytes.saturating_add(size) <= self.bytes)
    }
}
