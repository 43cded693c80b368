//! Commands: everything that can be asked of a space. They are applied at the next tick, in the
//! order they came.

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
pub enum Command {
    /// A user comes in, or comes back to the player that is still theirs. Rights were checked
    /// before.
    Join {
        /// Who.
        user: UserId,
        /// The name over the head.
        name: String,
        /// What they look like.
        avatar: Option<Avatar>,
        /// The zone they arrive in when they are new; wherever people arrive when there is none of
        /// that name.
        arrive: Option<String>,
        /// The users they keep away from them.
        blocked: Vec<UserId>,
    },
    /// A player whose connection outlived the space's last life, but who came after what was kept
    /// of it: stands where others saw them last, under the same number.
    Resume {
        /// Who.
        card: Card,
        /// Where.
        position: Position,
        /// Looking where.
        facing: Facing,
        /// The highest of their inputs that is in that.
        ack: u32,
        /// The users they keep away from them.
        blocked: Vec<UserId>,
    },
    /// The player's connection outlived the space's last life, and is still there: what it sends
    /// goes on where it was.
    Stay {
        /// Who.
        player: PlayerId,
    },
    /// The user's last connection dropped without a word: the player stays for a while.
    Disconnect {
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
    /// Take the player to where people arrive.
    GoHome {
        /// Who.
        player: PlayerId,
    },
    /// Say something.
    Chat {
        /// Who.
        player: PlayerId,
        /// What.
        speech: Speech,
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
    /// An element was placed. Takes effect on the version right before it; a space that is older is
    /// behind.
    PlaceElement {
        /// Where and what.
        placement: Placement,
        /// The plan's version with it.
        version: u32,
    },
    /// A placement was removed. Takes effect on the version right before it; a space that is older
    /// is behind.
    RemoveElement {
        /// Which.
        id: PlacementId,
        /// The plan's version without it.
        version: u32,
    },
    /// The space is as this plan says from now on, unless it is newer already. The size stays.
    ReplaceLayout {
        /// As it was read from the database, as a whole.
        plan: Box<SpaceLayout>,
    },
    /// Something for a peer, to open or change a call.
    Signal {
        /// Who.
        player: PlayerId,
        /// For whom.
        to: PlayerRef,
        /// Nobody here reads it.
        body: String,
    },
    /// Something for the forwarding unit, about the player's own connection to it.
    SfuRequest {
        /// Who.
        player: PlayerId,
        /// Nobody here reads it.
        body: String,
    },
    /// The forwarding unit answers.
    SfuReply {
        /// To whom.
        player: PlayerId,
        /// Nobody here reads it.
        body: String,
    },
    /// What a player sends to their peers from now on.
    ChangeMedia {
        /// Who.
        player: PlayerId,
        /// What.
        media: Media,
    },
    /// Whether a player wants to be spoken to from now on.
    ChangeStatus {
        /// Who.
        player: PlayerId,
        /// Whether.
        status: Status,
    },
    /// Calls for somebody's attention.
    Wave {
        /// Who.
        player: PlayerId,
        /// Whose.
        to: PlayerId,
        /// How.
        kind: WaveKind,
    },
    /// Locks or opens the private area a player stands in.
    Lock {
        /// Who.
        player: PlayerId,
        /// The zone's number.
        zone: u16,
        /// Whether it shall be locked.
        locked: bool,
    },
    /// Asks those in a private area to be let in.
    Knock {
        /// Who.
        player: PlayerId,
        /// The zone's number.
        zone: u16,
    },
    /// Lets somebody who knocked into the private area a player stands in, or into their bubble.
    Admit {
        /// Who.
        player: PlayerId,
        /// Whom.
        guest: PlayerId,
    },
    /// Goes where someone goes, through portals too, or no longer.
    Follow {
        /// Who.
        player: PlayerId,
        /// The one who is followed; no one to stop.
        leader: Option<PlayerId>,
    },
    /// Makes, joins, leaves, locks or opens a bubble.
    Bubble {
        /// Who.
        player: PlayerId,
        /// What of it.
        deed: BubbleAction,
    },
    /// A user keeps another away from them, or no longer.
    Block {
        /// Who; nothing happens when they are not here.
        user: UserId,
        /// Whom.
        other: UserId,
        /// Whether.
        blocked: bool,
    },
    /// Give a line other words, or take it back.
    EditMessage {
        /// Who.
        player: PlayerId,
        /// Which, and how.
        change: MessageChange,
        /// Whether they look after the space: its owner, or an admin.
        may_moderate: bool,
    },
    /// A line was changed by somebody who may, wherever they are.
    ApplyEdit {
        /// Which, and how.
        change: MessageChange,
        /// Who said the line: the space may not remember it.
        author: UserId,
    },
    /// Show a reaction to a line, or take it back.
    React {
        /// Who.
        player: PlayerId,
        /// To which line.
        line: ChatId,
        /// One emoji.
        emoji: String,
        /// Whether it is shown from now on.
        on: bool,
    },
    /// Somebody types, goes on typing, or has stopped.
    Typing {
        /// Who.
        player: PlayerId,
        /// Whether they do.
        on: bool,
    },
    /// From now on everybody says at most one line in so many seconds; 0 for as many as they like.
    SlowDown {
        /// Seconds.
        seconds: u32,
    },
    /// From now on people hear and see each other by these rules.
    SetProximityRules {
        /// All of them.
        rules: ProximityRules,
    },
    /// Everything that was said is to be forgotten.
    ClearChat {
        /// The name of who wants it.
        by: String,
    },
}

/// Somebody, as clients of either kind name people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum PlayerRef {
    /// By their number in the space.
    Player(PlayerId),
    /// By their user.
    User(UserId),
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
