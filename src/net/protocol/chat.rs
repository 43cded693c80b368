//! Chat: messages, changes to them, reactions and typing.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

use crate::components::chat::{ChatMessage, Reaction};
use crate::components::id::UserId;

/// Messages from a client about the chat.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum ChatC2s {
    /// Sends a chat message.
    Send(ChatSendC2s),
    /// Edits an own message.
    Edit(ChatEditC2s),
    /// Deletes a message.
    Delete(ChatDeleteC2s),
    /// Adds or removes a reaction.
    React(ReactC2s),
    /// Tells whether the sender types.
    Typing(TypingC2s),
    /// Asks for earlier chat messages.
    Before(ChatBeforeC2s),
}

/// Messages from the server about the chat.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum ChatS2c {
    /// A chat message.
    Message(ChatMessageS2c),
    /// A message was refused.
    Refused(ChatRefusedS2c),
    /// A message was edited or deleted.
    Changed(ChatChangedS2c),
    /// A reaction was added or removed.
    Reacted(ReactedS2c),
    /// A player started or stopped typing.
    Typing(TypingS2c),
    /// Earlier chat messages.
    History(HistoryS2c),
}

/// Sends a chat message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ChatSendC2s {
    /// Number that the client gave the message.
    pub client_id: u32,
    /// Text, 1 to 4,000 characters after trimming.
    pub text: String,
    /// Recipients: 0 the space, 1 players who hear the sender, 2 everyone, as an announcement.
    pub scope: u8,
    /// Id of the message to which it replies.
    pub reply_to: Option<String>,
}

/// A chat message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ChatMessageS2c {
    /// Id of the message.
    pub id: String,
    /// Number that the sender's client gave it; only in the sender's copy.
    pub client_id: Option<u32>,
    /// Player who sends it; `None` in the history.
    pub player: Option<u32>,
    /// Id of the user who sent it.
    pub user: String,
    /// Name of the user at that time.
    pub name: String,
    /// Text.
    pub text: String,
    /// Time it was sent, in Unix milliseconds.
    pub at: u64,
    /// Recipients, as in [`ChatSendC2s`].
    pub scope: u8,
    /// Id of the message to which it replies.
    pub reply_to: Option<String>,
    /// Time of the last edit, in Unix milliseconds.
    pub edited: Option<u64>,
    /// Whether it was deleted; the text is empty then.
    pub deleted: bool,
    /// Reactions to it.
    pub reactions: Vec<ReactionS2c>,
    /// Signature of the server, 16 bytes: proves in a report what was said.
    pub mac: Vec<u8>,
}

/// The users who reacted to a message with one emoji.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ReactionS2c {
    /// One emoji.
    pub emoji: String,
    /// Ids of the users: at most [`NAMED`], the reader among them.
    pub users: Vec<String>,
    /// Number of further users.
    pub more: u32,
}

/// Maximum number of users listed with a reaction in the history.
pub const NAMED: usize = 16;

/// Earlier messages, oldest first: follows the welcome, and answers [`ChatBeforeC2s`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct HistoryS2c {
    /// Id of the message before which they were sent; `None` for the newest.
    pub before: Option<String>,
    /// Messages, as many as fit into 32 KiB.
    pub messages: Vec<ChatMessageS2c>,
    /// Whether the space has older ones.
    pub more: bool,
}

/// Asks for messages sent before another one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ChatBeforeC2s {
    /// Id of a message in the history.
    pub id: String,
}

impl ChatMessageS2c {
    /// A new message as users other than its sender see it.
    pub fn of(message: &ChatMessage, mac: &[u8]) -> Self {
        Self {
            id: message.id.to_string(),
            client_id: None,
            player: Some(message.player.0),
            user: message.user.to_string(),
            name: message.name.clone(),
            text: message.text.clone(),
            at: message.at,
            scope: message.scope as u8,
            reply_to: message.reply_to.map(|id| id.to_string()),
            edited: message.edited,
            deleted: message.is_deleted,
            reactions: Vec::new(),
            mac: mac.to_vec(),
        }
    }

    /// A message as its sender sees it.
    pub fn own(message: &ChatMessage, mac: &[u8]) -> Self {
        Self {
            client_id: message.client_id,
            ..Self::of(message, mac)
        }
    }

    /// A message with its reactions, without those of users the reader blocks.
    pub fn judged(
        message: &ChatMessage,
        mac: &[u8],
        (reader, blocked): (UserId, &[UserId]),
    ) -> Self {
        let kinds = message.reactions.iter();
        Self {
            reactions: kinds
                .filter_map(|kind| ReactionS2c::of(kind, reader, blocked))
                .collect(),
            ..Self::of(message, mac)
        }
    }

    /// A message in the history. It has no player: the number may be another user's by now.
    pub fn remembered(message: &ChatMessage, mac: &[u8], reader: (UserId, &[UserId])) -> Self {
        Self {
            player: None,
            ..Self::judged(message, mac, reader)
        }
    }
}

impl ReactionS2c {
    fn of(reaction: &Reaction, reader: UserId, blocked: &[UserId]) -> Option<Self> {
        let mut users: Vec<UserId> = reaction.users.clone();
        users.retain(|user| !blocked.contains(user));
        if let Some(own) = users.iter().position(|user| *user == reader) {
            let front = own.min(NAMED - 1);
            if let Some(moved) = users.get_mut(front..=own) {
                moved.rotate_right(1);
            }
        }
        let more = u32::try_from(users.len().saturating_sub(NAMED)).unwrap_or(u32::MAX);
        users.truncate(NAMED);
        (!users.is_empty()).then(|| Self {
            emoji: reaction.emoji.clone(),
            users: users.iter().map(ToString::to_string).collect(),
            more,
        })
    }
}

/// Edits an own message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ChatEditC2s {
    /// Id of the message.
    pub id: String,
    /// New text, as in [`ChatSendC2s`].
    pub text: String,
}

/// Deletes a message: an own one, or any one for moderators of the space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ChatDeleteC2s {
    /// Id of the message.
    pub id: String,
}

/// Adds or removes a reaction.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ReactC2s {
    /// Id of the message.
    pub id: String,
    /// One emoji.
    pub emoji: String,
    /// `true` to add the reaction, `false` to remove it.
    pub on: bool,
}

/// Tells that the sender types; repeated every few seconds while typing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct TypingC2s {
    /// Whether the sender types.
    pub on: bool,
}

/// A message was edited or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ChatChangedS2c {
    /// Id of the message.
    pub id: String,
    /// New text; `None` if it was deleted.
    pub text: Option<String>,
    /// Time of the change, in Unix milliseconds.
    pub at: u64,
}

/// A reaction was added or removed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ReactedS2c {
    /// Id of the message.
    pub id: String,
    /// Id of the user who reacted.
    pub user: String,
    /// One emoji.
    pub emoji: String,
    /// `true` if it was added, `false` if it was removed.
    pub on: bool,
}

/// A player started or stopped typing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct TypingS2c {
    /// Number of the typing player.
    pub player: u32,
    /// Whether they type.
    pub on: bool,
}

/// A message was refused.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ChatRefusedS2c {
    /// Number that the client gave the message.
    pub client_id: u32,
    /// Reason, for the user.
    pub message: String,
}

#[cfg(test)]
impl ChatC2s {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Send(ChatSendC2s {
                client_id: 3,
                text: "hello, wörld 👋".into(),
                scope: 2,
                reply_to: Some("0197a1b2-0000-7000-8000-00000000000a".into()),
            }),
            Self::Edit(ChatEditC2s {
                id: "l1".into(),
                text: "hello, world".into(),
            }),
            Self::Delete(ChatDeleteC2s { id: "l1".into() }),
            Self::React(ReactC2s {
                id: "l1".into(),
                emoji: "👩‍🚀".into(),
                on: true,
            }),
            Self::Typing(TypingC2s { on: false }),
            Self::Before(ChatBeforeC2s { id: "l1".into() }),
        ]
    }
}

#[cfg(test)]
impl ChatS2c {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Message(example(Some(3), Some(12))),
            Self::Refused(ChatRefusedS2c {
                client_id: 3,
                message: "Too long.".into(),
            }),
            Self::Changed(ChatChangedS2c {
                id: "l1".into(),
                text: None,
                at: 1_795_000_010_000,
            }),
            Self::Reacted(ReactedS2c {
                id: "l1".into(),
                user: "u1".into(),
                emoji: "🇳🇱".into(),
                on: false,
            }),
            Self::Typing(TypingS2c {
                player: 300,
                on: true,
            }),
            Self::History(HistoryS2c {
                before: Some("l9".into()),
                messages: vec![example(None, None)],
                more: true,
            }),
        ]
    }
}

#[cfg(test)]
fn example(client_id: Option<u32>, player: Option<u32>) -> ChatMessageS2c {
    ChatMessageS2c {
        id: "0197a1b2-0000-7000-8000-00000000000a".into(),
        client_id,
        player,
        user: "0197a1b2-0000-7000-8000-00000000000b".into(),
        name: "Zoë ‏שלום".into(),
        text: "<b>not bold</b>".into(),
        at: 1_795_000_000_123,
        scope: 1,
        reply_to: Some("l0".into()),
        edited: Some(1_795_000_009_000),
        deleted: false,
        reactions: vec![ReactionS2c {
            emoji: "❤️".into(),
            users: vec!["u1".into(), "u2".into()],
            more: 300,
        }],
        mac: (0..16).map(|byte| byte * 17).collect(),
    }
}
