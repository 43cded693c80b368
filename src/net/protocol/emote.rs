//! Emote: short signs over a player's head.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

/// Shows an emote over the sender's head.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct EmoteC2s {
    /// Number of the emote.
    pub kind: u8,
}

/// A player shows an emote.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct EmoteS2c {
    /// Player who shows it.
    pub player: u32,
    /// Number of the emote.
    pub kind: u8,
}

#[cfg(test)]
impl EmoteC2s {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self { kind: 5 }]
    }
}

#[cfg(test)]
impl EmoteS2c {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self {
            player: 12,
            kind: 0,
        }]
    }
}
