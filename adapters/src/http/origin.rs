//! Which hosts are ours, and which web pages may ask.
//!
//! A browser sends whatever page it shows to `http://127.0.0.1:8080`, and with DNS rebinding under a name of the page's
//! choice. So a request must name a host that is ours, and a page that asks (`Origin`) must be ours or allowed by name.
//! Programs other than browsers send no `Origin`. What a proxy says of the host it was asked for (`X-Forwarded-Host`) is never
//! read: whoever can reach the proxy can write it.

use std::{collections::HashSet, net::SocketAddr};

use poem::{
    Request,
    http::{HeaderMap, HeaderValue, Uri, header},
};

use super::{
    InvalidSettings, Settings,
    problem::{Kind, Problem},
};

/// The rules, as made from [`Settings`].
pub(super) struct Rules {
    hosts: HashSet<String>,
    own: HashSet<String>,
    allowed: HashSet<String>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asker {
    /// A program, or a page of ours.
    Own,
    /// A page of an allowed origin, which must be told so.
    Allowed(HeaderValue),
}

impl Rules {
    pub(super) fn new(settings: &Settings) -> Result<Self, InvalidSettings> {
        let scheme = if settings.tls { "https" } else { "http" };
        let mut hosts: HashSet<String> = own_hosts(settings.address, scheme).into_iter().collect();
        hosts.extend(settings.allowed_hosts.iter().map(|host| host.trim().to_ascii_lowercase()));
        let mut own: HashSet<String> = hosts.iter().map(|host| format!("{scheme}://{host}")).collect();
        if let Some(url) = &settings.public_url {
            let (scheme, host, port) = parse(url).ok_or_else(|| InvalidSettings::PublicUrl(url.clone()))?;
            own.insert(origin(&scheme, &host, port));
            hosts.insert(host.clone());
            hosts.insert(format!("{host}:{port}"));
            if port != default_port(&scheme) {
                hosts.remove(&host);
            }
        }
        let allowed = settings.allowed_origins.iter().map(|text| {
            let invalid = || InvalidSettings::AllowedOrigin(text.clone());
            let (scheme, host, port) = parse(text).ok_or_else(invalid)?;
            Ok(origin(&scheme, &host, port))
        });
        Ok(Self { hosts, own, allowed: allowed.collect::<Result<_, _>>()? })
    }

    /// Whether the answer depends on `Origin`, which caches must know.
    pub(super) fn vary(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// Who asks, if they may.
    pub(super) fn check(&self, request: &Request) -> Result<Asker, Problem> {
        self.check_host(request.uri(), request.headers())?;
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(Asker::Own) };
        let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        if origins.next().is_some() {
            Err(Problem::new(Kind::FOREIGN_ORIGIN, "a request has one origin"))
        } else if self.allowed.contains(&text) {
            Ok(Asker::Allowed(origin.clone()))
        } else if self.own.contains(&text) {
            Ok(Asker::Own)
        } else {
            let detail = "web pages of this origin may not ask here; if they shall, name it in http.allowed_origins";
            Err(Problem::new(Kind::FOREIGN_ORIGIN, detail))
        }
    }

    /// The name may stand in the request line (HTTP/2, proxies), in `Host`, or in both; each must be ours.
    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let named = uri.authority().map(|authority| authority.as_str().to_ascii_lowercase());
        let header =
            headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default().to_ascii_lowercase());
        let mut names = named.into_iter().chain(header).peekable();
        if names.peek().is_some() && names.all(|name| self.hosts.contains(&name)) {
            Ok(())
        } else {
            let detail = "this server goes by another name; if it shall answer to this one too, set http.public_url";
            Err(Problem::new(Kind::MISDIRECTED, detail))
        }
    }
}

fn own_hosts(address: SocketAddr, scheme: &str) -> Vec<String> {
    let ip = address.ip();
    let mut names = vec!["localhost".to_owned()];
    if ip.is_loopback() || ip.is_unspecified() {
        names.extend(["127.0.0.1".to_owned(), "[::1]".to_owned()]);
    }
    match address {
        SocketAddr::V4(address) if !ip.is_unspecified() => names.push(address.ip().to_string()),
        SocketAddr::V6(address) if !ip.is_unspecified() => names.push(format!("[{}]", address.ip())),
        _ => {}
    }
    let port = address.port();
    let bare = if port == default_port(scheme) { names.clone() } else { Vec::new() };
    names.into_iter().map(|name| format!("{name}:{port}")).chain(bare).collect()
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

/// Scheme, host and port of `http://…` or `https://…`; a path is taken only where it is nothing but `/`.
fn parse(url: &str) -> Option<(String, String, u16)> {
    let uri: Uri = url.trim().to_ascii_lowercase().parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains(['@', '*']))?;
    if !["", "/"].contains(&uri.path()) || uri.query().is_some() {
        return None;
    }
    let port = authority.port_u16().unwrap_or_else(|| default_port(scheme));
    Some((scheme.to_owned(), authority.host().to_owned(), port))
}

/// As browsers write it (RFC 6454 §6.2): the usual port is left out.
fn origin(scheme: &str, host: &str, port: u16) -> String {
    if port == default_port(scheme) { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") }
}
