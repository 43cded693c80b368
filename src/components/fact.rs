//! Facts: what a tick changed, stated once, for relays and stores.

use bincode::{Decode, Encode};

use super::bubble::BubbleState;
use super::chat::{ChatMessage, ChatRefusal, MessageChange, MessageReaction};
use super::direction::{Facing, Motion};
use super::id::{PlacementId, PlayerId, SpaceId, UserId};
use super::layout::Placement;
use super::peers::{Peer, ProximityRules};
use super::player::{Card, OwnState};
use super::status::WaveKind;
use super::unit::{Position, Tick, Tile};
use super::zone::PrivateZoneState;

/// Everything that one tick of a space changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
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
pub enum Fact {
    /// A join was carried out: the user has a player, new or found again.
    Joined {
        /// The user who joined.
        user: UserId,
        /// Player of the user.
        player: PlayerId,
        /// Whether the player was here already.
        again: bool,
    },
    /// A message was sent to all players.
    Said(ChatMessage),
    /// A message arrived a second time. Only its sender is told that it was sent.
    SaidBefore(ChatMessage),
    /// The last player left, and the chat history is forgotten.
    Forgotten,
    /// A player shows an emote over the head.
    Emoted {
        /// Player who shows it.
        player: PlayerId,
        /// Number of the emote, 0 to 5.
        kind: u8,
    },
    /// A tile step was refused. Only its player is told.
    StepRejected {
        /// Player whose step was refused.
        player: PlayerId,
        /// Tile where the player is, or to which accepted steps already lead.
        tile: Tile,
    },
    /// No path leads to the goal of a walk. Only that player is told.
    NoPath {
        /// Player who asked to walk.
        player: PlayerId,
    },
    /// An element was placed.
    ElementPlaced {
        /// Element and its position.
        placement: Placement,
        /// Version of the layout with it.
        version: u32,
    },
    /// A placement was removed.
    ElementRemoved {
        /// Placement that was removed.
        id: PlacementId,
        /// Version of the layout without it.
        version: u32,
    },
    /// The map, the zones or any number of elements are different.
    LayoutReplaced {
        /// Version of the new layout.
        version: u32,
    },
    /// The peers of a player changed. Only that player is told.
    PeersChanged {
        /// Player whose peers changed.
        player: PlayerId,
        /// New and changed peers, in ascending order.
        peers: Vec<Peer>,
        /// Players who are peers no longer, in ascending order.
        gone: Vec<PlayerId>,
    },
    /// WebRTC signalling from one player to a peer. Sent to that peer only.
    Signalled {
        /// Player who sent it.
        player: PlayerId,
        /// Player who receives it.
        to: PlayerId,
        /// Body of the signal.
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
    /// A player calls for the attention of another. Only the other is told.
    Waved {
        /// The player who waves.
        player: PlayerId,
        /// Player who is called.
        to: PlayerId,
        /// Kind of the call.
        kind: WaveKind,
    },
    /// The state of a private area changed.
    ZoneChanged(PrivateZoneState),
    /// A player asks to come into a private area. Only the players inside are told.
    Knocked {
        /// The player who knocked.
        player: PlayerId,
        /// Number of the zone.
        zone: u16,
        /// Players inside.
        to: Vec<PlayerId>,
    },
    /// A player may come into a private area. Only that player is told.
    Admitted {
        /// Player who is let in.
        player: PlayerId,
        /// Number of the zone.
        zone: u16,
    },
    /// The state of a bubble changed, or the bubble ended.
    BubbleChanged(BubbleState),
    /// A player invites others to a bubble. Only they are told. Nothing else changes until one of
    /// them accepts.
    BubbleAsked {
        /// The player who invites.
        player: PlayerId,
        /// Whether players outside and inside would hear each other softly.
        is_aside: bool,
        /// Players who are invited.
        to: Vec<PlayerId>,
    },
    /// A player began or stopped following another. Only the other is told.
    Followed {
        /// The player who follows.
        player: PlayerId,
        /// Player who is followed.
        leader: PlayerId,
        /// Whether they follow from now on.
        on: bool,
    },
    /// A player asks to come into a bubble. Only its members are told.
    BubbleKnocked {
        /// The player who knocked.
        player: PlayerId,
        /// Members of the bubble.
        to: Vec<PlayerId>,
    },
    /// A player went through a portal to another space. They stay here until the relay has sent
    /// them to the other space and removes them.
    Stepped {
        /// Player who left through the portal.
        player: PlayerId,
        /// Space that the portal leads to.
        space: SpaceId,
        /// Zone to arrive in; empty for the other space's spawn zones.
        arrive: String,
    },
    /// A request was refused. Only that player is told.
    Denied {
        /// The player who asked.
        player: PlayerId,
        /// Reason of the refusal.
        why: Denial,
    },
    /// A message was sent to the players near the sender. It is not stored.
    Whispered {
        /// The message.
        line: ChatMessage,
        /// Players who hear it, without the sender, in ascending order.
        hearers: Vec<PlayerId>,
    },
    /// A message was edited or deleted.
    Changed {
        /// Message and its new text.
        change: MessageChange,
        /// Author of the message. A relay may have forgotten the message.
        author: UserId,
    },
    /// A reaction to a message was added or removed.
    Reacted(MessageReaction),
    /// The whole chat history was deleted by a user with the right to do it.
    Cleared {
        /// Name of that user.
        by: String,
    },
    /// A request about a message was refused. Only that player is told.
    LineRefused {
        /// The player who asked.
        player: PlayerId,
        /// The sender's own number of the message, when it was to be sent.
        client_id: Option<u32>,
        /// Reason of the refusal.
        why: ChatRefusal,
    },
    /// A player began or stopped typing.
    Typing {
        /// The player who types.
        player: PlayerId,
        /// Whether they type.
        on: bool,
    },
    /// Slow mode was set: each player sends at most one message in this many seconds.
    SlowMode {
        /// Seconds; 0 when slow mode is off.
        seconds: u32,
    },
    /// The proximity rules of the space changed.
    ProximityRulesChanged {
        /// The new rules.
        rules: ProximityRules,
        /// Whether what the map blocks stops voices.
        has_walls: bool,
    },
    /// A user who is here blocked or unblocked another.
    Blocked {
        /// The user who blocks.
        user: UserId,
        /// User who is blocked.
        other: UserId,
        /// Whether the other is blocked from now on.
        blocked: bool,
    },
}

/// Reason why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Denial {
    /// A signal to a player who is not a peer of the sender.
    NotConnected,
    /// A wave to a player whose status is "do not disturb".
    DoNotDisturb,
    /// A request to the SFU where there is none.
    NoUnit,
    /// A request about a player who is not here.
    NotHere,
    /// An action on a private area that only players inside may do.
    NotInside,
    /// A bubble while no other player stands near.
    NobodyNear,
    /// A bubble where none is possible: in a private area, in a silent zone, or in another bubble.
    NotInTheOpen,
    /// A bubble that is not near, or that ended.
    NotNearBubble,
    /// A bubble that is full.
    BubbleFull,
    /// The player was moved to the spawn point a moment ago.
    HomeTooSoon,
    /// Following a player where one of the two blocked the other.
    NoFollow,
}

/// What is stored of a fact before clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability<'a> {
    /// Nothing: clients see it with its tick.
    Volatile,
    /// Nothing, but clients see it after what was stored before it.
    Ordered,
    /// A new message.
    Said(&'a ChatMessage),
    /// A changed message.
    Changed(&'a MessageChange),
    /// A reaction.
    Reacted(&'a MessageReaction),
    /// That the whole chat history was deleted.
    Cleared {
        /// Name of the user who did it.
        by: &'a str,
    },
}

impl Fact {
    /// Whether a snapshot contains the same, and newer.
    pub const fn is_in_picture(&self) -> bool {
        matches!(
            self,
            Self::PeersChanged { .. }
                | Self::ZoneChanged(_)
                | Self::BubbleChanged(_)
                | Self::ElementPlaced { .. }
                | Self::ElementRemoved { .. }
                | Self::LayoutReplaced { .. }
        )
    }

    /// What is stored of it before clients see it.
    pub const fn durability(&self) -> Durability<'_> {
        match self {
            Self::Said(message) => Durability::Said(message),
            Self::Changed { change, .. } => Durability::Changed(change),
            Self::Reacted(reaction) => Durability::Reacted(reaction),
            Self::Cleared { by } => Durability::Cleared { by: by.as_str() },
            Self::SaidBefore(_) => Durability::Ordered,
            Self::Joined { .. }
            | Self::Forgotten
            | Self::Emoted { .. }
            | Self::StepRejected { .. }
            | Self::NoPath { .. }
            | Self::ElementPlaced { .. }
            | Self::ElementRemoved { .. }
            | Self::LayoutReplaced { .. }
            | Self::PeersChanged { .. }
            | Self::Signalled { .. }
            | Self::SfuRequested { .. }
            | Self::SfuReplied { .. }
            | Self::Waved { .. }
            | Self::ZoneChanged(_)
            | Self::Knocked { .. }
            | Self::Admitted { .. }
            | Self::BubbleChanged(_)
            | Self::BubbleAsked { .. }
            | Self::Followed { .. }
            | Self::BubbleKnocked { .. }
            | Self::Stepped { .. }
            | Self::Denied { .. }
            | Self::Whispered { .. }
            | Self::LineRefused { .. }
            | Self::Typing { .. }
            | Self::SlowMode { .. }
            | Self::ProximityRulesChanged { .. }
            | Self::Blocked { .. } => Durability::Volatile,
        }
    }

    /// Whether clients see it only after it was persisted outside of this process.
    pub const fn is_durable(&self) -> bool {
        !matches!(self.durability(), Durability::Volatile)
    }

    /// Whether it may change the collision grid of the space.
    pub const fn is_about_ground(&self) -> bool {
        matches!(
            self,
            Self::ElementPlaced { .. } | Self::ElementRemoved { .. } | Self::LayoutReplaced { .. }
        )
    }
}

/// The full visible state of a space at a tick. A client that starts to follow a space begins with
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
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
    /// Private areas that are occupied or locked.
    pub areas: Vec<PrivateZoneState>,
    /// All bubbles.
    pub bubbles: Vec<BubbleState>,
}
