//! URLs whose user part is secret.

use std::fmt;

use relais_domain::secret::Secret;

/// A URL that may hold a user name and password (or a token). Shown, it hides them.
///
/// ```
/// use relais::settings::SecretUrl;
/// let url = SecretUrl::from("postgres://ada:hunter2@db.example.org/app?sslpassword=x&mode=rwc");
/// assert_eq!(url.to_string(), "postgres://***@db.example.org/app?sslpassword=***&mode=rwc");
/// assert!(url.expose().contains("hunter2"));
/// ```
#[derive(Clone)]
pub struct SecretUrl(Secret);

impl SecretUrl {
    /// The URL with everything in it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether something is hidden when it is shown.
    #[must_use]
    pub fn hides(&self) -> bool {
        self.to_string() != self.expose()
    }
}

impl From<&str> for SecretUrl {
    fn from(url: &str) -> Self {
        Self(url.into())
    }
}

/// Words in the name of a query parameter whose value is hidden.
const SECRET_WORDS: [&str; 5] = ["pass", "pwd", "token", "secret", "key"];

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.expose();
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        if !scheme.is_empty() {
            write!(f, "{scheme}://")?;
        }
        // The last @, not the first /, ends what is hidden: a password may hold an unescaped slash.
        let rest = match rest.rsplit_once('@') {
            Some((_, after)) => {
                f.write_str("***@")?;
                after
            }
            None => rest,
        };
        let Some((path, query)) = rest.split_once('?') else { return f.write_str(rest) };
        f.write_str(path)?;
        for (at, parameter) in query.split('&').enumerate() {
            f.write_str(if at == 0 { "?" } else { "&" })?;
            match parameter.split_once('=') {
                Some((name, _)) if SECRET_WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word)) => {
                    write!(f, "{name}=***")?;
                }
                _ => f.write_str(parameter)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        for (url, shown) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("nats://tok@host:4222", "nats://***@host:4222"),
            ("nats://u:p/w@host:4222", "nats://***@host:4222"),
            ("u:p@host", "***@host"),
            ("postgres://u:p@h/d?Token=a@b&x=1", "postgres://***@b&x=1"),
            ("sqlite:///data/x.db?mode=rwc", "sqlite:///data/x.db?mode=rwc"),
        ] {
            assert_eq!(SecretUrl::from(url).to_string(), shown, "{url}");
            assert_eq!(format!("{:?}", SecretUrl::from(url)), format!("SecretUrl({shown})"));
        }
    }
}
