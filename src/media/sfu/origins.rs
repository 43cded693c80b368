//! Origins: which client a packet is from, without asking every client.
//!
//! A source address belongs to a client once a connectivity check (STUN) came from it. A check
//! names its client by the username fragment (ufrag) of the SFU's answer. From an unknown source,
//! only such a check can be from a client: everything else is dropped at once.

use std::collections::HashMap;
use std::net::SocketAddr;

use str0m::ice::StunMessage;

/// Most source addresses of one client's packets. A client has one for each of its networks; more
/// would cost time and memory for each of them.
const MOST_SOURCES: usize = 16;

/// The first byte of a STUN message is at most this (RFC 7983).
const STUN_AT_MOST: u8 = 3;

/// What packets of one client have in common.
#[derive(Debug)]
struct Origin {
    ufrag: String,
    sources: Vec<SocketAddr>,
}

/// Origins of all clients, by their ids.
#[derive(Debug, Default)]
pub(super) struct Origins {
    clients: HashMap<u64, Origin>,
    by_source: HashMap<SocketAddr, u64>,
    by_ufrag: HashMap<String, u64>,
}

impl Origins {
    /// Sets the name that the client's connectivity checks carry.
    pub(super) fn name(&mut self, id: u64, ufrag: String) {
        let sources = Vec::new();
        let origin = self.clients.entry(id).or_insert_with(|| Origin {
            ufrag: ufrag.clone(),
            sources,
        });
        self.by_ufrag.remove(&origin.ufrag);
        origin.ufrag.clone_from(&ufrag);
        self.by_ufrag.insert(ufrag, id);
    }

    /// The clients that the packet may be from, likelier first: the one with that source, and the
    /// one that it names. Neither is proven.
    pub(super) fn candidates(&self, source: SocketAddr, packet: &[u8]) -> [Option<u64>; 2] {
        let known = self.by_source.get(&source).copied();
        let named = self.named(packet).filter(|named| known != Some(*named));
        [known, named]
    }

    /// The client that a connectivity check is for.
    fn named(&self, packet: &[u8]) -> Option<u64> {
        packet.first().filter(|first| **first <= STUN_AT_MOST)?;
        let check = StunMessage::parse(packet).ok()?;
        let (ufrag, _) = check
            .split_username()
            .filter(|_| check.is_binding_request())?;
        self.by_ufrag.get(ufrag).copied()
    }

    /// Remembers that the client sends from this source. Returns false if it has too many already.
    pub(super) fn learn(&mut self, source: SocketAddr, id: u64) -> bool {
        if self.by_source.get(&source) == Some(&id) {
            return true;
        }
        let Some(origin) = self.clients.get_mut(&id) else {
            return false;
        };
        if origin.sources.len() >= MOST_SOURCES {
            return false;
        }
        origin.sources.push(source);
        if let Some(before) = self.by_source.insert(source, id)
            && let Some(origin) = self.clients.get_mut(&before)
        {
            origin.sources.retain(|known| *known != source);
        }
        true
    }

    /// Forgets a source that has ended.
    pub(super) fn forget_source(&mut self, source: SocketAddr) {
        if let Some(id) = self.by_source.remove(&source)
            && let Some(origin) = self.clients.get_mut(&id)
        {
            origin.sources.retain(|known| *known != source);
        }
    }

    /// Forgets a client that has ended.
    pub(super) fn forget(&mut self, id: u64) {
        if let Some(origin) = self.clients.remove(&id) {
            self.by_ufrag.remove(&origin.ufrag);
            for source in origin.sources {
                self.by_source.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use str0m::ice::{StunMessage, TransId};

    use super::*;

    fn source(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn check(username: &str) -> Vec<u8> {
        let check = StunMessage::binding_request(username, TransId::new(), true, 1, 1, false);
        let mut packet = vec![0; 256];
        let length = check
            .to_bytes(Some(b"password"), &mut packet, |_, _| [0; 20])
            .unwrap();
        packet.truncate(length);
        packet
    }

    #[test]
    fn a_stray_packet_is_no_clients_business() {
        let mut origins = Origins::default();
        for id in 0..100 {
            origins.name(id, format!("ufrag{id}"));
        }
        let response = StunMessage::binding_reply(TransId::new(), source(9));
        let mut answer = vec![0; 256];
        let length = response
            .to_bytes(Some(b"password"), &mut answer, |_, _| [0; 20])
            .unwrap();
        for stray in [
            &[][..],
            &[0],
            &[1, 1, 0, 0],
            &[0x80, 96, 0, 1],
            &[22, 254, 253, 0],
            &answer[..length],
            &check("ufrag100:them"),
        ] {
            assert_eq!(origins.candidates(source(1), stray), [None, None]);
        }
        assert_eq!(
            origins.candidates(source(1), &check("ufrag7:them")),
            [None, Some(7)]
        );
        assert!(origins.learn(source(1), 7));
        for packet in [&[0x80, 96, 0, 1][..], &check("ufrag7:them")] {
            assert_eq!(origins.candidates(source(1), packet), [Some(7), None]);
        }
        assert_eq!(
            origins.candidates(source(1), &check("ufrag8:them")),
            [Some(7), Some(8)],
            "an address that another client uses now"
        );
    }

    #[test]
    fn what_ended_is_forgotten() {
        let mut origins = Origins::default();
        origins.name(1, "one".into());
        origins.name(2, "two".into());
        for port in 0..16 {
            assert!(origins.learn(source(port), 1));
        }
        assert!(!origins.learn(source(16), 1), "too many");
        assert!(origins.learn(source(0), 1), "an old one");
        assert!(origins.learn(source(0), 2), "another client has it now");
        assert!(origins.learn(source(16), 1));
        origins.forget_source(source(1));
        assert!(origins.learn(source(17), 1));
        origins.name(1, "renamed".into());
        assert_eq!(origins.candidates(source(99), &check("one:x")), [None; 2]);
        assert_eq!(
            origins.candidates(source(99), &check("renamed:x")),
            [None, Some(1)]
        );
        origins.forget(1);
        origins.forget(2);
        assert!(origins.clients.is_empty() && origins.by_source.is_empty());
        assert!(origins.by_ufrag.is_empty());
        assert!(!origins.learn(source(1), 1), "a client that has ended");
    }
}
