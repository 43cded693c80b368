//! Nearby: a relay's copy of peers, private zones and bubbles, and the messages to clients about
//! them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{ProtocolView, Relay, RelayClient, json_view};
use crate::components::bubble::BubbleState;
use crate::components::command::Command;
use crate::components::fact::{Denial, Fact, Snapshot};
use crate::components::id::{PlayerId, SpaceId, UserId};
use crate::components::peers::{Peer, ProximityRules};
use crate::components::zone::PrivateZoneState;
use crate::net::codec::encode;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::bubble::{BubbleAskedS2c, BubbleKnockedS2c, BubblesS2c};
use crate::net::protocol::json;
use crate::net::protocol::peers::{PeerS2c, PeersS2c, SfuS2c, SignalS2c};
use crate::net::protocol::session::NoticeS2c;
use crate::net::protocol::status::{FollowedS2c, WavedS2c};
use crate::net::protocol::zone::{AdmittedS2c, KnockedS2c, PortalS2c, ZoneS2c};

/// Ticks after which clients are sent their peers, even if a player who resumes in a new epoch has
/// not appeared yet.
const PATIENCE: u8 = 20;

/// The copy of peers, private zones and bubbles.
#[derive(Default)]
pub(super) struct Nearby {
    peers: BTreeMap<PlayerId, Vec<Peer>>,
    areas: BTreeMap<u16, PrivateZoneState>,
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
        self.areas = snapshot
            .areas
            .iter()
            .map(|area| (area.zone, *area))
            .collect();
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

    fn change(&mut self, player: PlayerId, changed: &[Peer], gone: &[PlayerId]) {
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
            for area in self.nearby.areas.values() {
                client.sink.event(zone(*area));
            }
            client
                .sink
                .event(bubbles(true, self.nearby.bubbles.values()));
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
    }

    pub(super) fn tell_nearby(&mut self, fact: &Fact) -> Option<Command> {
        match fact {
            Fact::PeersChanged {
                player,
                peers,
                gone,
            } => {
                self.nearby.change(*player, peers, gone);
                if self.nearby.owed.is_none()
                    && let Some(client) = self.client_of(*player)
                {
                    self.tell_peers(client, false, peers, gone);
                }
            }
            Fact::Signalled { player, to, body } => self.pass_on(*player, *to, body),
            Fact::SfuReplied { player, body } => {
                self.to_player(
                    *player,
                    &ServerMessage::Forward(SfuS2c { body: body.clone() }),
                );
            }
            Fact::Waved { player, to, kind } => self.to_player(
                *to,
                &ServerMessage::Waved(WavedS2c {
                    player: player.0,
                    kind: *kind as u8,
                }),
            ),
            Fact::ZoneChanged(area) => {
                if area.people == 0 && !area.locked {
                    self.nearby.areas.remove(&area.zone);
                } else {
                    self.nearby.areas.insert(area.zone, *area);
                }
                self.to_binary_clients(&zone(*area));
            }
            Fact::BubbleChanged(state) => {
                if state.players.is_empty() {
                    self.nearby.bubbles.remove(&state.bubble);
                } else {
                    self.nearby.bubbles.insert(state.bubble, state.clone());
                }
                if self.nearby.owed.is_none() {
                    self.to_binary_clients(&bubbles(false, [state]));
                }
            }
            Fact::BubbleAsked {
                player,
                is_aside,
                to,
            } => {
                let message = ServerMessage::BubbleAsked(BubbleAskedS2c {
                    player: player.0,
                    aside: *is_aside,
                });
                for guest in to {
                    self.to_player(*guest, &message);
                }
            }
            Fact::Followed { player, leader, on } => {
                let message = ServerMessage::Followed(FollowedS2c {
                    player: player.0,
                    on: *on,
                });
                self.to_player(*leader, &message);
            }
            Fact::BubbleKnocked { player, to } => {
                let message = ServerMessage::BubbleKnocked(BubbleKnockedS2c { player: player.0 });
                for inside in to {
                    self.to_player(*inside, &message);
                }
            }
            Fact::Knocked { player, zone, to } => {
                let message = ServerMessage::Knocked(KnockedS2c {
                    player: player.0,
                    zone: *zone,
                });
                for inside in to {
                    self.to_player(*inside, &message);
                }
            }
            Fact::Admitted { player, zone } => {
                self.to_player(
                    *player,
                    &ServerMessage::Admitted(AdmittedS2c { zone: *zone }),
                );
            }
            Fact::Stepped {
                player,
                space,
                arrive,
            } => return self.send_through_portal(*player, *space, arrive),
            Fact::ProximityRulesChanged { rules, has_walls } => {
                self.notify("voices", voices(*rules, *has_walls));
            }
            Fact::Denied { player, why } => self.deny(*player, *why),
            _ => {}
        }
        None
    }

    /// Tells a player who stepped onto a portal where it leads; they leave this space. `None` when
    /// their client cannot go there.
    fn send_through_portal(
        &self,
        player: PlayerId,
        space: SpaceId,
        arrive: &str,
    ) -> Option<Command> {
        let client = self.client_of(player)?;
        let tickets = self.tickets.as_ref();
        let arrive = tickets.map_or_else(String::new, |tickets| {
            tickets.issue(client.user, space, arrive)
        });
        match &client.view {
            ProtocolView::Binary(_) => {
                let portal = PortalS2c {
                    space: space.to_string(),
                    arrive,
                };
                let message = ServerMessage::Portal(portal);
                client.sink.event(encode(&message).into());
            }
            ProtocolView::Json(view) if view.is_told_of_nearby() => {
                client.sink.event(json_view::portal(space, &arrive));
            }
            // Without that feature the client could not go there.
            ProtocolView::Json(_) => return None,
        }
        Some(Command::Leave { player })
    }

    fn pass_on(&self, from: PlayerId, to: PlayerId, body: &str) {
        let Some(client) = self.client_of(to) else {
            return;
        };
        match &client.view {
            ProtocolView::Binary(_) => {
                let signal = SignalS2c {
                    player: from.0,
                    body: body.to_owned(),
                };
                client
                    .sink
                    .event(encode(&ServerMessage::Signal(signal)).into());
            }
            ProtocolView::Json(view) if view.is_told_of_nearby() => {
                if let Some(user) = self.visible.user_of(from) {
                    client.sink.event(json_view::signal(user, body));
                }
            }
            ProtocolView::Json(_) => {}
        }
    }

    fn deny(&self, player: PlayerId, why: Denial) {
        let (code, message) = match why {
            Denial::NotConnected => (
                "not-near",
                "You are no longer near enough to talk with them.",
            ),
            Denial::NoUnit => ("no-unit", "This server does not forward calls."),
            Denial::DoNotDisturb => (
                "do-not-disturb",
                "They do not want to be disturbed right now.",
            ),
            Denial::NotHere => ("not-here", "They are no longer here."),
            Denial::NotInside => (
                "not-inside",
                "Only players inside a private zone can do that. Step in first.",
            ),
            Denial::NobodyNear => (
                "nobody-near",
                "You hear no one within two tiles. Walk up to a player first.",
            ),
            Denial::NotInTheOpen => (
                "not-in-the-open",
                "That only works where you hear people by distance, and not from another bubble.",
            ),
            Denial::NotNearBubble => (
                "not-near",
                "Stand within two tiles of a player in the bubble.",
            ),
            Denial::BubbleFull => ("full", "A bubble has at most eight members."),
            Denial::NoFollow => ("no-follow", "You cannot follow them."),
            Denial::HomeTooSoon => (
                "home",
                "You were taken there a moment ago. Wait ten seconds.",
            ),
        };
        let Some(client) = self.client_of(player) else {
            return;
        };
        match &client.view {
            ProtocolView::Binary(_) => {
                let notice = NoticeS2c {
                    code: code.into(),
                    message: message.into(),
                };
                client
                    .sink
                    .event(encode(&ServerMessage::Notice(notice)).into());
            }
            ProtocolView::Json(_) => client.sink.event(json::error(code, message)),
        }
    }

    fn to_player(&self, player: PlayerId, message: &ServerMessage) {
        if let Some(client) = self.client_of(player)
            && let ProtocolView::Binary(_) = client.view
        {
            client.sink.event(encode(message).into());
        }
    }

    fn to_binary_clients(&self, bytes: &Bytes) {
        let clients = self.clients.values();
        let binary = clients.filter(|client| matches!(client.view, ProtocolView::Binary(_)));
        binary.for_each(|client| client.sink.event(bytes.clone()));
    }

    fn tell_peers(&self, client: &RelayClient, full: bool, peers: &[Peer], gone: &[PlayerId]) {
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
                client
                    .sink
                    .event(encode(&ServerMessage::Peers(message)).into());
            }
            ProtocolView::Json(view) if view.is_told_of_nearby() => {
                let user_of = |player: PlayerId| {
                    let parted = self.nearby.parted.get(&player).copied();
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

fn zone(area: PrivateZoneState) -> Bytes {
    let message = ServerMessage::Zone(ZoneS2c {
        zone: area.zone,
        locked: area.locked,
        people: area.people,
        cap: area.cap,
        locked_by: area.locked_by.map(|player| player.0),
    });
    encode(&message).into()
}

fn bubbles<'a>(full: bool, bubbles: impl IntoIterator<Item = &'a BubbleState>) -> Bytes {
    let bubbles = bubbles.into_iter().map(Into::into).collect();
    encode(&ServerMessage::Bubbles(BubblesS2c { full, bubbles })).into()
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
