//! Emotes: signs over the head of a player.

use super::id::PlayerId;
use bincode::{Decode, Encode};

/// Number of emotes.
pub const EMOTES: u8 = 6;

/// An emote of a player: the request to show it, and the fact that it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Emote {
    /// Player who shows it.
    pub player: PlayerId,
    /// Number of the emote, 0 to 5.
    pub kind: u8,
}
