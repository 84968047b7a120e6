//! How a command ends: the exit codes, and what is said on standard error when it did not work.

use std::{error::Error, fmt::Write as _, io, process::ExitCode};

use relais_adapters::{http_client::ClientError, nats::ConnectError, reflect::ReflectError};
use relais_domain::ports::{BusError, IssueError, KeyError};

use crate::{SessionError, profile::ProfileError, settings::SettingsError};

/// The exit codes, as scripts see them. They stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed, and no other code says how.
    Failed = 1,
    /// Wrong usage: a flag, a subject, a body, a setting.
    Usage = 2,
    /// Not logged in, or not allowed.
    NotAllowed = 3,
    /// Nobody answered in time, or nobody is there: trying again later may help.
    NoAnswer = 4,
    /// Kept in the Buffer, not yet delivered.
    Kept = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was told: one line saying what happened, another saying what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened, with its causes.
    pub what: String,
    /// What to do, if there is something.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without advice.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), hint: None }
    }

    /// Wrong usage.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// The same, with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A failure that tells an error and all its causes on one line.
    pub fn of(exit: Exit, error: &dyn Error) -> Self {
        let mut what = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some libraries repeat their cause; once is enough.
            if !what.ends_with(&text) {
                write!(what, ": {text}").expect("a string takes whatever is written to it");
            }
            cause = error.source();
        }
        Self::new(exit, what.replace(['\n', '\r'], " "))
    }

    /// Whether nobody reads our output any more (`relais subscribe … | head`): the end, and no failure.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.exit == Exit::Done
    }
}

const LOG_IN: &str = "log in again with `relais login EMAIL`";
const NAME_THE_CA: &str = "if its certificate is from an authority of your own, name that with --ca FILE";

fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(ConnectError::Untrusted { .. }))
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let exit = if error.kind() == io::ErrorKind::BrokenPipe { Exit::Done } else { Exit::Failed };
        Self::of(exit, &error)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let told = match &error {
            // A line for each, of which none comes from elsewhere than the settings, escaped.
            SettingsError::Lint(_) => Self::new(Exit::Usage, error.to_string()),
            error => Self::of(Exit::Usage, error),
        };
        told.hint("`relais settings` lists every setting, its value and where it came from")
    }
}

impl From<ReflectError> for Failure {
    fn from(error: ReflectError) -> Self {
        let exit = if matches!(error, ReflectError::Undecodable { .. }) { Exit::Failed } else { Exit::Usage };
        Self::of(exit, &error)
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Profile(error) => error.into(),
            SessionError::Server(error) => error.into(),
            SessionError::Email(error) => Self::of(Exit::Usage, &error),
            SessionError::Ended { ref email } | SessionError::Expired { ref email } => {
                let hint = format!("log in again with `relais login {email}`");
                Self::of(Exit::NotAllowed, &error).hint(hint)
            }
            SessionError::Authority(_) => {
                Self::of(Exit::NotAllowed, &error).hint("log in again, and name it with --ca FILE")
            }
            SessionError::Connect(ConnectError::Unauthorized { .. }) => BusError::Unauthorized.into(),
            SessionError::Connect(error) => BusError::Disconnected(Some(error.into())).into(),
        }
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        let exit = match error {
            ProfileError::NotLoggedIn { .. } | ProfileError::Corrupt { .. } | ProfileError::OtherServer { .. } => {
                Exit::NotAllowed
            }
            ProfileError::Name(_) => Exit::Usage,
            ProfileError::NoFolder | ProfileError::Io { .. } => Exit::Failed,
        };
        let hint = match &error {
            ProfileError::NotLoggedIn { .. } => Some("log in with `relais login EMAIL`".to_owned()),
            ProfileError::Corrupt { .. } => Some(LOG_IN.to_owned()),
            ProfileError::OtherServer { asked, .. } => {
                Some(format!("log in there with `relais login EMAIL --server {asked}`, or choose another --profile"))
            }
            ProfileError::NoFolder => Some("set XDG_CONFIG_HOME to a folder".to_owned()),
            ProfileError::Io { .. } => Some("make the folder yours and writable".to_owned()),
            ProfileError::Name(_) => None,
        };
        Self { hint, ..Self::of(exit, &error) }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (exit, hint) = match &error {
            ClientError::Address { .. } | ClientError::Insecure { .. } => (Exit::Usage, None),
            ClientError::Unreachable { server, .. } => {
                let hint = format!("is `relais up` running at {server}? Another server is named with --server URL");
                (Exit::NoAnswer, Some(hint))
            }
            ClientError::Untrusted { .. } => (Exit::Failed, Some(NAME_THE_CA.to_owned())),
            ClientError::Timeout { .. } => (Exit::NoAnswer, Some("try again".to_owned())),
            ClientError::Unavailable { retry_after, .. } => {
                let after = retry_after.map_or("later".to_owned(), |after| format!("in {} s", after.as_secs().max(1)));
                (Exit::NoAnswer, Some(format!("try again {after}")))
            }
            ClientError::Unauthorized(_) | ClientError::Forbidden(_) | ClientError::Unverified(_) => {
                (Exit::NotAllowed, None)
            }
            ClientError::Foreign { .. } => (Exit::Failed, Some("check the address given with --server".to_owned())),
            ClientError::Tls(_) => (Exit::Failed, Some("install the package ca-certificates".to_owned())),
            ClientError::Invalid(_) => (Exit::Usage, None),
            ClientError::NotFound(_) | ClientError::Conflict(_) | ClientError::Failed { .. } => (Exit::Failed, None),
        };
        Self { hint, ..Self::of(exit, &error) }
    }
}

impl From<BusError> for Failure {
    fn from(error: BusError) -> Self {
        let (exit, hint) = match &error {
            BusError::NoResponders { .. } => {
                (Exit::NoAnswer, "check the subject, and that the service with this route runs")
            }
            BusError::Timeout { .. } => {
                (Exit::NoAnswer, "wait longer with --timeout 30s, or look into the service's log")
            }
            BusError::Denied { .. } => (Exit::NotAllowed, "`relais whoami` prints what you may publish and listen to"),
            BusError::Unauthorized => (Exit::NotAllowed, LOG_IN),
            BusError::TooLarge { .. } => (Exit::Failed, "send less at once"),
            BusError::Disconnected(Some(cause)) if is_untrusted(&**cause) => (Exit::Failed, NAME_THE_CA),
            BusError::Disconnected(_) => {
                (Exit::NoAnswer, "is the broker running? `relais whoami` prints its addresses")
            }
            BusError::Malformed(_) => (Exit::Failed, "look into the service's log, or tell its developer"),
            BusError::Closed => (Exit::Failed, "try again"),
        };
        Self::of(exit, &error).hint(hint)
    }
}

impl From<IssueError> for Failure {
    fn from(error: IssueError) -> Self {
        Self::of(Exit::Failed, &error)
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::Settings(error) => error.into(),
            error => {
                let hint = match &error {
                    crate::Error::Listen { setting, .. } => Some(format!(
                        "end what listens there, or choose another address with --set {setting}=127.0.0.1:0"
                    )),
                    crate::Error::File { what: "the data folder", .. } => {
                        Some("make it this user's and writable, or set `data` to another folder".to_owned())
                    }
                    crate::Error::Connect(ConnectError::Untrusted { .. }) => Some(
                        "if its certificate is from an authority of your own, name that with --set nats.tls_ca=FILE"
                            .to_owned(),
                    ),
                    crate::Error::Connect(_) => {
                        Some("is the broker running? `relais settings` says where it is looked for".to_owned())
                    }
                    _ => None,
                };
                Self { hint, ..Self::of(Exit::Failed, &error) }
            }
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::of(Exit::Failed, &error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_error_has_its_code() {
        let subject = || "s".to_owned();
        let cases: Vec<(Failure, Exit)> = vec![
            (BusError::NoResponders { subject: subject() }.into(), Exit::NoAnswer),
            (BusError::Timeout { subject: subject(), after: Duration::ZERO }.into(), Exit::NoAnswer),
            (BusError::Denied { operation: "publish to", subject: subject() }.into(), Exit::NotAllowed),
            (BusError::Unauthorized.into(), Exit::NotAllowed),
            (BusError::Disconnected(None).into(), Exit::NoAnswer),
            (BusError::TooLarge { size: 2, limit: 1 }.into(), Exit::Failed),
            (ClientError::Unauthorized("no".into()).into(), Exit::NotAllowed),
            (ClientError::Conflict("taken".into()).into(), Exit::Failed),
            (ClientError::Insecure { server: "http://x".into() }.into(), Exit::Usage),
            (ClientError::Unavailable { text: "busy".into(), retry_after: None }.into(), Exit::NoAnswer),
            (SettingsError::NoEquals("x".into()).into(), Exit::Usage),
            (ProfileError::NotLoggedIn { profile: "default".into() }.into(), Exit::NotAllowed),
            (io::Error::from(io::ErrorKind::BrokenPipe).into(), Exit::Done),
            (io::Error::from(io::ErrorKind::StorageFull).into(), Exit::Failed),
        ];
        for (failure, exit) in cases {
            assert_eq!(failure.exit, exit, "{failure:?}");
        }
        let codes = [Exit::Done, Exit::Failed, Exit::Usage, Exit::NotAllowed, Exit::NoAnswer, Exit::Kept];
        assert_eq!(codes.map(|exit| exit as u8), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn causes_are_told_once_and_on_one_line() {
        let cause = io::Error::other("line one\nline two");
        let error = ClientError::Unreachable { server: "http://127.0.0.1:1".into(), source: Box::new(cause) };
        let failure = Failure::from(error);
        assert_eq!(failure.what, "no server answers at http://127.0.0.1:1: line one line two");
        assert!(failure.hint.unwrap().contains("relais up"));
    }
}
