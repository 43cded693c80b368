//! Access: a space that can be followed and asked for things, wherever it is run.

use tokio::sync::mpsc;

use crate::components::command::Command;
use crate::host::{SendError, SpaceHandle, SpaceUpdate};
use crate::link::RemoteSpace;

/// A way to a space. Cheap to clone.
#[derive(Clone)]
pub enum SpaceAccess {
    /// In this process.
    Here(SpaceHandle),
    /// In another one.
    There(RemoteSpace),
}

impl SpaceAccess {
    /// Applied at the next tick.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        match self {
            Self::Here(space) => space.send(command),
            Self::There(space) => space.send(command),
        }
    }

    /// Everything that happens from now on, beginning with a picture.
    pub fn follow(&self) -> mpsc::Receiver<SpaceUpdate> {
        match self {
            Self::Here(space) => space.follow(),
            Self::There(space) => space.follow(),
        }
    }
}
