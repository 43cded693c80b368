//! Chat: messages in a space, their reactions, and why a message is refused.

use bincode::{Decode, Encode};

use super::audience::Audience;
use super::id::{ChatId, PlayerId, UserId};

/// Messages that a space remembers for players who come later.
pub const HISTORY: usize = 50;

/// Most characters in one message.
pub const MAX_CHARS: usize = 4_000;

/// Most different reactions to one message.
pub const REACTION_KINDS: usize = 20;

/// Reactions that clients offer first. Each message keeps places for them, so that a few people
/// cannot fill all places with others.
pub const COMMON_REACTIONS: [&str; 8] = ["👍", "❤️", "😂", "🎉", "😮", "🙏", "👀", "✅"];

/// Most different reactions to one message besides the common ones.
pub const OTHER_REACTION_KINDS: usize = REACTION_KINDS - COMMON_REACTIONS.len();

/// Most different reactions of one user to one message, so that no one fills all kinds alone.
pub const REACTION_KINDS_OF_USER: usize = 5;

/// Most users who show the same reaction to one message.
pub const REACTION_USERS: usize = 100;

/// Seconds after its last typing command until a player counts as no longer typing.
pub const TYPING_SECONDS: u64 = 5;

/// The longest slow mode, in seconds.
pub const MAX_SLOW_SECONDS: u32 = 6 * 60 * 60;

/// Seconds that slow mode still keeps a user from the next message or edit, when the last one is
/// that many milliseconds old. `None` when they need not wait.
pub fn slow_mode_left(slow_seconds: u32, age_ms: u64) -> Option<u32> {
    let left = (u64::from(slow_seconds) * 1_000).checked_sub(age_ms)?;
    u32::try_from(left.div_ceil(1_000))
        .ok()
        .filter(|left| *left > 0)
}

/// Audience of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum Scope {
    /// All players in the space.
    #[default]
    Space = 0,
    /// Players who can hear the sender. The message is not stored.
    Nearby = 1,
    /// All players, and clients highlight it. Only moderators send announcements.
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
#[cfg_attr(test, derive(serde::Deserialize))]
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
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Reaction {
    /// One emoji.
    pub emoji: String,
    /// Users who show it, in the order in which they reacted.
    pub users: Vec<UserId>,
}

/// A message that a player asks to send.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
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
    /// Whether the sender may announce, and write without regard to slow mode.
    pub may_announce: bool,
}

/// An edit or deletion of a message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
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
#[cfg_attr(test, derive(serde::Deserialize))]
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
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ChatRefusal {
    /// Slow mode: the player has to wait.
    TooSoon {
        /// Seconds left, at least one.
        seconds: u32,
    },
    /// Only moderators send announcements.
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

/// Requests about messages.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ChatCommand {
    /// Send a chat message.
    Send {
        /// Player who sends it.
        player: PlayerId,
        /// Message to send.
        speech: Speech,
    },
    /// Edit or delete a message.
    Edit {
        /// Player who asks for it.
        player: PlayerId,
        /// Message and its new text.
        change: MessageChange,
        /// Whether the player may announce, and edit without regard to slow mode.
        may_announce: bool,
        /// Whether the player may delete messages of others.
        may_delete: bool,
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
        message: ChatId,
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
    SetSlowMode {
        /// Seconds.
        seconds: u32,
    },
    /// Delete the whole chat history.
    Clear {
        /// Name of the user who asked for it.
        by: String,
    },
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

/// What changed about messages.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ChatFact {
    /// A message was sent to all players.
    Said(ChatMessage),
    /// A message arrived a second time. Only its sender is told that it was sent.
    SaidBefore(ChatMessage),
    /// The last player left, and the chat history is forgotten.
    Forgotten,
    /// A message was sent to the players near the sender. It is not stored.
    SaidNearby {
        /// The message.
        message: ChatMessage,
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
    Refused {
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
}

impl ChatFact {
    /// The players who are told.
    pub fn audience(&self) -> Audience<'_> {
        match self {
            Self::Said(message) => Audience::FromUser(message.user),
            // Acknowledged to the sender, too.
            Self::SaidNearby { hearers, .. } => Audience::Players(hearers),
            Self::SaidBefore(message) => Audience::Player(message.player),
            Self::Changed { author, .. } => Audience::FromUser(*author),
            Self::Reacted(reaction) => Audience::FromUser(reaction.user),
            Self::Typing { player, .. } => Audience::OthersThan(*player),
            Self::Refused { player, .. } => Audience::Player(*player),
            Self::Cleared { .. } | Self::SlowMode { .. } => Audience::Everyone,
            Self::Forgotten => Audience::Server,
        }
    }

    /// What is stored of it before clients see it.
    pub const fn durability(&self) -> Durability<'_> {
        match self {
            Self::Said(message) => Durability::Said(message),
            Self::Changed { change, .. } => Durability::Changed(change),
            Self::Reacted(reaction) => Durability::Reacted(reaction),
            Self::Cleared { by } => Durability::Cleared { by: by.as_str() },
            Self::SaidBefore(_) => Durability::Ordered,
            Self::Forgotten
            | Self::SaidNearby { .. }
            | Self::Refused { .. }
            | Self::Typing { .. }
            | Self::SlowMode { .. } => Durability::Volatile,
        }
    }
}
