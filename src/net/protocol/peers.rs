//! Peers: who hears and sees whom, and what those who do say to one another to open their calls.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

use crate::components::peers::Peer;

/// Something for somebody the sender is connected to: how to open, change or mend their call. The
/// server does not read it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct SignalC2s {
    /// For whom.
    pub player: u32,
    /// JSON: `{description}` or `{candidate}`; at most 12 KiB.
    pub body: String,
}

/// Something from somebody the receiver is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct SignalS2c {
    /// From whom.
    pub player: u32,
    /// As it was sent.
    pub body: String,
}

/// Something for the forwarding unit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct SfuC2s {
    /// JSON: `{offer}` or `{show}`; at most 12 KiB.
    pub body: String,
}

/// Something from the forwarding unit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct SfuS2c {
    /// JSON.
    pub body: String,
}

/// Who the receiver hears and sees, and who hears and sees them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct PeersS2c {
    /// Whether these are all.
    pub full: bool,
    /// New and changed ones, by rising number.
    pub peers: Vec<PeerS2c>,
    /// Those who no longer are, by rising number.
    pub gone: Vec<u32>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two senses in two directions are four independent flags"
)]
pub struct PeerS2c {
    /// Who.
    pub player: u32,
    /// Whether the receiver hears them.
    pub hear: bool,
    /// Whether they hear the receiver.
    pub heard: bool,
    /// Whether the receiver sees their pictures.
    pub see: bool,
    /// Whether they see the receiver's.
    pub seen: bool,
    /// How loud they are by the rule of the place, 0 to 255.
    pub gain: u8,
    /// By which rule: 0 distance, 1 private area, 2 stage, 3 bubble.
    pub why: u8,
    /// 0 from one to the other, 1 through the forwarding unit.
    pub route: u8,
    /// The receiver's part in perfect negotiation.
    pub polite: bool,
}

impl PeerS2c {
    /// A peer as the player is told who has it.
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
