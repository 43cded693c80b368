//! Chat: lines people say to a space, and what becomes of them.

use bincode::{Decode, Encode};

use super::id::{ChatId, PlayerId, UserId};

/// Lines that a space remembers for those who come later.
pub const HISTORY: usize = 50;

/// Characters in one line at most.
pub const MAX_CHARS: usize = 4_000;

/// Different reactions to one line at most.
pub const REACTION_KINDS: usize = 20;

/// People who show the same reaction to one line at most.
pub const REACTION_USERS: usize = 100;

/// Seconds without another word from somebody who types, after which they count as done.
pub const TYPING_SECONDS: u64 = 5;

/// The longest slow mode, in seconds.
pub const MAX_SLOW_SECONDS: u32 = 6 * 60 * 60;

/// Who a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub enum Scope {
    /// Everybody in the space.
    #[default]
    Space = 0,
    /// Whoever can hear the speaker; nobody keeps it.
    Nearby = 1,
    /// Everybody, and it stands out: only those who look after the space say such lines.
    Announcement = 2,
}

impl Scope {
    /// The scope with that number in messages and tables.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Space),
            1 => Some(Self::Nearby),
            2 => Some(Self::Announcement),
            _ => None,
        }
    }
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ChatMessage {
    /// This line.
    pub id: ChatId,
    /// Who said it, while they are here.
    pub player: PlayerId,
    /// The user who said it.
    pub user: UserId,
    /// Their name when they said it.
    pub name: String,
    /// The words; none when it was deleted.
    pub text: String,
    /// When, in Unix milliseconds, by the clock of the process that took it.
    pub at: u64,
    /// The sender's own number of it: the same line sent again has the same.
    pub client_id: Option<u32>,
    /// Who it is for.
    pub scope: Scope,
    /// The line that it answers.
    pub reply_to: Option<ChatId>,
    /// When its words were changed last, in Unix milliseconds.
    pub edited: Option<u64>,
    /// Whether it was taken back: only its place is left.
    pub is_deleted: bool,
    /// What people think of it, in the order in which each kind came first.
    pub reactions: Vec<Reaction>,
}

impl ChatMessage {
    /// The line that somebody says with these words.
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

/// One kind of reaction to a line.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Reaction {
    /// One emoji.
    pub emoji: String,
    /// Who shows it, in the order they did.
    pub users: Vec<UserId>,
}

/// What somebody wants to say.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Speech {
    /// The line's id.
    pub id: ChatId,
    /// The sender's own number of it.
    pub client_id: Option<u32>,
    /// The words, already checked for length.
    pub text: String,
    /// Unix milliseconds.
    pub at: u64,
    /// Who it is for.
    pub scope: Scope,
    /// The line that it answers.
    pub reply_to: Option<ChatId>,
    /// Whether the speaker looks after the space: its owner, or an admin.
    pub may_moderate: bool,
}

/// A line has other words from now on, or none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MessageChange {
    /// Which line.
    pub id: ChatId,
    /// Its new words; nothing when it is deleted.
    pub text: Option<String>,
    /// When, in Unix milliseconds.
    pub at: u64,
}

/// Somebody shows a reaction to a line, or takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MessageReaction {
    /// Which line.
    pub id: ChatId,
    /// Who.
    pub user: UserId,
    /// One emoji.
    pub emoji: String,
    /// Whether it is shown from now on.
    pub on: bool,
}

/// Why something was not done with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum ChatRefusal {
    /// Slow mode: so many seconds are left.
    TooSoon {
        /// At least one.
        seconds: u32,
    },
    /// Only who looks after the space announces.
    NoAnnouncer,
    /// It is somebody else's line.
    NotYours,
    /// The space does not know the line, or not any more.
    Gone,
    /// There are as many reactions as one line has room for.
    TooManyReactions,
    /// Nobody can hear the speaker.
    NobodyNear,
}
