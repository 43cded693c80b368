//! Speech: passes messages, edits and reactions to the space, as far as the user's budget of text
//! allows.

use super::Connection;
use crate::components::chat::{ChatCommand, MessageChange, Scope, Speech};
use crate::components::command::Command;
use crate::components::id::PlayerId;
use crate::components::permissions::Permission;
use crate::net::budget::{Slowed, Spender};
use crate::net::edge::refusal;
use crate::net::edge::standing::CurrentStanding;
use crate::net::edge::word_filters::{Filtered, WrittenIn};
use crate::net::protocol::json;
use crate::net::session::replies;
use crate::store::now_ms;

const NOT_TO_ALL: &str =
    "Your role here may not write to the whole space. Write to those near you.";

const BUSY: &str = "The space is overloaded. Send it again in a moment.";

impl Connection {
    /// Sends a message to the space, or says why not.
    pub(super) fn say(&self, player: PlayerId, speech: Speech) {
        let client_id = speech.client_id;
        if let Err(reason) = self.take_text(speech.text.len()) {
            return self.refuse_message(client_id, "slow-down", &reason);
        }
        if !self.command_fits(Command::Chat(ChatCommand::Send { player, speech })) {
            self.refuse_message(client_id, "busy", BUSY);
        }
    }

    /// Edits or deletes a message, or says why not.
    pub(super) fn edit(
        &self,
        player: PlayerId,
        change: MessageChange,
        may_announce: bool,
        may_delete: bool,
    ) {
        if let Some(text) = &change.text
            && let Err(reason) = self.take_text(text.len())
        {
            return self.notify("chat", &reason);
        }
        let command = Command::Chat(ChatCommand::Edit {
            player,
            change,
            may_announce,
            may_delete,
        });
        if !self.command_fits(command) {
            self.notify("chat", BUSY);
        }
    }

    /// Whether a command may be sent: a reaction is stored as an empty message is, and needs the
    /// same permission. Others are not told that a muted user types.
    pub(super) async fn may_react(&mut self, command: &Command) -> bool {
        if let Command::Chat(ChatCommand::Typing { on: true, .. }) = command {
            return self.muted().await.is_none();
        }
        let Command::Chat(ChatCommand::React { on: true, .. }) = command else {
            return true;
        };
        if !self.may_write().await {
            return false;
        }
        if let Err(reason) = self.take_text(0) {
            self.notify("chat", &reason);
            return false;
        }
        true
    }

    /// Whether the user may write, now and with this audience; otherwise says why not.
    pub(super) async fn may_say(&mut self, speech: &Speech) -> bool {
        let refusal = match self.muted().await {
            Some(reason) => Some((refusal::MUTED, reason)),
            None if speech.scope != Scope::Nearby && !self.may(Permission::WriteToSpace).await => {
                Some(("forbidden", NOT_TO_ALL.to_owned()))
            }
            None => None,
        };
        if let Some((code, reason)) = &refusal {
            self.refuse_message(speech.client_id, code, reason);
        }
        refusal.is_none()
    }

    /// The message as it may be shown; otherwise says why not.
    pub(super) async fn filter_message(&mut self, mut speech: Speech) -> Option<Speech> {
        let client_id = speech.client_id;
        match self.filtered(speech.text).await {
            Ok(text) => speech.text = text,
            Err(filtered) => {
                self.refuse_message(client_id, refusal::FILTERED, &filtered.reason());
                return None;
            }
        }
        Some(speech)
    }

    /// The edit as it may be shown; otherwise says why not.
    pub(super) async fn filter_edit(&mut self, mut change: MessageChange) -> Option<MessageChange> {
        if let Some(text) = change.text.take() {
            match self.filtered(text).await {
                Ok(text) => change.text = Some(text),
                Err(filtered) => {
                    self.notify(refusal::FILTERED, &filtered.reason());
                    return None;
                }
            }
        }
        Some(change)
    }

    /// What the word filters make of a text of the user.
    async fn filtered(&mut self, text: String) -> Result<String, Filtered> {
        let space = self.standing.as_ref().map(CurrentStanding::space);
        let Some((user, space)) = self.user.zip(space) else {
            return Ok(text);
        };
        let place = self
            .membership()
            .await
            .and_then(|membership| WrittenIn::space(space, membership));
        match place {
            // Boxed, because the future of a connection should stay small.
            Some(place) => Box::pin(self.edge.0.filters.message(user, place, text)).await,
            None => Ok(text),
        }
    }

    /// Whether the user may change and react to messages; otherwise says why not.
    pub(super) async fn may_write(&mut self) -> bool {
        let reason = self.muted().await;
        if let Some(reason) = &reason {
            self.notify(refusal::MUTED, reason);
        }
        reason.is_none()
    }

    /// Why the user may not write, if a moderator muted them.
    async fn muted(&mut self) -> Option<String> {
        let until = self.membership().await?.mutes.chat;
        (until > now_ms()).then(|| refusal::muted(until))
    }

    /// Takes the cost of a text from the user's budget; otherwise returns the reason.
    fn take_text(&self, bytes: usize) -> Result<(), String> {
        let spender = Spender {
            user: self.user,
            address: self.address,
        };
        let taken = self.edge.0.budgets.take_text(spender, bytes);
        taken.map_err(Slowed::text_reason)
    }

    fn refuse_message(&self, client_id: Option<u32>, code: &str, reason: &str) {
        match client_id.filter(|_| self.json_terms.is_none()) {
            Some(client_id) => self.queue.reply(replies::chat_refused(client_id, reason)),
            None => self.queue.reply(json::error(code, reason)),
        }
    }

    pub(super) fn notify(&self, code: &str, reason: &str) {
        self.queue.reply(replies::notice(code, reason));
    }
}
