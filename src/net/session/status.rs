//! Status: availability, media and waves of a client's player.

use bytes::Bytes;

use super::replies::slow_down;
use super::{Action, DomainMessage, MessageKind};
use crate::components::command::Command;
use crate::components::id::PlayerId;
use crate::components::status::{Media, Status, StatusCommand, WaveKind};
use crate::net::protocol::status::StatusC2s;

impl DomainMessage for StatusC2s {
    fn kind(&self) -> MessageKind {
        match self {
            Self::Wave(_) => MessageKind::Wave,
            Self::Media(_) | Self::Set(_) => MessageKind::Other,
        }
    }

    fn too_often(&self) -> Option<Bytes> {
        match self {
            Self::Wave(_) => Some(slow_down()),
            Self::Media(_) | Self::Set(_) => None,
        }
    }

    fn act(self, player: PlayerId) -> Option<Action> {
        let command = match self {
            Self::Media(media) => StatusCommand::ChangeMedia {
                player,
                media: Media {
                    audio: media.audio,
                    video: media.video,
                    screen: media.screen,
                },
            },
            Self::Set(status) => StatusCommand::ChangeStatus {
                player,
                status: Status::from_wire(status.status)?,
            },
            Self::Wave(wave) => StatusCommand::Wave {
                player,
                to: PlayerId(wave.player),
                kind: WaveKind::from_wire(wave.kind)?,
            },
        };
        Some(Action::Command(Command::Status(command)))
    }
}
