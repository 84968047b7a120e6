//! What PostgreSQL and MySQL have in common for us: how long anything may take, and how their addresses are read.
//!
//! A server is tried with one connection before there is a pool: a pool goes on trying for a while, and then says only that it has
//! waited.

use std::{future::Future, io, time::Duration};

use sea_orm::{
    ConnectOptions,
    sqlx::{self, error::DatabaseError},
};

use super::open_error::{OpenError, Refusal};

/// Connections at most, of one process; some processes fit in the hundred that a PostgreSQL has by default.
const CONNECTIONS: u32 = 16;
/// How long a call waits for a connection: a server that is away is a 503 by then.
const ACQUIRE: Duration = Duration::from_secs(3);
/// How long the first connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Options of a pool whose connections are made by what the caller adds. The address in them is no real one: it would be in traces.
pub(super) fn pool(scheme: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(format!("{scheme}://localhost/relais"));
    options
        .max_connections(CONNECTIONS)
        .min_connections(1)
        .acquire_timeout(ACQUIRE)
        // Asked before each use: one that was lost is not noticed by who comes next.
        .test_before_acquire(true)
        // Statements hold password hashes.
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

/// The address without the parameters that sqlx does not know, which are told by their names alone: what they were given may be
/// a secret, and sqlx would write it to the log.
pub(super) fn known(url: &str, known: &[&str]) -> String {
    let Some((address, parameters)) = url.split_once('?') else { return url.to_owned() };
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let (kept, others): (Vec<&str>, Vec<&str>) = parameters
        .split('&')
        .filter(|pair| !pair.is_empty())
        .partition(|pair| known.contains(&name(pair).as_str()) || name(pair).starts_with("options["));
    for other in others {
        tracing::warn!(parameter = name(other), "this parameter of sql.url is not known, and does nothing");
    }
    if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) }
}

/// Reads an address.
pub(super) fn read<O: std::str::FromStr<Err = sqlx::Error>>(url: &str) -> Result<O, OpenError> {
    let without = url.split_once('?').map(|(address, _)| address);
    url.parse().map_err(|error| match without.map(str::parse::<O>) {
        Some(Ok(_)) => OpenError::Parameter(error),
        _ => OpenError::Url,
    })
}

/// A first connection, as `connecting` makes it, to a server and a database of this name.
pub(super) async fn first<C>(
    connecting: impl Future<Output = Result<C, sqlx::Error>>,
    server: String,
    name: &str,
    kind: fn(&dyn DatabaseError) -> Refusal,
) -> Result<C, OpenError> {
    match tokio::time::timeout(CONNECT, connecting).await {
        Ok(connected) => connected.map_err(|error| OpenError::of_server(server, name, error, kind)),
        Err(_) => Err(OpenError::Unreachable { server, source: io::ErrorKind::TimedOut.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        for (url, kept) in [
            ("postgres://h/d", "postgres://h/d"),
            ("postgres://h/d?", "postgres://h/d"),
            ("postgres://h/d?sslpassword=hunter2", "postgres://h/d"),
            ("postgres://h/d?a=1&sslmode=require&b&options[x]=1", "postgres://h/d?sslmode=require&options[x]=1"),
        ] {
            assert_eq!(known(url, &["sslmode"]), kept);
        }
    }
}
