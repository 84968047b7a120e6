//! TLS for the adapters that connect: ring, and the system's certificates.

use std::sync::Arc;

/// TLS on ring, named explicitly, so that no process-wide choice is needed. The system's certificates are read only when
/// `needed`: a bare machine without any still reaches its own loopback.
///
/// # Errors
/// The system's certificates cannot be read.
pub(crate) fn client_config(needed: bool) -> Result<rustls::ClientConfig, rustls::Error> {
    use rustls_platform_verifier::BuilderVerifierExt as _;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = if needed {
        config.with_platform_verifier()?
    } else {
        config.with_root_certificates(rustls::RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}
