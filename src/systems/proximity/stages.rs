//! Stages: players who are heard from a stage, and the audience who hears them.

use std::collections::BTreeMap;

use super::Proximity;
use super::people::ProximityPlayer;
use super::slot::PersonSlot;
use crate::components::id::PlayerId;
use crate::components::peers::{MediaRoute, Peer, ProximityReason};

/// Most performers on one stage who are heard, in order of arrival.
const MOST_ON_STAGE: usize = 12;

/// Volume of a stage, 0 to 255.
const STAGE_GAIN: u8 = 191;

impl Proximity {
    pub(super) fn go_on_stage(&mut self, slot: PersonSlot, before: u64, after: u64) {
        for stage in bits(before & !after) {
            if let Some(standing) = self.stages.get_mut(&stage) {
                standing.retain(|other| *other != slot);
            }
        }
        for stage in bits(after & !before) {
            self.stages.entry(stage).or_default().push(slot);
        }
        self.mark_stages_dirty(before ^ after, true);
        self.dirty.insert(slot);
    }

    /// Marks the performers of these stages as changed, and optionally their audience.
    pub(super) fn mark_stages_dirty(&mut self, stages: u64, with_audience: bool) {
        for stage in bits(stages) {
            let standing = self.stages.get(&stage).map_or(&[][..], Vec::as_slice);
            self.dirty.extend(standing.iter().copied());
        }
        if with_audience {
            let everyone = self.people.iter();
            let audience = everyone.filter(|(_, person)| person.listens() & stages != 0);
            self.dirty.extend(audience.map(|(slot, _)| slot));
        }
    }

    /// Performers of a stage who are heard.
    pub(super) fn performers(&self, stage: u8) -> impl Iterator<Item = PersonSlot> {
        let standing = self.stages.get(&stage).into_iter().flatten();
        standing.take(MOST_ON_STAGE).copied()
    }

    /// Adds the performers whose stages a player hears, and the audience who hears the player.
    pub(super) fn add_stages<'a>(
        &'a self,
        slot: PersonSlot,
        me: &ProximityPlayer,
        route: MediaRoute,
        one: impl Fn(PersonSlot) -> Option<&'a ProximityPlayer>,
        found: &mut Vec<Peer>,
    ) {
        let mut heard: BTreeMap<PlayerId, (bool, bool)> = BTreeMap::new();
        for stage in bits(me.listens()) {
            for person in self.performers(stage).filter_map(&one) {
                heard.entry(person.player).or_default().0 = true;
            }
        }
        for stage in bits(me.stages()) {
            if self.performers(stage).any(|performer| performer == slot) {
                let everyone = self.people.slots().filter_map(&one);
                for person in everyone.filter(|person| person.listens() & 1 << stage != 0) {
                    heard.entry(person.player).or_default().1 = true;
                }
            }
        }
        let near = std::mem::take(found);
        let mut near = near.into_iter().peekable();
        for (player, (i_hear, hears_me)) in heard {
            while let Some(peer) = near.next_if(|peer| peer.player < player) {
                found.push(peer);
            }
            let mut peer = near.next_if(|peer| peer.player == player).unwrap_or(Peer {
                player,
                hear: false,
                heard: false,
                see: false,
                seen: false,
                gain: 0,
                why: ProximityReason::Stage,
                route,
            });
            // Members of the same aside hear each other louder than a stage.
            if i_hear && peer.why != ProximityReason::Bubble {
                (peer.hear, peer.see, peer.gain, peer.why) =
                    (true, true, STAGE_GAIN, ProximityReason::Stage);
            }
            if hears_me {
                (peer.heard, peer.seen) = (true, true);
            }
            found.push(peer);
        }
        found.extend(near);
    }
}

fn bits(mask: u64) -> impl Iterator<Item = u8> {
    (0..64).filter(move |bit| mask >> bit & 1 == 1)
}
