//! Access: one interface to a space, whether this process or another one runs it.

use tokio::sync::mpsc;

use crate::components::command::Command;
use crate::host::{SendError, SpaceHandle, SpaceUpdate};
use crate::link::RemoteSpace;

/// Access to a space. Cheap to clone.
#[derive(Clone)]
pub enum SpaceAccess {
    /// This process runs it.
    Here(SpaceHandle),
    /// Another process runs it.
    There(RemoteSpace),
}

impl SpaceAccess {
    /// Sends a command, which is applied at the next tick.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        match self {
            Self::Here(space) => space.send(command),
            Self::There(space) => space.send(command),
        }
    }

    /// Updates of the space from now on, beginning with a snapshot.
    pub fn follow(&self) -> mpsc::Receiver<SpaceUpdate> {
        match self {
            Self::Here(space) => space.follow(),
            Self::There(space) => space.follow(),
        }
    }
}
