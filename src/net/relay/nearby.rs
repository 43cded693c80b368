//! Nearby: a relay's copy of peers, private zones and bubbles.

use std::collections::{BTreeMap, BTreeSet};

use super::bubble::bubbles;
use super::zone::zone;
use super::{ProtocolView, Relay};
use crate::components::bubble::BubbleState;
use crate::components::fact::Snapshot;
use crate::components::id::{PlayerId, UserId};
use crate::components::peers::Peer;
use crate::components::zone::PrivateZoneState;

/// Ticks after which clients are sent their peers, even if a player who resumes in a new epoch has
/// not appeared yet.
const PATIENCE: u8 = 20;

/// The copy of peers, private zones and bubbles.
#[derive(Default)]
pub(super) struct Nearby {
    peers: BTreeMap<PlayerId, Vec<Peer>>,
    private_zones: BTreeMap<u16, PrivateZoneState>,
    bubbles: BTreeMap<u32, BubbleState>,
    /// Players who left in the current tick: peers are still told their user ids.
    parted: BTreeMap<PlayerId, UserId>,
    /// After a snapshot every client is sent everything, as soon as these players are present.
    owed: Option<(BTreeSet<PlayerId>, u8)>,
}

impl Nearby {
    /// Starts from a snapshot; `missing` are players who resume but are not in it.
    pub(super) fn rebase(&mut self, snapshot: &Snapshot, missing: impl Iterator<Item = PlayerId>) {
        self.peers = snapshot.peers.iter().cloned().collect();
        // Clients keep the state of zones that are empty now until they are sent another one.
        for state in self.private_zones.values_mut() {
            (state.people, state.locked, state.locked_by) = (0, false, None);
        }
        let states = snapshot.private_zones.iter();
        self.private_zones
            .extend(states.map(|state| (state.zone, *state)));
        self.bubbles = snapshot
            .bubbles
            .iter()
            .map(|one| (one.bubble, one.clone()))
            .collect();
        self.owed = Some((missing.collect(), PATIENCE));
    }

    /// Removes players who left.
    pub(super) fn part(&mut self, gone: &[(PlayerId, UserId)]) {
        self.parted = gone.iter().copied().collect();
        for (player, _) in gone {
            self.peers.remove(player);
        }
    }

    fn of(&self, player: PlayerId) -> &[Peer] {
        self.peers.get(&player).map_or(&[], Vec::as_slice)
    }

    /// User of a player who left in the current tick.
    pub(super) fn parted(&self, player: PlayerId) -> Option<UserId> {
        self.parted.get(&player).copied()
    }

    /// Whether clients were sent the complete state, and so are sent changes.
    pub(super) const fn is_told(&self) -> bool {
        self.owed.is_none()
    }

    /// Notes the state of a private zone.
    pub(super) fn change_private_zone(&mut self, state: PrivateZoneState) {
        self.private_zones.insert(state.zone, state);
        // Otherwise clients are still to be sent that a zone is empty.
        if self.is_told() {
            self.forget_empty_zones();
        }
    }

    fn forget_empty_zones(&mut self) {
        self.private_zones
            .retain(|_, state| state.people > 0 || state.locked);
    }

    /// Notes the state of a bubble.
    pub(super) fn change_bubble(&mut self, state: &BubbleState) {
        if state.players.is_empty() {
            self.bubbles.remove(&state.bubble);
        } else {
            self.bubbles.insert(state.bubble, state.clone());
        }
    }

    /// Notes the peers of a player.
    pub(super) fn change(&mut self, player: PlayerId, changed: &[Peer], gone: &[PlayerId]) {
        let peers = self.peers.entry(player).or_default();
        peers.retain(|peer| !gone.contains(&peer.player));
        for peer in changed {
            match peers.binary_search_by_key(&peer.player, |known| known.player) {
                Ok(at) => peers[at] = *peer,
                Err(at) => peers.insert(at, *peer),
            }
        }
        if peers.is_empty() {
            self.peers.remove(&player);
        }
    }
}

impl Relay {
    /// Sends a client that joined the complete state.
    pub(super) fn greet_with_nearby(&self, player: PlayerId) {
        let Some(client) = self.client_of(player) else {
            return;
        };
        if let ProtocolView::Binary(_) = client.view {
            for state in self.nearby.private_zones.values() {
                client.send(&zone(*state));
            }
            client.send(&bubbles(true, self.nearby.bubbles.values()));
        }
        self.tell_peers(client, true, self.nearby.of(player), &[]);
    }

    /// After a snapshot: sends every client the complete state, once the missing players appeared.
    pub(super) fn tell_all_of_nearby(&mut self) {
        let Some((missing, patience)) = &mut self.nearby.owed else {
            return;
        };
        missing.retain(|player| self.visible.card(*player).is_none());
        if !missing.is_empty() && *patience > 0 {
            *patience -= 1;
            return;
        }
        self.nearby.owed = None;
        for client in self.clients.values() {
            self.greet_with_nearby(client.player);
        }
        self.nearby.forget_empty_zones();
    }
}
