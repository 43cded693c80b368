//! Presence: whether a player has a connection, and where players stood when they left.

use bevy_ecs::prelude::Component;

use super::direction::Facing;
use super::unit::{Position, Tick};

/// Seconds that a player stays after the connection was lost without a goodbye.
pub const DISCONNECTED_SECONDS: u64 = 30;

/// Most users whose last pose a space remembers.
pub const REMEMBERED: usize = 4_096;

/// Tick since which a player has no connection; `None` while it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Component)]
pub struct Disconnected(pub Option<Tick>);

/// Pose of a player at the time they left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RememberedPose {
    /// Middle of the body.
    pub position: Position,
    /// Direction that the player faced.
    pub facing: Facing,
}
