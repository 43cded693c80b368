//! Players: who somebody is to the others, and how they stand and move.

use bevy_ecs::prelude::Component;
use bincode::{Decode, Encode};

use super::direction::{Direction, Facing};
use super::id::{AvatarId, PlayerId, UserId};
use super::status::{Media, Status};
use super::unit::{Position, Tile};

/// What others are told about a player.
#[derive(Debug, Clone, PartialEq, Eq, Component, Encode, Decode)]
pub struct Card {
    /// Their number in this space.
    pub player: PlayerId,
    /// The user behind it.
    pub user: UserId,
    /// The name over the head.
    pub name: String,
    /// What they look like.
    pub avatar: Option<Avatar>,
    /// Whether they want to be spoken to.
    pub status: Status,
    /// What they send to their peers.
    pub media: Media,
}

/// A chosen avatar.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Avatar {
    /// Which one.
    pub id: AvatarId,
    /// Where its picture is.
    pub image_url: String,
}

/// Movement that did not yet fill a whole sub-tile, per axis, in 1/(64 × tick rate) tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Carry {
    /// To the right.
    pub x: i8,
    /// Down.
    pub y: i8,
}

/// How somebody stands, in everything that movement reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Component)]
pub struct Body {
    /// Where the middle is.
    pub position: Position,
    /// What did not fill a sub-tile yet.
    pub carry: Carry,
    /// Where the face looks.
    pub facing: Facing,
}

impl Body {
    /// Somebody at rest there, looking at whoever watches.
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
pub struct HeldStep {
    /// The client's number of it.
    pub seq: u32,
    /// Where to.
    pub direction: Direction,
    /// Whether running.
    pub run: bool,
}

/// Where a player exactly is: what the client needs to go on predicting from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct OwnState {
    /// The player.
    pub player: PlayerId,
    /// The highest input number applied.
    pub ack: u32,
    /// Where the body is.
    pub position: Position,
    /// What did not fill a sub-tile yet.
    pub carry: Carry,
    /// Where the face looks.
    pub facing: Facing,
    /// Whether the server walks the player along a path.
    pub walking: bool,
}

/// Where a walk is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Goal {
    /// To a tile.
    Tile(Tile),
    /// Next to somebody, who may move meanwhile.
    Player(PlayerId),
}
