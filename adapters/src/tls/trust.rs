//! Whose certificates a client believes.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{certificates, invalid, ring};

/// Whose certificates are believed. The default is: those of the system's authorities.
#[derive(Clone, Default)]
pub struct Trust(Believed);

#[derive(Clone, Default)]
enum Believed {
    #[default]
    System,
    SystemAnd(Arc<[CertificateDer<'static>]>),
    Only(Arc<Pinned>),
}

impl Trust {
    /// The system's authorities, and those in the PEM file `path`.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate in PEM.
    pub fn with_ca(path: &Path) -> io::Result<Self> {
        Self::with_ca_text(&fs::read(path)?)
    }

    /// As [`Trust::with_ca`], from the text of such a file.
    ///
    /// # Errors
    /// It holds no certificate in PEM, or one that cannot be read.
    pub fn with_ca_text(pem: &[u8]) -> io::Result<Self> {
        let own = certificates(pem)?;
        let mut store = rustls::RootCertStore::empty();
        own.iter().try_for_each(|own| store.add(own.clone())).map_err(invalid)?;
        Ok(Self(Believed::SystemAnd(own.into())))
    }

    /// Exactly the first certificate in the PEM file `path`, under whatever name; also the one that takes its place there.
    ///
    /// # Errors
    /// As [`Trust::with_ca`].
    pub fn only(path: &Path) -> io::Result<Self> {
        let known = vec![first(path)?];
        Ok(Self(Believed::Only(Arc::new(Pinned { file: path.to_owned(), known: Mutex::new(known), ring: ring() }))))
    }
}

/// What a client asks of a server. The system's authorities are read only when `needed`: a bare machine without any still
/// reaches its own loopback.
///
/// # Errors
/// The system's authorities cannot be read.
pub(crate) fn client_config(trust: &Trust, needed: bool) -> Result<ClientConfig, rustls::Error> {
    use rustls_platform_verifier::{BuilderVerifierExt as _, Verifier};

    let config = ClientConfig::builder_with_provider(ring()).with_safe_default_protocol_versions()?;
    let config = match &trust.0 {
        Believed::Only(pinned) => {
            let verifier = Arc::clone(pinned) as Arc<dyn ServerCertVerifier>;
            config.dangerous().with_custom_certificate_verifier(verifier)
        }
        _ if !needed => config.with_root_certificates(rustls::RootCertStore::empty()),
        Believed::System => config.with_platform_verifier()?,
        Believed::SystemAnd(own) => {
            let verifier = Verifier::new_with_extra_roots(own.iter().cloned(), ring())?;
            config.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    Ok(config.with_no_client_auth())
}

fn first(path: &Path) -> io::Result<CertificateDer<'static>> {
    Ok(certificates(&fs::read(path)?)?.swap_remove(0))
}

/// How many certificates of a file are remembered: the one that is shown, while the file has its successor already.
const REMEMBERED: usize = 2;

/// Believes one certificate, and what takes its place in the file. That the other side has its key is checked as ever.
struct Pinned {
    file: PathBuf,
    known: Mutex<Vec<CertificateDer<'static>>>,
    ring: Arc<CryptoProvider>,
}

impl Pinned {
    fn believes(&self, shown: &CertificateDer<'_>) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|own| own.as_ref() == shown.as_ref()) {
            return true;
        }
        // It may have been renewed; a few kilobytes, once a connection.
        let Ok(now) = first(&self.file) else { return false };
        let believed = now.as_ref() == shown.as_ref();
        if believed {
            known.insert(0, now);
            known.truncate(REMEMBERED);
        }
        believed
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pinned").field(&self.file).finish()
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.believes(end_entity) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.ring.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.ring.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.ring.signature_verification_algorithms.supported_schemes()
    }
}
