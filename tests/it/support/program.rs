//! A developer's program: a service of its own beside `relais up`.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
};

use super::{Up, World, run, signal};

/// A service that runs. Killed when dropped.
pub(crate) struct Program {
    child: Child,
    log: Arc<Mutex<String>>,
    ended: mpsc::Receiver<()>,
}

impl Program {
    /// Runs a binary with nothing in its environment but the creds and the broker, and what `set` adds; returns when it
    /// says that it answers.
    pub(crate) fn answering(world: &World, up: &Up, binary: &Path, creds: &Path, set: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary);
        command.env_clear().env("RELAIS_NATS__CREDS", creds).env("RELAIS_NATS__URL", up.text("nats"));
        command.envs(set.iter().copied()).current_dir(world.path(""));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (said, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
        let (answers, answering) = mpsc::channel();
        let (ends, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let _ends = ends;
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut said = said.lock().unwrap();
                said.push_str(&line);
                said.push('\n');
                if line.contains("answering") {
                    let _ = answers.send(());
                }
            }
        });
        // An error says that its standard error is closed: it has ended.
        if answering.recv().is_err() {
            panic!("{} has ended ({}):\n{}", binary.display(), child.wait().unwrap(), log.lock().unwrap());
        }
        Self { child, log, ended }
    }

    /// Sends SIGINT, expects a clean end, and returns what it has written to standard error.
    pub(crate) fn stop(mut self) -> String {
        signal(self.child.id(), "INT");
        let status = self.child.wait().unwrap();
        // Nothing is sent on it; it closes behind the last line.
        let _ = self.ended.recv();
        let log = self.log.lock().unwrap().clone();
        assert!(status.success(), "{status}\n{log}");
        log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The creds of a new service, in a file of its own; its bucket is made on the broker of `up`.
pub(crate) fn service_creds(world: &World, up: &Up, name: &str) -> PathBuf {
    let creds = world.path(&format!("{name}.creds"));
    let mut command = world.relais(&["service", "add", name, "--out", creds.to_str().unwrap()]);
    let added = run(command.env("RELAIS_NATS__URL", up.text("nats")), "");
    assert_eq!(added.code, 0, "{}", added.stderr);
    creds
}
