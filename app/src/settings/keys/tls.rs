//! The settings of certificates and proxies.

use std::{net::IpAddr, str::FromStr as _};

use ipnet::IpNet;
use serde_json::json;

use super::{FILE, Key, key};

pub(super) const KEYS: &[Key] = &[
    key!(
        "http.tls_cert",
        "the certificate that the HTTP API shows, with those between it and its authority (unset: plain HTTP)",
        FILE,
        |s, given| given.optional_path().map(|path| s.http.tls_cert = path),
        |s| json!(s.http.tls_cert)
    ),
    key!(
        "http.tls_key",
        "its private key",
        FILE,
        |s, given| given.optional_path().map(|path| s.http.tls_key = path),
        |s| json!(s.http.tls_key)
    ),
    key!(
        "http.trusted_proxies",
        "proxies whose X-Forwarded-For is believed (unset: those on this machine with behind_proxy, else none)",
        "IP addresses and networks such as 10.0.0.0/8, in a list or with commas between",
        |s, given| {
            let network = |text: &String| text.parse().ok().or_else(|| Some(IpAddr::from_str(text).ok()?.into()));
            let proxies = given.list()?.iter().map(network).collect::<Option<_>>();
            proxies.map(|proxies| s.http.trusted_proxies = proxies)
        },
        |s| json!(s.http.trusted_proxies.iter().map(IpNet::to_string).collect::<Vec<_>>())
    ),
    key!(
        "nats.tls_cert",
        "the certificate that the broker started by `up` shows (unset: plain TCP)",
        FILE,
        |s, given| given.optional_path().map(|path| s.nats.tls_cert = path),
        |s| json!(s.nats.tls_cert)
    ),
    key!(
        "nats.tls_key",
        "its private key",
        FILE,
        |s, given| given.optional_path().map(|path| s.nats.tls_key = path),
        |s| json!(s.nats.tls_key)
    ),
    key!(
        "nats.tls_ca",
        "the authority of external brokers' certificates (unset: the system's alone)",
        FILE,
        |s, given| given.optional_path().map(|path| s.nats.tls_ca = path),
        |s| json!(s.nats.tls_ca)
    ),
];
