//! Call: signals of a client to its peers and to the SFU.

use std::time::Instant;

use bytes::Bytes;

use super::replies::notice;
use super::{Action, DomainMessage, MessageKind, Session};
use crate::components::call::CallCommand;
use crate::components::command::Command;
use crate::components::id::PlayerId;
use crate::components::peers::MAX_SIGNAL;
use crate::components::player::PlayerRef;
use crate::net::protocol::call::CallC2s;

impl CallC2s {
    const fn body(&self) -> &String {
        match self {
            Self::Signal(signal) => &signal.body,
            Self::Sfu(request) => &request.body,
        }
    }
}

impl DomainMessage for CallC2s {
    fn kind(&self) -> MessageKind {
        match self {
            Self::Signal(_) | Self::Sfu(_) => MessageKind::Signal,
        }
    }

    fn charge(&self, session: &mut Session, now: Instant) -> Result<(), Bytes> {
        match self {
            Self::Signal(signal) => {
                let to = PlayerRef::Player(PlayerId(signal.player));
                session.charge_signal(to, &signal.body, now);
            }
            Self::Sfu(_) => {}
        }
        Ok(())
    }

    fn act(self, player: PlayerId) -> Option<Action> {
        if self.body().len() > MAX_SIGNAL {
            let reason = "A signal has at most 12 KiB.";
            return Some(Action::Reply(notice("too-long", reason)));
        }
        let command = match self {
            Self::Signal(signal) => CallCommand::Signal {
                player,
                to: PlayerRef::Player(PlayerId(signal.player)),
                body: signal.body,
            },
            Self::Sfu(request) => CallCommand::SfuRequest {
                player,
                body: request.body,
            },
        };
        Some(Action::Command(Command::Call(command)))
    }
}
