//! One start of the broker: folder, lock, ports, configuration, process, and the wait until it answers.

use std::{
    fs,
    fs::{File, TryLockError},
    io::{self, BufRead as _, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::PoisonError,
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::{
    Config, Running, StartError,
    config::Preload,
    log,
    supervisor::{Asked, Event, Supervisor},
    unix,
};

/// How long a predecessor that is being killed may take to let go of the folder.
const PREDECESSOR: Duration = Duration::from_secs(2);
/// How often what cannot be waited for is looked at: the lock, the ports file.
const LOOK: Duration = Duration::from_millis(10);
/// What the broker's environment may hold of ours; settings and secrets stay here.
const ENVIRONMENT: [&str; 8] = ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "GOMAXPROCS", "GOMEMLIMIT", "GOGC"];

/// A broker process that answers, or did.
pub(super) struct Broker {
    pub(super) child: Child,
    pub(super) running: Running,
    /// What it was started with: it reads no configuration again in which ports differ, be they those that it got.
    pub(super) config: Config,
    #[cfg(not(target_os = "linux"))]
    _watcher: unix::Watcher,
}

/// Why there is none.
pub(super) enum Halt {
    /// It could not start.
    Failed(StartError),
    /// We were asked to stop meanwhile.
    Asked,
}

impl From<Asked> for Halt {
    fn from(_: Asked) -> Self {
        Self::Asked
    }
}

impl From<StartError> for Halt {
    fn from(error: StartError) -> Self {
        Self::Failed(error)
    }
}

/// The file that the broker writes when it listens (`ports_file_dir`).
#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
    monitoring: Vec<String>,
    websocket: Vec<String>,
}

impl Supervisor {
    /// Starts the broker and waits until it answers; without a limit if `within` is `None`, since a long recovery of
    /// large streams is not to be cut short over and over.
    pub(super) fn launch(&mut self, preload: Preload, within: Option<Duration>) -> Result<Broker, Halt> {
        if !self.config.monitor.ip().is_loopback() {
            return Err(StartError::MonitorOffLoopback(self.config.monitor).into());
        }
        // A dying predecessor may still hold the ports too, so it is waited for first; where there is none, nothing is
        // made before the ports are known to be free.
        let lock_path = self.config.directory.join("broker.lock");
        let mut lock = if lock_path.exists() { Some(self.lock(&lock_path)?) } else { None };
        check_free(&self.config)?;
        let folder = |source| StartError::Folder { path: self.config.directory.clone(), source };
        self.config.make_folders().map_err(folder)?;
        clear(&self.config.ports()).map_err(folder)?;
        self.config.write(preload).map_err(folder)?;
        let lock = match lock.take() {
            Some(lock) => lock,
            None => self.lock(&lock_path)?,
        };
        let mut child = self.spawn(&lock)?;
        // Only so that an error can name it.
        let _ = lock.set_len(0).and_then(|()| write!(&lock, "{}", child.id()));
        drop(lock);
        #[cfg(not(target_os = "linux"))]
        let watcher = match unix::Watcher::new(child.id()) {
            Ok(watcher) => watcher,
            Err(source) => {
                kill(&mut child);
                return Err(StartError::Spawn { path: "/bin/sh".into(), source }.into());
            }
        };
        match self.wait_until_ready(&mut child, within) {
            Ok(running) => Ok(Broker {
                child,
                running,
                config: self.config.clone(),
                #[cfg(not(target_os = "linux"))]
                _watcher: watcher,
            }),
            Err(halt) => {
                kill(&mut child);
                Err(halt)
            }
        }
    }

    /// Takes the lock of the folder, which the broker then holds.
    fn lock(&mut self, path: &Path) -> Result<File, Halt> {
        let folder = |source| StartError::Folder { path: self.config.directory.clone(), source };
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = file.open(path).map_err(folder)?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => return Err(folder(source).into()),
                Err(TryLockError::WouldBlock) if began.elapsed() >= PREDECESSOR => {
                    let pid = fs::read_to_string(path).ok().and_then(|pid| pid.trim().parse().ok());
                    return Err(StartError::Busy { path: self.config.directory.clone(), pid }.into());
                }
                Err(TryLockError::WouldBlock) => self.pause(LOOK)?,
            }
        }
    }

    fn spawn(&mut self, lock: &File) -> Result<Child, StartError> {
        let failed = |source| StartError::Spawn { path: self.binary.clone(), source };
        let mut command = Command::new(&self.binary);
        command.arg("-c").arg(self.config.file()).current_dir(&self.config.directory).env_clear();
        command.envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        unix::prepare(&mut command, lock);
        let mut child = command.spawn().map_err(failed)?;
        let pipe = child.stderr.take().expect("standard error was asked for as a pipe");
        self.generation += 1;
        let (events, generation, said) = (self.sender.clone(), self.generation, self.said.clone());
        said.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let read = move || {
            log::read_lines(pipe, |line| said.lock().unwrap_or_else(PoisonError::into_inner).take(&line));
            // Nobody listens any more when the supervisor has ended.
            let _ = events.send(Event::Ended(generation));
        };
        match thread::Builder::new().name("nats-server log".to_owned()).spawn(read) {
            Ok(_) => Ok(child),
            Err(source) => {
                kill(&mut child);
                Err(failed(source))
            }
        }
    }

    fn wait_until_ready(&mut self, child: &mut Child, within: Option<Duration>) -> Result<Running, Halt> {
        let began = Instant::now();
        loop {
            if self.wait_for_end(Some(LOOK))? {
                let status = child.wait().map_err(|source| StartError::Spawn { path: self.binary.clone(), source })?;
                return Err(StartError::Ended { status, said: self.said() }.into());
            }
            if let Some(running) = self.look(child.id()) {
                return Ok(running);
            }
            if let Some(within) = within.filter(|within| began.elapsed() >= *within) {
                return Err(StartError::Silent { within, said: self.said() }.into());
            }
        }
    }

    /// The broker's addresses, if it has told its ports and answers on the first.
    fn look(&self, pid: u32) -> Option<Running> {
        let ports = read_ports(&self.config.ports())?;
        let at = |configured: SocketAddr, urls: &[String]| Some(SocketAddr::new(configured.ip(), port(urls.first()?)?));
        let running = Running {
            pid,
            listen: at(self.config.listen, &ports.nats)?,
            websocket: at(self.config.websocket, &ports.websocket)?,
            monitor: at(self.config.monitor, &ports.monitoring)?,
        };
        let name = &self.config.server_name;
        // Who greets and goes on without TLS is an error in the broker's log.
        let answers =
            if self.config.tls.is_some() { tells(running.monitor, name) } else { greets(running.listen, name) };
        answers.then_some(running)
    }
}

/// Ends a child that is of no use.
pub(super) fn kill(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Whether every address that has a port can be listened on.
fn check_free(config: &Config) -> Result<(), StartError> {
    let wanted = [("NATS clients", config.listen), ("the WebSocket", config.websocket), ("monitoring", config.monitor)];
    for (what, address) in wanted {
        // Port 0 tells whether this machine has the address at all.
        TcpListener::bind(address).map_err(|source| StartError::Taken { what, address, source })?;
    }
    Ok(())
}

/// Removes the ports files of brokers that were killed.
fn clear(ports: &Path) -> io::Result<()> {
    fs::read_dir(ports)?.try_for_each(|entry| fs::remove_file(entry?.path()))
}

/// The ports file, once it is there and whole (the broker writes it in place). Its name holds the name of the program
/// and its process id, which differ behind a wrapper; the folder is emptied before every start.
fn read_ports(folder: &Path) -> Option<Ports> {
    let mut files = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let file = files.find(|path| path.extension().is_some_and(|extension| extension == "ports"))?;
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// The port of `nats://127.0.0.1:4222`.
fn port(url: &str) -> Option<u16> {
    url.rsplit_once(':')?.1.trim_end_matches('/').parse().ok()
}

/// Whether a NATS server of that name says INFO there.
fn greets(address: SocketAddr, server_name: &str) -> bool {
    let info = || -> io::Result<String> {
        let stream = TcpStream::connect_timeout(&reachable(address), Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let mut line = String::new();
        io::BufReader::new(stream.take(64 * 1024)).read_line(&mut line)?;
        Ok(line)
    };
    let info = info().unwrap_or_default();
    let info = info.strip_prefix("INFO ").and_then(|json| serde_json::from_str::<serde_json::Value>(json).ok());
    info.is_some_and(|info| info["server_name"].as_str() == Some(server_name))
}

/// Whether a NATS server of that name tells about itself there.
fn tells(monitor: SocketAddr, server_name: &str) -> bool {
    let about = || -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&monitor, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "GET /varz HTTP/1.0\r\nHost: {monitor}\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(256 * 1024).read_to_string(&mut answer)?;
        Ok(answer)
    };
    let about = about().unwrap_or_default();
    let about = about.split_once("\r\n\r\n").and_then(|(_, json)| serde_json::from_str::<serde_json::Value>(json).ok());
    about.is_some_and(|about| about["server_name"].as_str() == Some(server_name))
}

/// Where to reach what listens on `address`: loopback, if it listens everywhere.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_port_of_an_address_with_either_kind_of_host() {
        assert_eq!(port("nats://127.0.0.1:4222"), Some(4222));
        assert_eq!(port("ws://[::1]:9222"), Some(9222));
        assert_eq!(port("nats://nowhere"), None);
        assert_eq!(port("nats://a:99999"), None);
    }

    #[test]
    fn half_a_ports_file_is_none_yet() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_ports(folder.path()).is_none());
        let file = folder.path().join("nats-server_7.ports");
        let whole =
            r#"{"nats":["nats://127.0.0.1:1"],"monitoring":["http://127.0.0.1:2"],"websocket":["ws://[::1]:3"]}"#;
        fs::write(&file, &whole[..20]).unwrap();
        assert!(read_ports(folder.path()).is_none());
        fs::write(&file, whole).unwrap();
        assert_eq!(port(&read_ports(folder.path()).unwrap().websocket[0]), Some(3));
        clear(folder.path()).unwrap();
        assert!(read_ports(folder.path()).is_none());
    }

    #[test]
    fn what_listens_everywhere_is_reached_on_loopback() {
        let reached = |address: &str| reachable(address.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:4222"), "127.0.0.1:4222");
        assert_eq!(reached("[::]:4222"), "[::1]:4222");
        assert_eq!(reached("192.0.2.7:4222"), "192.0.2.7:4222");
    }
}
