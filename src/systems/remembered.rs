//! Remembered poses: where users stood when they left.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;
use bincode::{Decode, Encode};
use uuid::Uuid;

use super::SpaceBuilder;
use super::saving::{self, SectionError};
use crate::components::direction::Facing;
use crate::components::id::UserId;
use crate::components::presence::{REMEMBERED, RememberedPose};
use crate::components::unit::{Position, SUBTILES};

/// Section of the checkpoint: poses of users who left, the earliest first, [`SavedPose`].
pub const SECTION: &str = "remembered";
/// Most tiles on one side of a map.
const MAX_SIDE: i32 = 1_000;

/// Poses of users who left, the earliest first.
#[derive(Debug, Clone, Default, Resource)]
pub struct Remembered(pub VecDeque<(UserId, RememberedPose)>);

/// Adds the remembered poses.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(Remembered::default());
    space.save(SECTION, 1, save, load);
}

impl Remembered {
    /// Stores the pose of a user. The oldest makes room.
    pub fn keep(&mut self, user: UserId, pose: RememberedPose) {
        self.0.retain(|(other, _)| *other != user);
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((user, pose));
    }

    pub(super) fn recall(&mut self, user: UserId) -> Option<RememberedPose> {
        let index = self.0.iter().position(|(other, _)| *other == user)?;
        self.0.remove(index).map(|(_, pose)| pose)
    }
}

/// Pose of a user who left, version 1.
#[derive(Debug, Encode, Decode)]
pub struct SavedPose {
    /// The user.
    pub user: [u8; 16],
    /// Position in sub-tiles.
    pub position: (i32, i32),
    /// Number of the facing.
    pub facing: u8,
}

fn save(world: &World) -> Vec<u8> {
    let remembered = world.resource::<Remembered>().0.iter();
    let poses = remembered.map(|(user, pose)| SavedPose {
        user: user.0.into_bytes(),
        position: (pose.position.x, pose.position.y),
        facing: pose.facing as u8,
    });
    saving::write(poses.collect::<Vec<_>>())
}

fn load(world: &mut World, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
    let poses: Vec<SavedPose> = saving::read_first(version, bytes)?;
    if poses.len() > REMEMBERED {
        return Err(SectionError::Senseless("too many poses are remembered"));
    }
    let remembered = poses.into_iter().map(|saved| {
        let user = UserId(Uuid::from_bytes(saved.user));
        Ok((user, pose(saved.position, saved.facing)?))
    });
    world.resource_mut::<Remembered>().0 = remembered.collect::<Result<_, _>>()?;
    Ok(())
}

/// The pose of a record; refused when it is outside of every map.
pub(super) fn pose((x, y): (i32, i32), facing: u8) -> Result<RememberedPose, SectionError> {
    let inside = 0..MAX_SIDE * SUBTILES;
    if !inside.contains(&x) || !inside.contains(&y) {
        return Err(SectionError::Senseless(
            "a player stands outside of every map",
        ));
    }
    let no_facing = SectionError::Senseless("a player has a facing that does not exist");
    Ok(RememberedPose {
        position: Position { x, y },
        facing: Facing::from_wire(facing).ok_or(no_facing)?,
    })
}
