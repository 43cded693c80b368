//! Blocked: which users the user of a player blocks, as its systems ask for it.

use std::collections::BTreeSet;

use bevy_ecs::prelude::*;

use super::roster;
use crate::components::id::{PlayerId, UserId};
use crate::components::player::Card;

/// Users blocked by the user of this player.
#[derive(Debug, Clone, PartialEq, Eq, Default, Component)]
pub struct Blocked(pub BTreeSet<UserId>);

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
