//! Bubble: conversation bubbles, groups of players who talk among themselves.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

use crate::components::bubble::BubbleState;

/// Messages from the server about conversation bubbles.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum BubbleS2c {
    /// States of conversation bubbles.
    Changed(BubblesS2c),
    /// A player asks to join the receiver's bubble.
    Knocked(BubbleKnockedS2c),
    /// A player invites the receiver to a bubble.
    Asked(BubbleAskedS2c),
}

/// Creates, joins, leaves, locks or unlocks a bubble.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct BubbleC2s {
    /// 0 invite nearby players to a bubble, 1 to an aside, 2 join or knock, 3 leave, 4 lock,
    /// 5 unlock, 6 accept an invitation, 7 decline it.
    pub action: u8,
    /// Bubble to join, or player whose invitation is answered; otherwise 0.
    pub bubble: u32,
}

/// States of bubbles.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct BubblesS2c {
    /// Whether the list is complete.
    pub full: bool,
    /// New and changed bubbles.
    pub bubbles: Vec<BubbleStateS2c>,
}

/// State of a bubble.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct BubbleStateS2c {
    /// Id of the bubble.
    pub bubble: u32,
    /// Whether players outside hear the bubble, and are heard in it, at low volume.
    pub aside: bool,
    /// Whether others have to knock.
    pub locked: bool,
    /// Player numbers of the members, ascending; empty if the bubble has ended.
    pub players: Vec<u32>,
}

/// A player asks to join the receiver's bubble.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct BubbleKnockedS2c {
    /// Number of the asking player.
    pub player: u32,
}

/// A player invites the receiver to talk.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct BubbleAskedS2c {
    /// Number of the inviting player.
    pub player: u32,
    /// Whether players outside would hear the bubble, and be heard in it, at low volume.
    pub aside: bool,
}

impl From<&BubbleState> for BubbleStateS2c {
    fn from(state: &BubbleState) -> Self {
        Self {
            bubble: state.bubble,
            aside: state.is_aside,
            locked: state.is_locked,
            players: state.players.iter().map(|player| player.0).collect(),
        }
    }
}

#[cfg(test)]
impl BubbleC2s {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self {
            action: 2,
            bubble: 300,
        }]
    }
}

#[cfg(test)]
impl BubbleS2c {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Changed(BubblesS2c {
                full: true,
                bubbles: vec![
                    BubbleStateS2c {
                        bubble: 1,
                        aside: false,
                        locked: true,
                        players: vec![3, 70_000],
                    },
                    BubbleStateS2c {
                        bubble: 300,
                        aside: true,
                        locked: false,
                        players: vec![],
                    },
                ],
            }),
            Self::Knocked(BubbleKnockedS2c { player: 251 }),
            Self::Asked(BubbleAskedS2c {
                player: 251,
                aside: true,
            }),
        ]
    }
}
