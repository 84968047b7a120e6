//! The memory of hashes: kept from one to the next while others wait, and given back to the system when nobody does.
//!
//! A hash takes a block of 19 MiB. glibc maps such a block by itself and unmaps it when it is freed, but takes the first one
//! that is freed for a sign that more will come, and from then on keeps them, one for each thread that ever hashed: after a
//! dozen logins an idle process holds 200 MB. A threshold that is set by hand stays as it is (`mallopt(3)`).
//!
//! Memory that is fresh from the system costs nearly as much as the hash in it, since each page is mapped and cleared when it is
//! touched first. So in a line who comes next gets that of who was before ([`super::line`]).
#![allow(unsafe_code)]

use argon2::Block;
use zeroize::Zeroizing;

/// What hashes are made in.
///
/// It is wiped when it is freed, at half a millisecond for 19 MiB. The system clears pages before another process gets them, but not at
/// once, and other allocators than glibc's may keep them in this one; and of a hash with a single pass there is left what a
/// password can be guessed by without the memory that a guess is meant to cost. From one hash to the next it is not: that writes
/// over each block before it reads it.
pub(super) struct Memory {
    blocks: Zeroizing<Vec<Block>>,
    /// Blocks that hashes have written since it was last taken, each as often as it was: the work.
    pub(super) written: u32,
    #[cfg(test)]
    pub(super) _counted: std::sync::Arc<()>,
}

impl Memory {
    /// So many blocks of 1 KiB; `None` where memory is short. Every page is there before the first hash, so none is quicker than
    /// another for touching fewer.
    pub(super) fn new(count: usize) -> Option<Self> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).ok()?;
        blocks.resize(count, Block::new());
        Some(Self {
            blocks: Zeroizing::new(blocks),
            written: 0,
            #[cfg(test)]
            _counted: std::sync::Arc::default(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn blocks(&mut self) -> &mut [Block] {
        &mut self.blocks
    }
}

/// Makes blocks of a hash's size go back to the system when they are freed. A repeat does nothing.
pub(super) fn give_back_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// glibc's own threshold at the start of a process, in bytes.
        const THRESHOLD: libc::c_int = 128 * 1024;
        // SAFETY: mallopt takes two integers, locks what it changes, and may be called at any time.
        let set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, THRESHOLD) };
        if set == 0 {
            tracing::debug!("the allocator takes no threshold; an idle process may keep the memory of past logins");
        }
    }
}

/// Makes all that is free go back to the system. Each of a crowd takes some 60 KiB besides the hash, and glibc by itself gives back
/// only what lies above the last thing that is still in use (`malloc_trim(3)`). It takes milliseconds.
pub(super) fn give_back_what_is_free() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: malloc_trim takes an integer, locks what it changes, and may be called at any time.
        let given = unsafe { libc::malloc_trim(0) };
        tracing::debug!(given, "the memory of a crowd goes back to the system");
    }
}
