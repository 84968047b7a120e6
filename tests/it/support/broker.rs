//! A bare nats-server, without accounts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use relais_domain::credentials::Trust;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::tool;

/// A running nats-server on a free port of loopback.
pub(crate) struct Broker {
    child: Child,
    url: String,
    websocket: String,
    routes: Option<String>,
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

    /// One of a cluster that believes an installation, with the accounts of `trust`; it finds the others through the one at
    /// `known`, if there is one yet.
    pub(crate) async fn clustered(name: &str, trust: &Trust, known: Option<&Self>) -> Self {
        let preload = trust.accounts.iter().map(|(key, jwt)| format!("  {key}: {:?}\n", jwt.as_str()));
        let preload: String = preload.collect();
        let route = known.map(|own| format!("routes: [{:?}]", own.routes.as_ref().unwrap())).unwrap_or_default();
        let (operator, system) = (trust.operator.as_str(), &trust.system_account);
        Self::configured(|directory| {
            let accounts = directory.join("accounts");
            format!(
                "server_name: {name:?}\noperator: {operator:?}\nsystem_account: {system}\n\
                 resolver {{ type: full, dir: {accounts:?}, allow_delete: false, interval: \"10m\" }}\nresolver_preload {{\n{preload}}}\n\
                 cluster {{ name: suite, listen: \"127.0.0.1:-1\", {route} }}"
            )
        })
        .await
    }

    /// One that believes an operator, and asks a URL for its accounts.
    pub(crate) async fn asking(operator: &str, url: &str) -> Self {
        Self::configured(|_| format!("operator: {operator:?}\nresolver: URL({url})")).await
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

    /// One that runs a configuration as it is.
    pub(crate) async fn of_file(config: &Path) -> Self {
        Self::run(config, TempDir::new().unwrap()).await
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
        let clustered = fs::read_to_string(config).unwrap().contains("\ncluster {");
        let (mut url, mut websocket, mut routes, mut ready) = (None, None, None, false);
        while let Some(line) = heard.recv().await {
            if let Some((_, address)) = line.split_once("Listening for client connections on ") {
                url = Some(format!("nats://{address}"));
            }
            if let Some((_, address)) = line.split_once("Listening for websocket clients on ") {
                websocket = Some(address.to_owned());
            }
            if let Some((_, address)) = line.split_once("Listening for route connections on ") {
                routes = Some(format!("nats-route://{address}"));
            }
            ready |= line.contains("Server is ready");
            if ready && (!clustered || routes.is_some()) {
                break;
            }
        }
        let says = "nats-server says where it listens";
        Self { child, url: url.expect(says), websocket: websocket.expect(says), routes, directory }
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
