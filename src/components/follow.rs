//! Follow: a player walks after another, through portals too.

use super::id::PlayerId;
use bincode::{Decode, Encode};

/// Request to follow another player, or to stop following.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Follow {
    /// The player who follows.
    pub player: PlayerId,
    /// Player who is followed; `None` to stop.
    pub leader: Option<PlayerId>,
}

/// A player began or stopped following another. Only the other is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Followed {
    /// The player who follows.
    pub player: PlayerId,
    /// Player who is followed.
    pub leader: PlayerId,
    /// Whether they follow from now on.
    pub on: bool,
}
