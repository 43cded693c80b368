//! Speech: passes messages, edits and reactions to the space, as far as the user's budget of text
//! allows.

use super::Connection;
use crate::components::chat::{ChatCommand, MessageChange, Speech};
use crate::components::command::Command;
use crate::components::id::PlayerId;
use crate::net::budget::{Slowed, Spender};
use crate::net::protocol::json;
use crate::net::session::replies;

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

    /// Whether a command may be sent: a reaction is kept as an empty message is.
    pub(super) fn may_react(&self, command: &Command) -> bool {
        if let Command::Chat(ChatCommand::React { on: true, .. }) = command
            && let Err(reason) = self.take_text(0)
        {
            self.notify("chat", &reason);
            return false;
        }
        true
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

    fn notify(&self, code: &str, reason: &str) {
        self.queue.reply(replies::notice(code, reason));
    }
}
