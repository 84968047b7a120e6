//! When to end: at Ctrl-C or SIGTERM, at once at the second one.

use std::{io, time::Duration};

/// How long handlers may go on after the first signal.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The signals that ask a process to end. Made early, so that none is missed.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Returns at the next signal.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }

    /// From now on another signal ends the process at once, with the exit code of an interrupted program.
    pub(crate) fn next_ends_at_once(mut self) {
        tokio::spawn(async move {
            self.next().await;
            tracing::warn!("told to end twice: ending at once");
            std::process::exit(130);
        });
    }
}
