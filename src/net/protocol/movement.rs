//! Movement: inputs, and the exact state of the client's own player.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

use crate::components::player::OwnState;

/// Messages from a client about walking. Steps are `Input`, which is shorter.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum MovementC2s {
    /// Walks to a tile.
    WalkTo(WalkToC2s),
    /// Walks to another player.
    WalkToPlayer(WalkToPlayerC2s),
    /// Moves the sender to the arrival point.
    Home,
}

/// One simulation step in a held direction.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct InputC2s {
    /// Number that rises by one with every input and walk.
    pub seq: u32,
    /// 0 for none, then 1 to 8 clockwise from up.
    pub direction: u8,
    /// Whether the player runs.
    pub run: bool,
}

/// Walks to a tile with the server's path finding.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct WalkToC2s {
    /// As in [`InputC2s`].
    pub seq: u32,
    /// Column of the tile.
    pub x: u16,
    /// Row of the tile.
    pub y: u16,
}

/// Walks to another player.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct WalkToPlayerC2s {
    /// As in [`InputC2s`].
    pub seq: u32,
    /// Player to walk to.
    pub player: u32,
}

/// Exact state of the client's own player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct OwnStateS2c {
    /// Horizontal position in 1/64 tile.
    pub x: i32,
    /// Vertical position in 1/64 tile.
    pub y: i32,
    /// Horizontal remainder below one sub-tile unit.
    pub carry_x: i8,
    /// Vertical remainder.
    pub carry_y: i8,
    /// 0 down, 1 left, 2 right, 3 up.
    pub facing: u8,
    /// Whether the server walks the player along a path.
    pub walking: bool,
}

impl From<&OwnState> for OwnStateS2c {
    fn from(own: &OwnState) -> Self {
        Self {
            x: own.position.x,
            y: own.position.y,
            carry_x: own.carry.x,
            carry_y: own.carry.y,
            facing: own.facing as u8,
            walking: own.walking,
        }
    }
}

#[cfg(test)]
/// Example of a player between two tiles, with a carry in both directions.
pub(crate) const OWN: OwnStateS2c = OwnStateS2c {
    x: 1_312,
    y: -7,
    carry_x: 6,
    carry_y: -19,
    facing: 3,
    walking: true,
};

#[cfg(test)]
impl InputC2s {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self {
            seq: 70_000,
            direction: 4,
            run: true,
        }]
    }
}

#[cfg(test)]
impl MovementC2s {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::WalkTo(WalkToC2s {
                seq: 250,
                x: 251,
                y: 999,
            }),
            Self::WalkToPlayer(WalkToPlayerC2s {
                seq: 251,
                player: u32::MAX,
            }),
            Self::Home,
        ]
    }
}
