//! Status: availability, media a player sends, and waves.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

/// Messages from a client about its player's availability.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum StatusC2s {
    /// Tells which media the sender sends.
    Media(MediaC2s),
    /// Sets the sender's status.
    Set(SetStatusC2s),
    /// Waves at a player.
    Wave(WaveC2s),
}

/// Messages from the server about the availability of players.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum StatusS2c {
    /// A player waves at the receiver.
    Waved(WavedS2c),
}

/// Media that the sender sends to its peers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct MediaC2s {
    /// Microphone.
    pub audio: bool,
    /// Camera.
    pub video: bool,
    /// Screen.
    pub screen: bool,
}

/// Sets the sender's availability.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct SetStatusC2s {
    /// 0 available, 1 busy, 2 away, 3 do not disturb, 4 quiet.
    pub status: u8,
}

/// Asks for a player's attention.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct WaveC2s {
    /// Player who is asked.
    pub player: u32,
    /// 0 wave, 1 invitation to the sender's zone, 2 sender walks to the player, 3 invitation to
    /// come along. Addressed to oneself: all players who hear the sender.
    pub kind: u8,
}

/// A player asks for the receiver's attention.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct WavedS2c {
    /// Number of the asking player.
    pub player: u32,
    /// As in [`WaveC2s`].
    pub kind: u8,
}

#[cfg(test)]
impl StatusC2s {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Media(MediaC2s {
                audio: true,
                video: false,
                screen: true,
            }),
            Self::Set(SetStatusC2s { status: 3 }),
            Self::Wave(WaveC2s {
                player: 251,
                kind: 2,
            }),
        ]
    }
}

#[cfg(test)]
impl StatusS2c {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self::Waved(WavedS2c {
            player: 12,
            kind: 1,
        })]
    }
}
