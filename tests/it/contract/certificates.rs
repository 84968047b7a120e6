//! Certificates and keys in files: what is refused, with what words, and when another one is shown.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use rcgen::ExtendedKeyUsagePurpose;
use relais_adapters::tls::{Certificate, Pair, PairError, Trust};
use tempfile::TempDir;

use crate::support::Authority;

fn refused(pair: &Pair) -> PairError {
    Certificate::open(pair.clone()).expect_err("it is refused")
}

#[test]
fn what_cannot_be_shown_is_refused_with_the_name_of_the_file() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(folder.path());
    let good = authority.certify("good", &["localhost"]);
    assert!(Certificate::open(good.clone()).is_ok());
    let text = folder.path().join("text");
    fs::write(&text, "-----BEGIN NOTHING-----").unwrap();
    let absent = folder.path().join("absent.pem");
    let open = authority.certify("open", &["localhost"]);
    fs::set_permissions(&open.key, fs::Permissions::from_mode(0o644)).unwrap();
    let with_password = folder.path().join("password.key");
    let encrypted = fs::read_to_string(&good.key).unwrap().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    relais_adapters::files::write_private(&with_password, encrypted.as_bytes()).unwrap();
    relais_adapters::files::make_private(&text).unwrap();
    let client = authority.certify_as("client", &["localhost"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let with = |certificate: &std::path::Path, key: &std::path::Path| Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
    };
    for (pair, file, words) in [
        (with(&absent, &good.key), &absent, "cannot read"),
        (with(&good.certificate, &absent), &absent, "cannot read"),
        (with(&text, &good.key), &text, "no certificate in PEM"),
        (with(&good.key, &good.key), &good.key, "no certificate in PEM"),
        (with(&good.certificate, &text), &text, "no private key in PEM"),
        (with(&good.certificate, &with_password), &with_password, "without a password"),
        (open.clone(), &open.key, "everybody on this machine can read the private key"),
        (with(&good.certificate, &authority.certify("other", &["localhost"]).key), &good.certificate, "not the key of"),
        (authority.certify_between("old", [2001, 2002]), &folder.path().join("old.pem"), "has expired"),
        (authority.certify_between("new", [2900, 2901]), &folder.path().join("new.pem"), "is not valid yet"),
        (client.clone(), &client.certificate, "cannot be used for a server"),
    ] {
        let error = refused(&pair).to_string();
        assert!(error.contains(words) && error.contains(file.to_str().unwrap()), "{words:?}, {file:?}: {error}");
        let secret = fs::read_to_string(&good.key).unwrap();
        assert!(!secret.lines().any(|line| line.len() > 30 && error.contains(line)), "{error}");
    }
    fs::set_permissions(&open.key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(Certificate::open(open).is_ok(), "a group may read it");
}

#[test]
fn another_certificate_is_shown_when_both_files_are_there_and_not_before() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(folder.path());
    let pair = authority.certify("own", &["localhost"]);
    let certificate = Certificate::open(pair.clone()).unwrap();
    assert!(!certificate.refresh().unwrap(), "nothing has changed");
    let next = authority.certify("next", &["localhost"]);
    fs::copy(&next.certificate, &pair.certificate).unwrap();
    assert!(matches!(certificate.refresh(), Err(PairError::Mismatched { .. })), "half of a renewal");
    fs::copy(&next.key, &pair.key).unwrap();
    assert!(certificate.refresh().unwrap());
    assert!(!certificate.refresh().unwrap(), "once is enough");
    let late = authority.certify_between("late", [2001, 2002]);
    fs::copy(&late.certificate, &pair.certificate).unwrap();
    fs::copy(&late.key, &pair.key).unwrap();
    assert!(matches!(certificate.refresh(), Err(PairError::Expired(_))), "a renewal that is none");
    assert!(!certificate.ends_within(Duration::ZERO), "and what was shown still is");
    assert!(!certificate.ends_within(Duration::from_secs(7 * 24 * 60 * 60)));
    assert!(certificate.ends_within(Duration::from_secs(3_000 * 365 * 24 * 60 * 60)));
}

#[test]
fn an_authority_is_a_certificate_in_pem() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(folder.path());
    assert!(Trust::with_ca(&authority.ca()).is_ok());
    let key = authority.certify("own", &["localhost"]).key;
    for (wrong, words) in [(key, "no certificate in PEM"), (folder.path().join("absent"), "No such file")] {
        let error = Trust::with_ca(&wrong).err().expect("it is refused").to_string();
        assert!(error.contains(words), "{error}");
    }
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(Trust::with_ca_text(broken.as_bytes()).is_err());
}
