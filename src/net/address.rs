//! Address: the address of a client, and the key under which limits count addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;
pub use ipnet::IpNet as Network;

/// The unit of limits per address: an IPv4 address, or an IPv6 /64 network, the usual assignment to
/// one household or machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressKey(IpAddr);

impl AddressKey {
    /// The key of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() => {
                let [a, b, c, d, ..] = v6.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            other => other,
        })
    }

    /// Whether it is the loopback address.
    pub const fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(network) if !network.is_loopback() => write!(f, "{network}/64"),
            address => address.fmt(f),
        }
    }
}

/// Request extension with the address of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Whether the peer is a reverse proxy that is trusted to name the client's address.
pub fn is_trusted(peer: IpAddr, trusted: &[Network]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|network| network.contains(&peer))
}

/// Stands for all clients whose address a trusted proxy named in a way that cannot be read. Limits
/// count them together; the proxy's own address could be exempt.
const UNREADABLE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The address of the client: the peer, or the address that a trusted proxy names.
/// `X-Forwarded-For` is read from its end, where the proxies nearest to us append. Entries before
/// the first untrusted one may be forged, and may be any bytes.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let mut address = peer;
    let lines: Vec<&[u8]> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| value.as_bytes())
        .collect();
    let hops = lines.iter().rev();
    for hop in hops.flat_map(|line| line.rsplit(|byte| *byte == b',')) {
        if !is_trusted(address, trusted) {
            break;
        }
        let text = std::str::from_utf8(hop).ok();
        match text.and_then(|text| hop_address(text.trim())) {
            Some(before) => address = before,
            None => return UNREADABLE,
        }
    }
    address
}

/// Parses one entry of `X-Forwarded-For`: an address, with or without a port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.parse().ok().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn neighbours_in_one_ipv6_network_have_one_key() {
        let key = |text: &str| AddressKey::of(ip(text));
        assert_eq!(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::"), key("2001:db8:1:3::"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
        assert!(
            key("::1").is_loopback()
                && key("127.0.0.9").is_loopback()
                && key("::ffff:127.0.0.1").is_loopback()
        );
        assert_eq!(key("2001:db8:1:2:3::4").to_string(), "2001:db8:1:2::/64");
        assert_eq!(key("10.0.0.1").to_string(), "10.0.0.1");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let trusted: Vec<Network> = vec!["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 1.2.3.4".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.7".parse().unwrap());
        assert_eq!(
            client_address(ip("10.0.0.9"), &headers, &trusted),
            ip("1.2.3.4")
        );
        assert_eq!(
            client_address(ip("9.9.9.9"), &headers, &trusted),
            ip("9.9.9.9")
        );
        headers.append("x-forwarded-for", "nonsense".parse().unwrap());
        assert_eq!(
            client_address(ip("10.0.0.9"), &headers, &trusted),
            UNREADABLE
        );
    }

    #[test]
    fn bytes_that_are_no_text_do_not_hide_what_the_proxy_appended() {
        let trusted: Vec<Network> = vec!["127.0.0.1".parse::<IpAddr>().unwrap().into()];
        for (line, meant) in [
            (&b"\xff, 1.2.3.4"[..], ip("1.2.3.4")),
            (b"1.2.3.4, \xff", UNREADABLE),
            (b"\xff, 127.0.0.1", UNREADABLE),
        ] {
            let mut headers = HeaderMap::new();
            let value = axum::http::HeaderValue::from_bytes(line).unwrap();
            headers.append("x-forwarded-for", value);
            let found = client_address(ip("127.0.0.1"), &headers, &trusted);
            assert_eq!(found, meant);
            assert!(!AddressKey::of(found).is_loopback());
        }
    }

    #[test]
    fn a_forwarded_address_may_carry_a_port() {
        let trusted: Vec<Network> = vec!["10.0.0.0/8".parse().unwrap()];
        for (said, meant) in [
            ("1.2.3.4:5678", "1.2.3.4"),
            ("[2001:db8::7]:5678", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("6.6.6.6, 1.2.3.4:1, 10.0.0.7:9", "1.2.3.4"),
        ] {
            let mut headers = HeaderMap::new();
            headers.append("x-forwarded-for", said.parse().unwrap());
            assert_eq!(
                client_address(ip("10.0.0.9"), &headers, &trusted),
                ip(meant),
                "{said}"
            );
        }
    }
}
