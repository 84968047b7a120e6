//! The thread that owns the broker process: waits for its end or for ours, and starts it again.
//!
//! It is a thread of its own because Linux sends the parent-death signal when the *thread* that spawned ends, and a
//! runtime's threads come and go. It alone signals and reaps the child, so a process id is never used after its process.

use std::{
    path::PathBuf,
    process::{Child, ExitStatus},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};

use super::{
    Config, Options, Running, StartError, State,
    backoff::Backoff,
    config::Preload,
    error::said_or_nothing,
    launch::{Broker, Halt, kill},
    log::Tail,
    unix,
};

/// What the thread hears.
#[derive(Debug)]
pub(super) enum Event {
    /// The broker of that generation closed its standard error: it has ended.
    Ended(u64),
    /// We were asked to stop.
    Asked(Asked),
    /// The files of its certificate have changed.
    Reload,
}

/// How we were asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGTERM first.
    Stop,
    /// SIGKILL at once.
    Kill,
}

/// Everything the thread needs.
pub(super) struct Supervisor {
    pub(super) binary: PathBuf,
    pub(super) config: Config,
    pub(super) options: Options,
    pub(super) events: Receiver<Event>,
    pub(super) sender: Sender<Event>,
    pub(super) state: watch::Sender<State>,
    pub(super) said: Arc<Mutex<Tail>>,
    /// Counts the starts, so that the end of an earlier broker is not taken for the end of this one.
    pub(super) generation: u64,
}

impl Supervisor {
    /// Runs until asked to stop, or until the first start fails. `ready` hears of the first start.
    pub(super) fn run(mut self, ready: oneshot::Sender<Result<Running, StartError>>) {
        let first = match self.launch(Preload::All, Some(self.options.ready_within)) {
            Ok(broker) => broker,
            Err(halt) => {
                let error = if let Halt::Failed(error) = halt { error } else { StartError::GivenUp };
                let _ = ready.send(Err(error));
                return;
            }
        };
        self.keep_ports(&first);
        self.told_running(&first);
        let _ = ready.send(Ok(first.running));
        self.supervise(first);
        self.state.send_replace(State::Stopped);
    }

    fn supervise(&mut self, mut broker: Broker) {
        let mut backoff = Backoff::new();
        loop {
            let began = Instant::now();
            if let Err(asked) = self.watch(&broker) {
                return self.end(&mut broker.child, asked);
            }
            backoff.died_after(began.elapsed());
            let mut reason = reason(broker.child.wait().ok(), &self.said());
            broker = loop {
                let wait = backoff.wait();
                tracing::warn!(target: "nats-server", "the broker {reason}; it is started again in {wait:?}");
                self.state.send_replace(State::Restarting);
                if self.pause(wait).is_err() {
                    return;
                }
                match self.launch(Preload::Missing, None) {
                    Ok(broker) => break broker,
                    Err(Halt::Asked) => return,
                    Err(Halt::Failed(error)) => reason = format!("did not start again: {}", chain(&error)),
                }
            };
            self.told_running(&broker);
        }
    }

    /// Waits for the end of a broker that runs, and has it read its configuration again when that is asked for.
    fn watch(&self, broker: &Broker) -> Result<(), Asked> {
        loop {
            match self.next(None) {
                Some(Event::Ended(generation)) if generation == self.generation => return Ok(()),
                Some(Event::Asked(asked)) => return Err(asked),
                Some(Event::Reload) => self.reload(broker),
                Some(Event::Ended(_)) | None => {}
            }
        }
    }

    fn reload(&self, broker: &Broker) {
        // The accounts it has been told since are newer than those in its configuration.
        let done = broker.config.write(Preload::Missing).and_then(|()| unix::hang_up(&broker.child));
        if let Err(error) = done {
            tracing::warn!(target: "nats-server", %error, "the broker cannot be told to read its certificate again");
        }
    }

    /// From now on the ports are the ones it got.
    fn keep_ports(&mut self, broker: &Broker) {
        self.config.listen = broker.running.listen;
        self.config.websocket = broker.running.websocket;
        self.config.monitor = broker.running.monitor;
    }

    fn told_running(&self, broker: &Broker) {
        let running = broker.running;
        tracing::info!(target: "nats-server", pid = running.pid, listen = %running.listen, "the broker answers");
        self.state.send_replace(State::Running(running));
    }

    /// Waits for the end of the current broker: `Ok(true)` when it has ended, `Ok(false)` after `within`.
    pub(super) fn wait_for_end(&self, within: Option<Duration>) -> Result<bool, Asked> {
        let until = within.map(|within| Instant::now() + within);
        loop {
            match self.next(until) {
                None => return Ok(false),
                Some(Event::Ended(generation)) if generation == self.generation => return Ok(true),
                // Whoever starts now reads its files anyway.
                Some(Event::Ended(_) | Event::Reload) => {}
                Some(Event::Asked(asked)) => return Err(asked),
            }
        }
    }

    /// Lets time pass unless asked to stop.
    pub(super) fn pause(&self, pause: Duration) -> Result<(), Asked> {
        let until = Instant::now() + pause;
        loop {
            match self.next(Some(until)) {
                None => return Ok(()),
                Some(Event::Ended(_) | Event::Reload) => {}
                Some(Event::Asked(asked)) => return Err(asked),
            }
        }
    }

    /// The next event, or `None` when it is `until`.
    fn next(&self, until: Option<Instant>) -> Option<Event> {
        let Some(until) = until else {
            return Some(self.events.recv().unwrap_or(Event::Asked(Asked::Kill)));
        };
        match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Event::Asked(Asked::Kill)),
        }
    }

    /// The last lines the broker said.
    pub(super) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).lines()
    }

    fn end(&self, child: &mut Child, asked: Asked) {
        if asked == Asked::Stop && unix::terminate(child).is_ok() {
            match self.wait_for_end(Some(self.options.stop_within)) {
                Ok(true) | Err(_) => {}
                Ok(false) => tracing::warn!(
                    target: "nats-server",
                    "the broker did not end in time and is killed; its streams are recovered at the next start"
                ),
            }
        }
        // Ended or not: a signal to a process that is gone does nothing, and this reaps it.
        kill(child);
    }
}

/// How it ended and what it said last.
fn reason(status: Option<ExitStatus>, said: &[String]) -> String {
    let status = status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string());
    format!("ended ({status}); it said: {}", said_or_nothing(said))
}

/// An error with its sources, on one line.
fn chain(error: &StartError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
