//! Gate: how many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
pub use ipnet::IpNet as Network;
use parking_lot::Mutex;

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// There are too many.
    #[error("The server is full. Try again in a moment.")]
    Server,
    /// There are too many from there.
    #[error("There are too many connections from your address. Close some, or try again in a moment.")]
    Address,
}

/// Counts connections.
#[derive(Clone)]
pub struct Gate {
    most: usize,
    most_per_address: usize,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place; free again when this is dropped.
pub struct Place {
    gate: Gate,
    address: Option<IpAddr>,
}

impl Gate {
    /// So many in all and from one address; 0 for no limit.
    pub fn new(most: usize, most_per_address: usize) -> Self {
        let limit = |most: usize| if most == 0 { usize::MAX } else { most };
        Self {
            most: limit(most),
            most_per_address: limit(most_per_address),
            inside: Arc::default(),
        }
    }

    /// A place for one more from there. Whoever is on this machine itself is counted in all only.
    pub fn enter(&self, address: Option<IpAddr>) -> Result<Place, Full> {
        let address = address
            .map(|address| address.to_canonical())
            .filter(|address| !address.is_loopback());
        let mut inside = self.inside.lock();
        if inside.all >= self.most {
            return Err(Full::Server);
        }
        if let Some(address) = address {
            let here = inside.by_address.entry(address).or_default();
            if *here >= self.most_per_address {
                return Err(Full::Address);
            }
            *here += 1;
        }
        inside.all += 1;
        drop(inside);
        Ok(Place {
            gate: self.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.gate.inside.lock();
        inside.all -= 1;
        if let Some(address) = self.address
            && let Some(here) = inside.by_address.get_mut(&address)
        {
            *here -= 1;
            if *here == 0 {
                inside.by_address.remove(&address);
            }
        }
    }
}

/// Whose connection it is: the peer, or whoever a trusted proxy says it speaks for. `X-Forwarded-For` is read from its
/// end, where the proxies nearest to us write; what stands before the first one that is not trusted may be invented.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    let mut address = peer;
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_trusted(address) {
            break;
        }
        let Ok(before) = hop.trim().parse() else { break };
        address = before;
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_bounded_and_free_again_when_left() {
        let gate = Gate::new(3, 2);
        let first = gate.enter(Some(ip("10.0.0.1"))).unwrap();
        let _second = gate.enter(Some(ip("10.0.0.1"))).unwrap();
        assert_eq!(gate.enter(Some(ip("::ffff:10.0.0.1"))).err(), Some(Full::Address));
        let _third = gate.enter(Some(ip("10.0.0.2"))).unwrap();
        assert_eq!(gate.enter(Some(ip("10.0.0.3"))).err(), Some(Full::Server));
        drop(first);
        assert!(gate.enter(Some(ip("10.0.0.1"))).is_ok());
        assert_eq!(gate.inside.lock().by_address.len(), 2);
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let trusted: Vec<Network> = vec!["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 1.2.3.4".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.7".parse().unwrap());
        assert_eq!(client_address(ip("10.0.0.9"), &headers, &trusted), ip("1.2.3.4"));
        assert_eq!(client_address(ip("9.9.9.9"), &headers, &trusted), ip("9.9.9.9"));
        headers.append("x-forwarded-for", "nonsense".parse().unwrap());
        assert_eq!(client_address(ip("10.0.0.9"), &headers, &trusted), ip("10.0.0.9"));
    }
}
