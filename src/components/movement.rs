//! Movement: requests of players to move, and what is refused.

use super::audience::Audience;
use super::id::PlayerId;
use super::player::{Goal, HeldStep};
use super::unit::Tile;
use bincode::{Decode, Encode};

/// Requests to move.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum MovementCommand {
    /// One step of a held direction.
    Step {
        /// The player who steps.
        player: PlayerId,
        /// Step as the client sent it.
        step: HeldStep,
    },
    /// Walk to a goal along a path.
    Walk {
        /// The player who walks.
        player: PlayerId,
        /// The client's number of the request.
        seq: u32,
        /// Goal of the walk.
        goal: Goal,
    },
    /// One tile up, down, left or right, as clients of the JSON protocol move.
    StepTile {
        /// The player who steps.
        player: PlayerId,
        /// Neighbouring tile to step to.
        tile: Tile,
    },
    /// Move the player to the spawn point.
    GoHome {
        /// Player who is moved.
        player: PlayerId,
    },
}

/// Requests to move that were refused.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum MovementFact {
    /// A tile step was refused. Only its player is told.
    StepRejected {
        /// Player whose step was refused.
        player: PlayerId,
        /// Tile where the player is, or to which accepted steps already lead.
        tile: Tile,
    },
    /// No path leads to the goal of a walk. Only that player is told.
    NoPath {
        /// Player who asked to walk.
        player: PlayerId,
    },
}

impl MovementFact {
    /// The players who are told.
    pub const fn audience(&self) -> Audience<'_> {
        match self {
            Self::StepRejected { player, .. } | Self::NoPath { player } => {
                Audience::Player(*player)
            }
        }
    }
}
