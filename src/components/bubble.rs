//! Bubble: a group of up to eight players who hear only each other, and the actions on it.

use bincode::{Decode, Encode};

use super::audience::Audience;
use super::id::PlayerId;

/// Most players in one bubble.
pub const MOST_IN_BUBBLE: usize = 8;

/// State of a bubble, as it is sent to all clients.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct BubbleState {
    /// Number of the bubble, unique while the space lives.
    pub bubble: u32,
    /// Whether it is an aside: players outside and inside hear each other softly.
    pub is_aside: bool,
    /// Whether newcomers have to knock.
    pub is_locked: bool,
    /// Players in it, in ascending order. Empty when the bubble ended.
    pub players: Vec<PlayerId>,
}

/// An action of a player on bubbles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum BubbleAction {
    /// Invites the players nearby. The bubble is made when the first of them accepts.
    Form {
        /// Whether players outside and inside hear each other softly.
        is_aside: bool,
    },
    /// Joins the bubble with this number next to the player, or knocks when it is locked.
    Join(u32),
    /// Leaves the player's bubble.
    Leave,
    /// Locks (`true`) or unlocks (`false`) the player's bubble.
    Lock(bool),
    /// Accepts the invitation of this player.
    Accept(PlayerId),
    /// Declines the invitation of this player.
    Decline(PlayerId),
}

impl BubbleAction {
    /// The action with this number on the wire; `None` for an unknown number. `bubble` holds the
    /// number of a bubble or of a player, as the action needs.
    pub const fn from_wire(action: u8, bubble: u32) -> Option<Self> {
        match action {
            0 => Some(Self::Form { is_aside: false }),
            1 => Some(Self::Form { is_aside: true }),
            2 => Some(Self::Join(bubble)),
            3 => Some(Self::Leave),
            4 => Some(Self::Lock(true)),
            5 => Some(Self::Lock(false)),
            6 => Some(Self::Accept(PlayerId(bubble))),
            7 => Some(Self::Decline(PlayerId(bubble))),
            _ => None,
        }
    }
}

/// Request to make, join, leave, lock or unlock a bubble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct BubbleCommand {
    /// The player who acts.
    pub player: PlayerId,
    /// Action on the bubble.
    pub action: BubbleAction,
}

/// What changed about bubbles.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum BubbleFact {
    /// The state of a bubble changed, or the bubble ended.
    Changed(BubbleState),
    /// A player invites others to a bubble. Only they are told. Nothing else changes until one of
    /// them accepts.
    Asked {
        /// The player who invites.
        player: PlayerId,
        /// Whether players outside and inside would hear each other softly.
        is_aside: bool,
        /// Players who are invited.
        to: Vec<PlayerId>,
    },
    /// A player asks to come into a bubble. Only its members are told.
    Knocked {
        /// The player who knocked.
        player: PlayerId,
        /// Members of the bubble.
        to: Vec<PlayerId>,
    },
}

impl BubbleFact {
    /// The players who are told.
    pub fn audience(&self) -> Audience<'_> {
        match self {
            Self::Changed(_) => Audience::Everyone,
            Self::Asked { to, .. } | Self::Knocked { to, .. } => Audience::Players(to),
        }
    }

    /// Whether a snapshot contains the same, and newer.
    pub const fn is_in_snapshot(&self) -> bool {
        match self {
            Self::Changed(_) => true,
            Self::Asked { .. } | Self::Knocked { .. } => false,
        }
    }
}
