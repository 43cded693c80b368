//! Follow: which player a client's player follows.

use super::{Action, DomainMessage, MessageKind};
use crate::components::command::Command;
use crate::components::follow::Follow;
use crate::components::id::PlayerId;
use crate::net::protocol::follow::FollowC2s;

impl DomainMessage for FollowC2s {
    fn kind(&self) -> MessageKind {
        MessageKind::Wave
    }

    fn act(self, player: PlayerId) -> Option<Action> {
        let leader = self.player.map(PlayerId);
        Some(Action::Command(Command::Follow(Follow { player, leader })))
    }
}
