//! Certificates made in the test, and connections that believe them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use relais_adapters::{files, tls::Pair};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName},
};

/// An authority of a test's own.
pub(crate) struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A connection with TLS.
pub(crate) type Encrypted = StreamOwned<ClientConnection, TcpStream>;

impl Authority {
    /// Writes its certificate as `ca.pem` into `folder`, where all it makes will lie.
    pub(crate) fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, folder.to_string_lossy());
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { folder: folder.to_owned(), issuer };
        fs::write(authority.ca(), authority.issuer.pem()).unwrap();
        authority
    }

    /// The file of its certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A certificate for these names, and its key, in `{file}.pem` and `{file}.key`; it takes the place of what is there.
    pub(crate) fn certify(&self, file: &str, names: &[&str]) -> Pair {
        self.certify_as(file, names, |_| {})
    }

    /// One that holds from one year to another.
    pub(crate) fn certify_between(&self, file: &str, years: [i32; 2]) -> Pair {
        self.certify_as(file, &["localhost"], |params| {
            (params.not_before, params.not_after) = (date_time_ymd(years[0], 1, 1), date_time_ymd(years[1], 1, 1));
        })
    }

    /// One that ends so soon.
    pub(crate) fn certify_for(&self, file: &str, names: &[&str], time: Duration) -> Pair {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        self.certify_as(file, names, |params| params.not_after = date_time_ymd(1970, 1, 1) + now + time)
    }

    /// One with something of its own.
    pub(crate) fn certify_as(&self, file: &str, names: &[&str], set: impl FnOnce(&mut CertificateParams)) -> Pair {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        set(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = |end: &str| self.folder.join(format!("{file}.{end}"));
        let pair = Pair { certificate: path("pem"), key: path("key") };
        fs::write(&pair.certificate, certificate.pem()).unwrap();
        files::write_private(&pair.key, key.serialize_pem().as_bytes()).unwrap();
        pair
    }

    /// Connects to `host:port`, and believes this authority when it speaks for `name`.
    pub(crate) fn connect(&self, at: &str, name: &str) -> Encrypted {
        self.encrypt(TcpStream::connect(at).unwrap(), name)
    }

    /// The certificate that a broker at `host:port` shows.
    pub(crate) fn shown_by_broker(&self, at: &str, name: &str) -> CertificateDer<'static> {
        let tcp = TcpStream::connect(at).unwrap();
        // It says something before TLS begins, and nothing behind it.
        BufReader::new(&tcp).read_line(&mut String::new()).unwrap();
        shown(&self.encrypt(tcp, name))
    }

    fn encrypt(&self, mut tcp: TcpStream, name: &str) -> Encrypted {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp).unwrap();
        }
        StreamOwned::new(connection, tcp)
    }
}

/// The certificate that the other side has shown.
pub(crate) fn shown(connection: &Encrypted) -> CertificateDer<'static> {
    connection.conn.peer_certificates().unwrap()[0].clone().into_owned()
}

/// The first certificate in a PEM file.
pub(crate) fn certificate_in(path: &Path) -> CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_file(path).unwrap()
}

/// Sends a request of HTTP/1.1 without a body; the status, and the head of the answer in lower case.
pub(crate) fn ask(mut stream: impl Read + Write, request: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    stream.write_all(format!("{request} HTTP/1.1\r\n{headers}\r\n").as_bytes()).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
}
