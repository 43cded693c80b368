//! Bubble: a few people who talk among themselves wherever they stand.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

use crate::components::bubble::BubbleState;

/// Makes, joins, leaves, locks or opens a bubble.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct BubbleC2s {
    /// 0 ask those near to talk in a bubble, 1 in an aside, 2 join or knock, 3 leave, 4 lock, 5
    /// open, 6 agree, 7 decline.
    pub deed: u8,
    /// Which, to join; the player who asked, to agree or decline; otherwise 0.
    pub bubble: u32,
}

/// How bubbles are.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct BubblesS2c {
    /// Whether these are all.
    pub full: bool,
    /// New and changed ones.
    pub bubbles: Vec<BubbleS2c>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct BubbleS2c {
    /// Which.
    pub bubble: u32,
    /// Whether those outside are heard and hear, softly.
    pub aside: bool,
    /// Whether others have to knock.
    pub locked: bool,
    /// Who is in it, by rising number; nobody when it is no more.
    pub players: Vec<u32>,
}

/// Somebody wants to come into the bubble the receiver is in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct BubbleKnockedS2c {
    /// Who.
    pub player: u32,
}

/// Someone asks the receiver to talk with them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct BubbleAskedS2c {
    /// Who.
    pub player: u32,
    /// Whether those outside would be heard and hear, softly.
    pub aside: bool,
}

impl From<&BubbleState> for BubbleS2c {
    fn from(state: &BubbleState) -> Self {
        Self {
            bubble: state.bubble,
            aside: state.is_aside,
            locked: state.is_locked,
            players: state.players.iter().map(|player| player.0).collect(),
        }
    }
}
