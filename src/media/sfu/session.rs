//! Session: the SFU's copy of which players may hear and see each other in one space, and the
//! streams that follow from that.
//!
//! Pure: snapshots and ticks go in, streams for each player come out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::id::PlayerId;
use crate::components::peers::{MediaRoute, Peer, ProximityFact};
use crate::components::status::Media;

/// A kind of stream that a player sends, in the order of the tracks in a client's offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stream {
    /// Voice.
    Microphone,
    /// Camera video.
    Camera,
    /// Screen video.
    Screen,
    /// Sound of the shared screen.
    ScreenSound,
}

impl Stream {
    /// All kinds, in order.
    pub const ALL: [Self; 4] = [
        Self::Microphone,
        Self::Camera,
        Self::Screen,
        Self::ScreenSound,
    ];

    /// Whether it is video.
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Camera | Self::Screen)
    }
}

/// A stream of one player.
pub type Source = (PlayerId, Stream);

/// The copy of one space's media state.
#[derive(Debug, Default)]
pub struct SfuSession {
    peers: BTreeMap<PlayerId, Vec<Peer>>,
    media: BTreeMap<PlayerId, Media>,
}

impl SfuSession {
    /// Starts from a snapshot.
    pub fn rebase(&mut self, snapshot: &Snapshot) {
        self.peers = snapshot.peers.iter().cloned().collect();
        self.media = snapshot
            .players
            .iter()
            .map(|(card, ..)| (card.player, card.media))
            .collect();
    }

    /// Applies one tick.
    pub fn apply(&mut self, output: &TickOutput) {
        for card in &output.cards {
            self.media.insert(card.player, card.media);
        }
        for (player, _) in &output.gone {
            self.media.remove(player);
            self.peers.remove(player);
        }
        for fact in &output.facts {
            let Fact::Proximity(ProximityFact::PeersChanged {
                player,
                peers,
                gone,
            }) = fact
            else {
                continue;
            };
            let known = self.peers.entry(*player).or_default();
            known.retain(|peer| !gone.contains(&peer.player));
            for peer in peers {
                match known.binary_search_by_key(&peer.player, |known| known.player) {
                    Ok(at) => known[at] = *peer,
                    Err(at) => known.insert(at, *peer),
                }
            }
            if known.is_empty() {
                self.peers.remove(player);
            }
        }
    }

    /// Whether the player is in the space.
    pub fn has(&self, player: PlayerId) -> bool {
        self.media.contains_key(&player)
    }

    /// Whether the player's call goes through the SFU.
    pub fn is_forwarded(&self, player: PlayerId) -> bool {
        self.of(player)
            .iter()
            .any(|peer| peer.route == MediaRoute::Forwarded)
    }

    /// All players whose call goes through the SFU.
    pub fn forwarded(&self) -> impl Iterator<Item = PlayerId> {
        self.peers
            .keys()
            .copied()
            .filter(|player| self.is_forwarded(*player))
    }

    /// The streams that a player may receive, whether their route is the mesh or the SFU at the
    /// moment: nothing is lost while the route changes. Muted microphones are included, so that the
    /// first word is heard.
    pub fn streams_for(&self, player: PlayerId) -> impl Iterator<Item = Source> {
        self.of(player).iter().flat_map(move |peer| {
            let media = self.media.get(&peer.player).copied().unwrap_or_default();
            Stream::ALL.into_iter().filter_map(move |stream| {
                let gets = match stream {
                    Stream::Microphone => peer.hear,
                    Stream::Camera => peer.see && media.video,
                    Stream::Screen => peer.see && media.screen,
                    Stream::ScreenSound => peer.hear && peer.see && media.screen,
                };
                gets.then_some((peer.player, stream))
            })
        })
    }

    fn of(&self, player: PlayerId) -> &[Peer] {
        self.peers.get(&player).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::peers::ProximityReason;

    const ADA: PlayerId = PlayerId(1);
    const BO: PlayerId = PlayerId(2);

    fn peer(player: PlayerId, hear: bool, see: bool, route: MediaRoute) -> Peer {
        Peer {
            player,
            hear,
            heard: true,
            see,
            seen: true,
            gain: 255,
            why: ProximityReason::Field,
            route,
        }
    }

    fn session(peer: Peer, media: Media) -> SfuSession {
        let mut session = SfuSession::default();
        session.media.insert(BO, media);
        session.apply(&TickOutput {
            facts: vec![Fact::Proximity(ProximityFact::PeersChanged {
                player: ADA,
                peers: vec![peer],
                gone: vec![],
            })],
            ..TickOutput::default()
        });
        session
    }

    const EVERYTHING: Media = Media {
        audio: true,
        video: true,
        screen: true,
    };

    #[test]
    fn a_player_who_may_hear_and_see_gets_every_stream() {
        let session = session(peer(BO, true, true, MediaRoute::Forwarded), EVERYTHING);
        let streams: Vec<_> = session.streams_for(ADA).collect();
        assert_eq!(streams, Stream::ALL.map(|stream| (BO, stream)));
        assert_eq!(session.forwarded().collect::<Vec<_>>(), [ADA]);
        assert_eq!(
            session.streams_for(BO).count(),
            0,
            "nothing is forwarded to a player without peers"
        );
    }

    #[test]
    fn a_player_who_only_hears_gets_no_video_and_one_without_rights_gets_nothing() {
        let hears = session(peer(BO, true, false, MediaRoute::Mesh), EVERYTHING);
        assert_eq!(
            hears.streams_for(ADA).collect::<Vec<_>>(),
            [(BO, Stream::Microphone)]
        );
        assert_eq!(hears.forwarded().count(), 0);
        let performs = session(peer(BO, false, false, MediaRoute::Forwarded), EVERYTHING);
        assert_eq!(performs.streams_for(ADA).count(), 0);
    }

    #[test]
    fn a_player_who_leaves_is_no_longer_forwarded() {
        let mut session = session(peer(BO, true, true, MediaRoute::Forwarded), EVERYTHING);
        session.apply(&TickOutput {
            facts: vec![Fact::Proximity(ProximityFact::PeersChanged {
                player: ADA,
                peers: vec![],
                gone: vec![BO],
            })],
            ..TickOutput::default()
        });
        assert_eq!(session.streams_for(ADA).count(), 0);
        assert!(!session.is_forwarded(ADA));
    }
}
