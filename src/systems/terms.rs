//! Terms: whether a new player may join those who are here. The space checks it, because others
//! join at the same time.

use bevy_ecs::prelude::*;

use super::roster::Roster;
use super::tell;
use crate::components::fact::Fact;
use crate::components::id::{RelayId, UserId};
use crate::components::presence::{JoinTerms, PresenceFact};

/// Whether a user may join; otherwise the relay is told why not.
pub(super) fn accept(world: &mut World, user: UserId, relay: RelayId, terms: JoinTerms) -> bool {
    let roster = world.resource::<Roster>();
    let is_here = roster.users.contains_key(&user);
    let Some(why) = terms.refusal(roster.players.len()).filter(|_| !is_here) else {
        return true;
    };
    let refused = Fact::Presence(PresenceFact::Refused { user, relay, why });
    tell(world, refused);
    false
}
