//! Commands: every request to a space. They are applied at the next tick, in the order of arrival.

use bincode::{Decode, Encode};

use super::bubble::BubbleAction;
use super::chat::{MessageChange, Speech};
use super::direction::Facing;
use super::id::{ChatId, PlacementId, PlayerId, UserId};
use super::layout::{Placement, SpaceLayout};
use super::peers::ProximityRules;
use super::player::{Avatar, Card, Goal, HeldStep};
use super::status::{Media, Status, WaveKind};
use super::unit::{Position, Tile};

/// One request to a space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum Command {
    /// A user joins, or returns to the player that is still theirs. Permissions were checked
    /// before.
    Join {
        /// The user who joins.
        user: UserId,
        /// Name shown over the head.
        name: String,
        /// Avatar of the user.
        avatar: Option<Avatar>,
        /// Zone in which a new player arrives. When no zone has that name, the player arrives at
        /// the spawn zones.
        arrive: Option<String>,
        /// Users blocked by this user.
        blocked: Vec<UserId>,
    },
    /// A player whose connection outlived the space's last epoch, but who joined after its last
    /// checkpoint. The player appears where others last saw them, under the same number.
    Resume {
        /// Card of the player.
        card: Card,
        /// Position of the player.
        position: Position,
        /// Direction that the player faces.
        facing: Facing,
        /// Highest input number that is included in the position.
        ack: u32,
        /// Users blocked by this user.
        blocked: Vec<UserId>,
    },
    /// The player's connection outlived the space's last epoch and is still open. Its input
    /// continues where it was.
    Stay {
        /// The player who stays.
        player: PlayerId,
    },
    /// The user's last connection was lost without a goodbye. The player stays for a while.
    Disconnect {
        /// Player who was disconnected.
        player: PlayerId,
    },
    /// The user left for good.
    Leave {
        /// The player who leaves.
        player: PlayerId,
    },
    /// One step of a held direction.
    Step {
        /// The player who steps.
        player: PlayerId,
        /// Step as the client sent it.
        step: HeldStep,
    },
    /// Walk to a goal along a path.
    Walk {
        /// The player who walks.
        player: PlayerId,
        /// The client's number of the request.
        seq: u32,
        /// Goal of the walk.
        goal: Goal,
    },
    /// One tile up, down, left or right, as clients of the JSON protocol move.
    StepTile {
        /// The player who steps.
        player: PlayerId,
        /// Neighbouring tile to step to.
        tile: Tile,
    },
    /// Move the player to the spawn point.
    GoHome {
        /// Player who is moved.
        player: PlayerId,
    },
    /// Send a chat message.
    Chat {
        /// Player who sends it.
        player: PlayerId,
        /// Message to send.
        speech: Speech,
    },
    /// Show an emote over the head.
    Emote {
        /// Player who shows it.
        player: PlayerId,
        /// Number of the emote, 0 to 5.
        kind: u8,
    },
    /// A user changes their avatar.
    ChangeAvatar {
        /// User who changes. Nothing happens when they are not here.
        user: UserId,
        /// New avatar.
        avatar: Option<Avatar>,
    },
    /// An element was placed. Applied only to the version right before `version`; an older space is
    /// behind and has to reload its layout.
    PlaceElement {
        /// Element and its position.
        placement: Placement,
        /// Version of the layout with it.
        version: u32,
    },
    /// A placement was removed. Applied only to the version right before `version`; an older space
    /// is behind and has to reload its layout.
    RemoveElement {
        /// Placement that was removed.
        id: PlacementId,
        /// Version of the layout without it.
        version: u32,
    },
    /// Replace the layout, unless the space has a newer one already. The size stays.
    ReplaceLayout {
        /// The whole layout, as read from the database.
        plan: Box<SpaceLayout>,
    },
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
    /// Change which media a player sends to their peers.
    ChangeMedia {
        /// The player who sends.
        player: PlayerId,
        /// Media that is on.
        media: Media,
    },
    /// Change a player's status.
    ChangeStatus {
        /// Player whose status changes.
        player: PlayerId,
        /// New status.
        status: Status,
    },
    /// Call for the attention of another player.
    Wave {
        /// The player who waves.
        player: PlayerId,
        /// Player whose attention is asked for.
        to: PlayerId,
        /// Kind of the call.
        kind: WaveKind,
    },
    /// Lock or unlock the private area in which a player stands.
    Lock {
        /// The player who acts.
        player: PlayerId,
        /// Number of the zone.
        zone: u16,
        /// Whether it is locked from now on.
        locked: bool,
    },
    /// Ask the players in a private area to be let in.
    Knock {
        /// The player who knocks.
        player: PlayerId,
        /// Number of the zone.
        zone: u16,
    },
    /// Let a player who knocked into the private area in which this player stands, or into their
    /// bubble.
    Admit {
        /// The player who admits.
        player: PlayerId,
        /// Player who is let in.
        guest: PlayerId,
    },
    /// Follow another player, through portals too, or stop following.
    Follow {
        /// The player who follows.
        player: PlayerId,
        /// Player who is followed; `None` to stop.
        leader: Option<PlayerId>,
    },
    /// Make, join, leave, lock or unlock a bubble.
    Bubble {
        /// The player who acts.
        player: PlayerId,
        /// Action on the bubble.
        deed: BubbleAction,
    },
    /// A user blocks or unblocks another.
    Block {
        /// User who blocks. Nothing happens when they are not here.
        user: UserId,
        /// User who is blocked.
        other: UserId,
        /// Whether the other is blocked from now on.
        blocked: bool,
    },
    /// Edit or delete a message.
    EditMessage {
        /// Player who asks for it.
        player: PlayerId,
        /// Message and its new text.
        change: MessageChange,
        /// Whether the player is the space's owner or an admin.
        may_moderate: bool,
    },
    /// A user with the right to do it changed a message over HTTP, from any place.
    ApplyEdit {
        /// Message and its new text.
        change: MessageChange,
        /// Author of the message. The space may have forgotten the message.
        author: UserId,
    },
    /// Add a reaction to a message, or remove it.
    React {
        /// The player who reacts.
        player: PlayerId,
        /// Message that is reacted to.
        line: ChatId,
        /// One emoji.
        emoji: String,
        /// Whether the reaction is added (`true`) or removed.
        on: bool,
    },
    /// A player types, continues to type, or has stopped.
    Typing {
        /// The player who types.
        player: PlayerId,
        /// Whether they type.
        on: bool,
    },
    /// Set slow mode: each player sends at most one message in this many seconds. 0 turns it off.
    SlowDown {
        /// Seconds.
        seconds: u32,
    },
    /// Set the proximity rules of the space.
    SetProximityRules {
        /// The new rules.
        rules: ProximityRules,
    },
    /// Delete the whole chat history.
    ClearChat {
        /// Name of the user who asked for it.
        by: String,
    },
}

/// Reference to a player, as clients of either protocol name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum PlayerRef {
    /// By the player's number in the space.
    Player(PlayerId),
    /// By the user.
    User(UserId),
}

impl Command {
    /// Card of the player who is resumed.
    pub const fn card(&self) -> Option<&Card> {
        match self {
            Self::Resume { card, .. } => Some(card),
            _ => None,
        }
    }
}
