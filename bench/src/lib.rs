//! What the programs of this package share: processes that end with them, and medians.

use std::{process::Child, time::Duration};

/// A process that ends with this one.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// The CPU time it has taken until now, user's and system's.
    pub fn cpu(&self) -> Duration {
        let pid = self.0.id().cast_signed();
        let (mut clock, mut time) = (0, libc::timespec { tv_sec: 0, tv_nsec: 0 });
        // SAFETY: both write to what is ours and was just made, and keep nothing of it.
        let read = unsafe {
            libc::clock_getcpuclockid(pid, &raw mut clock) == 0 && libc::clock_gettime(clock, &raw mut time) == 0
        };
        assert!(read, "the CPU time of {pid} cannot be read; has it ended?");
        let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
        Duration::new(seconds.expect("a time"), nanos.expect("less than a second"))
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Panics
    /// When it ends badly.
    pub fn stop(mut self) {
        // SAFETY: a signal to a child that was not waited for, whose number is nobody else's.
        let sent = unsafe { libc::kill(self.0.id().cast_signed(), libc::SIGINT) };
        let status = self.0.wait().expect("a child of ours");
        assert!(sent == 0 && status.success(), "it has ended with {status}");
    }
}

/// Of any numbers.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Of sorted times, what so many of a hundred do not exceed; in microseconds.
pub fn percentile_micros(times: &[Duration], percent: usize) -> f64 {
    times.get(times.len() * percent / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}
