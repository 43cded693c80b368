//! Bubble: what a client's player does about conversation bubbles.

use bytes::Bytes;

use super::replies::slow_down;
use super::{Action, DomainMessage, MessageKind};
use crate::components::bubble::{BubbleAction, BubbleCommand};
use crate::components::command::Command;
use crate::components::id::PlayerId;
use crate::net::protocol::bubble::BubbleC2s;

impl DomainMessage for BubbleC2s {
    fn kind(&self) -> MessageKind {
        match BubbleAction::from_wire(self.action, self.bubble) {
            // Others notice these.
            Some(BubbleAction::Form { .. } | BubbleAction::Join(_)) => MessageKind::Wave,
            Some(
                BubbleAction::Leave
                | BubbleAction::Lock(_)
                | BubbleAction::Accept(_)
                | BubbleAction::Decline(_),
            )
            | None => MessageKind::Other,
        }
    }

    fn too_often(&self) -> Option<Bytes> {
        Some(slow_down())
    }

    fn act(self, player: PlayerId) -> Option<Action> {
        let action = BubbleAction::from_wire(self.action, self.bubble)?;
        let command = BubbleCommand { player, action };
        Some(Action::Command(Command::Bubble(command)))
    }
}
