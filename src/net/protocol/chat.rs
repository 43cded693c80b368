//! Chat: lines, what becomes of them, and emotes.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

use crate::components::chat::{ChatMessage, Reaction};
use crate::components::direct::DirectMessage;
use crate::components::id::UserId;

/// Say something to the space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatC2s {
    /// The client's own number of the line.
    pub client_id: u32,
    /// The words, 1 to 4,000 characters after trimming.
    pub text: String,
    /// Who it is for: 0 the space, 1 whoever hears the speaker, 2 everybody as an announcement.
    pub scope: u8,
    /// The line that it answers.
    pub reply_to: Option<String>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatMessageS2c {
    /// The line's id.
    pub id: String,
    /// The sender's own number of it, in the sender's copy alone.
    pub client_id: Option<u32>,
    /// Who said it, when it is said and not remembered.
    pub player: Option<u32>,
    /// The user's id.
    pub user: String,
    /// Their name when they said it.
    pub name: String,
    /// The words.
    pub text: String,
    /// Unix milliseconds.
    pub at: u64,
    /// Who it is for, as in [`ChatC2s`].
    pub scope: u8,
    /// The line that it answers.
    pub reply_to: Option<String>,
    /// When its words were changed last.
    pub edited: Option<u64>,
    /// Whether it was taken back; it has no words then.
    pub deleted: bool,
    /// What people think of it.
    pub reactions: Vec<ReactionS2c>,
}

/// One kind of reaction to a line.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ReactionS2c {
    /// One emoji.
    pub emoji: String,
    /// The ids of who shows it: at most [`NAMED`], the reader among them.
    pub users: Vec<String>,
    /// How many more there are.
    pub more: u32,
}

/// People who are named with a reaction of a remembered line.
pub const NAMED: usize = 16;

/// Lines that were said before, oldest first: follows the welcome, and answers [`ChatBeforeC2s`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct HistoryS2c {
    /// The line before which they were said; nothing for the newest.
    pub before: Option<String>,
    /// As many as fit into 32 KiB.
    pub lines: Vec<ChatMessageS2c>,
    /// Whether the space remembers older ones.
    pub more: bool,
}

/// What was said before that?
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatBeforeC2s {
    /// The id of a line that the space remembers.
    pub id: String,
}

impl ChatMessageS2c {
    /// The line as others than its sender see it when it is said.
    pub fn of(line: &ChatMessage) -> Self {
        Self {
            id: line.id.to_string(),
            client_id: None,
            player: Some(line.player.0),
            user: line.user.to_string(),
            name: line.name.clone(),
            text: line.text.clone(),
            at: line.at,
            scope: line.scope as u8,
            reply_to: line.reply_to.map(|id| id.to_string()),
            edited: line.edited,
            deleted: line.is_deleted,
            reactions: Vec::new(),
        }
    }

    /// The line as its sender sees it.
    pub fn own(line: &ChatMessage) -> Self {
        Self {
            client_id: line.client_id,
            ..Self::of(line)
        }
    }

    /// The line with what people think of it, as one user sees it: nothing of those they keep away.
    pub fn judged(line: &ChatMessage, reader: UserId, blocked: &[UserId]) -> Self {
        let kinds = line.reactions.iter();
        Self {
            reactions: kinds
                .filter_map(|kind| ReactionS2c::of(kind, reader, blocked))
                .collect(),
            ..Self::of(line)
        }
    }

    /// The same for a user who came later: its player number may be another's by now.
    pub fn remembered(line: &ChatMessage, reader: UserId, blocked: &[UserId]) -> Self {
        Self {
            player: None,
            ..Self::judged(line, reader, blocked)
        }
    }
}

impl ReactionS2c {
    fn of(reaction: &Reaction, reader: UserId, blocked: &[UserId]) -> Option<Self> {
        let mut users: Vec<UserId> = reaction.users.clone();
        users.retain(|user| !blocked.contains(user));
        if let Some(own) = users.iter().position(|user| *user == reader) {
            let front = own.min(NAMED - 1);
            users[front..=own].rotate_right(1);
        }
        let more = users.len().saturating_sub(NAMED) as u32;
        users.truncate(NAMED);
        (!users.is_empty()).then(|| Self {
            emoji: reaction.emoji.clone(),
            users: users.iter().map(ToString::to_string).collect(),
            more,
        })
    }
}

/// Give an own line other words.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatEditC2s {
    /// Which line.
    pub id: String,
    /// The words, as in [`ChatC2s`].
    pub text: String,
}

/// Take a line back: an own one, or any by those who look after the space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatDeleteC2s {
    /// Which line.
    pub id: String,
}

/// Show a reaction to a line, or take it back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ReactC2s {
    /// Which line.
    pub id: String,
    /// One emoji.
    pub emoji: String,
    /// Whether it is shown from now on.
    pub on: bool,
}

/// I type; said again every few seconds while that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct TypingC2s {
    /// Whether I do.
    pub on: bool,
}

/// A line has other words, or none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatChangedS2c {
    /// Which line.
    pub id: String,
    /// Its words; nothing when it was deleted.
    pub text: Option<String>,
    /// When, in Unix milliseconds.
    pub at: u64,
}

/// A line has one reaction more or less.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ReactedS2c {
    /// Which line.
    pub id: String,
    /// The id of the user.
    pub user: String,
    /// One emoji.
    pub emoji: String,
    /// Whether it is shown from now on.
    pub on: bool,
}

/// Somebody began to type, or stopped.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct TypingS2c {
    /// Who.
    pub player: u32,
    /// Whether they type.
    pub on: bool,
}

/// One person said something to another, wherever both are.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct DirectMessageS2c {
    /// The message's id.
    pub id: String,
    /// The sender's own number of it, in the sender's copies alone.
    pub client_id: Option<u32>,
    /// The id of who wrote it.
    pub from: String,
    /// The name of who wrote it.
    pub name: String,
    /// The id of who it is for.
    pub to: String,
    /// The words.
    pub text: String,
    /// Unix milliseconds.
    pub at: u64,
}

impl DirectMessageS2c {
    /// The message as that user sees it.
    pub fn of(message: &DirectMessage, reader: UserId) -> Self {
        Self {
            id: message.id.to_string(),
            client_id: (reader == message.from).then_some(message.client_id),
            from: message.from.to_string(),
            name: message.name.clone(),
            to: message.to.to_string(),
            text: message.text.clone(),
            at: message.at,
        }
    }
}

/// A line was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatRefusedS2c {
    /// The client's own number of the line.
    pub client_id: u32,
    /// For the person.
    pub message: String,
}

/// Show something over the head.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct EmoteC2s {
    /// 0 to 5.
    pub kind: u8,
}

/// Somebody shows something over the head.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct EmoteS2c {
    /// Who.
    pub player: u32,
    /// 0 to 5.
    pub kind: u8,
}
