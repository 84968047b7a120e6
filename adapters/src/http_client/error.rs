//! Why a request to the HTTP API came to nothing.

use std::time::Duration;

use relais_domain::ports::Cause;

/// Why a call of the HTTP API failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The text is no address of a server.
    #[error("{given:?} is no address of a server: {reason}; one looks like https://relais.example.org")]
    Address {
        /// What was given, without user name and password.
        given: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Plain `http://` to another machine.
    #[error("{server} is plain http and not on this machine: a password would be sent in the clear; use https://")]
    Insecure {
        /// The address.
        server: String,
    },
    /// TLS cannot be set up.
    #[error("the system's certificates cannot be used for https")]
    Tls(#[source] Cause),
    /// A server, or what has taken its place, that is not to be told a password.
    #[error("{server} cannot be trusted: {why}")]
    Untrusted {
        /// The address.
        server: String,
        /// What is wrong with it.
        why: String,
    },
    /// No connection, or one that broke.
    #[error("no server answers at {server}")]
    Unreachable {
        /// The address.
        server: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Connected, but no answer in time.
    #[error("{server} has not answered in time")]
    Timeout {
        /// The address.
        server: String,
    },
    /// 401: wrong email or password, or a token that does not hold.
    #[error("{0}")]
    Unauthorized(String),
    /// 403: known, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// 403: the password is right, but the address is not proven yet; a code was mailed to it.
    #[error("{0}")]
    Unverified(String),
    /// 404: no such thing.
    #[error("{0}")]
    NotFound(String),
    /// 409: it is there already, or belongs to somebody else.
    #[error("{0}")]
    Conflict(String),
    /// 400, 413, 415, 422: the server does not take this input, and says why.
    #[error("{0}")]
    Invalid(String),
    /// 429, 503: not now.
    #[error("{text}")]
    Unavailable {
        /// What the server said.
        text: String,
        /// When to try again, if it said so.
        retry_after: Option<Duration>,
    },
    /// Another 5xx: a fault of the server.
    #[error("the server failed ({status}): {text}")]
    Failed {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        text: String,
    },
    /// What answers there does not speak this API, or a much newer one.
    #[error("what answers at {server} is not a Relais server this program understands: {reason}")]
    Foreign {
        /// The address.
        server: String,
        /// What is wrong.
        reason: String,
    },
}

/// The type of the problem that [`ClientError::Unverified`] is.
const UNVERIFIED: &str = "urn:relais:problem:unverified";

/// The error that an HTTP status tells, with the words of the problem document if there was one.
pub(super) fn of_status(
    server: &str,
    status: u16,
    kind: Option<&str>,
    problem: Option<&str>,
    retry_after: Option<Duration>,
) -> ClientError {
    let words = |default: &str| problem.unwrap_or(default).to_owned();
    match status {
        401 => ClientError::Unauthorized(words("the server does not accept this login")),
        403 if kind == Some(UNVERIFIED) => ClientError::Unverified(words("the address is not proven yet")),
        403 => ClientError::Forbidden(words("the server does not allow this")),
        // Without a problem document a 404 is no answer of ours: most likely it is another program's port.
        404 if problem.is_some() => ClientError::NotFound(words("not found")),
        409 => ClientError::Conflict(words("it is there already")),
        400 | 413 | 415 | 422 => ClientError::Invalid(words("the server does not take this input")),
        429 | 503 => ClientError::Unavailable { text: words("the server is busy or not ready"), retry_after },
        500..=599 => ClientError::Failed { status, text: words("it gave no reason") },
        _ => ClientError::Foreign { server: server.to_owned(), reason: format!("it answered with status {status}") },
    }
}
