//! Chat: messages, changes to them, reactions and typing of a client.

use std::time::Instant;

use bytes::Bytes;

use super::emoji::is_one_emoji;
use super::replies::{chat_refused, notice};
use super::{Action, DomainMessage, MessageKind, Session, chat_text};
use crate::components::chat::{ChatCommand, Scope};
use crate::components::command::Command;
use crate::components::id::PlayerId;
use crate::net::protocol::chat::{ChatC2s, ChatEditC2s, ChatSendC2s, ReactC2s};

/// Reason for the user whose message is empty or too long.
const LENGTH: &str = "A message has 1 to 4,000 characters.";
const TOO_FAST: &str = "You write too fast. Wait a moment and send it again.";
const TOO_OFTEN: &str = "You do that too often. Wait a moment and try again.";

impl DomainMessage for ChatC2s {
    fn kind(&self) -> MessageKind {
        match self {
            Self::Send(_) => MessageKind::Chat,
            Self::Edit(_) | Self::Delete(_) | Self::React(_) => MessageKind::Change,
            Self::Before(_) => MessageKind::LookBack,
            Self::Typing(_) => MessageKind::Other,
        }
    }

    fn too_often(&self) -> Option<Bytes> {
        match self {
            Self::Send(chat) => Some(chat_refused(chat.client_id, TOO_FAST)),
            Self::Edit(_) | Self::Delete(_) | Self::React(_) => Some(notice("chat", TOO_OFTEN)),
            Self::Before(_) | Self::Typing(_) => None,
        }
    }

    fn charge(&self, session: &mut Session, now: Instant) -> Result<(), Bytes> {
        match self {
            Self::Send(chat) if !session.admit_text(&chat.text, now) => {
                Err(chat_refused(chat.client_id, TOO_FAST))
            }
            Self::Edit(edit) if !session.admit_text(&edit.text, now) => {
                Err(notice("chat", TOO_OFTEN))
            }
            Self::Edit(_) => {
                session.rates.lock().note_edit(now);
                Ok(())
            }
            Self::Send(_)
            | Self::Delete(_)
            | Self::React(_)
            | Self::Typing(_)
            | Self::Before(_) => Ok(()),
        }
    }

    fn act(self, player: PlayerId) -> Option<Action> {
        match self {
            Self::Send(chat) => Some(say(player, chat)),
            Self::Edit(edit) => change(player, &edit),
            Self::Delete(delete) => Some(Action::EditMessage {
                player,
                message: delete.id.parse().ok()?,
                text: None,
            }),
            Self::React(reaction) => react(player, reaction),
            Self::Typing(typing) => Some(Action::Command(Command::Chat(ChatCommand::Typing {
                player,
                on: typing.on,
            }))),
            Self::Before(before) => before.id.parse().ok().map(Action::LookBack),
        }
    }
}

fn say(player: PlayerId, chat: ChatSendC2s) -> Action {
    let client_id = chat.client_id;
    let Some(scope) = Scope::from_wire(chat.scope) else {
        return Action::Reply(chat_refused(client_id, "This scope does not exist."));
    };
    match chat_text(&chat.text) {
        Some(text) => Action::Say {
            player,
            client_id: Some(client_id),
            text,
            scope,
            reply_to: chat.reply_to.and_then(|id| id.parse().ok()),
        },
        None => Action::Reply(chat_refused(client_id, LENGTH)),
    }
}

fn change(player: PlayerId, edit: &ChatEditC2s) -> Option<Action> {
    let Some(text) = chat_text(&edit.text) else {
        return Some(Action::Reply(notice("chat", LENGTH)));
    };
    Some(Action::EditMessage {
        player,
        message: edit.id.parse().ok()?,
        text: Some(text),
    })
}

fn react(player: PlayerId, reaction: ReactC2s) -> Option<Action> {
    if !is_one_emoji(&reaction.emoji) {
        return None;
    }
    Some(Action::Command(Command::Chat(ChatCommand::React {
        player,
        message: reaction.id.parse().ok()?,
        emoji: reaction.emoji,
        on: reaction.on,
    })))
}
