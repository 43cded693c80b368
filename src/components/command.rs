//! Commands: everything that can be asked of a space. They are applied at the next tick, in the order they came.

use bincode::{Decode, Encode};

use super::direction::Facing;
use super::id::{ChatId, ElementId, PlacementId, PlayerId, UserId};
use super::plan::Placement;
use super::player::{Avatar, Card, Goal, HeldStep};
use super::unit::{Position, Tile};

/// One request to a space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Command {
    /// A user comes in, or comes back to the player that is still theirs. Rights were checked before.
    Join {
        /// Who.
        user: UserId,
        /// The name over the head.
        name: String,
        /// What they look like.
        avatar: Option<Avatar>,
    },
    /// A player whose connection outlived the space's last life, but who came after what was kept of it: stands where others
    /// saw them last, under the same number.
    Resume {
        /// Who.
        card: Card,
        /// Where.
        position: Position,
        /// Looking where.
        facing: Facing,
        /// The highest of their inputs that is in that.
        ack: u32,
    },
    /// The player's connection outlived the space's last life, and is still there: what it sends goes on where it was.
    Stay {
        /// Who.
        player: PlayerId,
    },
    /// The user's last connection dropped without a word: the player stays for a while.
    Vanish {
        /// Who.
        player: PlayerId,
    },
    /// The user left for good.
    Leave {
        /// Who.
        player: PlayerId,
    },
    /// One step of a held direction.
    Step {
        /// Who.
        player: PlayerId,
        /// What the client sent.
        step: HeldStep,
    },
    /// Walk there along a path.
    Walk {
        /// Who.
        player: PlayerId,
        /// The client's number of the request.
        seq: u32,
        /// Where to.
        goal: Goal,
    },
    /// One tile up, down, left or right, as clients of the tile grid move.
    StepTile {
        /// Who.
        player: PlayerId,
        /// The neighbouring tile.
        tile: Tile,
    },
    /// Say something.
    Chat {
        /// Who.
        player: PlayerId,
        /// The line's id.
        id: ChatId,
        /// The sender's own number of it.
        client_id: Option<u32>,
        /// The words, already checked for length.
        text: String,
        /// Unix milliseconds.
        at: u64,
    },
    /// Show something over the head.
    Emote {
        /// Who.
        player: PlayerId,
        /// Which of the six, 0 to 5.
        kind: u8,
    },
    /// A user looks different from now on.
    ChangeAvatar {
        /// Who; nothing happens when they are not here.
        user: UserId,
        /// What they look like.
        avatar: Option<Avatar>,
    },
    /// An element was placed.
    PlaceElement {
        /// Where and what.
        placement: Placement,
        /// The plan's version with it.
        version: u32,
    },
    /// A placement was removed.
    RemoveElement {
        /// Which.
        id: PlacementId,
        /// The plan's version without it.
        version: u32,
    },
    /// An element looks or blocks differently from now on, everywhere it stands.
    ChangeElement {
        /// Which.
        element: ElementId,
        /// Its placements here, as they are now.
        placements: Vec<Placement>,
        /// The plan's version with the change.
        version: u32,
    },
}

impl Command {
    /// Whose player it resumes.
    pub const fn card(&self) -> Option<&Card> {
        match self {
            Self::Resume { card, .. } => Some(card),
            _ => None,
        }
    }
}
