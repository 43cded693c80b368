//! Chat: messages in a space, their reactions, and why a message is refused.

use bincode::{Decode, Encode};

use super::id::{ChatId, PlayerId, UserId};

/// Messages that a space remembers for players who come later.
pub const HISTORY: usize = 50;

/// Most characters in one message.
pub const MAX_CHARS: usize = 4_000;

/// Most different reactions to one message.
pub const REACTION_KINDS: usize = 20;

/// Most different reactions of one user to one message, so that no one fills all kinds alone.
pub const REACTION_KINDS_OF_USER: usize = 5;

/// Most users who show the same reaction to one message.
pub const REACTION_USERS: usize = 100;

/// Seconds after its last typing command until a player counts as no longer typing.
pub const TYPING_SECONDS: u64 = 5;

/// The longest slow mode, in seconds.
pub const MAX_SLOW_SECONDS: u32 = 6 * 60 * 60;

/// Audience of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub enum Scope {
    /// All players in the space.
    #[default]
    Space = 0,
    /// Players who can hear the sender. The message is not stored.
    Nearby = 1,
    /// All players, and clients highlight it. Only the owner and admins send announcements.
    Announcement = 2,
}

impl Scope {
    /// The scope with this number on the wire and in tables.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Space),
            1 => Some(Self::Nearby),
            2 => Some(Self::Announcement),
            _ => None,
        }
    }
}

/// A chat message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ChatMessage {
    /// Id of the message.
    pub id: ChatId,
    /// Player who sent it, while they are in the space.
    pub player: PlayerId,
    /// User who sent it.
    pub user: UserId,
    /// Name of the sender at the time.
    pub name: String,
    /// Text; empty when the message was deleted.
    pub text: String,
    /// Unix milliseconds, by the clock of the process that received it.
    pub at: u64,
    /// The sender's own number of the message. A message sent again has the same number.
    pub client_id: Option<u32>,
    /// Audience of the message.
    pub scope: Scope,
    /// Message that it replies to.
    pub reply_to: Option<ChatId>,
    /// Time of the last edit, in Unix milliseconds.
    pub edited: Option<u64>,
    /// Whether it was deleted. Only its position in the history is left.
    pub is_deleted: bool,
    /// Reactions, by the order in which each emoji came first.
    pub reactions: Vec<Reaction>,
}

impl ChatMessage {
    /// A new message with the text of `speech`.
    pub fn new(player: PlayerId, user: UserId, name: String, speech: Speech) -> Self {
        Self {
            id: speech.id,
            player,
            user,
            name,
            text: speech.text,
            at: speech.at,
            client_id: speech.client_id,
            scope: speech.scope,
            reply_to: speech.reply_to,
            edited: None,
            is_deleted: false,
            reactions: Vec::new(),
        }
    }
}

/// One kind of reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Reaction {
    /// One emoji.
    pub emoji: String,
    /// Users who show it, in the order in which they reacted.
    pub users: Vec<UserId>,
}

/// A message that a player asks to send.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Speech {
    /// Id of the message.
    pub id: ChatId,
    /// The sender's own number of the message.
    pub client_id: Option<u32>,
    /// Text, already checked for length.
    pub text: String,
    /// Unix milliseconds.
    pub at: u64,
    /// Audience of the message.
    pub scope: Scope,
    /// Message that it replies to.
    pub reply_to: Option<ChatId>,
    /// Whether the sender is the space's owner or an admin.
    pub may_moderate: bool,
}

/// An edit or deletion of a message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MessageChange {
    /// Message that changes.
    pub id: ChatId,
    /// New text; `None` when the message is deleted.
    pub text: Option<String>,
    /// Time of the change, in Unix milliseconds.
    pub at: u64,
}

/// A reaction that a user adds to a message or removes from it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MessageReaction {
    /// Message that is reacted to.
    pub id: ChatId,
    /// The user who reacts.
    pub user: UserId,
    /// One emoji.
    pub emoji: String,
    /// Whether the reaction is added (`true`) or removed.
    pub on: bool,
}

/// Why a request about a message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum ChatRefusal {
    /// Slow mode: the player has to wait.
    TooSoon {
        /// Seconds left, at least one.
        seconds: u32,
    },
    /// Only the space's owner and admins send announcements.
    NoAnnouncer,
    /// The message belongs to another user.
    NotYours,
    /// The space does not know the message, or has forgotten it.
    Gone,
    /// The message already has the most reactions allowed.
    TooManyReactions,
    /// No player can hear the sender.
    NobodyNear,
}
