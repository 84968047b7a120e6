//! Addresses: Go's `url.Parse`, as far as it decides what is good and what is said of what is not.

use core::net::Ipv6Addr;

use super::{Issues, quoted, text::quoted_bytes};
use crate::credentials::Operator;

/// The longest description and address of information, in bytes.
const MAX_INFO: usize = 8 * 1024;

/// What the rules ask of an address.
struct Url {
    /// In lower case; empty when there is none.
    scheme: String,
    /// Whether it names a user.
    user: bool,
    /// Without percent signs, with its port.
    host: Vec<u8>,
    /// Whether it has a path.
    path: bool,
}

/// `Operator.Validate`, without its keys.
pub(in crate::credentials) fn operator(operator: &Operator, found: &mut Issues) {
    if let Err(why) = account_server_url(&operator.account_server_url) {
        found.error(why);
    }
    for url in operator.operator_service_urls.iter().filter(|url| !url.is_empty()) {
        if let Err(why) = service_url(url) {
            found.error(why);
        }
    }
    if let Err(why) = server_version(&operator.assert_server_version) {
        found.error(format!("assert server version error: {why}"));
    }
}

/// `validateAccountServerURL`. Claims that break it are not signed.
pub(in crate::credentials) fn account_server_url(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let url = parse(text).map_err(|why| format!("error parsing account server url: {why}"))?;
    if url.scheme.is_empty() {
        return Err(format!("account server url {} requires a protocol", quoted(text)));
    }
    Ok(())
}

/// `ValidateOperatorServiceURL`.
fn service_url(text: &str) -> Result<(), String> {
    let quoted = quoted(text);
    let url = parse(text).map_err(|why| format!("error parsing operator service url {quoted}: {why}"))?;
    let why = if url.user {
        "credentials are not supported"
    } else if url.path {
        "paths are not supported"
    } else if !matches!(url.scheme.as_str(), "nats" | "tls" | "ws" | "wss") {
        "protocol not supported (only 'nats', 'tls', 'ws', 'wss' only)"
    } else {
        return Ok(());
    };
    Err(format!("operator service url {quoted} - {why}"))
}

/// `ParseServerVersion`.
fn server_version(version: &str) -> Result<(), String> {
    if version.is_empty() {
        return Ok(());
    }
    let parts: Vec<&str> = version.split('.').collect();
    if parts.len() != 3 {
        return Err("asserted server version must be of the form <major>.<minor>.<update>".to_owned());
    }
    let mut negative = false;
    for part in parts {
        let number: i64 = part.parse().map_err(|_| format!("asserted server version cant parse {part} to int"))?;
        negative |= number < 0;
    }
    if negative {
        return Err(format!("asserted server version can'b contain negative values: {version}"));
    }
    Ok(())
}

/// `Info.Validate`.
pub(super) fn info(description: &str, url: &str, found: &mut Issues) {
    if description.len() > MAX_INFO {
        found.error("Description is too long".to_owned());
    }
    if url.is_empty() {
        return;
    }
    if url.len() > MAX_INFO {
        found.error("Info URL is too long".to_owned());
    }
    match parse(url) {
        Err(why) => found.error(format!("error parsing info url: {why}")),
        Ok(url) if url.scheme.is_empty() || hostname(&url.host).is_empty() => {
            found.error("error parsing info url: no hostname or scheme".to_owned());
        }
        Ok(_) => {}
    }
}

/// `URL.Hostname`: without port and brackets.
fn hostname(host: &[u8]) -> &[u8] {
    let colon = host.iter().rposition(|byte| *byte == b':').filter(|at| is_port(&host[*at..]));
    let host = colon.map_or(host, |at| &host[..at]);
    host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
}

/// `url.Parse`; its error shows what was parsed.
fn parse(text: &str) -> Result<Url, String> {
    let (front, fragment) = text.split_once('#').unwrap_or((text, ""));
    let says = |text: &str, why: String| format!("parse {}: {why}", quoted(text));
    let url = without_fragment(front).map_err(|why| says(front, why))?;
    unescape(fragment.as_bytes(), Part::Other).map_err(|why| says(text, why))?;
    Ok(url)
}

fn without_fragment(text: &str) -> Result<Url, String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut url = Url { scheme: String::new(), user: false, host: Vec::new(), path: false };
    if text == "*" {
        url.path = true;
        return Ok(url);
    }
    let (scheme, rest) = scheme_of(text)?;
    url.scheme = scheme.to_lowercase();
    let mut rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            return Ok(url);
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let authority = rest.strip_prefix("//").filter(|_| !url.scheme.is_empty() || !rest.starts_with("///"));
    if let Some(authority) = authority {
        let slash = authority.find('/').unwrap_or(authority.len());
        rest = &authority[slash..];
        let authority = &authority[..slash];
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        url.host = host_of(&url.scheme, host)?;
        url.user = user.is_some();
        check_user(user.unwrap_or_default())?;
    }
    unescape(rest.as_bytes(), Part::Other)?;
    url.path = !rest.is_empty();
    Ok(url)
}

/// `getScheme`: what stands before the first colon, if it can be a scheme.
fn scheme_of(text: &str) -> Result<(&str, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn check_user(user: &str) -> Result<(), String> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(fine) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    user.splitn(2, ':').try_for_each(|part| unescape(part.as_bytes(), Part::Other).map(drop))
}

/// `parseHost`.
fn host_of(scheme: &str, host: &str) -> Result<Vec<u8>, String> {
    let port = |text: &str| {
        if is_port(text.as_bytes()) { Ok(()) } else { Err(format!("invalid port {} after host", quoted(text))) }
    };
    match host.rfind('[') {
        None => {
            let strict = matches!(scheme, "http" | "https");
            if let Some(colon) = if strict { host.find(':') } else { host.rfind(':') } {
                port(&host[colon..])?;
            }
            unescape(host.as_bytes(), Part::Host)
        }
        Some(0) => {
            let end = host.rfind(']').ok_or("missing ']' in host")?;
            port(&host[end + 1..])?;
            let name = &host[1..end];
            let zone = name.find("%25").unwrap_or(name.len());
            let address = unescape(&name.as_bytes()[..zone], Part::Host)?;
            let zone = unescape(&name.as_bytes()[zone..], Part::Zone)?;
            let text = String::from_utf8_lossy(&address);
            if text.parse::<core::net::Ipv4Addr>().is_ok() {
                return Err("invalid IP-literal".to_owned());
            }
            if text.parse::<Ipv6Addr>().is_err() || zone == b"%" {
                return Err(format!("invalid host: ParseAddr({}): unable to parse IP", quoted_bytes(&address)));
            }
            Ok([b"[", address.as_slice(), &zone, b"]", &host.as_bytes()[end + 1..]].concat())
        }
        Some(_) => Err("invalid IP-literal".to_owned()),
    }
}

/// `validOptionalPort`.
fn is_port(text: &[u8]) -> bool {
    text.is_empty() || text.strip_prefix(b":").is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

/// Which part of an address is read: each lets other bytes stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Zone,
    Other,
}

/// Whether a byte may stand in a host as it is.
fn stands_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

/// `unescape`.
fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if byte != b'%' {
            if part != Part::Other && byte.is_ascii() && !stands_in_host(byte) {
                return Err(format!("invalid character {} in host name", quoted_bytes(&[byte])));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let three = &text[at..text.len().min(at + 3)];
        let wrong = || Err(format!("invalid URL escape {}", quoted_bytes(three)));
        let digit = |at: usize| {
            three.get(at).and_then(|byte| char::from(*byte).to_digit(16)).and_then(|d| u8::try_from(d).ok())
        };
        let (Some(high), Some(low)) = (digit(1), digit(2)) else { return wrong() };
        let value = high << 4 | low;
        let allowed = match part {
            _ if three == b"%25" => true,
            Part::Host => high >= 8,
            Part::Zone => value == b' ' || stands_in_host(value),
            Part::Other => true,
        };
        if !allowed {
            return wrong();
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}
