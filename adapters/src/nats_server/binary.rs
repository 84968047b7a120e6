//! Finding a `nats-server` that is new enough.

use std::{
    env, fmt, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What to do about a missing or old broker, in the words of every error here.
const ADVICE: &str = "install nats-server 2.14.3 or newer (https://nats.io/download, or `./x tools` in a clone of this \
                      repository) and put it on PATH";

/// A version of nats-server. A pre-release such as `2.15.0-RC.1` counts as older than its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    /// A release comes after its pre-releases.
    release: bool,
}

/// A `nats-server` that this program can run.
#[derive(Clone, Debug)]
pub struct Binary {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says it is.
    pub version: Version,
}

/// Why there is no broker to run.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No file of that name on `PATH`.
    #[error("nats-server, the broker, is not on PATH: {ADVICE}")]
    NotFound,
    /// The file that was named cannot be run.
    #[error("{} cannot be run as nats-server: {ADVICE}", path.display())]
    NotRunnable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ran, and did not answer as nats-server does.
    #[error("{} does not say that it is nats-server (`--version` said {said:?}): {ADVICE}", path.display())]
    NotNatsServer {
        /// The file.
        path: PathBuf,
        /// The first line it printed.
        said: String,
    },
    /// It is older than what the permissions and guarantees of Relais were tried on.
    #[error("{} is nats-server {version}, and Relais needs 2.14.3 or newer (or 2.12.12 and later 2.12): {ADVICE}", path.display())]
    TooOld {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: Version,
    },
}

/// Finds the broker: the file named by `explicit`, else the first `nats-server` on `PATH`; runs it with `--version`.
///
/// Accepted are 2.14.3 and newer, and 2.12 from 2.12.12 on (the two lines with the fixes Relais relies on). The first
/// one found is taken or refused: a second look behind an old one would hide which broker runs.
///
/// # Errors
/// [`FindError`], each one sentence that says what was found and what to install.
pub fn find(explicit: Option<&Path>) -> Result<Binary, FindError> {
    let path = match explicit {
        Some(path) => path.to_owned(),
        None => on_path(&env::var_os("PATH").unwrap_or_default()).ok_or(FindError::NotFound)?,
    };
    let said = match Command::new(&path).arg("--version").stdin(Stdio::null()).output() {
        Ok(output) => first_line(&output.stdout),
        Err(source) => return Err(FindError::NotRunnable { path, source }),
    };
    let Some(version) = Version::parse_answer(&said) else { return Err(FindError::NotNatsServer { path, said }) };
    if version.is_good_enough() { Ok(Binary { path, version }) } else { Err(FindError::TooOld { path, version }) }
}

fn on_path(path: &std::ffi::OsStr) -> Option<PathBuf> {
    env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join("nats-server")).find(|file| {
        use std::os::unix::fs::PermissionsExt as _;
        file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    })
}

fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.lines().next().unwrap_or_default().trim().chars().take(200).collect()
}

impl Version {
    /// From `nats-server: v2.15.2`, the answer to `--version`.
    fn parse_answer(answer: &str) -> Option<Self> {
        let version = answer.strip_prefix("nats-server: ")?.trim().trim_start_matches('v');
        let (numbers, pre) = version.split_once(['-', '+']).map_or((version, ""), |(numbers, rest)| (numbers, rest));
        let mut numbers = numbers.split('.').map(str::parse::<u64>);
        let mut number = || numbers.next().and_then(Result::ok);
        let release = pre.is_empty() || version.contains('+');
        let parsed = Self { major: number()?, minor: number()?, patch: number()?, release };
        numbers.next().is_none().then_some(parsed)
    }

    fn is_good_enough(self) -> bool {
        let release = |major, minor, patch| Self { major, minor, patch, release: true };
        self >= release(2, 14, 3) || (self >= release(2, 12, 12) && (self.major, self.minor) == (2, 12))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pre = if self.release { "" } else { " (pre-release)" };
        write!(f, "{}.{}.{}{pre}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    /// A script that answers as a broker of that version would.
    fn fake(directory: &Path, script: &str) -> PathBuf {
        let path = directory.join("nats-server");
        // Written by another process: a file that this one holds open for writing while another test forks cannot be
        // run ("text file busy").
        let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"";
        let status = Command::new("sh").args(["-c", write, "sh", script]).arg(&path).status().unwrap();
        assert!(status.success());
        path
    }

    #[test]
    fn accepts_the_two_lines_that_carry_the_fixes() {
        let good = ["2.14.3", "2.14.10", "2.15.2", "3.0.0", "2.12.12", "2.12.13", "2.15.0-RC.1", "2.14.3+build"];
        for version in good {
            let parsed = Version::parse_answer(&format!("nats-server: v{version}")).unwrap();
            assert!(parsed.is_good_enough(), "{version}");
        }
        for version in ["2.10.0", "2.12.11", "2.13.9", "2.14.2", "2.14.3-RC.1", "2.12.12-beta", "1.99.99"] {
            let parsed = Version::parse_answer(&format!("nats-server: v{version}")).unwrap();
            assert!(!parsed.is_good_enough(), "{version}");
        }
    }

    #[test]
    fn reads_only_a_version_that_is_one() {
        for answer in
            ["", "nginx version: 1.2.3", "nats-server: v2.15", "nats-server: v2.15.x", "nats-server: v1.2.3.4"]
        {
            assert_eq!(Version::parse_answer(answer), None, "{answer:?}");
        }
    }

    #[test]
    fn refuses_an_old_broker_in_one_sentence() {
        let directory = tempfile::tempdir().unwrap();
        let path = fake(directory.path(), "echo 'nats-server: v2.10.0'");
        let error = find(Some(&path)).unwrap_err();
        assert!(matches!(error, FindError::TooOld { .. }));
        let text = error.to_string();
        assert!(text.contains("is nats-server 2.10.0") && text.contains("2.14.3 or newer"), "{text}");
        assert!(!text.contains('\n'));
    }

    #[test]
    fn tells_missing_foreign_and_broken_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = fake(directory.path(), "echo hello");
        assert!(matches!(find(Some(&path)).unwrap_err(), FindError::NotNatsServer { said, .. } if said == "hello"));
        let nowhere = directory.path().join("nowhere");
        assert!(matches!(find(Some(&nowhere)).unwrap_err(), FindError::NotRunnable { .. }));
        assert_eq!(on_path(nowhere.as_os_str()), None);
        assert_eq!(on_path(directory.path().as_os_str()), Some(path.clone()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(on_path(directory.path().as_os_str()), None);
    }
}
