//! Facts: what a tick changed, stated once, for relays and stores. One type per domain.

use bincode::{Decode, Encode};

use super::audience::Audience;
use super::block::BlockChange;
use super::bubble::{BubbleFact, BubbleState};
use super::call::CallFact;
use super::chat::{ChatFact, ChatMessage, Durability};
use super::denial::Denial;
use super::direction::{Facing, Motion};
use super::element::ElementFact;
use super::emote::Emote;
use super::follow::Followed;
use super::id::{PlayerId, UserId};
use super::movement::MovementFact;
use super::peers::{Peer, ProximityFact};
use super::player::{Card, OwnState};
use super::presence::PresenceFact;
use super::status::StatusFact;
use super::unit::{Position, Tick};
use super::zone::{PrivateZoneState, ZoneFact};

/// Everything that one tick of a space changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct TickOutput {
    /// Tick that was run.
    pub tick: Tick,
    /// Players who joined, or whose card changed.
    pub cards: Vec<Card>,
    /// Stances that changed, and those of all players who joined. Sorted by player.
    pub stances: Vec<(PlayerId, Stance)>,
    /// Exact states of players whose position changed or whose input was applied. Sorted by player.
    pub own: Vec<OwnState>,
    /// Players who left the space.
    pub gone: Vec<(PlayerId, UserId)>,
    /// Everything else that happened, in order.
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

/// Position, facing and motion of a player, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Stance {
    /// Position of the player.
    pub position: Position,
    /// Direction that the player faces.
    pub facing: Facing,
    /// Standing, walking or running.
    pub motion: Motion,
}

/// An event of a tick.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum Fact {
    /// About who is in the space.
    Presence(PresenceFact),
    /// A request to move was refused.
    Movement(MovementFact),
    /// About messages.
    Chat(ChatFact),
    /// A player shows an emote.
    Emote(Emote),
    /// About what is placed in the space.
    Element(ElementFact),
    /// Signals of a call.
    Call(CallFact),
    /// About the availability of a player.
    Status(StatusFact),
    /// About private zones and portals.
    Zone(ZoneFact),
    /// A player began or stopped following another.
    Follow(Followed),
    /// About bubbles.
    Bubble(BubbleFact),
    /// About peers and the proximity rules.
    Proximity(ProximityFact),
    /// A user who is here blocked or unblocked another.
    Block(BlockChange),
    /// A request was refused.
    Denied {
        /// The player who asked.
        player: PlayerId,
        /// Reason of the refusal.
        why: Denial,
    },
}

impl Fact {
    /// The players who are told.
    pub fn audience(&self) -> Audience<'_> {
        match self {
            Self::Presence(_) | Self::Block(_) => Audience::Server,
            Self::Movement(fact) => fact.audience(),
            Self::Chat(fact) => fact.audience(),
            Self::Emote(emote) => Audience::From(emote.player),
            Self::Element(_) => Audience::Everyone,
            Self::Call(fact) => fact.audience(),
            Self::Status(fact) => fact.audience(),
            Self::Zone(fact) => fact.audience(),
            Self::Follow(followed) => Audience::Player(followed.leader),
            Self::Bubble(fact) => fact.audience(),
            Self::Proximity(fact) => fact.audience(),
            Self::Denied { player, .. } => Audience::Player(*player),
        }
    }

    /// Whether a snapshot contains the same, and newer.
    pub const fn is_in_snapshot(&self) -> bool {
        match self {
            Self::Element(_) => true,
            Self::Zone(fact) => fact.is_in_snapshot(),
            Self::Bubble(fact) => fact.is_in_snapshot(),
            Self::Proximity(fact) => fact.is_in_snapshot(),
            Self::Presence(_)
            | Self::Movement(_)
            | Self::Chat(_)
            | Self::Emote(_)
            | Self::Call(_)
            | Self::Status(_)
            | Self::Follow(_)
            | Self::Block(_)
            | Self::Denied { .. } => false,
        }
    }

    /// What is stored of it before clients see it.
    pub const fn durability(&self) -> Durability<'_> {
        match self {
            Self::Chat(fact) => fact.durability(),
            Self::Presence(_)
            | Self::Movement(_)
            | Self::Emote(_)
            | Self::Element(_)
            | Self::Call(_)
            | Self::Status(_)
            | Self::Zone(_)
            | Self::Follow(_)
            | Self::Bubble(_)
            | Self::Proximity(_)
            | Self::Block(_)
            | Self::Denied { .. } => Durability::Volatile,
        }
    }

    /// Whether clients see it only after it, or what came before it, was stored outside of this
    /// process.
    pub const fn is_durable(&self) -> bool {
        !matches!(self.durability(), Durability::Volatile)
    }
}

/// The full visible state of a space at a tick. A client that starts to follow a space begins with
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Snapshot {
    /// Last tick that was run.
    pub tick: Tick,
    /// Version of the layout.
    pub version: u32,
    /// Hash of the collision grid.
    pub grid_hash: u32,
    /// All players, sorted by player.
    pub players: Vec<(Card, Stance, OwnState)>,
    /// Recent chat messages, oldest first.
    pub history: Vec<ChatMessage>,
    /// Players with their peers. Both are sorted by player.
    pub peers: Vec<(PlayerId, Vec<Peer>)>,
    /// Private zones that are occupied or locked.
    pub private_zones: Vec<PrivateZoneState>,
    /// All bubbles.
    pub bubbles: Vec<BubbleState>,
}
