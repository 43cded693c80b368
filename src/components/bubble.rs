//! Bubble: a few people who talk among themselves wherever they stand, and what they may do with
//! it.

use bincode::{Decode, Encode};

use super::id::PlayerId;

/// People in one bubble at most.
pub const MOST_IN_BUBBLE: usize = 8;

/// How a bubble is, as everybody is told.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BubbleState {
    /// Its number in the space's life.
    pub bubble: u32,
    /// Whether those outside are heard and hear, softly.
    pub is_aside: bool,
    /// Whether others have to knock.
    pub is_locked: bool,
    /// Who is in it, by rising number; nobody when it is no more.
    pub players: Vec<PlayerId>,
}

/// What somebody does about bubbles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum BubbleAction {
    /// Asks those who stand near to talk in one: it is made when the first of them agrees.
    Form {
        /// Whether those outside are heard and hear, softly.
        is_aside: bool,
    },
    /// Steps into one they stand next to, or knocks when it is locked.
    Join(u32),
    /// Steps out of theirs.
    Leave,
    /// Locks theirs, or opens it.
    Lock(bool),
    /// Agrees to talk with the one who asked.
    Accept(PlayerId),
    /// Does not want to talk with the one who asked.
    Decline(PlayerId),
}

impl BubbleAction {
    /// The deed of that number of the wire, if there is one; the other number is a bubble's or a
    /// player's.
    pub const fn from_wire(deed: u8, bubble: u32) -> Option<Self> {
        match deed {
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
