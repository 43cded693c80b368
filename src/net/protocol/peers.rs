//! Peers: players who hear and see each other.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

use crate::components::peers::Peer;

/// Players that the receiver hears or sees, or that hear or see the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct PeersS2c {
    /// Whether the list is complete.
    pub full: bool,
    /// New and changed peers, by ascending number.
    pub peers: Vec<PeerS2c>,
    /// Players who are no longer peers, by ascending number.
    pub gone: Vec<u32>,
}

/// How one player hears and sees another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two senses in two directions are four independent flags"
)]
pub struct PeerS2c {
    /// Player number of the peer.
    pub player: u32,
    /// Whether the receiver hears them.
    pub hear: bool,
    /// Whether they hear the receiver.
    pub heard: bool,
    /// Whether the receiver sees their video.
    pub see: bool,
    /// Whether they see the receiver's video.
    pub seen: bool,
    /// Volume by the proximity rules, 0 to 255.
    pub gain: u8,
    /// Rule that applies: 0 distance, 1 private zone, 2 stage, 3 bubble.
    pub why: u8,
    /// Media route: 0 direct, 1 through the SFU.
    pub route: u8,
    /// Whether the receiver is the polite side of perfect negotiation.
    pub polite: bool,
}

impl PeerS2c {
    /// The peer as its receiver is told about it.
    pub fn of(peer: &Peer, receiver: crate::components::id::PlayerId) -> Self {
        Self {
            player: peer.player.0,
            hear: peer.hear,
            heard: peer.heard,
            see: peer.see,
            seen: peer.seen,
            gain: peer.gain,
            why: peer.why as u8,
            route: peer.route as u8,
            polite: receiver < peer.player,
        }
    }
}

#[cfg(test)]
impl PeersS2c {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self {
            full: true,
            peers: vec![
                PeerS2c {
                    player: 3,
                    hear: true,
                    heard: true,
                    see: false,
                    seen: false,
                    gain: 255,
                    why: 0,
                    route: 0,
                    polite: false,
                },
                PeerS2c {
                    player: 900,
                    hear: true,
                    heard: false,
                    see: true,
                    seen: false,
                    gain: 191,
                    why: 2,
                    route: 1,
                    polite: true,
                },
            ],
            gone: vec![5, 70_000],
        }]
    }
}
