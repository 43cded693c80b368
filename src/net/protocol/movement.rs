//! Movement: steps and walks asked for, and where the own player exactly is.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

use crate::components::player::OwnState;

/// One simulation step of a held direction.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct InputC2s {
    /// Rises by one with every input and walk.
    pub seq: u32,
    /// 0 none, then clockwise from up.
    pub direction: u8,
    /// Whether running.
    pub run: bool,
}

/// Walk to a tile by the server's path finding.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct WalkToC2s {
    /// As in [`InputC2s`].
    pub seq: u32,
    /// Column.
    pub x: u16,
    /// Row.
    pub y: u16,
}

/// Walk up to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct WalkToPlayerC2s {
    /// As in [`InputC2s`].
    pub seq: u32,
    /// To whom.
    pub player: u32,
}

/// Where the client's own player exactly is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct OwnStateS2c {
    /// In 1/64 tile.
    pub x: i32,
    /// In 1/64 tile.
    pub y: i32,
    /// What did not fill a sub-tile yet, to the right.
    pub carry_x: i8,
    /// And down.
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
