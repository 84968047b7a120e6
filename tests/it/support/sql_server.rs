//! A database server of a test run: a temporary one, on loopback, that ends with the test process.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use relais_adapters::sql::Database;
use tempfile::TempDir;

use super::{mariadb, postgres};

/// The password of everybody at these servers. It has letters that an address must not have as they are.
pub(crate) const SQL_PASSWORD: &str = "hunter2/@%";
/// The same in an address.
const IN_ADDRESS: &str = "hunter2%2F%40%25";

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SqlKind {
    Postgres,
    Mariadb,
}

/// A server with databases.
pub(crate) struct SqlServer {
    kind: SqlKind,
    folder: PathBuf,
    port: u16,
    owner: Option<(u32, u32)>,
    tls: bool,
    running: Mutex<Option<Running>>,
    databases: AtomicU32,
    _own: Option<TempDir>,
}

/// What openssl makes a certificate of.
const CERTIFICATE: &str = "[req]\ndistinguished_name = name\nx509_extensions = extensions\nprompt = no\n\
    [name]\nCN = relais\n\
    [extensions]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = IP:127.0.0.1\n";

/// The server is a child of a shell, which ends it when our end of its standard input closes: however this process ends.
struct Running {
    shell: Child,
    lives: ChildStdin,
}

/// Runs `"$@"` until standard input closes, ends it with the signal `$0`, and removes the folder `$GONE`, if there is one. Who
/// reads our standard error learns that the server has ended.
const HOLD: &str = r#""$@" & server=$!; exec 2>/dev/null; cat >/dev/null; kill -s "$0" $server; wait $server
[ -z "$GONE" ] || rm -rf "$GONE""#;

impl SqlServer {
    /// That of all tests in this process, which none of them stops.
    pub(crate) fn shared(kind: SqlKind) -> &'static Self {
        static POSTGRES: OnceLock<SqlServer> = OnceLock::new();
        static MARIADB: OnceLock<SqlServer> = OnceLock::new();
        let own = match kind {
            SqlKind::Postgres => &POSTGRES,
            SqlKind::Mariadb => &MARIADB,
        };
        own.get_or_init(|| {
            // A static is not dropped: the shell removes the folder.
            let mut server = Self::prepare(kind, false);
            let _ = server._own.take().unwrap().keep();
            server.run(true);
            server
        })
    }

    /// One of its own.
    pub(crate) fn start(kind: SqlKind) -> Self {
        let server = Self::prepare(kind, false);
        server.run(false);
        server
    }

    /// One of its own that can encrypt, and the certificate that it shows: for 127.0.0.1, and signed by nobody else.
    pub(crate) fn with_tls(kind: SqlKind) -> (Self, PathBuf) {
        let server = Self::prepare(kind, true);
        server.run(false);
        let certificate = server.folder.join("server.crt");
        (server, certificate)
    }

    fn prepare(kind: SqlKind, tls: bool) -> Self {
        let own = TempDir::new().unwrap();
        let folder = own.path().to_owned();
        // These servers refuse to run as root. Packages make users for them.
        let owner = (fs::metadata("/proc/self").unwrap().uid() == 0).then(|| {
            let name = match kind {
                SqlKind::Postgres => "postgres",
                SqlKind::Mariadb => "mysql",
            };
            user(name).unwrap_or_else(|| panic!("there is no user {name}; `./x tools` makes it"))
        });
        if let Some((uid, gid)) = owner {
            chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        let (running, databases) = (Mutex::default(), AtomicU32::new(0));
        let server = Self { kind, folder, port, owner, tls, running, databases, _own: Some(own) };
        let (mut prepare, (name, text)) = match kind {
            SqlKind::Postgres => postgres::prepare(&server.folder),
            SqlKind::Mariadb => mariadb::prepare(&server.folder),
        };
        fs::write(server.folder.join(name), text).unwrap();
        fs::write(server.folder.join("openssl.cnf"), CERTIFICATE).unwrap();
        let mut certify = Command::new(installed("openssl", &[], "openssl"));
        certify.args(["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-config", "openssl.cnf"]);
        certify.args(["-keyout", "server.key", "-out", "server.crt"]);
        for command in [Some(&mut prepare), tls.then_some(&mut certify)].into_iter().flatten() {
            let ran = server.as_owner(command).stdin(Stdio::null()).output().unwrap();
            assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
        }
        server
    }

    fn as_owner<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command.current_dir(&self.folder).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8")
    }

    /// Runs it and waits until it is ready.
    pub(crate) fn restart(&self) {
        self.run(false);
    }

    fn run(&self, forget: bool) {
        let (mut server, ready, end) = match self.kind {
            SqlKind::Postgres => postgres::server(&self.folder, self.port),
            SqlKind::Mariadb => mariadb::server(&self.folder, self.port),
        };
        let (certificate, key) = (self.folder.join("server.crt"), self.folder.join("server.key"));
        match self.kind {
            _ if !self.tls => {}
            SqlKind::Postgres => server.extend(postgres::tls(&certificate, &key)),
            SqlKind::Mariadb => server.extend(mariadb::tls(&certificate, &key)),
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", HOLD, end]).args(server);
        self.as_owner(&mut shell).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        if forget {
            shell.env("GONE", &self.folder);
        }
        let mut shell = shell.spawn().unwrap();
        let (lives, stderr) = (shell.stdin.take().unwrap(), shell.stderr.take().unwrap());
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let is_ready = lines.by_ref().any(|line| {
            said.push(line);
            said.last().is_some_and(|line| line.contains(ready))
        });
        assert!(is_ready, "{:?} has ended:\n{}", self.kind, said.join("\n"));
        // Read to the end, so that the server never waits for us.
        std::thread::spawn(move || lines.count());
        *self.running.lock().unwrap() = Some(Running { shell, lives });
    }

    /// Kills it. What it has committed is there when it is started again.
    pub(crate) fn stop(&self) {
        if let Some(Running { mut shell, lives }) = self.running.lock().unwrap().take() {
            drop(lives);
            shell.wait().unwrap();
        }
    }

    /// The address of a fresh database, with a user that may do everything in it, and nothing elsewhere.
    pub(crate) async fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let (admin, make) = match self.kind {
            SqlKind::Postgres => ("postgres", postgres::database(&name)),
            SqlKind::Mariadb => ("mysql", mariadb::database(&name)),
        };
        let server = Database::open(&self.url("admin", IN_ADDRESS, admin)).await.unwrap();
        for statement in make {
            server.execute(&statement).await.unwrap();
        }
        server.close().await.unwrap();
        self.url(&name, IN_ADDRESS, &name)
    }

    /// All that is in a database of a PostgreSQL, as SQL.
    pub(crate) fn dump(&self, url: &str) -> String {
        assert_eq!(self.kind, SqlKind::Postgres);
        let name = url.rsplit('/').next().unwrap();
        let dumped = postgres::dump(&self.folder, self.port, name).stdin(Stdio::null()).output().unwrap();
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
        String::from_utf8(dumped.stdout).unwrap()
    }

    /// The folder in which it keeps everything.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// An address at this server, of a user, a password and a database.
    pub(crate) fn url(&self, user: &str, password: &str, database: &str) -> String {
        let scheme = match self.kind {
            SqlKind::Postgres => "postgres",
            SqlKind::Mariadb => "mysql",
        };
        format!("{scheme}://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for SqlServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The ids of a user of this system.
fn user(name: &str) -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let user = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = user.split(':').skip(2).map(|field| field.parse().unwrap());
    Some((fields.next()?, fields.next()?))
}

/// The path of a program that a package of the system installs, in one of these folders or on `PATH`.
///
/// # Panics
/// When it is nowhere, with the command that installs it.
pub(super) fn installed(program: &str, folders: &[PathBuf], package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().cloned().chain(env::split_paths(&path));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file()).unwrap_or_else(|| {
        panic!("{program} is missing; `./x tools` installs it (apt-get install --no-install-recommends {package})")
    })
}

/// What a server is asked for: the arguments, what it says when it is ready, and the signal that kills it.
pub(super) type Serve = (Vec<String>, &'static str, &'static str);

pub(super) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
