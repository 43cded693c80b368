//! Stages: who is heard from one, and who hears them.

use std::collections::BTreeMap;

use super::{Proximity, ProximityPlayer};
use crate::components::id::PlayerId;
use crate::components::peers::{MediaRoute, Peer, ProximityReason};

/// People on one stage who are heard, those first who came first.
const MOST_ON_STAGE: usize = 12;

/// How loud a stage is, of 255.
const STAGE_GAIN: u8 = 191;

impl Proximity {
    pub(super) fn go_on_stage(&mut self, slot: u32, before: u64, after: u64) {
        for stage in bits(before & !after) {
            if let Some(standing) = self.stages.get_mut(&stage) {
                standing.retain(|other| *other != slot);
            }
        }
        for stage in bits(after & !before) {
            self.stages.entry(stage).or_default().push(slot);
        }
        self.soil_stages(before ^ after, true);
        self.dirty.insert(slot);
    }

    /// What these stages do to their performers changed, and to their audiences too.
    pub(super) fn soil_stages(&mut self, stages: u64, with_audience: bool) {
        for stage in bits(stages) {
            let standing = self.stages.get(&stage).map_or(&[][..], Vec::as_slice);
            self.dirty.extend(standing.iter().copied());
        }
        if with_audience {
            let everybody = self
                .people
                .iter()
                .zip(0..)
                .filter_map(|(person, slot)| Some((person.as_ref()?, slot)));
            let audience = everybody.filter(|(person, _)| person.listens() & stages != 0);
            self.dirty.extend(audience.map(|(_, slot)| slot));
        }
    }

    /// Those who are heard from a stage.
    pub(super) fn performers(&self, stage: u8) -> &[u32] {
        let standing = self.stages.get(&stage).map_or(&[][..], Vec::as_slice);
        &standing[..standing.len().min(MOST_ON_STAGE)]
    }

    /// Those whom somebody hears from stages, and those who hear them from one.
    pub(super) fn add_stages<'a>(
        &'a self,
        slot: u32,
        me: &ProximityPlayer,
        route: MediaRoute,
        one: impl Fn(u32) -> Option<&'a ProximityPlayer>,
        found: &mut Vec<Peer>,
    ) {
        let mut heard: BTreeMap<PlayerId, (bool, bool)> = BTreeMap::new();
        for stage in bits(me.listens()) {
            for person in self
                .performers(stage)
                .iter()
                .filter_map(|other| one(*other))
            {
                heard.entry(person.player).or_default().0 = true;
            }
        }
        for stage in bits(me.stages()) {
            if self.performers(stage).contains(&slot) {
                let everybody = (0..self.people.len() as u32).filter_map(&one);
                for person in everybody.filter(|person| person.listens() & 1 << stage != 0) {
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
            // Those of an aside hear each other louder than from any stage.
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
