//! History: the newest messages of a space, and what facts change in them.
//!
//! `systems::chat` has the simulation's copy. `host` and `net::relay` follow it with copies of what
//! clients were shown.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;

use super::chat::{ChatFact, ChatMessage, HISTORY, MessageChange, MessageReaction, Reaction};
use super::fact::Fact;
use super::id::ChatId;

/// Milliseconds in which the same text from the same user under the same number counts as the same
/// message. After that, a client that restarts its numbers is not taken for one that repeats a
/// message.
pub const AGAIN_WITHIN: u64 = 60_000;

/// Newest messages, oldest first.
#[derive(Debug, Clone, Default, Resource)]
pub struct History(pub VecDeque<ChatMessage>);

impl History {
    /// Adds a message, unless it is known. The oldest makes room.
    pub fn add(&mut self, message: ChatMessage) {
        if self.get(message.id).is_some() {
            return;
        }
        if self.0.len() >= HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(message);
    }

    /// The message with that id.
    pub fn get(&self, id: ChatId) -> Option<&ChatMessage> {
        self.0.iter().rev().find(|message| message.id == id)
    }

    fn get_mut(&mut self, id: ChatId) -> Option<&mut ChatMessage> {
        self.0.iter_mut().rev().find(|message| message.id == id)
    }

    /// The message that this one repeats. A client that got no reply sends its message again.
    pub fn find(&self, message: &ChatMessage) -> Option<&ChatMessage> {
        message.client_id?;
        self.0
            .iter()
            .rev()
            .take_while(|before| before.at.saturating_add(AGAIN_WITHIN) >= message.at)
            .find(|before| {
                (before.user, before.client_id) == (message.user, message.client_id)
                    // The text may have been edited since.
                    && (before.text == message.text || before.edited.is_some() || before.is_deleted)
            })
    }

    /// Edits or deletes a message. A deleted message stays deleted.
    pub fn change(&mut self, change: &MessageChange) {
        let Some(message) = self
            .get_mut(change.id)
            .filter(|message| !message.is_deleted)
        else {
            return;
        };
        if let Some(text) = &change.text {
            message.text.clone_from(text);
            message.edited = Some(change.at);
        } else {
            message.text.clear();
            message.edited = None;
            message.is_deleted = true;
            message.reactions.clear();
        }
    }

    /// Adds a reaction to a message or removes it. Does nothing when it is so already.
    pub fn react(&mut self, reaction: &MessageReaction) {
        let Some(message) = self.get_mut(reaction.id) else {
            return;
        };
        let kind = message
            .reactions
            .iter_mut()
            .find(|known| known.emoji == reaction.emoji);
        match (kind, reaction.on) {
            (Some(kind), true) if !kind.users.contains(&reaction.user) => {
                kind.users.push(reaction.user);
            }
            (Some(kind), false) => kind.users.retain(|user| *user != reaction.user),
            (None, true) => message.reactions.push(Reaction {
                emoji: reaction.emoji.clone(),
                users: vec![reaction.user],
            }),
            _ => {}
        }
        message.reactions.retain(|kind| !kind.users.is_empty());
    }

    /// Applies a fact.
    pub fn apply(&mut self, fact: &Fact) {
        let Fact::Chat(fact) = fact else {
            return;
        };
        match fact {
            ChatFact::Said(message) => self.add(message.clone()),
            ChatFact::Changed { change, .. } => self.change(change),
            ChatFact::Reacted(reaction) => self.react(reaction),
            ChatFact::Cleared { .. } | ChatFact::Forgotten => self.0.clear(),
            ChatFact::SaidBefore(_)
            | ChatFact::SaidNearby { .. }
            | ChatFact::Refused { .. }
            | ChatFact::Typing { .. }
            | ChatFact::SlowMode { .. } => {}
        }
    }
}
