//! Which SMTP server, how it is spoken to, and who we are to it.

use std::{fmt, net::IpAddr, str::FromStr};

use relais_domain::secret::Secret;
use url::Url;

/// An SMTP server, as a URL names it:
///
/// | URL | TLS | port unless named |
/// |---|---|---|
/// | `smtps://user:password@host` | from the first byte | 465 |
/// | `smtp://user:password@host?tls=required` | by STARTTLS, before anything else is said | 587 |
/// | `smtp://localhost` | none: on this machine alone | 587 |
///
/// User and password are percent-encoded: `@` is `%40`, `/` is `%2F`. Shown, it is host and port.
#[derive(Clone)]
pub struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) login: Option<Login>,
}

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    /// Never: plain text.
    Never,
    /// When we have asked for it, by STARTTLS.
    Asked,
    /// With the connection.
    AtOnce,
}

/// Who we are to the server.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// The text names no server that mails may be given to. None of it is repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServer {
    /// It is no such URL.
    #[error(
        "it must be like smtps://user:password@mail.example.org or smtp://user:password@mail.example.org:587?tls=required; \
         a user or password with other characters than letters and digits is percent-encoded"
    )]
    Url,
    /// Passwords and mails would leave this machine in plain text.
    #[error("without TLS mails go to this machine alone: write smtps://…, or smtp://…?tls=required")]
    Plain,
    /// A user without a password, or a password without a user.
    #[error("a user needs a password, and a password a user")]
    Login,
}

impl Server {
    /// With the password from elsewhere, for the user that the URL names.
    ///
    /// # Errors
    /// [`InvalidServer::Login`]: there is no such user, or the URL has a password too.
    pub fn parse_with_password(url: &str, password: Secret) -> Result<Self, InvalidServer> {
        let (server, user, own) = parse(url)?;
        match (user, own) {
            (Some(user), None) => Ok(Self { login: Some(Login { user, password }), ..server }),
            _ => Err(InvalidServer::Login),
        }
    }
}

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(url: &str) -> Result<Self, InvalidServer> {
        let (server, user, password) = parse(url)?;
        let login = match (user, password) {
            (Some(user), Some(password)) => Some(Login { user, password }),
            (None, None) => None,
            _ => return Err(InvalidServer::Login),
        };
        Ok(Self { login, ..server })
    }
}

fn parse(text: &str) -> Result<(Server, Option<String>, Option<Secret>), InvalidServer> {
    let url = Url::parse(text).map_err(|_| InvalidServer::Url)?;
    let start_tls = match url.query() {
        None => false,
        Some("tls=required") => true,
        Some(_) => return Err(InvalidServer::Url),
    };
    let (tls, port) = match url.scheme() {
        "smtps" => (Tls::AtOnce, 465),
        "smtp" if start_tls => (Tls::Asked, 587),
        "smtp" => (Tls::Never, 587),
        _ => return Err(InvalidServer::Url),
    };
    if !["", "/"].contains(&url.path()) || url.fragment().is_some() {
        return Err(InvalidServer::Url);
    }
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if host.is_empty() || !host.bytes().all(plain) {
        return Err(InvalidServer::Url);
    }
    if tls == Tls::Never && !is_this_machine(&host) {
        return Err(InvalidServer::Plain);
    }
    let user = decoded(url.username()).ok_or(InvalidServer::Url)?;
    let password = url.password().map(|text| decoded(text).ok_or(InvalidServer::Url)).transpose()?;
    let port = url.port().unwrap_or(port);
    let user = Some(user).filter(|user| !user.is_empty());
    Ok((Server { host, port, tls, login: None }, user, password.map(Secret::from)))
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Text whose other bytes than letters and digits are written `%40`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let (byte, more) = match (first, more) {
            (b'%', [high, low, more @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                (u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?, more)
            }
            (b'%', _) => return None,
            (byte, more) => (*byte, more),
        };
        bytes.push(byte);
        rest = more;
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (&self.host, self.port);
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(server: &Server) -> Option<(&str, &str)> {
        server.login.as_ref().map(|login| (login.user.as_str(), login.password.expose()))
    }

    #[test]
    fn servers_are_read() {
        for (url, shown, tls, expected) in [
            ("smtps://mail.example.org", "mail.example.org:465", Tls::AtOnce, None),
            ("smtps://u:p@Mail.example.org:4650/", "mail.example.org:4650", Tls::AtOnce, Some(("u", "p"))),
            ("smtp://mail.example.org?tls=required", "mail.example.org:587", Tls::Asked, None),
            ("smtp://a%40b.c:p%2F%3f%C3%BC@h:25?tls=required", "h:25", Tls::Asked, Some(("a@b.c", "p/?ü"))),
            ("smtp://127.0.0.1:1025", "127.0.0.1:1025", Tls::Never, None),
            ("smtp://127.8.9.1", "127.8.9.1:587", Tls::Never, None),
            ("smtp://localhost:25", "localhost:25", Tls::Never, None),
            ("smtp://u:p@[::1]:25", "[::1]:25", Tls::Never, Some(("u", "p"))),
        ] {
            let server: Server = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((server.to_string(), server.tls, login(&server)), (shown.to_owned(), tls, expected), "{url}");
        }
    }

    #[test]
    fn others_are_refused() {
        for url in [
            "",
            "mail.example.org",
            "smtp:",
            "smtp://",
            "smtps://:465",
            "http://localhost",
            "smtps://h?tls=none",
            "smtp://h?tls=opportunistic",
            "smtp://h?tls=required&x=y",
            "smtps://h/path",
            "smtps://h#x",
            "smtps://u:p/w@h",
            "smtps://u:p%4@h",
            "smtps://u:p%zz@h",
            "smtps://u:%ff@h",
            "smtps://h%0d%0a",
            "smtps://h:99999",
        ] {
            assert_eq!(url.parse::<Server>().err(), Some(InvalidServer::Url), "{url}");
        }
        for url in ["smtp://mail.example.org", "smtp://u:p@10.0.0.1:25", "smtp://[::2]", "smtp://localhost.evil.org"] {
            assert_eq!(url.parse::<Server>().err(), Some(InvalidServer::Plain), "{url}");
        }
        for url in ["smtps://u@h", "smtps://:p@h"] {
            assert_eq!(url.parse::<Server>().err(), Some(InvalidServer::Login), "{url}");
        }
    }

    #[test]
    fn the_password_may_come_from_elsewhere() {
        let server = Server::parse_with_password("smtps://u@h", "p".into()).unwrap();
        assert_eq!(login(&server), Some(("u", "p")));
        for url in ["smtps://h", "smtps://u:q@h"] {
            let refused = Server::parse_with_password(url, "p".into());
            assert_eq!(refused.err(), Some(InvalidServer::Login), "{url}");
        }
    }
}
