//! Calls: WebRTC signalling between players, and between a player and the SFU.

use super::audience::Audience;
use super::id::PlayerId;
use super::player::PlayerRef;
use bincode::{Decode, Encode};

/// Signals of calls.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum CallCommand {
    /// A WebRTC signal to a peer, to open or change a call.
    Signal {
        /// Player who sends it.
        player: PlayerId,
        /// Peer who receives it.
        to: PlayerRef,
        /// Body of the signal. The server does not read it.
        body: String,
    },
    /// A request to the SFU about the player's own connection to it.
    SfuRequest {
        /// Player who sends it.
        player: PlayerId,
        /// Body of the request. The space does not read it.
        body: String,
    },
    /// A reply of the SFU.
    SfuReply {
        /// Player who receives it.
        player: PlayerId,
        /// Body of the reply. The space does not read it.
        body: String,
    },
}

/// Signals on their way to the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum CallFact {
    /// WebRTC signalling from one player to a peer. Sent to that peer only.
    Signalled {
        /// Player who sent it.
        player: PlayerId,
        /// Peer of the sender: one hears or sees the other.
        to: PlayerId,
        /// Body, passed on unread.
        body: String,
    },
    /// A request of a player to the SFU.
    SfuRequested {
        /// Player who sent it.
        player: PlayerId,
        /// Body of the request.
        body: String,
    },
    /// A reply of the SFU. Sent to that player only.
    SfuReplied {
        /// Player who receives it.
        player: PlayerId,
        /// Body of the reply.
        body: String,
    },
}

impl CallFact {
    /// The players who are told.
    pub const fn audience(&self) -> Audience<'_> {
        match self {
            Self::Signalled { to, .. } => Audience::Player(*to),
            Self::SfuReplied { player, .. } => Audience::Player(*player),
            Self::SfuRequested { .. } => Audience::Server,
        }
    }
}
