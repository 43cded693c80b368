//! Peers: the connections of each player, put together from the field, private zones, bubbles,
//! asides and stages.

use std::collections::BTreeMap;
use std::mem;

use bevy_ecs::prelude::*;

use super::Proximity;
use super::people::Participation;
use super::slot::PersonSlot;
use crate::components::fact::Fact;
use crate::components::id::PlayerId;
use crate::components::peers::{MediaRoute, Peer, ProximityFact, ProximityReason};
use crate::systems::Outbox;

/// Volume between an aside and players outside of it: 0.15 of 255.
const ASIDE_GAIN: u8 = 38;

/// Peers of all players, as of the last tick.
#[derive(Debug, Clone, Default, Resource)]
pub struct Peers {
    /// Players with peers. Both are in ascending order.
    by_player: BTreeMap<PlayerId, Vec<Peer>>,
    /// Players who would hear those that moderators muted.
    near_muted: BTreeMap<PlayerId, Vec<PlayerId>>,
}

impl Peers {
    /// Peers of a player, in ascending order.
    pub fn of(&self, player: PlayerId) -> &[Peer] {
        self.by_player.get(&player).map_or(&[], Vec::as_slice)
    }

    /// Connection of a player to another, if there is one.
    pub fn between(&self, player: PlayerId, other: PlayerId) -> Option<&Peer> {
        let peers = self.of(player);
        let index = peers
            .binary_search_by_key(&other, |peer| peer.player)
            .ok()?;
        peers.get(index)
    }

    /// Players who hear this player, in ascending order; a mute in calls does not count.
    pub fn hearers(&self, player: PlayerId) -> Vec<PlayerId> {
        if let Some(near) = self.near_muted.get(&player) {
            return near.clone();
        }
        let peers = self.of(player).iter();
        peers
            .filter(|peer| peer.heard)
            .map(|peer| peer.player)
            .collect()
    }

    /// Removes a player.
    pub(super) fn forget(&mut self, player: PlayerId) {
        self.by_player.remove(&player);
        self.near_muted.remove(&player);
    }

    /// Players with peers, in ascending order.
    pub fn all(&self) -> Vec<(PlayerId, Vec<Peer>)> {
        let all = self.by_player.iter();
        all.map(|(player, peers)| (*player, peers.clone()))
            .collect()
    }
}

impl Proximity {
    /// Updates the peers of all players whose connections may have changed.
    pub(super) fn publish(&mut self, peers: &mut Peers, outbox: &mut Outbox) {
        let dirty = mem::take(&mut self.dirty);
        let mut changed: Vec<(PlayerId, PersonSlot)> = dirty
            .into_iter()
            .filter_map(|slot| Some((self.people.get(slot)?.player, slot)))
            .collect();
        changed.sort_unstable();
        for (player, slot) in changed {
            let mut after = self.peers_of(slot);
            peers.near_muted.remove(&player);
            if self.is_muted(slot) {
                let near = after.iter().filter(|peer| peer.heard);
                let near = near.map(|peer| peer.player).collect();
                peers.near_muted.insert(player, near);
            }
            self.silence(slot, &mut after);
            let before = peers.by_player.get(&player).map_or(&[][..], Vec::as_slice);
            if let Some(fact) = difference(player, before, &after) {
                outbox.0.facts.push(fact);
                if after.is_empty() {
                    peers.by_player.remove(&player);
                } else {
                    peers.by_player.insert(player, after);
                }
            }
        }
    }

    fn peers_of(&self, slot: PersonSlot) -> Vec<Peer> {
        let mut found: Vec<Peer> = Vec::new();
        let Some(me) = self.people.get(slot) else {
            return found;
        };
        let route = if self.forwarded.contains(&slot) {
            MediaRoute::Forwarded
        } else {
            MediaRoute::Mesh
        };
        let has_blocks = !self.blocks.is_empty();
        let one = |other: PersonSlot| {
            let person = self.people.get(other)?;
            (other != slot && !(has_blocks && self.is_blocked_pair(me.user, person.user)))
                .then_some(person)
        };
        let both = |player: PlayerId, why: ProximityReason, sees: bool| Peer {
            player,
            hear: true,
            heard: true,
            see: sees,
            seen: sees,
            gain: u8::MAX,
            why,
            route,
        };
        match me.participation {
            Participation::Deaf => return found,
            Participation::PrivateZone(zone) => {
                let inside = self.private_zones.get(&zone).into_iter().flatten();
                found.extend(inside.filter_map(|other| {
                    Some(both(
                        one(*other)?.player,
                        ProximityReason::PrivateZone,
                        true,
                    ))
                }));
            }
            Participation::Bubble(_) => {
                found.extend(self.bubble_members(slot, me).filter_map(|other| {
                    let player = one(other)?.player;
                    Some(both(player, ProximityReason::Bubble, true))
                }));
            }
            Participation::Open => {
                let near = self.field.connected(slot).filter_map(|(other, sees)| {
                    let person = one(other)?;
                    let gain = match (me.bubble, person.bubble) {
                        (None, None) => u8::MAX,
                        (mine, theirs) if mine == theirs => return None,
                        _ => ASIDE_GAIN,
                    };
                    Some(Peer {
                        gain,
                        ..both(person.player, ProximityReason::Field, sees)
                    })
                });
                found.extend(near);
                let aside = self.bubble_members(slot, me);
                found.extend(aside.filter_map(|other| {
                    Some(both(one(other)?.player, ProximityReason::Bubble, true))
                }));
            }
        }
        found.sort_unstable_by_key(|peer| peer.player);
        if me.participation == Participation::Open && !self.stages.is_empty() {
            self.add_stages(slot, me, route, one, &mut found);
        }
        found
    }
}

/// Fact with the changed peers of a player, if any changed.
fn difference(player: PlayerId, before: &[Peer], after: &[Peer]) -> Option<Fact> {
    if before == after {
        return None;
    }
    let known = |peer: &&Peer| {
        let at = before.binary_search_by_key(&peer.player, |other| other.player);
        at.is_ok_and(|at| before.get(at) == Some(*peer))
    };
    let is_gone = |peer: &&Peer| {
        after
            .binary_search_by_key(&peer.player, |other| other.player)
            .is_err()
    };
    Some(Fact::Proximity(ProximityFact::PeersChanged {
        player,
        peers: after.iter().filter(|peer| !known(peer)).copied().collect(),
        gone: before
            .iter()
            .filter(is_gone)
            .map(|peer| peer.player)
            .collect(),
    }))
}
