//! Silence: players that moderators muted in calls. Others neither hear nor see them, by
//! any connection.

use bevy_ecs::prelude::*;

use super::Proximity;
use super::slot::PersonSlot;
use crate::components::id::UserId;
use crate::components::peers::{Peer, Silence};
use crate::components::player::Card;
use crate::systems::publish::PublishedState;

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

    /// The card as others see it: without the signs of what others do not get.
    pub(crate) fn shown(&self, card: &Card) -> Card {
        let mut shown = card.clone();
        let silence = self.silenced.get(&card.user).copied().unwrap_or_default();
        shown.media.audio &= !silence.voice;
        shown.media.video &= !silence.video;
        shown.media.screen &= !silence.video;
        shown
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
    let before = std::mem::replace(&mut proximity.silenced, silenced);
    if before == proximity.silenced {
        return;
    }
    proximity.mark_all_dirty();
    let now = proximity.silenced.clone();
    let mut players = world.query::<(&Card, &mut PublishedState)>();
    for (card, mut published) in players.iter_mut(world) {
        if before.get(&card.user) != now.get(&card.user) {
            published.card = false;
        }
    }
}
