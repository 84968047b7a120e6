//! A bare nats-server, without accounts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::sync::mpsc;

use super::tool;

/// A running nats-server on a free port of loopback.
pub(crate) struct Broker {
    child: Child,
    url: String,
    websocket: String,
    directory: TempDir,
}

impl Broker {
    /// Starts one and waits until it is ready.
    pub(crate) async fn start() -> Self {
        Self::configured(|_| String::new()).await
    }

    /// As [`Broker::start`], with JetStream.
    pub(crate) async fn with_jetstream() -> Self {
        Self::configured(|directory| format!("jetstream {{ store_dir: {:?} }}", directory.join("jetstream"))).await
    }

    async fn configured(more: impl FnOnce(&Path) -> String) -> Self {
        let directory = TempDir::new().unwrap();
        let config = directory.path().join("server.conf");
        let ports: PathBuf = directory.path().join("ports");
        fs::create_dir(&ports).unwrap();
        let websocket = "websocket { listen: \"127.0.0.1:-1\", no_tls: true }";
        let text =
            format!("listen: \"127.0.0.1:-1\"\nports_file_dir: {ports:?}\n{websocket}\n{}\n", more(directory.path()));
        fs::write(&config, text).unwrap();
        Self::run(&config, directory).await
    }

    /// One that serves an installation which `relais up` has made and no longer runs: its configuration is all that an
    /// operator needs.
    pub(crate) async fn of_installation(data: &Path) -> Self {
        Self::run(&data.join("nats/server.conf"), TempDir::new().unwrap()).await
    }

    async fn run(config: &Path, directory: TempDir) -> Self {
        let mut command = Command::new(tool("nats-server"));
        command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (said, mut heard) = mpsc::unbounded_channel();
        let stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            use std::io::BufRead as _;
            // Read to the end, so that the broker never waits for us.
            std::io::BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| drop(said.send(line)));
        });
        let (mut url, mut websocket) = (None, None);
        while let Some(line) = heard.recv().await {
            if let Some((_, address)) = line.split_once("Listening for client connections on ") {
                url = Some(format!("nats://{address}"));
            }
            if let Some((_, address)) = line.split_once("Listening for websocket clients on ") {
                websocket = Some(address.to_owned());
            }
            if line.contains("Server is ready") {
                break;
            }
        }
        let says = "nats-server says where it listens";
        Self { child, url: url.expect(says), websocket: websocket.expect(says), directory }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A folder of its own, gone with it.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where it listens for WebSocket clients.
    pub(crate) fn websocket(&self) -> &str {
        &self.websocket
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
