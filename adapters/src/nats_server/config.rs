//! What the broker is to serve, and the file that tells it.

use std::{
    fs, io,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::quote;

/// What the broker serves. [`Config::new`] fills in what suits a laptop; every field can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name, as it tells it to clients and in its logs.
    pub server_name: String,
    /// Where clients connect. Port 0: any free port, kept for the life of the [`Server`](super::Server).
    pub listen: SocketAddr,
    /// Where browsers connect. Port 0 as above.
    pub websocket: SocketAddr,
    /// Origins whose web pages may open the WebSocket (`https://app.example.org`). Empty: only pages of the WebSocket's
    /// own host and port. Programs other than browsers send no `Origin` and are not concerned.
    pub websocket_origins: Vec<String>,
    /// Where it answers about itself over HTTP. It asks for no credentials, so this stays on loopback. Port 0 as above.
    pub monitor: SocketAddr,
    /// Certificate and key for [`listen`](Self::listen) and [`websocket`](Self::websocket); without them both are plain.
    pub tls: Option<Tls>,
    /// The folder that is its own: configuration, account JWTs, streams. Made 0700 when missing.
    pub directory: PathBuf,
    /// The JWT of the operator it believes.
    pub operator_jwt: String,
    /// The public key (`A…`) of the system account; its JWT is among [`preload`](Self::preload).
    pub system_account: String,
    /// Accounts it knows from the start: public key and JWT.
    ///
    /// A preload never replaces a newer JWT. nats-server 2.15.2 hands preloads to `DirJWTStore.saveIfNewer`
    /// (`server/server.go:1549`, `server/dirstore.go:509`): what is in its folder stays if it has the same `jti` or
    /// a later `iat`; a file that is no JWT is replaced (the folder is written without rename or fsync, so a kill can
    /// leave half a file). **`iat` counts seconds, and of two JWTs of one second the preload wins.** So when the broker
    /// is *re*started, with the preloads of an hour ago, accounts whose file is whole are left out: a revocation pushed
    /// in the second in which its account was made is not undone. At [`Server::start`](super::Server::start) the
    /// caller's copy decides such a tie, so the caller preloads what its own store holds, which it writes before it
    /// pushes.
    pub preload: Vec<(String, String)>,
    /// The cluster it is a node of.
    pub cluster: Option<Cluster>,
    /// What one client, and all together, may use.
    pub limits: Limits,
}

/// A cluster, as one of its nodes sees it. Routes have no passwords here, and who reaches one speaks for every account: keep
/// their ports among the nodes. The text says so, and how nodes prove themselves by certificates.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name, the same on every node.
    pub name: String,
    /// Where this node listens for the others: `host:port`.
    pub listen: String,
    /// Where the others listen: `host:port`.
    pub others: Vec<String>,
}

/// Certificate and key, both PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate with its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Bounds, each explicit. Sizes in bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest message (payload and headers).
    pub max_payload: u32,
    /// What may wait to be sent to one client before it is cut off as too slow.
    pub max_pending: u32,
    /// Clients connected at once.
    pub max_connections: u32,
    /// What all streams in memory may hold.
    pub max_memory_store: u64,
    /// What all streams on disk may hold.
    pub max_file_store: u64,
}

impl Default for Limits {
    /// Messages of 1 MB, 8 MB pending, 10 000 connections, 64 MB of streams in memory, 8 GB on disk.
    fn default() -> Self {
        Self {
            max_payload: 1024 * 1024,
            max_pending: 8 * 1024 * 1024,
            max_connections: 10_000,
            max_memory_store: 64 * 1024 * 1024,
            max_file_store: 8 * 1024 * 1024 * 1024,
        }
    }
}

/// Which of the preloads are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preload {
    /// All: the caller has just read them from its store.
    All,
    /// Those whose file is missing or not whole: the broker may since have been told newer ones.
    Missing,
}

impl Config {
    /// A broker in `directory` that listens on free ports of loopback, without TLS, with the default [`Limits`].
    #[must_use]
    pub fn new(server_name: &str, directory: &Path, operator_jwt: &str, system_account: &str) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            server_name: server_name.to_owned(),
            listen: any,
            websocket: any,
            websocket_origins: Vec::new(),
            monitor: any,
            tls: None,
            directory: directory.to_owned(),
            operator_jwt: operator_jwt.to_owned(),
            system_account: system_account.to_owned(),
            preload: Vec::new(),
            cluster: None,
            limits: Limits::default(),
        }
    }

    /// The configuration file.
    pub(super) fn file(&self) -> PathBuf {
        self.directory.join("server.conf")
    }

    /// Where the broker says which ports it got.
    pub(super) fn ports(&self) -> PathBuf {
        self.directory.join("ports")
    }

    /// Where the broker keeps account JWTs, one file `{public key}.jwt` each.
    fn accounts(&self) -> PathBuf {
        self.directory.join("accounts")
    }

    /// Makes the folders, 0700.
    pub(super) fn make_folders(&self) -> io::Result<()> {
        [&self.directory, &self.ports(), &self.accounts()]
            .into_iter()
            .try_for_each(|folder| fs::DirBuilder::new().recursive(true).mode(0o700).create(folder))
    }

    /// Writes the configuration, 0600, whole or not at all.
    pub(super) fn write(&self, preload: Preload) -> io::Result<()> {
        let (file, new) = (self.file(), self.directory.join("server.conf.new"));
        // The mode counts only for a file that is made now, so one that a crash left behind goes first.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut writer = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        writer.write_all(self.render(preload).as_bytes())?;
        writer.sync_all()?;
        fs::rename(&new, &file)?;
        fs::File::open(&self.directory)?.sync_all()
    }

    /// The configuration as a text for brokers that are run elsewhere: with every account preloaded, and nothing that only a
    /// child of ours needs.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.render(Preload::All);
        let ours = ["# Written by relais", "ports_file_dir:", "logtime:"];
        text = text.lines().filter(|line| !ours.iter().any(|own| line.starts_with(own))).collect::<Vec<_>>().join("\n");
        let tls = if self.tls.is_none() {
            "# For TLS, here and within websocket instead of no_tls:\n\
             # tls { cert_file: \"/path/to/cert.pem\", key_file: \"/path/to/key.pem\" }\n"
        } else {
            ""
        };
        format!(
            "# Made by `relais nsc config`. Newer accounts are pushed and stay; what stands here never replaces them.\n{tls}{text}\n"
        )
    }

    /// The text of the configuration.
    ///
    /// There is no `lame_duck_duration`: nats-server takes none under 30 s, and only SIGUSR2 begins that mode; SIGTERM,
    /// which we send after our own drain, ends it at once.
    fn render(&self, preload: Preload) -> String {
        let Self { limits, .. } = self;
        let mut lines = vec![
            "# Written by relais at every start; changes here are lost.".to_owned(),
            format!("server_name: {}", quote::text(&self.server_name)),
            format!("listen: {}", address(self.listen)),
            format!("http: {}", address(self.monitor)),
            format!("ports_file_dir: {}", quote::path(&self.ports())),
            "logtime: false".to_owned(),
            format!("max_payload: {}", limits.max_payload),
            format!("max_pending: {}", limits.max_pending),
            format!("max_connections: {}", limits.max_connections),
            format!("operator: {}", quote::text(&self.operator_jwt)),
            format!("system_account: {}", quote::text(&self.system_account)),
            format!("resolver {{ type: full, dir: {}, allow_delete: false }}", quote::path(&self.accounts())),
        ];
        if let Some(Cluster { name, listen, others }) = &self.cluster {
            lines.push("cluster {".to_owned());
            lines.push(format!("  name: {}", quote::text(name)));
            lines.push(format!("  listen: {}", quote::text(listen)));
            let others: Vec<_> = others.iter().map(|own| quote::text(&format!("nats-route://{own}"))).collect();
            lines.push(format!("  routes: [{}]", others.join(", ")));
            lines.push(
                "  # Who reaches this port speaks for every account. Keep it among the nodes, or let them prove themselves, all of them:"
                    .to_owned(),
            );
            lines.push(
                "  # tls { cert_file: \"/path/to/cert.pem\", key_file: \"/path/to/key.pem\", ca_file: \"/path/to/ca.pem\" }"
                    .to_owned(),
            );
            lines.push("}".to_owned());
        }
        let tls = self.tls.as_ref().map(|tls| {
            format!("tls {{ cert_file: {}, key_file: {} }}", quote::path(&tls.certificate), quote::path(&tls.key))
        });
        lines.extend(tls.clone());
        lines.push("websocket {".to_owned());
        lines.push(format!("  listen: {}", address(self.websocket)));
        lines.push(format!("  {}", tls.unwrap_or_else(|| "no_tls: true".to_owned())));
        lines.push(format!("  {}", self.origins()));
        lines.push("}".to_owned());
        lines.push("jetstream {".to_owned());
        lines.push(format!("  store_dir: {}", quote::path(&self.directory)));
        lines.push("  sync_interval: always".to_owned());
        lines.push(format!("  max_memory_store: {}", limits.max_memory_store));
        lines.push(format!("  max_file_store: {}", limits.max_file_store));
        lines.push("}".to_owned());
        let wanted = self.preload.iter().filter(|(key, _)| preload == Preload::All || !self.has_account(key));
        let preload: Vec<String> =
            wanted.map(|(key, jwt)| format!("  {}: {}", quote::text(key), quote::text(jwt))).collect();
        if !preload.is_empty() {
            lines.push("resolver_preload {".to_owned());
            lines.extend(preload);
            lines.push("}".to_owned());
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn origins(&self) -> String {
        if self.websocket_origins.is_empty() {
            return "same_origin: true".to_owned();
        }
        let origins: Vec<String> = self.websocket_origins.iter().map(|origin| quote::text(origin)).collect();
        format!("allowed_origins: [{}]", origins.join(", "))
    }

    /// Whether the broker's folder has a whole JWT for this account.
    fn has_account(&self, key: &str) -> bool {
        let file = self.accounts().join(format!("{key}.jwt"));
        fs::read_to_string(file).is_ok_and(|jwt| is_whole(&jwt))
    }
}

/// A JWT that was not cut short: its third part is the 64 bytes of an Ed25519 signature.
fn is_whole(jwt: &str) -> bool {
    let signature = jwt.trim().splitn(3, '.').nth(2).unwrap_or_default();
    data_encoding::BASE64URL_NOPAD.decode(signature.as_bytes()).is_ok_and(|bytes| bytes.len() == 64)
}

/// An address as nats-server reads it: its "any free port" is -1, since 0 means the default one.
fn address(address: SocketAddr) -> String {
    match address.port() {
        0 if address.is_ipv6() => format!("\"[{}]:-1\"", address.ip()),
        0 => format!("\"{}:-1\"", address.ip()),
        _ => format!("\"{address}\""),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn config(directory: &Path) -> Config {
        Config::new("relais", directory, "operator.jwt.sig", "ASYS")
    }

    #[test]
    fn leaves_nothing_to_the_brokers_defaults_that_matters() {
        let mut config = config(Path::new("/data/it's \"here\""));
        config.listen = "127.0.0.1:4222".parse().unwrap();
        config.preload = vec![("ASYS".into(), "jwt".into())];
        let text = config.render(Preload::All);
        for line in [
            r#"listen: "127.0.0.1:4222""#,
            r#"http: "127.0.0.1:-1""#,
            r#"operator: "operator.jwt.sig""#,
            r#"resolver { type: full, dir: "/data/it's \"here\"/accounts", allow_delete: false }"#,
            r#"  store_dir: "/data/it's \"here\"""#,
            "  sync_interval: always",
            "  no_tls: true",
            "  same_origin: true",
            "max_payload: 1048576",
            "max_pending: 8388608",
            "  max_file_store: 8589934592",
            r#"  "ASYS": "jwt""#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\nis missing in\n{text}");
        }
    }

    #[test]
    fn certificates_and_origins_replace_the_plain_ones() {
        let mut config = config(Path::new("/data"));
        config.tls = Some(Tls { certificate: "/c.pem".into(), key: "/k.pem".into() });
        config.websocket_origins = vec!["https://a.example".into(), "https://b.example".into()];
        let text = config.render(Preload::All);
        assert_eq!(text.matches(r#"tls { cert_file: "/c.pem", key_file: "/k.pem" }"#).count(), 2);
        assert!(!text.contains("no_tls") && !text.contains("same_origin"));
        assert!(text.contains(r#"allowed_origins: ["https://a.example", "https://b.example"]"#));
    }

    #[test]
    fn a_text_for_elsewhere_says_what_a_cluster_trusts_and_has_nothing_of_a_child() {
        let mut config = config(Path::new("/data"));
        assert!(!config.text().contains("cluster"));
        let others = vec!["b:6222".into(), "c:6222".into()];
        config.cluster = Some(Cluster { name: "shop".into(), listen: "a:6222".into(), others });
        let text = config.text();
        for line in [
            r#"  name: "shop""#,
            r#"  listen: "a:6222""#,
            r#"  routes: ["nats-route://b:6222", "nats-route://c:6222"]"#,
            r#"  # tls { cert_file: "/path/to/cert.pem", key_file: "/path/to/key.pem", ca_file: "/path/to/ca.pem" }"#,
            r#"# tls { cert_file: "/path/to/cert.pem", key_file: "/path/to/key.pem" }"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\nis missing in\n{text}");
        }
        assert!(text.contains("speaks for every account"), "{text}");
        assert!(!text.contains("ports_file_dir") && !text.contains("at every start"), "{text}");
    }

    #[test]
    fn an_address_with_port_0_is_any_free_port() {
        assert_eq!(address("[::1]:0".parse().unwrap()), r#""[::1]:-1""#);
        assert_eq!(address("[::1]:4222".parse().unwrap()), r#""[::1]:4222""#);
    }

    #[test]
    fn a_restart_preloads_only_accounts_whose_file_is_not_whole() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(directory.path());
        config.make_folders().unwrap();
        let whole = format!("e30.e30.{}", data_encoding::BASE64URL_NOPAD.encode(&[7; 64]));
        fs::write(config.accounts().join("AWHOLE.jwt"), &whole).unwrap();
        fs::write(config.accounts().join("ACUT.jwt"), &whole[..whole.len() - 9]).unwrap();
        config.preload = ["AWHOLE", "ACUT", "ANEW"].map(|key| (key.to_owned(), "old".to_owned())).into();
        let all = config.render(Preload::All);
        assert!(["AWHOLE", "ACUT", "ANEW"].iter().all(|key| all.contains(key)));
        let missing = config.render(Preload::Missing);
        assert!(!missing.contains("AWHOLE") && missing.contains("ACUT") && missing.contains("ANEW"), "{missing}");
    }

    #[test]
    fn the_file_is_for_its_owner_only_and_replaced_as_a_whole() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory.path().join("broker"));
        config.make_folders().unwrap();
        fs::write(config.directory.join("server.conf.new"), "left by a crash").unwrap();
        config.write(Preload::All).unwrap();
        config.write(Preload::Missing).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&config.file()), 0o600);
        assert_eq!([mode(&config.directory), mode(&config.accounts()), mode(&config.ports())], [0o700; 3]);
        assert!(!config.directory.join("server.conf.new").exists());
    }
}
