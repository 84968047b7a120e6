//! MariaDB: how a temporary server is made and run.

use std::{path::Path, process::Command};

use super::sql_server::{SQL_PASSWORD, Serve, installed, text};

/// What makes the folder of a server, and the file that it reads when it starts.
pub(super) fn prepare(folder: &Path) -> (Command, (&'static str, String)) {
    let mut command = Command::new(installed("mariadb-install-db", &[], "mariadb-server"));
    command.arg("--no-defaults").arg(format!("--datadir={}", folder.join("data").display()));
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    let admin = format!(
        "CREATE USER IF NOT EXISTS admin@'127.0.0.1' IDENTIFIED BY '{SQL_PASSWORD}';\n\
         GRANT ALL ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION;\n"
    );
    (command, ("init.sql", admin))
}

pub(super) fn server(folder: &Path, port: u16) -> Serve {
    let server = installed("mariadbd", &["/usr/sbin".into()], "mariadb-server");
    let arguments = vec![
        text(&server),
        "--no-defaults".to_owned(),
        format!("--datadir={}", folder.join("data").display()),
        format!("--socket={}", folder.join("socket").display()),
        format!("--pid-file={}", folder.join("pid").display()),
        format!("--init-file={}", folder.join("init.sql").display()),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--max-connections=300".to_owned(),
        "--innodb-flush-log-at-trx-commit=2".to_owned(),
        "--innodb-buffer-pool-size=32M".to_owned(),
        // As many servers are set up; ours is told to compare bytes.
        "--character-set-server=latin1".to_owned(),
    ];
    (arguments, "ready for connections", "KILL")
}

/// What makes a database, and a user of that name who may do everything in it.
pub(super) fn database(name: &str) -> Vec<String> {
    vec![
        format!("CREATE DATABASE {name}"),
        format!("CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{SQL_PASSWORD}'"),
        format!("GRANT ALL ON {name}.* TO {name}@'127.0.0.1'"),
    ]
}

/// What makes it encrypt.
pub(super) fn tls(certificate: &Path, key: &Path) -> Vec<String> {
    vec![format!("--ssl-cert={}", certificate.display()), format!("--ssl-key={}", key.display())]
}
