//! Blocks: users who block each other. After a block in either direction neither hears nor sees the
//! other.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;

use super::Proximity;
use crate::components::block::BlockChange;
use crate::components::fact::Fact;
use crate::components::id::{PlayerId, UserId};
use crate::components::unit::Tick;
use crate::systems::blocked::Blocked;
use crate::systems::roster::{self, player_of_user};
use crate::systems::{Outbox, following, walking};

impl Proximity {
    /// Whether one of two users blocks the other.
    pub(super) fn is_blocked_pair(&self, a: UserId, b: UserId) -> bool {
        let keeps = |one: UserId, other: &UserId| {
            self.blocks
                .get(&one)
                .is_some_and(|blocked_users| blocked_users.contains(other))
        };
        keeps(a, &b) || keeps(b, &a)
    }

    /// Updates the pairs that the field must not connect.
    pub(super) fn update_blocked_pairs(&mut self) {
        if self.blocks.is_empty() {
            self.field.blocked_pairs.clear();
            return;
        }
        let players: BTreeMap<UserId, PlayerId> = self
            .people
            .iter()
            .map(|(_, one)| (one.user, one.player))
            .collect();
        let pairs = self
            .blocks
            .iter()
            .flat_map(|(user, blocked_users)| blocked_users.iter().map(move |other| (user, other)));
        self.field.blocked_pairs = pairs
            .filter_map(|(user, other)| {
                let (a, b) = (*players.get(user)?, *players.get(other)?);
                Some((a.min(b), a.max(b)))
            })
            .collect();
    }

    fn block(&mut self, user: UserId, other: UserId, blocked: bool, now: Tick) {
        let blocked_users = self.blocks.entry(user).or_default();
        if blocked {
            blocked_users.insert(other);
        } else {
            blocked_users.remove(&other);
        }
        if blocked_users.is_empty() {
            self.blocks.remove(&user);
        }
        self.update_blocked_pairs();
        let both = [user, other].map(|user| self.people.slot_of_user(user));
        if let [Some(a), Some(b)] = both {
            if blocked {
                self.field.cut(a, b);
            } else {
                self.field.keep_active(a, now.0);
            }
            self.dirty.extend([a, b]);
        }
    }
}

/// A user blocks or unblocks another.
pub fn block(world: &mut World, change: BlockChange) {
    let BlockChange {
        user,
        other,
        blocked,
    } = change;
    let now = *world.resource::<Tick>();
    let Some(entity) = roster::entity_of_user(world, user) else {
        return;
    };
    if let Some(mut blocked_users) = world.get_mut::<Blocked>(entity) {
        if blocked {
            blocked_users.0.insert(other);
        } else {
            blocked_users.0.remove(&other);
        }
    }
    world
        .resource_mut::<Proximity>()
        .block(user, other, blocked, now);
    world
        .resource_mut::<Outbox>()
        .0
        .facts
        .push(Fact::Block(change));
    if blocked
        && let (Some(user), Some(other)) =
            (player_of_user(world, user), player_of_user(world, other))
    {
        walking::stop_following(world, other, user);
        following::stop_pair(world, user, other);
    }
}

/// Replaces the blocks of a user who joined again by this list.
pub fn block_only(world: &mut World, user: UserId, others: Vec<UserId>) {
    let Some(blocked_users) =
        roster::entity_of_user(world, user).and_then(|entity| world.get::<Blocked>(entity))
    else {
        return;
    };
    let others: BTreeSet<UserId> = others.into_iter().collect();
    let changed: Vec<UserId> = blocked_users
        .0
        .symmetric_difference(&others)
        .copied()
        .collect();
    for other in changed {
        let change = BlockChange {
            user,
            other,
            blocked: others.contains(&other),
        };
        block(world, change);
    }
}
