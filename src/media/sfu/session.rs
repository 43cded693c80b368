//! Room: the forwarding unit's copy of who may hear and see whom in one space, and what that means
//! for streams.
//!
//! Pure: what the space said goes in, who gets which stream comes out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::id::PlayerId;
use crate::components::peers::{MediaRoute, Peer};
use crate::components::status::Media;

/// What a person sends, in the order in which clients lay it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stream {
    /// Their voice.
    Microphone,
    /// Their picture.
    Camera,
    /// Their screen.
    Screen,
    /// What their screen sounds like.
    ScreenSound,
}

impl Stream {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [
        Self::Microphone,
        Self::Camera,
        Self::Screen,
        Self::ScreenSound,
    ];

    /// Whether it is seen, not heard.
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Camera | Self::Screen)
    }
}

/// Whose stream.
pub type Source = (PlayerId, Stream);

/// The copy.
#[derive(Debug, Default)]
pub struct SfuSession {
    peers: BTreeMap<PlayerId, Vec<Peer>>,
    media: BTreeMap<PlayerId, Media>,
}

impl SfuSession {
    /// Begins anew.
    pub fn rebase(&mut self, picture: &Snapshot) {
        self.peers = picture.peers.iter().cloned().collect();
        self.media = picture
            .players
            .iter()
            .map(|(card, ..)| (card.player, card.media))
            .collect();
    }

    /// Goes on by one tick.
    pub fn apply(&mut self, output: &TickOutput) {
        for card in &output.cards {
            self.media.insert(card.player, card.media);
        }
        for (player, _) in &output.gone {
            self.media.remove(player);
            self.peers.remove(player);
        }
        for fact in &output.facts {
            let Fact::PeersChanged {
                player,
                peers,
                gone,
            } = fact
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

    /// Whether somebody is here.
    pub fn has(&self, player: PlayerId) -> bool {
        self.media.contains_key(&player)
    }

    /// Whether somebody talks through the unit.
    pub fn is_forwarded(&self, player: PlayerId) -> bool {
        self.of(player)
            .iter()
            .any(|peer| peer.route == MediaRoute::Forwarded)
    }

    /// Everybody who talks through the unit.
    pub fn forwarded(&self) -> impl Iterator<Item = PlayerId> {
        self.peers
            .keys()
            .copied()
            .filter(|player| self.is_forwarded(*player))
    }

    /// The streams that somebody may get, whichever way their peers and they talk right now: who
    /// changes over from one way to the other misses nothing. Microphones that are muted count too,
    /// so that the first word is heard.
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

    fn room(peer: Peer, media: Media) -> SfuSession {
        let mut room = SfuSession::default();
        room.media.insert(BO, media);
        room.apply(&TickOutput {
            facts: vec![Fact::PeersChanged {
                player: ADA,
                peers: vec![peer],
                gone: vec![],
            }],
            ..TickOutput::default()
        });
        room
    }

    const EVERYTHING: Media = Media {
        audio: true,
        video: true,
        screen: true,
    };

    #[test]
    fn who_may_hear_and_see_gets_everything_that_is_sent() {
        let room = room(peer(BO, true, true, MediaRoute::Forwarded), EVERYTHING);
        let streams: Vec<_> = room.streams_for(ADA).collect();
        assert_eq!(streams, Stream::ALL.map(|stream| (BO, stream)));
        assert_eq!(room.forwarded().collect::<Vec<_>>(), [ADA]);
        assert_eq!(
            room.streams_for(BO).count(),
            0,
            "nothing is forwarded to whom the space did not connect"
        );
    }

    #[test]
    fn who_only_hears_gets_no_pictures_and_who_may_do_nothing_gets_nothing() {
        let hears = room(peer(BO, true, false, MediaRoute::Mesh), EVERYTHING);
        assert_eq!(
            hears.streams_for(ADA).collect::<Vec<_>>(),
            [(BO, Stream::Microphone)]
        );
        assert_eq!(hears.forwarded().count(), 0);
        let performs = room(peer(BO, false, false, MediaRoute::Forwarded), EVERYTHING);
        assert_eq!(performs.streams_for(ADA).count(), 0);
    }

    #[test]
    fn whoever_leaves_is_no_longer_forwarded() {
        let mut room = room(peer(BO, true, true, MediaRoute::Forwarded), EVERYTHING);
        room.apply(&TickOutput {
            facts: vec![Fact::PeersChanged {
                player: ADA,
                peers: vec![],
                gone: vec![BO],
            }],
            ..TickOutput::default()
        });
        assert_eq!(room.streams_for(ADA).count(), 0);
        assert!(!room.is_forwarded(ADA));
    }
}
