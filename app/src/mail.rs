//! The mail server of the settings, for the backend and for `relais mail test`.

use std::{fs, path::Path, sync::Arc};

use relais_adapters::{files, mail};
use relais_domain::{
    ports::{Clock, Rng},
    secret::Secret,
};

use crate::{
    error::{Error, Result},
    serve::file,
    settings::Settings,
};

/// The server that the settings name, and how to give it mails; none when they name none. Nothing is connected.
pub(crate) fn smtp(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
) -> Result<Option<(mail::Server, mail::Smtp)>> {
    let own = &settings.mail;
    let (Some(url), Some(from)) = (&own.smtp_url, &own.from) else { return Ok(None) };
    let server = match &own.smtp_password_file {
        Some(path) => mail::Server::parse_with_password(url.expose(), password(path)?),
        None => url.expose().parse(),
    };
    let server = server
        .map_err(|source| Error::Part { what: "mail.smtp_url cannot be used".to_owned(), source: source.into() })?;
    let roots = own.tls_ca.as_ref().map(|path| fs::read(path).map_err(|source| file("mail.tls_ca", path, source)));
    let options = mail::Options {
        server: server.clone(),
        from: from.address.clone(),
        from_name: from.name.clone(),
        roots: roots.transpose()?,
        times: mail::Times::default(),
    };
    let smtp = mail::Smtp::new(options, clock, rng);
    let smtp = smtp.map_err(|source| Error::Part { what: "mails cannot be sent".to_owned(), source: source.into() })?;
    Ok(Some((server, smtp)))
}

/// The first line of a file that nobody else may read.
fn password(path: &Path) -> Result<Secret> {
    let read = files::check_private(path).and_then(|()| fs::read_to_string(path)).map(Secret::from);
    let text = read.map_err(|source| file("mail.smtp_password_file", path, source))?;
    Ok(text.expose().lines().next().unwrap_or_default().into())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use relais_domain::memory;

    use super::*;

    fn made(settings: &Settings) -> Result<Option<String>> {
        let made = smtp(settings, Arc::new(memory::Clock::default()), Arc::new(memory::Rng::default()));
        made.map(|made| made.map(|(server, _)| server.to_string()))
    }

    #[test]
    fn a_server_is_made_of_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let (password, ca) = (folder.path().join("password"), folder.path().join("ca.pem"));
        fs::write(&password, "hunter2\n").unwrap();
        fs::write(&ca, "no certificate").unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        let mut settings = Settings::default();
        assert_eq!(made(&settings).unwrap(), None);
        settings.mail.from = Some("Tea <a@b.c>".parse().unwrap());
        settings.mail.smtp_url = Some("smtp://u@127.0.0.1:25".into());
        assert!(made(&settings).unwrap_err().to_string().contains("mail.smtp_url"), "a user needs a password");
        settings.mail.smtp_password_file = Some(password.clone());
        assert_eq!(made(&settings).unwrap().as_deref(), Some("127.0.0.1:25"));
        fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
        let error = format!("{:?}", made(&settings).unwrap_err());
        assert!(error.contains("chmod 600") && !error.contains("hunter2"), "{error}");
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        settings.mail.smtp_url = Some("smtps://u@127.0.0.1:25".into());
        settings.mail.tls_ca = Some(ca);
        assert!(format!("{:?}", made(&settings).unwrap_err()).contains("there is no certificate in the file"));
    }
}
