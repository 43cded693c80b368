//! Facts: what a tick did, stated once, for whoever shows it to people.

use bincode::{Decode, Encode};

use super::chat::ChatLine;
use super::direction::{Facing, Motion};
use super::id::{ElementId, PlacementId, PlayerId, UserId};
use super::plan::Placement;
use super::player::{Card, OwnState};
use super::unit::{Position, Tick, Tile};

/// Everything that one tick of a space brought about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct TickOutput {
    /// The tick that was run.
    pub tick: Tick,
    /// Players who came, or whose card changed.
    pub cards: Vec<Card>,
    /// Where players are now; only those whose stance changed, and everybody who came. Sorted by player.
    pub stances: Vec<(PlayerId, Stance)>,
    /// Exact states of players whose position changed or whose input was applied. Sorted by player.
    pub own: Vec<OwnState>,
    /// Players who are no longer here.
    pub gone: Vec<(PlayerId, UserId)>,
    /// What else happened, in order.
    pub facts: Vec<Fact>,
    /// Hash of the collision grid, when elements changed it.
    pub grid_hash: Option<u32>,
}

impl TickOutput {
    /// Whether nothing happened but time.
    pub const fn is_quiet(&self) -> bool {
        self.cards.is_empty()
            && self.stances.is_empty()
            && self.own.is_empty()
            && self.gone.is_empty()
            && self.facts.is_empty()
    }
}

/// How a player stands, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Stance {
    /// Where.
    pub position: Position,
    /// Looking where.
    pub facing: Facing,
    /// Standing, walking or running.
    pub motion: Motion,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Fact {
    /// A join was carried out: the user's player, new or found again.
    Joined {
        /// The user.
        user: UserId,
        /// Their player.
        player: PlayerId,
        /// Whether the player was here already.
        again: bool,
    },
    /// A line was said to everybody.
    Said(ChatLine),
    /// A line came a second time; only its sender is told that it was said.
    SaidBefore(ChatLine),
    /// Nobody is here any more, and what was said is forgotten.
    Forgotten,
    /// Somebody shows something over the head.
    Emoted {
        /// Who.
        player: PlayerId,
        /// Which of the six.
        kind: u8,
    },
    /// A tile step was not allowed; only its player is told.
    StepRejected {
        /// Who.
        player: PlayerId,
        /// The tile where the player really is, or is already walking to by accepted steps.
        tile: Tile,
    },
    /// No way leads to where somebody wanted to walk; only that player is told.
    NoPath {
        /// Who.
        player: PlayerId,
    },
    /// An element was placed.
    ElementPlaced {
        /// Where and what.
        placement: Placement,
        /// The plan's version with it.
        version: u32,
    },
    /// A placement was removed.
    ElementRemoved {
        /// Which.
        id: PlacementId,
        /// The plan's version without it.
        version: u32,
    },
    /// An element looks or blocks differently.
    ElementChanged {
        /// Which.
        element: ElementId,
        /// The plan's version with the change.
        version: u32,
    },
}

impl Fact {
    /// Whether it is shown only after it was kept where it outlives this process.
    pub const fn is_durable(&self) -> bool {
        matches!(self, Self::Said(_) | Self::SaidBefore(_))
    }

    /// Whether it changes what stands in the space.
    pub const fn is_about_elements(&self) -> bool {
        matches!(
            self,
            Self::ElementPlaced { .. } | Self::ElementRemoved { .. } | Self::ElementChanged { .. }
        )
    }
}

/// Everything visible at one moment: what somebody who starts to follow a space begins with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Picture {
    /// The last tick that was run.
    pub tick: Tick,
    /// The plan's version.
    pub version: u32,
    /// Hash of the collision grid.
    pub grid_hash: u32,
    /// Everybody here, sorted by player.
    pub players: Vec<(Card, Stance, OwnState)>,
    /// What was said lately, oldest first.
    pub history: Vec<ChatLine>,
}
