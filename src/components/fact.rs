//! Facts: what a tick did, stated once, for whoever shows it to people.

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

/// Everything that one tick of a space brought about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct TickOutput {
    /// The tick that was run.
    pub tick: Tick,
    /// Players who came, or whose card changed.
    pub cards: Vec<Card>,
    /// Where players are now; only those whose stance changed, and everybody who came. Sorted by
    /// player.
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
    Said(ChatMessage),
    /// A line came a second time; only its sender is told that it was said.
    SaidBefore(ChatMessage),
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
    /// The map, the zones or any number of elements are different.
    LayoutReplaced {
        /// The plan's version now.
        version: u32,
    },
    /// Who a player is connected to changed; only that player is told.
    PeersChanged {
        /// Who.
        player: PlayerId,
        /// New and changed peers, by rising number.
        peers: Vec<Peer>,
        /// Those who no longer are, by rising number.
        gone: Vec<PlayerId>,
    },
    /// Something for a peer; only that one is told.
    Signalled {
        /// Who sent it.
        player: PlayerId,
        /// For whom.
        to: PlayerId,
        /// What.
        body: String,
    },
    /// Something for the forwarding unit.
    SfuRequested {
        /// Who wants something of it.
        player: PlayerId,
        /// What.
        body: String,
    },
    /// Something from the forwarding unit; only that player is told.
    SfuReplied {
        /// For whom.
        player: PlayerId,
        /// What.
        body: String,
    },
    /// Somebody calls for another's attention; only that one is told.
    Waved {
        /// Who.
        player: PlayerId,
        /// Whose.
        to: PlayerId,
        /// How.
        kind: WaveKind,
    },
    /// A private area is different from now on.
    ZoneChanged(PrivateZoneState),
    /// Somebody wants to come into a private area; only those inside are told.
    Knocked {
        /// Who.
        player: PlayerId,
        /// The zone's number.
        zone: u16,
        /// Those inside.
        to: Vec<PlayerId>,
    },
    /// Somebody may come into a private area; only that one is told.
    Admitted {
        /// Who.
        player: PlayerId,
        /// The zone's number.
        zone: u16,
    },
    /// A bubble is different from now on, or is no more.
    BubbleChanged(BubbleState),
    /// Someone asks others to talk in a bubble; only those are told, and nothing else changes until
    /// one agrees.
    BubbleAsked {
        /// Who.
        player: PlayerId,
        /// Whether those outside would be heard and hear, softly.
        is_aside: bool,
        /// Who is asked.
        to: Vec<PlayerId>,
    },
    /// Someone follows another from now on, or no longer; only the other is told.
    Followed {
        /// Who.
        player: PlayerId,
        /// The one who is followed.
        leader: PlayerId,
        /// Whether.
        on: bool,
    },
    /// Somebody wants to come into a bubble; only those in it are told.
    BubbleKnocked {
        /// Who.
        player: PlayerId,
        /// Those in it.
        to: Vec<PlayerId>,
    },
    /// Somebody stepped through to another space. They are here until whoever shows them the way
    /// lets them go.
    Stepped {
        /// Who.
        player: PlayerId,
        /// Where to.
        space: SpaceId,
        /// The zone to arrive in; empty for wherever people arrive there.
        arrive: String,
    },
    /// What a player asked for cannot be; only that player is told.
    Denied {
        /// Who.
        player: PlayerId,
        /// Why.
        why: Denial,
    },
    /// A line was said to those near the speaker; nobody keeps it.
    Whispered {
        /// The line.
        line: ChatMessage,
        /// Who hears it, but the speaker, by rising number.
        hearers: Vec<PlayerId>,
    },
    /// A line has other words, or none.
    Changed {
        /// Which, and how.
        change: MessageChange,
        /// Who said the line: a relay may not remember it.
        author: UserId,
    },
    /// A line has one reaction more or less.
    Reacted(MessageReaction),
    /// Everything that was said is forgotten because somebody who may wanted it.
    Cleared {
        /// Their name.
        by: String,
    },
    /// Something was not done with a line; only that player is told.
    LineRefused {
        /// Who.
        player: PlayerId,
        /// The sender's own number of the line, when it was to be said.
        client_id: Option<u32>,
        /// Why.
        why: ChatRefusal,
    },
    /// Somebody began to type, or stopped.
    Typing {
        /// Who.
        player: PlayerId,
        /// Whether they type.
        on: bool,
    },
    /// From now on everybody says at most one line in so many seconds.
    SlowMode {
        /// Seconds; 0 for as many as they like.
        seconds: u32,
    },
    /// From now on people hear and see each other by other rules.
    ProximityRulesChanged {
        /// All of them.
        rules: ProximityRules,
        /// Whether nobody is heard through what the map blocks.
        has_walls: bool,
    },
    /// A user who is here keeps another away from them, or no longer.
    Blocked {
        /// Who.
        user: UserId,
        /// The other.
        other: UserId,
        /// Whether.
        blocked: bool,
    },
}

/// Why something that was asked for cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Denial {
    /// A signal for somebody the sender is not connected to.
    NotConnected,
    /// A wave for somebody who does not want any.
    DoNotDisturb,
    /// Something for a forwarding unit where there is none.
    NoUnit,
    /// Something for somebody who is not here.
    NotHere,
    /// Something about a private area that only those inside may do.
    NotInside,
    /// A bubble while nobody stands near.
    NobodyNear,
    /// A bubble where there are none: in a private area, in silence, or in another bubble.
    NotInTheOpen,
    /// A bubble that is elsewhere, or no more.
    NotNearBubble,
    /// A bubble with no room.
    BubbleFull,
    /// Taken home a moment ago.
    HomeTooSoon,
    /// Following somebody where one of both blocked the other.
    NoFollow,
}

impl Fact {
    /// Whether a picture says it too, and newer.
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

    /// Whether it is shown only after it was kept where it outlives this process.
    pub const fn is_durable(&self) -> bool {
        matches!(
            self,
            Self::Said(_)
                | Self::SaidBefore(_)
                | Self::Changed { .. }
                | Self::Reacted(_)
                | Self::Cleared { .. }
        )
    }

    /// Whether it may change what blocks in the space.
    pub const fn is_about_ground(&self) -> bool {
        matches!(
            self,
            Self::ElementPlaced { .. } | Self::ElementRemoved { .. } | Self::LayoutReplaced { .. }
        )
    }
}

/// Everything visible at one moment: what somebody who starts to follow a space begins with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Snapshot {
    /// The last tick that was run.
    pub tick: Tick,
    /// The plan's version.
    pub version: u32,
    /// Hash of the collision grid.
    pub grid_hash: u32,
    /// Everybody here, sorted by player.
    pub players: Vec<(Card, Stance, OwnState)>,
    /// What was said lately, oldest first.
    pub history: Vec<ChatMessage>,
    /// Everybody who is connected to somebody, sorted by player, with those, sorted too.
    pub peers: Vec<(PlayerId, Vec<Peer>)>,
    /// Private areas in which somebody is, or that are locked.
    pub areas: Vec<PrivateZoneState>,
    /// Every bubble.
    pub bubbles: Vec<BubbleState>,
}
