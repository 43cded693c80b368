//! Peers: sends players their peers, and tells clients of the proximity rules.

use super::{ProtocolView, Relay, RelayClient, json_view};
use crate::components::id::PlayerId;
use crate::components::peers::{Peer, ProximityFact, ProximityRules};
use crate::net::protocol::ServerMessage;
use crate::net::protocol::peers::{PeerS2c, PeersS2c};

impl Relay {
    /// Sends the fact to the clients it is for.
    pub(super) fn tell_proximity(&mut self, fact: &ProximityFact) {
        match fact {
            ProximityFact::PeersChanged {
                player,
                peers,
                gone,
            } => {
                self.nearby.change(*player, peers, gone);
                if self.nearby.is_told()
                    && let Some(client) = self.client_of(*player)
                {
                    self.tell_peers(client, false, peers, gone);
                }
            }
            ProximityFact::RulesChanged { rules, has_walls } => {
                self.notify(fact.audience(), "voices", voices(*rules, *has_walls));
            }
        }
    }

    /// Sends a client its peers.
    pub(super) fn tell_peers(
        &self,
        client: &RelayClient,
        full: bool,
        peers: &[Peer],
        gone: &[PlayerId],
    ) {
        match &client.view {
            ProtocolView::Binary(_) => {
                let message = PeersS2c {
                    full,
                    peers: peers
                        .iter()
                        .map(|peer| PeerS2c::of(peer, client.player))
                        .collect(),
                    gone: gone.iter().map(|player| player.0).collect(),
                };
                client.send(&ServerMessage::Peers(message));
            }
            ProtocolView::Json(view) if view.is_told_of_nearby() => {
                let user_of = |player: PlayerId| {
                    let parted = self.nearby.parted(player);
                    self.visible.user_of(player).or(parted)
                };
                let peers: Vec<_> = peers
                    .iter()
                    .filter_map(|peer| Some((user_of(peer.player)?, *peer)))
                    .collect();
                let gone: Vec<_> = gone.iter().filter_map(|player| user_of(*player)).collect();
                client
                    .sink
                    .event(json_view::nearby(client.player, full, &peers, &gone));
            }
            ProtocolView::Json(_) => {}
        }
    }
}

fn voices(rules: ProximityRules, has_walls: bool) -> String {
    let count = |count: u8, what: &str| match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    format!(
        "From now on voices carry {} tiles{}; at most {} and {} at once.",
        rules.range_tiles,
        if has_walls { " and stop at walls" } else { "" },
        count(rules.max_audio, "voice"),
        count(rules.max_video, "picture")
    )
}
