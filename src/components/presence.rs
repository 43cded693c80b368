//! Presence: whether somebody is really there, and where they stood when they were.

use bevy_ecs::prelude::Component;

use super::direction::Facing;
use super::unit::{Position, Tick};

/// Seconds that a player stays whose connection dropped without a word.
pub const VANISHED_SECONDS: u64 = 30;

/// Users of whom a space remembers where they stood, at most.
pub const REMEMBERED: usize = 4_096;

/// Since when nobody is behind a player, if so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Component)]
pub struct Disconnected(pub Option<Tick>);

/// Where somebody stood when they left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RememberedPose {
    /// Where the middle of the body was.
    pub position: Position,
    /// Where the face looked.
    pub facing: Facing,
}
