//! A real SMTP server (aiosmtpd, in `smtp.py`), and certificates for it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use relais_domain::testing::mailer::Arrived;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::python;

/// How one comes in under TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// By STARTTLS, without which nothing is taken.
    StartTls,
    /// With TLS from the first byte.
    Implicit,
}

/// A CA made for one test, and what it signed for loopback.
pub(crate) struct Certificates {
    folder: TempDir,
}

/// A running SMTP server. Killed when dropped.
pub(crate) struct Smtp {
    child: Child,
    said: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    port: u64,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let own = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let own_key = KeyPair::generate().unwrap();
        let own_pem = own.signed_by(&own_key, &Issuer::new(ca, ca_key)).unwrap().pem();
        for (name, pem) in [("ca.pem", ca_pem), ("own.pem", own_pem), ("own.key", own_key.serialize_pem())] {
            fs::write(folder.path().join(name), pem).unwrap();
        }
        Self { folder }
    }

    /// The CA's certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

impl Smtp {
    /// One that takes mails from everybody.
    pub(crate) fn plain() -> Self {
        Self::told(json!({"door": "plain"}))
    }

    /// One with TLS, and further things it is told (`smtp.py` says which).
    pub(crate) fn with_tls(door: Door, certificates: &Certificates, mut told: Value) -> Self {
        told["door"] = json!(if door == Door::StartTls { "starttls" } else { "implicit" });
        told["certificate"] = json!(certificates.folder.path().join("own.pem"));
        told["key"] = json!(certificates.folder.path().join("own.key"));
        Self::told(told)
    }

    #[allow(clippy::needless_pass_by_value, reason = "callers have made it for this")]
    pub(crate) fn told(told: Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/support/smtp.py");
        let mut command = Command::new(python());
        command.arg(script).arg(told.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        // What it logs of connections that end is what the tests are about.
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let said = Mutex::new((child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap())));
        let mut smtp = Self { child, said, port: 0 };
        smtp.port = smtp.next()["port"].as_u64().unwrap();
        smtp
    }

    /// `{scheme}://{user}127.0.0.1:{port}`
    pub(crate) fn url(&self, scheme: &str, user: &str) -> String {
        format!("{scheme}://{user}127.0.0.1:{}", self.port)
    }

    /// What it says next.
    pub(crate) fn next(&self) -> Value {
        let mut line = String::new();
        self.said.lock().unwrap().1.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("aiosmtpd has ended: `./x tools` installs it ({line:?})"))
    }

    /// Every mail that has arrived, in order.
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.ask()["mails"].as_array().unwrap().clone()
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> usize {
        usize::try_from(self.ask()["connections"].as_u64().unwrap()).unwrap()
    }

    fn ask(&self) -> Value {
        self.said.lock().unwrap().0.write_all(b"?\n").unwrap();
        self.next()
    }

    /// The same, as the contract wants it.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        let text = |mail: &Value, name: &str| mail[name].as_str().unwrap().to_owned();
        let arrived = |mail: Value| Arrived {
            to: mail["to"][0].as_str().unwrap().to_owned(),
            subject: text(&mail, "subject"),
            body: text(&mail, "body"),
        };
        self.mails().into_iter().map(arrived).collect()
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.kill();
    }
}
