//! Status: availability, media a player sends, waves, following and blocking.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

/// Media that the sender sends to its peers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct MediaC2s {
    /// Microphone.
    pub audio: bool,
    /// Camera.
    pub video: bool,
    /// Screen.
    pub screen: bool,
}

/// Sets the sender's availability.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct StatusC2s {
    /// 0 available, 1 busy, 2 away, 3 do not disturb, 4 quiet.
    pub status: u8,
}

/// Asks for a player's attention.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct WaveC2s {
    /// Player who is asked.
    pub player: u32,
    /// 0 wave, 1 invitation to the sender's zone, 2 sender walks to the player, 3 invitation to
    /// come along. Addressed to oneself: all players who hear the sender.
    pub kind: u8,
}

/// A player asks for the receiver's attention.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct WavedS2c {
    /// Number of the asking player.
    pub player: u32,
    /// As in [`WaveC2s`].
    pub kind: u8,
}

/// Follows a player, through portals too, or stops.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct FollowC2s {
    /// Player to follow; `None` to stop.
    pub player: Option<u32>,
}

/// A player follows the receiver, or stops.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct FollowedS2c {
    /// Number of the following player.
    pub player: u32,
    /// Whether they follow.
    pub on: bool,
}

/// Blocks or unblocks a user for the sender, in every space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct BlockC2s {
    /// Id of the user.
    pub user: String,
    /// Whether they are blocked.
    pub blocked: bool,
}
