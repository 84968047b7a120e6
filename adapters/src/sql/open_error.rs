//! Why a database cannot be used, and what to do about it.

use std::{io, path::PathBuf};

use sea_orm::{
    DbErr,
    sqlx::{self, error::DatabaseError},
};

/// Why a database cannot be used. None of them shows the address as it was given, for it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address names no database that this program knows.
    #[error(
        "sql.url is no address of a database: it is sqlite://PATH, postgres://USER:PASSWORD@HOST/NAME or \
         mysql://USER:PASSWORD@HOST/NAME, where what is no letter or digit in a name or password is written as %XX"
    )]
    Url,
    /// What stands behind the `?` of the address has a value that is none.
    #[error("sql.url has a parameter whose value is not understood")]
    Parameter(#[source] sqlx::Error),
    /// The folder for the file is not there.
    #[error("the folder {} for the database does not exist; create it, or set sql.url to another place", .0.display())]
    Folder(PathBuf),
    /// The file cannot be made, opened for writing, or closed to others.
    #[error("the database file {} cannot be opened for writing; give this user the right to, or set sql.url", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Nobody answers there.
    #[error("no database server answers at {server}; is it running, and is that the one that sql.url means?")]
    Unreachable {
        /// Where.
        server: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It knows the user or the password otherwise.
    #[error(
        "the database server at {server} does not let us in; check user and password in sql.url, and what it allows whom"
    )]
    Login {
        /// Where.
        server: String,
        /// What it says.
        #[source]
        source: sqlx::Error,
    },
    /// It is not there, or not for this user.
    #[error("the database server at {server} has no database {name:?} for this user; create it, or change sql.url")]
    Missing {
        /// Where.
        server: String,
        /// Which.
        name: String,
        /// What it says.
        #[source]
        source: sqlx::Error,
    },
    /// The connection cannot be encrypted as it was asked for.
    #[error(
        "the connection to the database server at {server} cannot be encrypted; check the ssl parameters of sql.url"
    )]
    Tls {
        /// Where.
        server: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// It is there, but does not answer as a server that we can use.
    #[error("the database server at {server} cannot be used")]
    Server {
        /// Where.
        server: String,
        /// What it says.
        #[source]
        source: sqlx::Error,
    },
    /// It is there, but does not answer as a database.
    #[error("the database cannot be opened: is it one, and not a newer or damaged one?")]
    Connect(#[source] DbErr),
    /// Its tables cannot be brought up to date.
    #[error("the tables of the database cannot be brought up to date")]
    Migrate(#[source] DbErr),
}

impl OpenError {
    /// What came of a first connection to a server; `kind` tells what the server itself says.
    pub(super) fn of_server(
        server: String,
        name: &str,
        error: sqlx::Error,
        kind: fn(&dyn DatabaseError) -> Refusal,
    ) -> Self {
        let source = match error {
            // What rustls thinks of a certificate comes as an error of the system of this kind.
            sqlx::Error::Io(source) if source.kind() != io::ErrorKind::InvalidData => {
                return Self::Unreachable { server, source };
            }
            other => other,
        };
        match &source {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Self::Tls { server, source },
            sqlx::Error::Database(said) => match kind(&**said) {
                Refusal::Login => Self::Login { server, source },
                Refusal::Missing => Self::Missing { server, name: name.to_owned(), source },
                Refusal::Other => Self::Server { server, source },
            },
            _ => Self::Server { server, source },
        }
    }
}

/// What a server says to a first connection.
pub(super) enum Refusal {
    /// The user or the password is another.
    Login,
    /// There is no such database.
    Missing,
    /// Anything else.
    Other,
}
