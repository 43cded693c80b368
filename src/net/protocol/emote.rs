//! Emote: short signs over a player's head.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

/// Shows an emote over the sender's head.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct EmoteC2s {
    /// Emote, 0 to 5.
    pub kind: u8,
}

/// A player shows an emote.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct EmoteS2c {
    /// Player who shows it.
    pub player: u32,
    /// Emote, 0 to 5.
    pub kind: u8,
}
