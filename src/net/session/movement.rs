//! Movement: steps and walks of a client's player.

use super::{Action, DomainMessage, MessageKind};
use crate::components::command::Command;
use crate::components::direction::Direction;
use crate::components::id::PlayerId;
use crate::components::movement::MovementCommand;
use crate::components::player::{Goal, HeldStep};
use crate::components::unit::Tile;
use crate::net::protocol::movement::{InputC2s, MovementC2s};

impl DomainMessage for InputC2s {
    fn kind(&self) -> MessageKind {
        MessageKind::Move
    }

    fn act(self, player: PlayerId) -> Option<Action> {
        let step = HeldStep {
            seq: self.seq,
            direction: Direction::from_wire(self.direction)?,
            run: self.run,
        };
        let command = MovementCommand::Step { player, step };
        Some(Action::Command(Command::Movement(command)))
    }
}

impl DomainMessage for MovementC2s {
    fn kind(&self) -> MessageKind {
        match self {
            Self::WalkTo(_) | Self::WalkToPlayer(_) => MessageKind::Move,
            Self::Home => MessageKind::Other,
        }
    }

    fn act(self, player: PlayerId) -> Option<Action> {
        let command = match self {
            Self::WalkTo(walk) => MovementCommand::Walk {
                player,
                seq: walk.seq,
                goal: Goal::Tile(Tile::new(walk.x, walk.y)),
            },
            Self::WalkToPlayer(walk) => MovementCommand::Walk {
                player,
                seq: walk.seq,
                goal: Goal::Player(PlayerId(walk.player)),
            },
            Self::Home => MovementCommand::GoHome { player },
        };
        Some(Action::Command(Command::Movement(command)))
    }
}
