//! Blocks: who keeps whom away. Neither hears or sees the other, whoever of them wished it.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;

use super::{Blocked, Proximity};
use crate::components::fact::Fact;
use crate::components::id::{PlayerId, UserId};
use crate::components::player::Card;
use crate::components::unit::Tick;
use crate::systems::presence::{self, player_of_user};
use crate::systems::{Outbox, following, walking};

impl Proximity {
    /// Whether one of them keeps the other away.
    pub(super) fn is_apart(&self, a: UserId, b: UserId) -> bool {
        let keeps = |one: UserId, other: &UserId| {
            self.blocks
                .get(&one)
                .is_some_and(|kept| kept.contains(other))
        };
        keeps(a, &b) || keeps(b, &a)
    }

    /// Tells the field who must not be connected.
    pub(super) fn keep_apart(&mut self) {
        if self.blocks.is_empty() {
            self.field.kept_apart.clear();
            return;
        }
        let players: BTreeMap<UserId, PlayerId> = self
            .people
            .iter()
            .flatten()
            .map(|one| (one.user, one.player))
            .collect();
        let pairs = self
            .blocks
            .iter()
            .flat_map(|(user, kept)| kept.iter().map(move |other| (user, other)));
        self.field.kept_apart = pairs
            .filter_map(|(user, other)| {
                let (a, b) = (*players.get(user)?, *players.get(other)?);
                Some((a.min(b), a.max(b)))
            })
            .collect();
    }

    fn block(&mut self, user: UserId, other: UserId, blocked: bool, now: Tick) {
        let kept = self.blocks.entry(user).or_default();
        if blocked {
            kept.insert(other);
        } else {
            kept.remove(&other);
        }
        if kept.is_empty() {
            self.blocks.remove(&user);
        }
        self.keep_apart();
        let slot_of = |user: UserId| {
            let mut people = self.people.iter().zip(0..);
            people.find_map(|(one, slot)| one.as_ref().filter(|one| one.user == user).map(|_| slot))
        };
        if let (Some(a), Some(b)) = (slot_of(user), slot_of(other)) {
            if blocked {
                self.field.cut(a, b);
            } else {
                self.field.rouse(a, now.0);
            }
            self.dirty.extend([a, b]);
        }
    }
}

/// A user keeps another away from them, or no longer.
pub fn block(world: &mut World, user: UserId, other: UserId, blocked: bool) {
    let now = *world.resource::<Tick>();
    let Some(entity) = presence::entity_of_user(world, user) else {
        return;
    };
    if let Some(mut kept) = world.get_mut::<Blocked>(entity) {
        if blocked {
            kept.0.insert(other);
        } else {
            kept.0.remove(&other);
        }
    }
    world
        .resource_mut::<Proximity>()
        .block(user, other, blocked, now);
    let fact = Fact::Blocked {
        user,
        other,
        blocked,
    };
    world.resource_mut::<Outbox>().0.facts.push(fact);
    if blocked
        && let (Some(user), Some(other)) =
            (player_of_user(world, user), player_of_user(world, other))
    {
        walking::stop_following(world, other, user);
        following::keep_apart(world, user, other);
    }
}

/// A user came again: these they keep away from them, and nobody else.
pub fn block_only(world: &mut World, user: UserId, others: Vec<UserId>) {
    let Some(kept) =
        presence::entity_of_user(world, user).and_then(|entity| world.get::<Blocked>(entity))
    else {
        return;
    };
    let others: BTreeSet<UserId> = others.into_iter().collect();
    let changed: Vec<UserId> = kept.0.symmetric_difference(&others).copied().collect();
    for other in changed {
        block(world, user, other, others.contains(&other));
    }
}

/// Whether one of two players keeps the other away.
pub fn is_apart(world: &World, a: PlayerId, b: PlayerId) -> bool {
    keeps_away(world, a, b) || keeps_away(world, b, a)
}

/// Whether a player keeps another away from them.
pub fn keeps_away(world: &World, player: PlayerId, other: PlayerId) -> bool {
    let entity = |player| presence::entity(world, player);
    let kept = entity(player).and_then(|entity| world.get::<Blocked>(entity));
    let other = entity(other).and_then(|entity| world.get::<Card>(entity));
    kept.zip(other)
        .is_some_and(|(kept, other)| kept.0.contains(&other.user))
}
