//! Following: which player follows which. The follower's client does the walking. The server tells
//! the leader, and takes followers along through portals.

use std::collections::BTreeMap;

use bevy_ecs::prelude::*;

use super::{SpaceBuilder, blocked, deny, roster, tell};
use crate::components::denial::Denial;
use crate::components::fact::Fact;
use crate::components::follow::Followed;
use crate::components::id::PlayerId;

/// Leader of each follower.
#[derive(Debug, Clone, Default, Resource)]
pub struct Following(BTreeMap<PlayerId, PlayerId>);

/// Adds the empty table of followers.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(Following::default());
}

impl Following {
    /// Appends to the list all followers of the players on it, and their followers, each with their
    /// leader's action.
    pub fn add_followers<Action: Copy>(&self, leaders: &mut Vec<(PlayerId, Action)>) {
        let mut next = 0;
        while let Some(&(leader, action)) = leaders.get(next) {
            next += 1;
            for (follower, _) in self.0.iter().filter(|(_, followed)| **followed == leader) {
                if leaders.iter().all(|(other, _)| other != follower) {
                    leaders.push((*follower, action));
                }
            }
        }
    }
}

/// Sets or clears the leader of a player. A player cannot follow another when one of them blocks
/// the other.
pub(super) fn follow(world: &mut World, player: PlayerId, leader: Option<PlayerId>) {
    let is_here = |other: PlayerId| other != player && roster::entity(world, other).is_some();
    let leader =
        leader.filter(|leader| is_here(*leader) && roster::entity(world, player).is_some());
    let is_refused = leader.is_some_and(|leader| blocked::is_blocked_pair(world, player, leader));
    if is_refused {
        deny(world, player, Denial::NoFollow);
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
    for (leader, on) in [(before, false), (leader, true)] {
        if let Some(leader) = leader {
            tell(world, Fact::Follow(Followed { player, leader, on }));
        }
    }
}

/// Ends following between two players after one blocked the other.
pub(super) fn stop_pair(world: &mut World, a: PlayerId, b: PlayerId) {
    for (player, leader) in [(a, b), (b, a)] {
        if world.resource::<Following>().0.get(&player) == Some(&leader) {
            // This repeats the request, which is refused now.
            follow(world, player, Some(leader));
        }
    }
}

/// Removes a player who left.
pub(super) fn forget(world: &mut World, player: PlayerId) {
    follow(world, player, None);
    world
        .resource_mut::<Following>()
        .0
        .retain(|_, leader| *leader != player);
}
