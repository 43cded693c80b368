//! Durable events: what must not be lost once a client was told of it. They are stored one by one,
//! and replayed after the checkpoint.

use uuid::Uuid;

use super::checkpoint_error::CheckpointError;
use crate::components::chat::{ChatMessage, Durability, MessageChange, MessageReaction, Scope};
use crate::components::fact::Fact;
use crate::components::history::History;
use crate::components::id::{ChatId, PlayerId, UserId};
use crate::systems::chat::SavedMessage;
use crate::systems::saving::{read, write};

/// Kind of an event with a message of only a text, as earlier versions wrote it.
const SAID_TEXT_ONLY: u8 = 1;
/// Kind of a new message.
const SAID: u8 = 2;
/// Kind of a changed message.
const CHANGED: u8 = 3;
/// Kind of a reaction.
const REACTED: u8 = 4;
/// Kind of a deletion of the whole chat history.
const CLEARED: u8 = 5;

/// An event that must not be lost once a client was told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DurableEvent {
    /// A message was sent.
    Said(ChatMessage),
    /// A message was edited or deleted.
    Changed(MessageChange),
    /// A reaction was added or removed.
    Reacted(MessageReaction),
    /// The chat history was deleted by the user of that name.
    Cleared(String),
}

/// Id, player, user, name, text and time of a message of only a text.
type TextOnly = ([u8; 16], u32, [u8; 16], String, String, u64);

impl DurableEvent {
    /// Durable event of a fact; `None` when the fact need not be stored.
    pub fn of(fact: &Fact) -> Option<Self> {
        match fact.durability() {
            Durability::Volatile | Durability::Ordered => None,
            Durability::Said(message) => Some(Self::Said(message.clone())),
            Durability::Changed(change) => Some(Self::Changed(change.clone())),
            Durability::Reacted(reaction) => Some(Self::Reacted(reaction.clone())),
            Durability::Cleared { by } => Some(Self::Cleared(by.to_owned())),
        }
    }

    /// The message that was sent, if it is one.
    pub const fn said(&self) -> Option<&ChatMessage> {
        match self {
            Self::Said(message) => Some(message),
            Self::Changed(_) | Self::Reacted(_) | Self::Cleared(_) => None,
        }
    }

    /// Applies the event to the history as it was before.
    pub(super) fn apply_to(&self, history: &mut History) {
        match self {
            Self::Said(message) => history.add(message.clone()),
            Self::Changed(change) => history.change(change),
            Self::Reacted(reaction) => history.react(reaction),
            Self::Cleared(_) => history.0.clear(),
        }
    }

    /// Stored bytes: the kind in one byte, then its record.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Said(message) => write((SAID, SavedMessage::from(message))),
            Self::Changed(change) => {
                write((CHANGED, change.id.0.into_bytes(), &change.text, change.at))
            }
            Self::Reacted(reaction) => {
                let (message, user) = (reaction.id.0.into_bytes(), reaction.user.0.into_bytes());
                write((REACTED, message, user, &reaction.emoji, reaction.on))
            }
            Self::Cleared(by) => write((CLEARED, by)),
        }
    }

    /// Decodes stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (kind, record) = bytes
            .split_first()
            .ok_or(CheckpointError::Senseless("an event without a kind"))?;
        match *kind {
            SAID_TEXT_ONLY => {
                let (message, client_id) = read::<(TextOnly, Option<u32>)>(record)?;
                Ok(Self::Said(text_only(message, client_id)))
            }
            SAID => {
                let message = read::<SavedMessage<String>>(record)?;
                Ok(Self::Said(message.into_message()?))
            }
            CHANGED => {
                let (id, text, at) = read::<([u8; 16], Option<String>, u64)>(record)?;
                let id = ChatId(Uuid::from_bytes(id));
                Ok(Self::Changed(MessageChange { id, text, at }))
            }
            REACTED => {
                let (id, user, emoji, on) = read::<([u8; 16], [u8; 16], String, bool)>(record)?;
                Ok(Self::Reacted(MessageReaction {
                    id: ChatId(Uuid::from_bytes(id)),
                    user: UserId(Uuid::from_bytes(user)),
                    emoji,
                    on,
                }))
            }
            CLEARED => Ok(Self::Cleared(read(record)?)),
            kind => Err(CheckpointError::Event { kind }),
        }
    }
}

fn text_only(message: TextOnly, client_id: Option<u32>) -> ChatMessage {
    let (id, player, user, name, text, at) = message;
    ChatMessage {
        id: ChatId(Uuid::from_bytes(id)),
        player: PlayerId(player),
        user: UserId(Uuid::from_bytes(user)),
        name,
        text,
        at,
        client_id,
        scope: Scope::Space,
        reply_to: None,
        edited: None,
        is_deleted: false,
        reactions: Vec::new(),
    }
}
