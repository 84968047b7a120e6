//! A temporary PostgreSQL, as it is by default: what it has committed is on the disk.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use relais_bench::Process;

/// Nobody but us has it in time, and there is nothing to see.
const PASSWORD: &str = "bench";

/// A cluster that ends with this program.
pub(crate) struct Postgres {
    _process: Process,
    programs: Programs,
    port: u16,
}

/// Where the programs lie, and as whom they run.
#[derive(Clone)]
struct Programs {
    folder: PathBuf,
    owner: Option<(u32, u32)>,
}

impl Programs {
    /// The newest that are installed; Debian keeps each version in a folder of its own.
    fn find() -> Option<Self> {
        let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().collect();
        versions.sort_by_key(|entry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
        let folders = versions.iter().rev().map(|entry| entry.path().join("bin"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folder = folders.chain(std::env::split_paths(&path)).find(|folder| folder.join("initdb").is_file())?;
        // It refuses to run as root. The package makes a user for it.
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let owner = if is_root { Some(user("postgres")?) } else { None };
        Some(Self { folder, owner })
    }

    fn command(&self, name: &str, directory: &Path) -> Command {
        let mut command = Command::new(self.folder.join(name));
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command.current_dir(directory).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        command.env("PGPASSWORD", PASSWORD).stdin(Stdio::null());
        command
    }
}

impl Postgres {
    /// Starts one in an empty folder; `None` where PostgreSQL is not installed.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let programs = Programs::find()?;
        fs::create_dir_all(folder).expect("a folder");
        fs::write(folder.join("password"), PASSWORD).expect("a file");
        if let Some((uid, gid)) = programs.owner {
            chown(folder, Some(uid), Some(gid)).expect("root may do so");
        }
        let mut initdb = programs.command("initdb", folder);
        initdb.args(["--pgdata", "data", "--username", "admin", "--pwfile", "password", "--auth", "scram-sha-256"]);
        ran(initdb.args(["--encoding", "UTF8", "--locale", "C.UTF-8"]));
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let mut command = programs.command("postgres", folder);
        command.args(["-D", "data", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        command.args(["-c", "log_destination=stderr", "-c", "logging_collector=off", "-c", &format!("port={port}")]);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("postgres");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let process = Process(child);
        assert!(lines.any(|line| line.contains("ready to accept connections")), "PostgreSQL has not started");
        // Read to the end, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { _process: process, programs, port })
    }

    /// The address of a new database.
    pub(crate) fn database(&self, name: &str) -> String {
        let mut createdb = self.programs.command("createdb", Path::new("/"));
        ran(createdb.args(["--host", "127.0.0.1", "--port", &self.port.to_string(), "--username", "admin", name]));
        format!("postgres://admin:{PASSWORD}@127.0.0.1:{}/{name}", self.port)
    }
}

fn ran(command: &mut Command) {
    let ran = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// The ids of a user of this system.
fn user(name: &str) -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let user = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = user.split(':').skip(2).map(|field| field.parse().ok());
    Some((fields.next()??, fields.next()??))
}
