//! Peers: who is connected to whom, as the rules of the place say.

use std::ops::RangeInclusive;

use bincode::{Decode, Encode};

use super::id::PlayerId;

/// Bytes of one signal at most.
pub const MAX_SIGNAL: usize = 12 * 1_024;

/// How one player is connected to another, from the one's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two senses in two directions are four independent flags"
)]
pub struct Peer {
    /// The other.
    pub player: PlayerId,
    /// Whether the one hears the other.
    pub hear: bool,
    /// Whether the other hears the one.
    pub heard: bool,
    /// Whether the one sees the other's pictures.
    pub see: bool,
    /// Whether the other sees the one's.
    pub seen: bool,
    /// How loud the other is by the rule, 0 to 255; under [`ProximityReason::Field`] distance makes
    /// it less.
    pub gain: u8,
    /// By which rule.
    pub why: ProximityReason,
    /// Which way voices and pictures go.
    pub route: MediaRoute,
}

/// The rule that connects two players; the numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Encode, Decode)]
#[repr(u8)]
pub enum ProximityReason {
    /// They are near one another.
    #[default]
    Field = 0,
    /// They are in the same private area.
    Area = 1,
    /// One stands on a stage, the other in its audience.
    Stage = 2,
    /// They talk in a circle of their own.
    Bubble = 3,
}

/// How far voices may carry in a space, in tiles.
pub const REACHES: RangeInclusive<u8> = 2..=12;

/// And in a zone with a reach of its own.
pub const ZONE_REACHES: RangeInclusive<u8> = 1..=12;

/// How far the voice of somebody carries who wants only those right beside them, in tiles.
pub const BESIDE: u8 = 1;

/// How many voices somebody may hear at once by distance.
pub const VOICES: RangeInclusive<u8> = 1..=16;

/// And how many of those people they may see.
pub const PICTURES: RangeInclusive<u8> = 0..=9;

/// How people in the open of a space hear and see each other, as whoever looks after it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ProximityRules {
    /// How far voices carry, in tiles, where no zone says otherwise; pictures two tiles less.
    pub range_tiles: u8,
    /// How many are heard at once, the nearest.
    pub max_audio: u8,
    /// How many are seen at once.
    pub max_video: u8,
    /// Whether nobody is heard through what the map blocks; as the map says when nothing.
    pub walls_block: Option<bool>,
}

impl Default for ProximityRules {
    /// Those of a space of which nobody wanted anything else.
    fn default() -> Self {
        Self {
            range_tiles: 5,
            max_audio: *VOICES.end(),
            max_video: *PICTURES.end(),
            walls_block: None,
        }
    }
}

/// Who carries the calls of those who are too many to talk directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SfuEndpoint {
    /// Nobody: all talk directly.
    #[default]
    Nobody,
    /// The forwarding unit of the process that runs the space.
    Unit,
    /// A `LiveKit` server.
    LiveKit,
}

/// Which way voices and pictures go; the numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Encode, Decode)]
#[repr(u8)]
pub enum MediaRoute {
    /// From one to the other.
    #[default]
    Mesh = 0,
    /// Through the forwarding unit, or whoever forwards instead.
    Forwarded = 1,
}
