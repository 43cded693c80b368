//! Following: who goes after whom. The follower's client walks; what is known here lets the one who
//! is followed see it, and takes followers along through portals.

use std::collections::BTreeMap;

use bevy_ecs::prelude::*;

use super::{Outbox, SpaceBuilder, presence, proximity, zones};
use crate::components::fact::{Denial, Fact};
use crate::components::id::PlayerId;

/// The leader of each follower.
#[derive(Debug, Clone, Default, Resource)]
pub struct Following(BTreeMap<PlayerId, PlayerId>);

/// Adds that no player follows another.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(Following::default());
}

impl Following {
    /// Adds those who follow a player on the list, and those who follow them, each with what their
    /// leader does.
    pub fn add_followers<Deed: Copy>(&self, leaders: &mut Vec<(PlayerId, Deed)>) {
        let mut next = 0;
        while let Some(&(leader, deed)) = leaders.get(next) {
            next += 1;
            for (follower, _) in self.0.iter().filter(|(_, whom)| **whom == leader) {
                if leaders.iter().all(|(other, _)| other != follower) {
                    leaders.push((*follower, deed));
                }
            }
        }
    }
}

/// From now on a player follows another, or no one. No one follows a player whom a block keeps away
/// from them.
pub(super) fn follow(world: &mut World, player: PlayerId, leader: Option<PlayerId>) {
    let is_here = |other: PlayerId| other != player && presence::entity(world, other).is_some();
    let leader =
        leader.filter(|leader| is_here(*leader) && presence::entity(world, player).is_some());
    let is_refused = leader.is_some_and(|leader| proximity::is_apart(world, player, leader));
    if is_refused {
        zones::deny(world, player, Denial::NoFollow);
    }
    let leader = leader.filter(|_| !is_refused);
    let following = &mut world.resource_mut::<Following>().0;
    let before = match leader {
        Some(leader) => following.insert(player, leader),
        None => following.remove(&player),
    };
    if before == leader {
        return;
    }
    let facts = &mut world.resource_mut::<Outbox>().0.facts;
    for (leader, on) in [(before, false), (leader, true)] {
        facts.extend(leader.map(|leader| Fact::Followed { player, leader, on }));
    }
}

/// One of two players keeps the other away from now on: neither follows the other any more.
pub(super) fn keep_apart(world: &mut World, a: PlayerId, b: PlayerId) {
    for (player, leader) in [(a, b), (b, a)] {
        if world.resource::<Following>().0.get(&player) == Some(&leader) {
            // Asked for again, it is refused now.
            follow(world, player, Some(leader));
        }
    }
}

/// A player is no longer here.
pub(super) fn forget(world: &mut World, player: PlayerId) {
    follow(world, player, None);
    world
        .resource_mut::<Following>()
        .0
        .retain(|_, leader| *leader != player);
}
