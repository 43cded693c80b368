//! Status: availability of a player, the media they send, and calls for attention.

use super::audience::Audience;
use super::id::PlayerId;
use bincode::{Decode, Encode};

/// Availability of a player. The numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[repr(u8)]
pub enum Status {
    /// Available for talk.
    #[default]
    Available = 0,
    /// Prefers not to be disturbed.
    Busy = 1,
    /// Not at the screen.
    Away = 2,
    /// Not available: the player hears no others and is not heard.
    DoNotDisturb = 3,
    /// Available only to players next to them.
    Quiet = 4,
}

impl Status {
    /// The status with this number; `None` for an unknown number.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Available),
            1 => Some(Self::Busy),
            2 => Some(Self::Away),
            3 => Some(Self::DoNotDisturb),
            4 => Some(Self::Quiet),
            _ => None,
        }
    }
}

/// Media that a player sends to their peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Media {
    /// Microphone.
    pub audio: bool,
    /// Camera.
    pub video: bool,
    /// Screen share.
    pub screen: bool,
}

impl Media {
    /// The media with these bits set. Unknown bits are ignored.
    pub const fn from_bits(bits: u8) -> Self {
        Self {
            audio: bits & 1 != 0,
            video: bits & 2 != 0,
            screen: bits & 4 != 0,
        }
    }

    /// As one number: bit 0 audio, 1 video, 2 screen.
    pub fn bits(self) -> u8 {
        u8::from(self.audio) | u8::from(self.video) << 1 | u8::from(self.screen) << 2
    }
}

/// Way in which a player calls for the attention of another. The numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[repr(u8)]
pub enum WaveKind {
    /// A wave.
    Wave = 0,
    /// An invitation into the sender's private zone.
    Ring = 1,
    /// The sender is walking up to the other.
    Approach = 2,
    /// An invitation to follow the sender. Sent to oneself, it goes to all players who hear the
    /// sender.
    Lead = 3,
}

impl WaveKind {
    /// The kind with this number; `None` for an unknown number.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Wave),
            1 => Some(Self::Ring),
            2 => Some(Self::Approach),
            3 => Some(Self::Lead),
            _ => None,
        }
    }
}

/// Requests about the availability of players.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum StatusCommand {
    /// Change which media a player sends to their peers.
    ChangeMedia {
        /// The player who sends.
        player: PlayerId,
        /// Media that is on.
        media: Media,
    },
    /// Change a player's status.
    ChangeStatus {
        /// Player whose status changes.
        player: PlayerId,
        /// New status.
        status: Status,
    },
    /// Call for the attention of another player.
    Wave {
        /// The player who waves.
        player: PlayerId,
        /// Player whose attention is asked for.
        to: PlayerId,
        /// Kind of the call.
        kind: WaveKind,
    },
    /// End a player's screen share, because they may not share one any more.
    StopScreen {
        /// The player who shares.
        player: PlayerId,
    },
}

/// What happened about the availability of players.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum StatusFact {
    /// A player calls for the attention of another. Only the other is told.
    Waved {
        /// The player who waves.
        player: PlayerId,
        /// Player who is called.
        to: PlayerId,
        /// Kind of the call.
        kind: WaveKind,
    },
}

impl StatusFact {
    /// The players who are told.
    pub const fn audience(&self) -> Audience<'_> {
        match self {
            Self::Waved { to, .. } => Audience::Player(*to),
        }
    }
}
