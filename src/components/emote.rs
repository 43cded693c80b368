//! Emotes: signs over the head of a player.

use super::id::PlayerId;
use bincode::{Decode, Encode};

/// Emotes, in the order of their numbers. `web/src/world/emotes.ts` has their signs.
pub const EMOTES: &[&str] = &[
    "wave",
    "heart",
    "laugh",
    "applaud",
    "celebrate",
    "think",
    "agree",
];

/// An emote of a player: the request to show it, and the fact that it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Emote {
    /// Player who shows it.
    pub player: PlayerId,
    /// Number of the emote in `EMOTES`.
    pub kind: u8,
}

impl Emote {
    /// Whether there is an emote with this number.
    pub fn is_known(&self) -> bool {
        usize::from(self.kind) < EMOTES.len()
    }
}
