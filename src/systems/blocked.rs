//! Blocked: which users the user of a player blocks, as its systems ask for it.

use std::collections::BTreeSet;

use bevy_ecs::prelude::*;
use uuid::Uuid;

use super::SpaceBuilder;
use super::roster::{self, Roster};
use super::saving::{self, SectionError};
use crate::components::id::{PlayerId, UserId};
use crate::components::player::Card;

/// Section of the checkpoint: players who block users, and the ids of those.
pub const SECTION: &str = "blocked";

/// Users blocked by the user of this player.
#[derive(Debug, Clone, PartialEq, Eq, Default, Component)]
pub struct Blocked(pub BTreeSet<UserId>);

/// Saves the blocks. Players must be loaded before.
pub fn plugin(space: &mut SpaceBuilder) {
    space.save(SECTION, 1, save, load);
}

/// Whether one of two players blocks the other.
pub fn is_blocked_pair(world: &World, a: PlayerId, b: PlayerId) -> bool {
    has_blocked(world, a, b) || has_blocked(world, b, a)
}

/// Whether a player blocks another.
pub fn has_blocked(world: &World, player: PlayerId, other: PlayerId) -> bool {
    let entity = |player| roster::entity(world, player);
    let blocked_users = entity(player).and_then(|entity| world.get::<Blocked>(entity));
    let other = entity(other).and_then(|entity| world.get::<Card>(entity));
    blocked_users
        .zip(other)
        .is_some_and(|(blocked_users, other)| blocked_users.0.contains(&other.user))
}

/// The record of version 1.
pub type SavedBlocks = Vec<(u32, Vec<[u8; 16]>)>;

fn save(world: &World) -> Vec<u8> {
    let entities = world.resource::<Roster>().entities();
    let blocks = entities.filter_map(|entity| {
        let player = world.get::<Card>(entity)?.player;
        let users = &world.get::<Blocked>(entity)?.0;
        let users: Vec<_> = users.iter().map(|user| user.0.into_bytes()).collect();
        (!users.is_empty()).then_some((player.0, users))
    });
    saving::write(blocks.collect::<SavedBlocks>())
}

fn load(world: &mut World, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
    let blocks: SavedBlocks = saving::read_first(version, bytes)?;
    for (player, users) in blocks {
        let users = users.into_iter().map(|user| UserId(Uuid::from_bytes(user)));
        if let Some(entity) = roster::entity(world, PlayerId(player)) {
            world.entity_mut(entity).insert(Blocked(users.collect()));
        }
    }
    Ok(())
}
