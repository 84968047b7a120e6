//! A running `relais up`, and its command line.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tempfile::TempDir;

use super::tool;

/// The password of everybody in these tests.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A data folder, a home for profiles, and the processes that use them.
pub(crate) struct World {
    folder: TempDir,
}

/// `relais up`, ready. Killed when dropped.
pub(crate) struct Up {
    child: Child,
    /// The line of JSON it printed when it was ready.
    pub(crate) ready: Value,
    log: Arc<Mutex<String>>,
    _stdout: BufReader<ChildStdout>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `relais` with this world's settings, home and tools, and nothing of the surrounding environment.
    pub(crate) fn relais(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relais-under-test"));
        let tools = tool("nats-server").parent().unwrap().to_owned();
        let path = std::env::join_paths([tools, "/usr/bin".into(), "/bin".into()]).unwrap();
        command.args(arguments).env_clear().env("PATH", path).current_dir(self.folder.path());
        command.env("HOME", self.path("home")).env("XDG_CONFIG_HOME", self.path("config"));
        command.env("RELAIS_DATA", self.path("data")).env("RUST_BACKTRACE", "0");
        for (name, value) in [
            ("RELAIS_HTTP__LISTEN", "127.0.0.1:0"),
            ("RELAIS_NATS__LISTEN", "127.0.0.1:0"),
            ("RELAIS_NATS__WEBSOCKET", "127.0.0.1:0"),
            ("RELAIS_NATS__MONITOR", "127.0.0.1:0"),
        ] {
            command.env(name, value);
        }
        command
    }

    /// `relais up`, when it is ready.
    pub(crate) fn up(&self) -> Up {
        self.up_with(|_| {})
    }

    /// `relais up` with more settings, when it is ready.
    pub(crate) fn up_with(&self, set: impl FnOnce(&mut Command)) -> Up {
        let mut command = self.relais(&["up", "--json"]);
        set(&mut command);
        Up::start(command)
    }

    /// Another instance beside one that runs: on its broker and database, with a copy of its keys.
    pub(crate) fn beside(&self, first: &Up, url: &str) -> Up {
        let data = self.path("second");
        let copy = |name: &str| -> ExitStatus {
            Command::new("cp").arg("-a").arg(Path::new(first.text("data")).join(name)).arg(&data).status().unwrap()
        };
        assert!(Command::new("mkdir").args(["-m", "700"]).arg(&data).status().unwrap().success());
        assert!(copy("nsc").success() && copy("access.key").success());
        let mut command = self.relais(&["serve", "--json"]);
        command.env("RELAIS_DATA", data).env("RELAIS_NATS__URL", first.text("nats")).env("RELAIS_SQL__URL", url);
        Up::start(command)
    }
}

impl Up {
    /// Runs `command` and waits for its line of JSON.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (said, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut said = said.lock().unwrap();
                said.push_str(&line);
                said.push('\n');
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            let status = child.wait().unwrap();
            panic!("not ready ({status}): {line:?}\n{}", log.lock().unwrap())
        });
        Self { child, ready, log, _stdout: stdout }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_else(|| panic!("{name} is in {}", self.ready))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a signal (`INT`, `TERM`, `KILL`, …).
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let log = self.log();
        (status, log)
    }

    /// Sends SIGINT, waits, and expects a clean end.
    pub(crate) fn stop(self) {
        self.signal("INT");
        let (status, log) = self.wait();
        assert!(status.success(), "{status}\n{log}");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, name: &str) {
    // The shell's own: a bare system has no program of that name.
    let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -s {name} {pid}");
}

/// What a command printed and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command with `input` on standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that needs no input may have ended before it is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

/// A logged-in user: a profile of the command line.
pub(crate) struct User<'w> {
    world: &'w World,
    profile: String,
    server: String,
    pub(crate) who: Value,
}

impl<'w> User<'w> {
    /// Registers `{name}@example.org` and logs in on a profile of that name.
    pub(crate) fn new(world: &'w World, up: &Up, name: &str) -> Self {
        Self::at(world, up.text("http"), name)
    }

    /// As [`User::new`], against the server at an address.
    pub(crate) fn at(world: &'w World, server: &str, name: &str) -> Self {
        let mut user = Self { world, profile: name.to_owned(), server: server.to_owned(), who: Value::Null };
        let email = format!("{name}@example.org");
        let registered = user.run_with(&["register", &email], PASSWORD);
        assert_eq!(registered.code, 0, "{}{}", registered.stdout, registered.stderr);
        user.login();
        user
    }

    /// Logs in as a user who has registered before.
    pub(crate) fn at_known(world: &'w World, up: &Up, name: &str) -> Self {
        let server = up.text("http").to_owned();
        let mut user = Self { world, profile: name.to_owned(), server, who: Value::Null };
        user.login();
        user
    }

    /// Logs in (again).
    pub(crate) fn login(&mut self) {
        let logged_in = self.run_with(&["login", &format!("{}@example.org", self.profile)], PASSWORD);
        assert_eq!(logged_in.code, 0, "{}{}", logged_in.stdout, logged_in.stderr);
        self.who = serde_json::from_str(&self.run(&["whoami", "--json"]).stdout).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.relais(arguments);
        command.args(["--server", &self.server, "--profile", &self.profile]);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        run(&mut self.command(arguments), input)
    }

    pub(crate) fn id(&self) -> &str {
        self.who["user_id"].as_str().unwrap()
    }

    /// The path of the creds file.
    pub(crate) fn creds(&self) -> &Path {
        Path::new(self.who["creds"].as_str().unwrap())
    }
}

/// A command that runs on and prints lines.
pub(crate) struct Lines {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Lines {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// Starts a `subscribe` and waits until it says that it listens.
    pub(crate) fn listening(command: &mut Command) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        let lines = Self::start(command.stderr(writer));
        let mut said = String::new();
        BufReader::new(reader).read_line(&mut said).unwrap();
        assert!(said.contains("listening"), "{said}");
        lines
    }

    pub(crate) fn next(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The rest of what it prints, and its exit code.
    pub(crate) fn end(mut self) -> (i32, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), rest)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
