//! The program whose logins are measured: `relais up`, as it is released.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{ChildStdout, Command, Stdio},
};

use relais_bench::Process;
use serde_json::Value;

/// Every limit of how often somebody may try, out of reach: counted as they are by default, so that a login does what it always does.
const LIMITS: [&str; 11] = [
    "LOGIN_PER_EMAIL_AND_ADDRESS",
    "LOGIN_PER_EMAIL",
    "LOGIN_PER_KNOWN_DEVICE",
    "LOGIN_PER_ADDRESS",
    "LOGIN_TOTAL",
    "REGISTER_PER_ADDRESS",
    "MAIL_PER_EMAIL",
    "MAIL_PER_ADDRESS",
    "MAIL_TOTAL",
    "DEVICE_REMOVALS_PER_USER",
    "REFRESH_PER_DEVICE",
];

/// What a login has to show.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    /// A password, with the hash as it is by default.
    Password,
    /// A password, with the smallest hash that can be set.
    SmallHash,
    /// None: everything of a login but the hash.
    None,
}

/// A running one. Killed when dropped.
pub(crate) struct Relais {
    process: Process,
    pub(crate) server: String,
    log: PathBuf,
    /// Read by nobody, but closed it would be a broken pipe.
    _stdout: BufReader<ChildStdout>,
}

impl Relais {
    /// Starts one in an empty folder, on a database of its own, or on SQLite in that folder.
    pub(crate) fn start(program: &Path, folder: &Path, proof: Proof, sql: Option<&str>) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let log = folder.join("log");
        let mut command = Command::new(program);
        command.args(["up", "--json"]).current_dir(folder).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
        command.env("RELAIS_DATA", folder.join("data"));
        for listener in ["HTTP__LISTEN", "NATS__LISTEN", "NATS__WEBSOCKET", "NATS__MONITOR"] {
            command.env(format!("RELAIS_{listener}"), "127.0.0.1:0");
        }
        command.envs(LIMITS.map(|limit| (format!("RELAIS_AUTH__LIMITS__{limit}"), "100000 per 1s")));
        match proof {
            Proof::Password => &mut command,
            Proof::SmallHash => command.env("RELAIS_AUTH__HASH_MEMORY", "7").env("RELAIS_AUTH__HASH_PASSES", "1"),
            Proof::None => command.env("RELAIS_AUTH__PROOF", "none"),
        };
        if let Some(sql) = sql {
            command.env("RELAIS_SQL__URL", sql);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).expect("a file"));
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let process = Process(child);
        let mut line = String::new();
        stdout.read_line(&mut line).expect("its standard output");
        let ready: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("relais has not started:\n{}", fs::read_to_string(&log).unwrap_or_default()));
        let server = ready["http"].as_str().expect("an address").to_owned();
        Self { process, server, log, _stdout: stdout }
    }

    /// The CPU time it has taken until now; not that of its broker.
    pub(crate) fn cpu(&self) -> std::time::Duration {
        self.process.cpu()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Ends it.
    pub(crate) fn stop(self) {
        self.process.stop();
        let log = fs::read_to_string(&self.log).expect("its log");
        assert!(!log.contains("panicked") && !log.contains(" ERROR "), "{log}");
    }
}
