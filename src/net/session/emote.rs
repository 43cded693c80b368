//! Emote: emotes of a client's player.

use super::{Action, DomainMessage, MessageKind};
use crate::components::command::Command;
use crate::components::emote::Emote;
use crate::components::id::PlayerId;
use crate::net::protocol::emote::EmoteC2s;

impl DomainMessage for EmoteC2s {
    fn kind(&self) -> MessageKind {
        MessageKind::Other
    }

    fn act(self, player: PlayerId) -> Option<Action> {
        let Self { kind } = self;
        let emote = Emote { player, kind };
        emote
            .is_known()
            .then_some(Action::Command(Command::Emote(emote)))
    }
}
