//! Status: whether somebody wants to be spoken to, what they send, waves, and who is not let near.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

/// What the sender sends to its peers right now.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct MediaC2s {
    /// Their voice.
    pub audio: bool,
    /// Their face.
    pub video: bool,
    /// Their screen.
    pub screen: bool,
}

/// Whether the sender wants to be spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct StatusC2s {
    /// 0 available, 1 busy, 2 away, 3 do not disturb, 4 quiet.
    pub status: u8,
}

/// Calls for somebody's attention.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct WaveC2s {
    /// Whose.
    pub player: u32,
    /// 0 a wave, 1 come into my area, 2 I am walking up to you, 3 come along with me; to oneself:
    /// everybody who hears the sender.
    pub kind: u8,
}

/// Somebody calls for the receiver's attention.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct WavedS2c {
    /// Who.
    pub player: u32,
    /// As in [`WaveC2s`].
    pub kind: u8,
}

/// Goes where someone goes, through portals too, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct FollowC2s {
    /// The one who is followed; nothing to stop.
    pub player: Option<u32>,
}

/// Someone follows the receiver, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct FollowedS2c {
    /// Who.
    pub player: u32,
    /// Whether.
    pub on: bool,
}

/// Keeps a user away from the sender, in every space, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct BlockC2s {
    /// The user's id.
    pub user: String,
    /// Whether they are kept away.
    pub blocked: bool,
}
