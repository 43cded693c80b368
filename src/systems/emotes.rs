//! Emotes: signs over the head of a player.

use bevy_ecs::prelude::*;

use super::{roster, tell};
use crate::components::emote::Emote;
use crate::components::fact::Fact;

/// Shows an emote.
pub(super) fn apply(world: &mut World, emote: Emote) {
    if emote.is_known() && roster::entity(world, emote.player).is_some() {
        tell(world, Fact::Emote(emote));
    }
}
