//! Why a handshake failed, in words that say what is wrong with the other side.

use std::{error::Error, io};

use rustls::CertificateError;

/// What is wrong with the server, if TLS is why `error` came about.
pub(crate) fn distrust(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(words(tls));
        }
        // An I/O error tells the source of what is in it, and passes over what is in it.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn words(error: &rustls::Error) -> String {
    use CertificateError as Bad;

    match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::UnknownIssuer => "its certificate is from an authority that is not trusted here".to_owned(),
            Bad::NotValidForName => "its certificate is for another name".to_owned(),
            Bad::NotValidForNameContext { presented, .. } => {
                let names: String = presented.join(", ").chars().take(200).collect();
                format!("its certificate is for another name: {}", names.escape_debug())
            }
            Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired".to_owned(),
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => "its certificate is not valid yet".to_owned(),
            Bad::ApplicationVerificationFailure => {
                "its certificate is not the one that our own broker was given".to_owned()
            }
            other => format!("its certificate cannot be believed: {other}"),
        },
        rustls::Error::InvalidMessage(_) => "what answers there does not speak TLS".to_owned(),
        other => format!("the TLS handshake failed: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_below_other_errors() {
        let tls = |bad: CertificateError| io::Error::other(io::Error::other(rustls::Error::from(bad)));
        for (bad, says) in [
            (CertificateError::UnknownIssuer, "not trusted here"),
            (CertificateError::Expired, "has expired"),
            (CertificateError::NotValidForName, "another name"),
        ] {
            let words = distrust(&tls(bad)).unwrap();
            assert!(words.contains(says), "{words}");
        }
        assert_eq!(distrust(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
        assert_eq!(distrust(&io::Error::other("no")), None);
    }
}
