//! A certificate and its key as two PEM files: checked when they are read, read again while they are shown.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use super::{certificates, ring};

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate and, behind it, those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A certificate that a server shows.
#[derive(Debug)]
pub struct Certificate {
    pair: Pair,
    shown: RwLock<Arc<CertifiedKey>>,
}

/// Why a pair of files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Everybody on this machine can read the key.
    #[error(
        "everybody on this machine can read the private key {} (mode {mode:o}); if nobody has, mend it with `chmod o= {}`",
        path.display(), path.display()
    )]
    Open {
        /// The file of the key.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The first file holds no certificate.
    #[error("{} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", .0.display())]
    NoCertificate(PathBuf),
    /// The second file holds no private key.
    #[error("{} holds no private key in PEM without a password (-----BEGIN PRIVATE KEY-----)", .0.display())]
    NoKey(PathBuf),
    /// The two do not belong together.
    #[error("the key in {} is not the key of the certificate in {}", key.display(), certificate.display())]
    Mismatched {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// It is too late for it.
    #[error("the certificate in {} has expired", .0.display())]
    Expired(PathBuf),
    /// It is too early for it.
    #[error("the certificate in {} is not valid yet; is the clock right?", .0.display())]
    NotYet(PathBuf),
    /// It is none that a server can show.
    #[error("{} cannot be used for a server", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Pair {
    /// Reads both files, and checks all that can be known of them now.
    fn read(&self, now: UnixTime) -> Result<CertifiedKey, PairError> {
        let certificate = || self.certificate.clone();
        let chain = certificates(&read(&self.certificate)?).map_err(|_| PairError::NoCertificate(certificate()))?;
        check_not_open(&self.key)?;
        let key = Zeroizing::new(read(&self.key)?);
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| PairError::NoKey(self.key.clone()))?;
        self.check_time(&chain[0], now)?;
        CertifiedKey::from_der(chain, key, &ring()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                PairError::Mismatched { certificate: certificate(), key: self.key.clone() }
            }
            error => PairError::Unusable { path: self.key.clone(), source: error.into() },
        })
    }

    /// Whether it is a server's certificate at all, and `time` one of its days. webpki looks at that first, and only then
    /// for an authority, of which it gets none.
    fn check_time(&self, certificate: &CertificateDer<'_>, time: UnixTime) -> Result<(), PairError> {
        let path = || self.certificate.clone();
        let unusable = |error: webpki::Error| PairError::Unusable { path: path(), source: error.into() };
        let parsed = webpki::EndEntityCert::try_from(certificate).map_err(unusable)?;
        let usage = webpki::KeyUsage::server_auth();
        match parsed.verify_for_usage(&[], &[], &[], time, usage, None, None).err() {
            Some(webpki::Error::CertExpired { .. }) => Err(PairError::Expired(path())),
            Some(webpki::Error::CertNotValidYet { .. }) => Err(PairError::NotYet(path())),
            // Self-signed ones are often authorities too. Some clients mind, and not we.
            None | Some(webpki::Error::UnknownIssuer | webpki::Error::CaUsedAsEndEntity) => Ok(()),
            Some(error) => Err(unusable(error)),
        }
    }
}

impl Certificate {
    /// Reads a pair.
    ///
    /// # Errors
    /// [`PairError`]: names the file.
    pub fn open(pair: Pair) -> Result<Self, PairError> {
        let shown = pair.read(UnixTime::now())?;
        Ok(Self { pair, shown: RwLock::new(Arc::new(shown)) })
    }

    /// Where it lies.
    #[must_use]
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Reads the files again. Whether another certificate is shown from now on.
    ///
    /// # Errors
    /// As [`Certificate::open`]; the one that was shown still is. A renewal replaces one file after the other, so two that do
    /// not belong together may do so the next time.
    pub fn refresh(&self) -> Result<bool, PairError> {
        let new = self.pair.read(UnixTime::now())?;
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        let changed = shown.cert != new.cert;
        if changed {
            *shown = Arc::new(new);
        }
        Ok(changed)
    }

    /// Whether the one that is shown ends within a time from now.
    #[must_use]
    pub fn ends_within(&self, time: Duration) -> bool {
        let then = UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs()) + time);
        let shown = self.now();
        shown.cert.first().is_some_and(|own| matches!(self.pair.check_time(own, then), Err(PairError::Expired(_))))
    }

    fn now(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a server of HTTP shows and speaks.
    pub(crate) fn http_config(self: Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(ring()).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(self);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PairError> {
    fs::read(path).map_err(|source| PairError::Unreadable { path: path.to_owned(), source })
}

/// A group may read it, since that is how distributions and containers hand keys to servers; everybody may not, for then
/// any program on this machine can speak as us.
fn check_not_open(path: &Path) -> Result<(), PairError> {
    #[cfg(unix)]
    {
        let found = fs::metadata(path).map_err(|source| PairError::Unreadable { path: path.to_owned(), source })?;
        let mode = std::os::unix::fs::MetadataExt::mode(&found) & 0o777;
        if mode & 0o007 != 0 {
            return Err(PairError::Open { path: path.to_owned(), mode });
        }
    }
    Ok(())
}
