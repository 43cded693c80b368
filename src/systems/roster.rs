//! Roster: which players are in the space, by number and by user, and their entities.

use std::collections::BTreeMap;

use bevy_ecs::prelude::*;

use super::SpaceBuilder;
use crate::components::id::{PlayerId, UserId};

/// All players in the space, by number and by user.
#[derive(Debug, Clone, Resource)]
pub struct Roster {
    pub(super) players: BTreeMap<PlayerId, Entity>,
    pub(super) users: BTreeMap<UserId, PlayerId>,
    /// Number of the next new player.
    pub next: PlayerId,
}

/// Adds an empty roster.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(Roster {
        players: BTreeMap::new(),
        users: BTreeMap::new(),
        next: PlayerId(1),
    });
}

impl Roster {
    /// Number of players, including disconnected ones.
    pub fn people(&self) -> usize {
        self.players.len()
    }

    /// Entity of a player.
    pub fn entity(&self, player: PlayerId) -> Option<Entity> {
        self.players.get(&player).copied()
    }

    /// All entities, in ascending order of players.
    pub fn entities(&self) -> impl Iterator<Item = Entity> {
        self.players.values().copied()
    }
}

/// Entity of a player who is here.
pub(super) fn entity(world: &World, player: PlayerId) -> Option<Entity> {
    world.resource::<Roster>().entity(player)
}

/// Player of a user who is here.
pub(super) fn player_of_user(world: &World, user: UserId) -> Option<PlayerId> {
    world.resource::<Roster>().users.get(&user).copied()
}

/// Entity of a user who is here.
pub(super) fn entity_of_user(world: &World, user: UserId) -> Option<Entity> {
    entity(world, player_of_user(world, user)?)
}
