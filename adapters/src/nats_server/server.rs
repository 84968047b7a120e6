//! The broker as the rest of the program holds it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::{oneshot, watch};

use super::{
    Binary, Config, StartError,
    log::Tail,
    supervisor::{Asked, Event, Supervisor},
};

/// A supervised broker. [`stop`](Self::stop) ends it in good order; dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    first: Running,
    events: mpsc::Sender<Event>,
    state: watch::Receiver<State>,
    ended: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

/// Has a broker read its certificate again.
#[derive(Clone, Debug)]
pub struct Reload(mpsc::Sender<Event>);

impl Reload {
    /// Says so; the broker does it within moments, and connections that are there go on. One that is being started reads its
    /// files anyway.
    pub fn now(&self) {
        // An error means that the broker has ended.
        let _ = self.0.send(Event::Reload);
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long the first start may take until the broker answers; recovery of large streams is part of it. Restarts
    /// may take as long as they need.
    pub ready_within: Duration,
    /// How long [`Server::stop`] waits after SIGTERM before it sends SIGKILL.
    pub stop_within: Duration,
}

impl Default for Options {
    /// One minute to start, 10 s to stop.
    fn default() -> Self {
        Self { ready_within: Duration::from_secs(60), stop_within: Duration::from_secs(10) }
    }
}

/// How the broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It answers.
    Running(Running),
    /// It died and is being started again; addresses stay what they were.
    Restarting,
    /// It has ended for good: stopped or dropped.
    Stopped,
}

/// A broker that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its process.
    pub pid: u32,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where browsers connect.
    pub websocket: SocketAddr,
    /// Where it answers about itself over HTTP.
    pub monitor: SocketAddr,
}

impl Server {
    /// Starts the broker and returns when it answers. From then on it is restarted when it dies: after 250 ms, doubling
    /// to 30 s, from 250 ms again after a minute of running; on the ports it got at first.
    ///
    /// Dropping the future gives up and kills what was started.
    ///
    /// # Errors
    /// [`StartError`]; then nothing runs, and if an address was taken nothing was written either.
    pub async fn start(binary: &Binary, config: Config, options: Options) -> Result<Self, StartError> {
        let (events, heard) = mpsc::channel();
        let (ready, answer) = oneshot::channel();
        let (over, ended) = oneshot::channel::<()>();
        let (state, states) = watch::channel(State::Restarting);
        // Absolute: the broker works in a folder of its own.
        let path = std::path::absolute(&binary.path).unwrap_or_else(|_| binary.path.clone());
        let config = absolute(config);
        let supervisor = Supervisor {
            binary: path.clone(),
            config,
            options,
            events: heard,
            sender: events.clone(),
            state,
            said: Arc::new(Mutex::new(Tail::default())),
            generation: 0,
        };
        let run = move || {
            supervisor.run(ready);
            drop(over);
        };
        let builder = thread::Builder::new().name("nats-server".to_owned());
        let thread = builder.spawn(run).map_err(|source| StartError::Spawn { path, source })?;
        let anywhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let first = Running { pid: 0, listen: anywhere, websocket: anywhere, monitor: anywhere };
        // Already a `Server`, so that giving up here kills what was started.
        let mut server = Self { first, events, state: states, ended, thread: Some(thread) };
        match answer.await {
            Ok(Ok(running)) => server.first = running,
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(StartError::GivenUp),
        }
        Ok(server)
    }

    /// Where clients connect, for the life of this value.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.first.listen
    }

    /// Where browsers connect, for the life of this value.
    #[must_use]
    pub fn websocket(&self) -> SocketAddr {
        self.first.websocket
    }

    /// Where the broker answers about itself, for the life of this value.
    #[must_use]
    pub fn monitor(&self) -> SocketAddr {
        self.first.monitor
    }

    /// How the broker is, now and whenever it changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// What has the broker read its certificate again, also while this is elsewhere.
    #[must_use]
    pub fn reload(&self) -> Reload {
        Reload(self.events.clone())
    }

    /// Ends the broker: SIGTERM, and SIGKILL after [`Options::stop_within`]. When this returns it is gone.
    pub async fn stop(mut self) {
        // An error means that the thread has ended, and the broker with it.
        let _ = self.events.send(Event::Asked(Asked::Stop));
        let _ = (&mut self.ended).await;
    }
}

impl Drop for Server {
    /// Kills the broker and waits the few milliseconds until it is gone, so that its ports and its folder are free.
    fn drop(&mut self) {
        let _ = self.events.send(Event::Asked(Asked::Kill));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The configuration with every path absolute.
fn absolute(mut config: Config) -> Config {
    let absolute = |path: &mut std::path::PathBuf| {
        if let Ok(absolute) = std::path::absolute(&*path) {
            *path = absolute;
        }
    };
    absolute(&mut config.directory);
    if let Some(tls) = &mut config.tls {
        absolute(&mut tls.certificate);
        absolute(&mut tls.key);
    }
    config
}
