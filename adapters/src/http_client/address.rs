//! The address of a server: which are taken, and which are loopback.

use reqwest::Url;

use super::ClientError;

/// Takes `https://host[:port][/path]` anywhere and `http://` on loopback.
pub(super) fn parse(server: &str) -> Result<Url, ClientError> {
    let wrong = |reason| ClientError::Address { given: shown(server), reason };
    let mut url = Url::parse(server.trim()).map_err(|_| wrong("it does not read as a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it begins with neither http:// nor https://"));
    }
    if url.host().is_none() {
        return Err(wrong("it names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it holds a user name or password; `relais login` asks for them"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a ? or # part"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(ClientError::Insecure { server: url.as_str().trim_end_matches('/').to_owned() });
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Whether the host is this machine: `localhost`, 127.0.0.0/8 or `::1`.
pub(super) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What was given, without what may be a password.
fn shown(server: &str) -> String {
    let (scheme, rest) = server.split_once("://").map_or(("", server), |(scheme, rest)| (scheme, rest));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let text = if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}://{rest}") };
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback() {
        for good in [
            "http://127.0.0.1:8080",
            "http://localhost:8080/",
            "http://[::1]:8080",
            "http://127.9.9.9",
            "https://relais.example.org",
            "https://example.org/relais",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for insecure in [
            "http://example.org",
            "http://10.0.0.1:8080",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://0.0.0.0:8080",
            "http://[::ffff:10.0.0.1]",
        ] {
            assert!(matches!(parse(insecure), Err(ClientError::Insecure { .. })), "{insecure}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_a_password() {
        for wrong in
            ["", "127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://a:hunter2@127.0.0.1", "http://127.0.0.1/?x=1"]
        {
            let error = parse(wrong).unwrap_err();
            assert!(matches!(error, ClientError::Address { .. }), "{wrong}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
