//! Memory that goes back to the system when a hash is done.
//!
//! A hash takes a block of 19 MiB. glibc maps such a block by itself and unmaps it when it is freed, but takes the first one
//! that is freed for a sign that more will come, and from then on keeps them, one for each thread that ever hashed: after a
//! dozen logins an idle process holds 200 MB. A threshold that is set by hand stays as it is (`mallopt(3)`).
#![allow(unsafe_code)]

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
