//! Follow: players who walk after each other.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

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

#[cfg(test)]
impl FollowC2s {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self { player: Some(300) }, Self { player: None }]
    }
}

#[cfg(test)]
impl FollowedS2c {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self {
            player: 300,
            on: true,
        }]
    }
}
