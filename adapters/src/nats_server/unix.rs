//! What the standard library has no words for: dying with the parent, handing on a lock, SIGTERM and SIGHUP.
//!
//! A system call a block, and nothing else.
#![allow(unsafe_code)]

use std::{
    fs::File,
    io,
    os::{fd::AsRawFd as _, unix::process::CommandExt as _},
    process::{Child, Command},
};

/// Prepares `command` so that its child has a process group of its own, keeps `lock` open as long as it lives, and, on
/// Linux, is killed when the *thread* that spawns it ends: spawn it from one that lives as long as the child may.
pub(super) fn prepare(command: &mut Command, lock: &File) {
    command.process_group(0);
    let lock = lock.as_raw_fd();
    #[cfg(target_os = "linux")]
    let parent = libc::pid_t::try_from(std::process::id()).expect("a process id is a pid_t");
    let in_child = move || {
        // SAFETY: fcntl is async-signal-safe and takes a descriptor that the forked child has inherited; `prepare`'s
        // caller keeps the file open until the spawn has returned.
        if unsafe { libc::fcntl(lock, libc::F_SETFD, 0) } == -1 {
            return Err(io::Error::last_os_error());
        }
        #[cfg(target_os = "linux")]
        {
            // SAFETY: prctl with PR_SET_PDEATHSIG takes plain integers and touches no memory of ours.
            if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } == -1 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died between fork and prctl; then no signal will come.
            // SAFETY: getppid has no preconditions and cannot fail.
            if unsafe { libc::getppid() } != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes only async-signal-safe calls, allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(in_child);
    }
}

/// Sends SIGTERM.
pub(super) fn terminate(child: &Child) -> io::Result<()> {
    send(child, libc::SIGTERM)
}

/// Sends SIGHUP.
pub(super) fn hang_up(child: &Child) -> io::Result<()> {
    send(child, libc::SIGHUP)
}

fn send(child: &Child, signal: libc::c_int) -> io::Result<()> {
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    // SAFETY: kill takes plain integers. The child has not been waited for (its owner does that last, and consumes it),
    // so the number is still its own.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Kills a process when this one ends in any way: a shell that waits for the end of a pipe only we hold open.
///
/// For systems without a parent-death signal. Dropped when the process it watches has ended.
#[cfg(any(test, not(target_os = "linux")))]
pub(super) struct Watcher {
    shell: Child,
}

#[cfg(any(test, not(target_os = "linux")))]
impl Watcher {
    /// Watches over the process `pid`.
    pub(super) fn new(pid: u32) -> io::Result<Self> {
        use std::process::Stdio;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "read -r _; kill -KILL \"$0\""]).arg(pid.to_string()).env_clear().process_group(0);
        let shell = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { shell })
    }
}

#[cfg(any(test, not(target_os = "linux")))]
impl Drop for Watcher {
    fn drop(&mut self) {
        // Killed before its pipe closes (which `shell.stdin` does when it is dropped), so it does not fire.
        let _ = self.shell.kill();
        let stdin = self.shell.stdin.take();
        let _ = self.shell.wait();
        drop(stdin);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn the_watcher_kills_when_its_pipe_closes() {
        let mut child = sleeper();
        let mut watcher = Watcher::new(child.id()).unwrap();
        // As the kernel does when we are killed.
        drop(watcher.shell.stdin.take());
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
    }

    #[test]
    fn a_dropped_watcher_leaves_the_process_alone() {
        let mut child = sleeper();
        drop(Watcher::new(child.id()).unwrap());
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn terminate_is_sigterm() {
        let mut child = sleeper();
        terminate(&child).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGTERM));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_child_dies_with_the_thread_that_spawned_it_and_gives_the_lock_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = File::create(&path).unwrap();
        lock.try_lock().unwrap();
        let (spawned, is_held) = std::sync::mpsc::channel();
        let (end, asked) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let mut command = Command::new("sleep");
            prepare(command.arg("600"), &lock);
            let child = command.spawn().unwrap();
            drop(lock);
            spawned.send(child).unwrap();
            let _ = asked.recv();
        });
        let mut child = is_held.recv().unwrap();
        assert!(File::open(&path).unwrap().try_lock().is_err(), "the child holds the lock");
        drop(end);
        thread.join().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
        File::open(&path).unwrap().try_lock().unwrap();
    }
}
