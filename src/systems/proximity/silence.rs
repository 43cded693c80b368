//! Silence: players that moderators muted in calls. Others neither hear nor see them, whatever
//! connects them.

use bevy_ecs::prelude::*;

use super::Proximity;
use super::slot::PersonSlot;
use crate::components::id::UserId;
use crate::components::peers::{Peer, Silence};

impl Proximity {
    /// Whether others may not hear a player.
    pub(super) fn is_muted(&self, slot: PersonSlot) -> bool {
        self.silence_of(Some(slot)).voice
    }

    /// Takes what muted players send from the connections of a player, in both directions.
    pub(super) fn silence(&self, slot: PersonSlot, peers: &mut [Peer]) {
        if self.silenced.is_empty() {
            return;
        }
        let own = self.silence_of(Some(slot));
        for peer in peers {
            let theirs = self.silence_of(self.people.slot_of(peer.player));
            peer.heard &= !own.voice;
            peer.seen &= !own.video;
            peer.hear &= !theirs.voice;
            peer.see &= !theirs.video;
        }
    }

    fn silence_of(&self, slot: Option<PersonSlot>) -> Silence {
        let person = slot.and_then(|slot| self.people.get(slot));
        let silence = person.and_then(|person| self.silenced.get(&person.user));
        silence.copied().unwrap_or_default()
    }
}

/// Replaces who is muted.
pub(super) fn set(world: &mut World, silenced: Vec<(UserId, Silence)>) {
    let mut proximity = world.resource_mut::<Proximity>();
    let silenced = silenced.into_iter().collect();
    if proximity.silenced != silenced {
        proximity.silenced = silenced;
        proximity.mark_all_dirty();
    }
}
