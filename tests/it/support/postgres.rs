//! PostgreSQL: how a temporary cluster is made and run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::sql_server::{SQL_PASSWORD, Serve, installed, text};

/// The newest that is installed; Debian keeps each version in a folder of its own.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().collect();
    versions.sort_by_key(|entry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    let folders: Vec<_> = versions.iter().rev().map(|entry| entry.path().join("bin")).collect();
    installed(name, &folders, "postgresql")
}

/// What makes a cluster whose superuser is `admin`, and the file that it reads.
pub(super) fn prepare(folder: &Path) -> (Command, (&'static str, String)) {
    let mut command = Command::new(program("initdb"));
    command.arg("--pgdata").arg(folder.join("data")).args(["--username", "admin", "--pwfile", "password"]);
    command.args(["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]);
    (command, ("password", SQL_PASSWORD.to_owned()))
}

pub(super) fn server(folder: &Path, port: u16) -> Serve {
    let mut arguments = vec![text(&program("postgres")), "-D".to_owned(), text(&folder.join("data"))];
    for setting in [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", folder.display()),
        "max_connections=300".to_owned(),
        "fsync=off".to_owned(),
        "log_destination=stderr".to_owned(),
        "logging_collector=off".to_owned(),
    ] {
        arguments.extend(["-c".to_owned(), setting]);
    }
    // QUIT ends every session at once, and the cluster recovers when it is started again.
    (arguments, "database system is ready to accept connections", "QUIT")
}

/// What makes a database, and a user of that name whose it is.
pub(super) fn database(name: &str) -> Vec<String> {
    vec![format!("CREATE ROLE {name} LOGIN PASSWORD '{SQL_PASSWORD}'"), format!("CREATE DATABASE {name} OWNER {name}")]
}

/// What writes a database down, all of it. The password is in its environment.
pub(super) fn dump(folder: &Path, port: u16, name: &str) -> Command {
    let mut command = Command::new(program("pg_dump"));
    command.args(["--inserts", "--username", "admin", "--host"]).arg(folder);
    command.args(["--port", &port.to_string(), "--dbname", name]).env("PGPASSWORD", SQL_PASSWORD);
    command
}

/// What makes it encrypt.
pub(super) fn tls(certificate: &Path, key: &Path) -> Vec<String> {
    let (certificate, key) = (certificate.display(), key.display());
    let settings = ["ssl=on".to_owned(), format!("ssl_cert_file={certificate}"), format!("ssl_key_file={key}")];
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
}
