//! Whose request it is, as an address: what limits count by.
//!
//! Every request has a [`ClientAddress`]; endpoints take it as an argument, and layers find it in the request's extensions.
//! It is the peer of the connection, unless that is a proxy we trust; then it is what the proxies say, read from the right:
//! each proxy adds whom it was asked by, so the first address that is no trusted proxy is the client, and what stands left
//! of it was written by the client and means nothing. Where a trusted proxy says something that is no address, it is itself
//! the one who asks. `X-Forwarded-For` and `Forwarded` (RFC 7239) are read; a proxy writes one of them and hands the other on
//! as the client wrote it, so where both are there they must say the same, or neither is believed.
//!
//! Whoever is on this machine is not counted by address, and a client can make what a proxy says unreadable. So a proxy on this
//! machine that asks in its own name is one thing, and one whose word is not understood another, which is counted: as one, all who
//! do that.
//!
//! An IPv6 network is a household or a machine, with as many addresses as it likes: it counts as one (its /64).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use ipnet::IpNet;
use poem::{
    FromRequest, Request, RequestBody,
    http::{HeaderMap, header},
    web::RemoteAddr,
};

/// Whose request it is: an IPv4 address, or the first address of an IPv6 network (/64).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientAddress {
    ip: IpAddr,
    /// Whether a proxy has said something else, which was not understood.
    garbled: bool,
}

/// Proxies whose word about their clients is believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

/// The most proxies that a request may have come through.
const MOST_HOPS: usize = 32;

impl ClientAddress {
    /// Those who ask over something that has no address are one.
    const NOWHERE: Self = Self::plain(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    const fn plain(ip: IpAddr) -> Self {
        Self { ip, garbled: false }
    }

    /// Counts an address as what it belongs to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Self::plain(Ipv6Addr::from(network).into())
            }
            address => Self::plain(address),
        }
    }

    /// As an address.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.ip
    }

    /// Whose request this is.
    pub(super) fn of_request(request: &Request, trusted: &TrustedProxies) -> Self {
        let RemoteAddr(peer) = request.remote_addr();
        match peer.as_socket_addr().map(SocketAddr::ip) {
            Some(peer) => trusted.client(peer, request.headers()),
            None => Self::NOWHERE,
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip.fmt(f)
    }
}

impl From<ClientAddress> for relais_domain::auth::ClientAddress {
    fn from(address: ClientAddress) -> Self {
        let text = address.to_string();
        // Of `::1` the network is left.
        let here = address.ip.is_loopback() || address == ClientAddress::of(Ipv6Addr::LOCALHOST.into());
        if here && !address.garbled { Self::on_this_machine(text) } else { Self::new(text) }
    }
}

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(request.extensions().get().copied().unwrap_or(Self::NOWHERE))
    }
}

impl TrustedProxies {
    /// These, and no others.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Those on this machine.
    #[must_use]
    pub fn on_this_machine() -> Self {
        let loopback = [(IpAddr::V4(Ipv4Addr::LOCALHOST), 8), (IpAddr::V6(Ipv6Addr::LOCALHOST), 128)];
        Self(loopback.into_iter().map(|(address, prefix)| IpNet::new_assert(address, prefix).trunc()).collect())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who asks, when `peer` is who has connected.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return ClientAddress::of(peer);
        }
        let listed = |name: &str, hops: fn(&str) -> Vec<Option<IpAddr>>| -> Option<Vec<Option<IpAddr>>> {
            let lines = headers.get_all(name).iter();
            let lines: Vec<_> = lines.map(|line| line.to_str().map_or(vec![None], hops)).collect();
            (!lines.is_empty()).then(|| lines.concat())
        };
        let (plain, standard) =
            (listed("x-forwarded-for", x_forwarded_for), listed(header::FORWARDED.as_str(), forwarded));
        match (plain, standard) {
            (Some(plain), Some(standard)) => {
                let (plain, standard) = (self.walk(peer, &plain), self.walk(peer, &standard));
                if plain == standard { plain } else { ClientAddress { garbled: true, ..ClientAddress::of(peer) } }
            }
            (Some(hops), None) | (None, Some(hops)) => self.walk(peer, &hops),
            (None, None) => ClientAddress::of(peer),
        }
    }

    /// From the right, as long as those who say it are trusted.
    fn walk(&self, peer: IpAddr, hops: &[Option<IpAddr>]) -> ClientAddress {
        let mut client = peer;
        for (count, hop) in hops.iter().rev().enumerate() {
            let Some(hop) = hop.filter(|_| count < MOST_HOPS) else {
                return ClientAddress { garbled: true, ..ClientAddress::of(client) };
            };
            client = hop;
            if !self.trusts(client) {
                break;
            }
        }
        ClientAddress::of(client)
    }
}

/// The addresses of an `X-Forwarded-For`, `None` for what is none.
fn x_forwarded_for(line: &str) -> Vec<Option<IpAddr>> {
    line.split(',').map(address).collect()
}

/// The addresses of a `Forwarded`, `None` for what is none: `for=192.0.2.1, for="[2001:db8::1]:4711";proto=https`.
fn forwarded(line: &str) -> Vec<Option<IpAddr>> {
    // A quote that does not end could hide what the proxy has added behind it.
    let Some(elements) = split(line, ',') else { return vec![None] };
    elements.into_iter().map(element).collect()
}

fn element(text: &str) -> Option<IpAddr> {
    let pairs = split(text, ';')?;
    let mut named = pairs.into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    });
    let value = named.next()?;
    if named.next().is_some() {
        return None;
    }
    match value.strip_prefix('"').map(|rest| rest.strip_suffix('"')) {
        // Addresses need no backslash.
        Some(Some(quoted)) => address(quoted),
        Some(None) => None,
        None => address(value),
    }
}

/// The parts between separators that stand outside of quotes; `None` when a quote does not end.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == separator && !quoted => {
                parts.push(&text[begin..at]);
                begin = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    (!quoted).then_some(parts)
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).and_then(|rest| rest.parse().ok());
    let found = text.parse::<IpAddr>().ok().or(bare.map(IpAddr::V6));
    found.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip())).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn client(trusted: &TrustedProxies, peer: &str, lines: &[(&'static str, &str)]) -> String {
        trusted.client(peer.parse().unwrap(), &headers(lines)).to_string()
    }

    const XFF: &str = "x-forwarded-for";

    #[test]
    fn limits_know_who_is_on_this_machine() {
        let counted = |text: &str| relais_domain::auth::ClientAddress::from(ClientAddress::of(text.parse().unwrap()));
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let same = relais_domain::auth::ClientAddress::on_this_machine(counted(here).as_str());
            assert_eq!(counted(here), same, "{here}");
        }
        for there in ["192.0.2.1", "10.0.0.1", "2001:db8::1", "fe80::1", "0.0.0.0"] {
            assert_eq!(counted(there), relais_domain::auth::ClientAddress::new(counted(there).as_str()), "{there}");
        }
    }

    /// Behind a proxy on this machine a client writes whatever it likes before what the proxy adds.
    #[test]
    fn nobody_who_comes_through_a_proxy_passes_for_somebody_on_this_machine() {
        let trusted = TrustedProxies::on_this_machine();
        let counted = |lines: &[(&'static str, &[u8])]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, HeaderValue::from_bytes(value).unwrap());
            }
            relais_domain::auth::ClientAddress::from(trusted.client(Ipv4Addr::LOCALHOST.into(), &headers))
        };
        let here = relais_domain::auth::ClientAddress::on_this_machine("127.0.0.1");
        assert_eq!(counted(&[]), here, "the machine's own");
        assert_eq!(counted(&[(XFF, b"127.0.0.1")]), here, "by the proxy");
        let hops = ["127.0.0.1"; MOST_HOPS + 1].join(", ");
        for lines in [
            &[(XFF, &b"203.0.113.5"[..]), ("forwarded", b"for=1.1.1.1")][..],
            &[(XFF, b"203.0.113.5"), ("forwarded", b"\xff")],
            &[(XFF, b"\xff, 203.0.113.5")],
            &[(XFF, b"203.0.113.5\xff")],
            &[(XFF, b"203.0.113.5"), (XFF, b"\xff")],
            &[(XFF, b"\xff"), (XFF, b"127.0.0.1")],
            &[(XFF, b"unknown")],
            &[(XFF, b"nonsense, 127.0.0.1")],
            &[(XFF, b"")],
            &[(XFF, hops.as_bytes())],
            &[("forwarded", b"for=\"evil, for=203.0.113.5")],
            &[("forwarded", b"for=_hidden")],
            &[("forwarded", b"by=203.0.113.5")],
        ] {
            assert_eq!(counted(lines), relais_domain::auth::ClientAddress::new("127.0.0.1"), "{lines:?}");
        }
        assert_eq!(counted(&[(XFF, b"\xff"), (XFF, b"203.0.113.5")]).as_str(), "203.0.113.5", "a line of its own");
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_up_to_the_first_stranger() {
        let trusted = proxies(&["10.0.0.0/8", "2001:db8:ffff::/48"]);
        for (peer, says, is) in [
            ("192.0.2.9", "203.0.113.5", "192.0.2.9"),
            ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
            ("::ffff:10.0.0.1", "203.0.113.5", "203.0.113.5"),
            ("2001:db8:ffff::7", "203.0.113.5", "203.0.113.5"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.5", "203.0.113.5"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("10.0.0.1", " 203.0.113.5:4711 ", "203.0.113.5"),
            ("10.0.0.1", "::ffff:203.0.113.5", "203.0.113.5"),
            ("10.0.0.1", "[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::"),
            ("10.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("10.0.0.1", "1.1.1.1, unknown", "10.0.0.1"),
            ("10.0.0.1", "1.1.1.1, nonsense, 10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "1.1.1.1,", "10.0.0.1"),
            ("10.0.0.1", "fe80::1%eth0", "10.0.0.1"),
            ("10.0.0.1", "203.0.113.5:99999", "10.0.0.1"),
        ] {
            assert_eq!(client(&trusted, peer, &[(XFF, says)]), is, "{peer} says {says:?}");
        }
        assert_eq!(client(&trusted, "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client(&trusted, "10.0.0.1", &[(XFF, "1.1.1.1"), (XFF, "203.0.113.5")]), "203.0.113.5");
        assert_eq!(client(&TrustedProxies::default(), "127.0.0.1", &[(XFF, "203.0.113.5")]), "127.0.0.1");
    }

    #[test]
    fn the_standard_header_says_the_same_and_two_must_agree() {
        let trusted = TrustedProxies::on_this_machine();
        for (says, is) in [
            ("for=203.0.113.5", "203.0.113.5"),
            ("For=\"203.0.113.5:80\";proto=https;by=10.0.0.1", "203.0.113.5"),
            ("proto=https; for=\"[2001:db8:1:2::9]:4711\"", "2001:db8:1:2::"),
            ("for=1.1.1.1, for=203.0.113.5", "203.0.113.5"),
            ("for=1.1.1.1;by=\"a,b\", for=203.0.113.5, for=127.0.0.2", "203.0.113.5"),
            ("for=_hidden", "127.0.0.1"),
            ("for=unknown", "127.0.0.1"),
            ("for=1.1.1.1;for=2.2.2.2", "127.0.0.1"),
            ("for=\"evil, for=203.0.113.5", "127.0.0.1"),
            ("for=\"203.0.113.5", "127.0.0.1"),
            ("by=203.0.113.5", "127.0.0.1"),
            ("", "127.0.0.1"),
        ] {
            assert_eq!(client(&trusted, "127.0.0.1", &[("forwarded", says)]), is, "{says:?}");
        }
        let two = |plain, standard| client(&trusted, "127.0.0.1", &[(XFF, plain), ("forwarded", standard)]);
        assert_eq!(two("203.0.113.5", "for=203.0.113.5"), "203.0.113.5");
        assert_eq!(two("203.0.113.5", "for=1.1.1.1"), "127.0.0.1", "one of them is the client's own");
        assert_eq!(two("1.1.1.1", "for=203.0.113.5"), "127.0.0.1");
        assert_eq!(client(&trusted, "::1", &[(XFF, "203.0.113.5")]), "203.0.113.5");
        assert_eq!(client(&trusted, "10.0.0.1", &[(XFF, "203.0.113.5")]), "10.0.0.1");
    }

    proptest! {
        #[test]
        fn whatever_a_client_writes_it_is_who_the_proxy_has_seen(
            written in "[ -~]{0,60}", client in any::<Ipv4Addr>(), standard: bool
        ) {
            let trusted = TrustedProxies::on_this_machine();
            prop_assume!(!trusted.trusts(client.into()));
            let (name, line) = if standard { ("forwarded", format!("{written}, for={client}")) } else { (XFF, format!("{written}, {client}")) };
            let found = trusted.client(Ipv4Addr::LOCALHOST.into(), &headers(&[(name, &line)]));
            // An open quote hides what the proxy has added; then it is the proxy who asks, and never whom the client names.
            let hidden = standard && split(&line, ',').is_none();
            let expected = if hidden { Ipv4Addr::LOCALHOST } else { client };
            prop_assert_eq!(found.ip(), IpAddr::V4(expected), "{}", line);
            let counted = relais_domain::auth::ClientAddress::from(found);
            prop_assert_eq!(counted, relais_domain::auth::ClientAddress::new(expected.to_string()), "in a bucket: {}", line);
        }

        #[test]
        fn no_bytes_in_a_header_panic_or_make_an_untrusted_peer_another(bytes in prop::collection::vec(any::<u8>(), 0..80), standard: bool) {
            let name = if standard { "forwarded" } else { XFF };
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                headers.append(name, value);
            }
            TrustedProxies::on_this_machine().client(Ipv4Addr::LOCALHOST.into(), &headers);
            let peer: IpAddr = "192.0.2.1".parse().unwrap();
            prop_assert_eq!(TrustedProxies::on_this_machine().client(peer, &headers), ClientAddress::of(peer));
        }

        #[test]
        fn an_address_is_read_as_it_is_written(address: IpAddr, port: u16) {
            let canonical = Some(address.to_canonical());
            prop_assert_eq!(super::address(&address.to_string()), canonical);
            prop_assert_eq!(super::address(&SocketAddr::new(address, port).to_string()), canonical);
        }

        #[test]
        fn one_network_is_one_client(network: u64, one: u64, other: u64) {
            let of = |low| ClientAddress::of(Ipv6Addr::from(u128::from(network) << 64 | u128::from(low)).into());
            prop_assume!(network != 0);
            prop_assert_eq!(of(one), of(other));
            prop_assert_eq!(ClientAddress::of(of(one).ip()), of(one));
        }
    }
}
