//! Peers: audio and video connections between players, and the proximity rules of a space.

use std::ops::RangeInclusive;

use bincode::{Decode, Encode};

use super::audience::Audience;
use super::id::{PlayerId, UserId};

/// Most bytes of one signal.
pub const MAX_SIGNAL: usize = 12 * 1_024;

/// Connection of one player to another, from the first player's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "audio and video in two directions are four independent flags"
)]
pub struct Peer {
    /// The other player.
    pub player: PlayerId,
    /// Whether this player hears the other.
    pub hear: bool,
    /// Whether the other hears this player.
    pub heard: bool,
    /// Whether this player sees the other's video.
    pub see: bool,
    /// Whether the other sees this player's video.
    pub seen: bool,
    /// Volume of the other, 0 to 255. Under [`ProximityReason::Field`] distance reduces it further.
    pub gain: u8,
    /// Rule that connects them.
    pub why: ProximityReason,
    /// Path that audio and video take.
    pub route: MediaRoute,
}

/// Rule that connects two players. The numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[repr(u8)]
pub enum ProximityReason {
    /// They are near each other.
    #[default]
    Field = 0,
    /// They are in the same private zone.
    PrivateZone = 1,
    /// One stands on a stage, the other in its audience.
    Stage = 2,
    /// They are in the same bubble.
    Bubble = 3,
}

/// Allowed range of voices in a space, in tiles.
pub const REACHES: RangeInclusive<u8> = 2..=12;

/// Allowed range of voices in a zone with a range of its own, in tiles.
pub const ZONE_REACHES: RangeInclusive<u8> = 1..=12;

/// Range of the voice of a player with the status "quiet", in tiles.
pub const QUIET_RANGE: u8 = 1;

/// Allowed number of voices that one player hears at once by distance.
pub const VOICES: RangeInclusive<u8> = 1..=16;

/// Allowed number of videos that one player sees at once by distance.
pub const PICTURES: RangeInclusive<u8> = 0..=9;

/// Proximity rules of a space: how far players in the open hear and see each other. Set by the
/// space's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ProximityRules {
    /// Range of voices in tiles, where no zone sets another. The range of video is two tiles less.
    pub range_tiles: u8,
    /// Most voices that a player hears at once. The nearest count.
    pub max_audio: u8,
    /// Most videos that a player sees at once.
    pub max_video: u8,
    /// Whether tiles blocked by the map stop voices; `None` to follow the map.
    pub walls_block: Option<bool>,
}

impl Default for ProximityRules {
    /// Rules of a space whose owner set none.
    fn default() -> Self {
        Self {
            range_tiles: 5,
            max_audio: *VOICES.end(),
            max_video: *PICTURES.end(),
            walls_block: None,
        }
    }
}

/// Server that forwards the calls of groups too large to connect directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SfuEndpoint {
    /// None: all players connect directly.
    #[default]
    Nobody,
    /// The SFU of the process that runs the space.
    BuiltIn,
    /// A `LiveKit` server.
    LiveKit,
}

/// Path of audio and video. The numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[repr(u8)]
pub enum MediaRoute {
    /// Directly from one client to the other.
    #[default]
    Mesh = 0,
    /// Through the SFU, Plaza's own or `LiveKit`.
    Forwarded = 1,
}

/// Requests about the proximity rules.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ProximityCommand {
    /// Set the proximity rules of the space.
    SetRules {
        /// The new rules.
        rules: ProximityRules,
    },
    /// Replace the users that moderators muted in calls.
    Silence {
        /// Muted users.
        silenced: Vec<(UserId, Silence)>,
    },
}

/// What others do not get of a user in calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Silence {
    /// Audio.
    pub voice: bool,
    /// Video of camera and screen.
    pub video: bool,
}

/// What changed about peers and the proximity rules.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ProximityFact {
    /// The peers of a player changed. Only that player is told.
    PeersChanged {
        /// Player whose peers changed.
        player: PlayerId,
        /// New and changed peers, in ascending order.
        peers: Vec<Peer>,
        /// Players who are peers no longer, in ascending order.
        gone: Vec<PlayerId>,
    },
    /// The proximity rules of the space changed.
    RulesChanged {
        /// The new rules.
        rules: ProximityRules,
        /// Whether what the map blocks stops voices.
        has_walls: bool,
    },
}

impl ProximityFact {
    /// The players who are told.
    pub const fn audience(&self) -> Audience<'_> {
        match self {
            Self::PeersChanged { player, .. } => Audience::Player(*player),
            Self::RulesChanged { .. } => Audience::Everyone,
        }
    }

    /// Whether a snapshot contains the same, and newer.
    pub const fn is_in_snapshot(&self) -> bool {
        match self {
            Self::PeersChanged { .. } => true,
            Self::RulesChanged { .. } => false,
        }
    }
}
