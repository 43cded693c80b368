//! Block: which users a client's user blocks.

use super::replies::notice;
use super::{Action, DomainMessage, MessageKind};
use crate::components::id::PlayerId;
use crate::net::protocol::block::BlockC2s;

impl DomainMessage for BlockC2s {
    fn kind(&self) -> MessageKind {
        MessageKind::Other
    }

    fn act(self, _player: PlayerId) -> Option<Action> {
        Some(match self.user.parse() {
            Ok(other) => Action::Block {
                other,
                blocked: self.blocked,
            },
            Err(_) => Action::Reply(notice("no-user", "There is no such user.")),
        })
    }
}
