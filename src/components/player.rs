//! Players: how a player appears to others, and how a player stands and moves.

use bevy_ecs::prelude::Component;
use bincode::{Decode, Encode};

use super::direction::{Direction, Facing};
use super::id::{AvatarId, PlayerId, UserId};
use super::status::{Media, Status};
use super::unit::{Position, Tile};

/// Public data of a player, sent to all others.
#[derive(Debug, Clone, PartialEq, Eq, Component, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Card {
    /// Number in this space. A player who returns after their place was given up has another.
    pub player: PlayerId,
    /// The account: the same in every space, and after the player returns under another number.
    pub user: UserId,
    /// Name shown over the head.
    pub name: String,
    /// Picture of the player; clients draw a default figure for `None`.
    pub avatar: Option<Avatar>,
    /// What the player chose to be, such as busy or away.
    pub status: Status,
    /// Media that the player sends to their peers.
    pub media: Media,
}

/// A chosen avatar.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Avatar {
    /// Id in the database.
    pub id: AvatarId,
    /// URL of its image.
    pub image_url: String,
}

/// Remainder of movement below one sub-tile, per axis, in 1/(64 × tick rate) tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Carry {
    /// To the right.
    pub x: i8,
    /// Down.
    pub y: i8,
}

/// Physical state of a player: everything that movement reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Component)]
pub struct Body {
    /// Middle of the body.
    pub position: Position,
    /// Movement that did not fill a sub-tile yet.
    pub carry: Carry,
    /// Direction that the player faces.
    pub facing: Facing,
}

impl Body {
    /// A body at rest at this position, facing the viewer.
    pub fn at(position: Position) -> Self {
        Self {
            position,
            carry: Carry::default(),
            facing: Facing::default(),
        }
    }
}

/// One step of a held direction, as the client sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct HeldStep {
    /// The client's number of the step.
    pub seq: u32,
    /// Direction of the step.
    pub direction: Direction,
    /// Whether the player runs.
    pub run: bool,
}

/// Exact state of a player. The client continues its prediction from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct OwnState {
    /// Player it belongs to.
    pub player: PlayerId,
    /// Highest input number that was applied.
    pub ack: u32,
    /// Middle of the body.
    pub position: Position,
    /// Movement that did not fill a sub-tile yet.
    pub carry: Carry,
    /// Direction that the player faces.
    pub facing: Facing,
    /// Whether the server walks the player along a path.
    pub walking: bool,
}

/// Goal of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum Goal {
    /// To a tile.
    Tile(Tile),
    /// Next to a player, who may move during the walk.
    Player(PlayerId),
}

/// Reference to a player, as clients of either protocol name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum PlayerRef {
    /// By the player's number in the space.
    Player(PlayerId),
    /// By the user.
    User(UserId),
}
