//! Zone: locks, knocks and admissions of a client's player.

use bytes::Bytes;

use super::replies::slow_down;
use super::{Action, DomainMessage, MessageKind};
use crate::components::command::Command;
use crate::components::id::PlayerId;
use crate::components::zone::{Admit, ZoneCommand};
use crate::net::protocol::zone::ZoneC2s;

impl DomainMessage for ZoneC2s {
    fn kind(&self) -> MessageKind {
        match self {
            Self::Knock(_) => MessageKind::Wave,
            Self::Lock(_) | Self::Admit(_) => MessageKind::Other,
        }
    }

    fn too_often(&self) -> Option<Bytes> {
        match self {
            Self::Knock(_) => Some(slow_down()),
            Self::Lock(_) | Self::Admit(_) => None,
        }
    }

    fn act(self, player: PlayerId) -> Option<Action> {
        Some(Action::Command(match self {
            Self::Lock(lock) => Command::Zone(ZoneCommand::Lock {
                player,
                zone: lock.zone,
                locked: lock.locked,
            }),
            Self::Knock(knock) => Command::Zone(ZoneCommand::Knock {
                player,
                zone: knock.zone,
            }),
            Self::Admit(admit) => Command::Admit(Admit {
                player,
                guest: PlayerId(admit.player),
            }),
        }))
    }
}
