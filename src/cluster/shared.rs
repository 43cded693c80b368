//! Shared: the state of this process's spaces that the driver, takeovers, handovers, the feed and
//! the persisters share, and the messages between them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::capacity::RequestedSpaces;
use super::census::Census;
use super::connections::Connections;
use super::directory::Directory;
use super::mailboxes::Mailboxes;
use super::node::Node;
use super::ownership::{Epoch, Event, SpaceRoute};
use super::vault::Vault;
use crate::components::id::SpaceId;
use crate::components::peers::SfuEndpoint;
use crate::components::scene::Scene;
use crate::components::unit::{Tick, TickRate};
use crate::host::monotonic::MonotonicTime;
use crate::host::{Ending, Host, SpaceHandle, SpaceUpdate};
use crate::link::Links;
use crate::media::sfu::Sfu;
use crate::space::{Checkpoint, DurableEvent, Space};
use crate::store::Store;

/// The spaces of this process. Cheap to clone.
#[derive(Clone)]
pub struct Spaces(pub(super) Arc<SpacesState>);

pub(super) struct SpacesState {
    pub(super) store: Store,
    pub(super) directory: Directory,
    pub(super) vault: Vault,
    /// Links to other processes; `None` when this process is the only one.
    pub(super) links: Option<Links>,
    /// SFU for large calls in the spaces that run here.
    pub(super) sfu: Option<Sfu>,
    /// Which SFU clients are told to use.
    pub(super) forwarder: SfuEndpoint,
    pub(super) rate: TickRate,
    pub(super) max_open: usize,
    pub(super) host: Mutex<Host>,
    /// This process as published to others.
    pub(super) node: Mutex<Node>,
    pub(super) notes: UnboundedSender<DriverMessage>,
    /// Requests for comparisons with SQL.
    pub(super) looks: UnboundedSender<FeedQuery>,
    pub(super) open: Mutex<HashMap<SpaceId, OpenedSpace>>,
    /// Who opened them.
    pub(super) requested: Mutex<RequestedSpaces>,
    /// Spaces that were loaded and do not tick yet.
    pub(super) taken: Mutex<HashMap<(SpaceId, Epoch), TakenSpace>>,
    /// Spaces whose saved state only a later version of this program can read.
    pub(super) unreadable: Mutex<HashSet<SpaceId>>,
    pub(super) waiting: Mutex<HashMap<SpaceId, Vec<oneshot::Sender<SpaceRoute>>>>,
    /// Spaces that are being handed over.
    pub(super) moving: Mutex<HashMap<SpaceId, Moving>>,
    /// Delivers direct messages to connections.
    pub(super) mailboxes: Mailboxes,
    /// Session of each connection.
    pub(super) connections: Connections,
    /// Latest census.
    pub(super) census: Mutex<Arc<Census>>,
    /// Cancelled when this process stops running spaces.
    pub(super) over: CancellationToken,
    /// Number of spaces that ended; waiters look again when it changes.
    pub(super) endings: watch::Sender<u64>,
    pub(super) tasks: TaskTracker,
    pub(super) driver: Mutex<Option<JoinHandle<()>>>,
}

impl SpacesState {
    pub(super) fn happened(&self, event: Event) {
        // The receiver is gone only after the process has stopped running spaces.
        let _ = self.notes.send(DriverMessage::Happened(event));
    }

    pub(super) fn opened(&self, space: SpaceId) -> Option<(SpaceHandle, Scene)> {
        let open = self.open.lock();
        let open = open.get(&space)?;
        Some((open.handle.clone(), open.scene.clone()))
    }

    /// This process as published to others.
    pub(super) fn node(&self) -> Node {
        let mut node = self.node.lock();
        node.load = self.host.try_lock().map_or(node.load, |host| host.load());
        node.clone()
    }

    /// Publishes whether this process drains.
    pub(super) fn drain(&self, is_draining: bool) {
        self.node.lock().is_draining = is_draining;
        let _ = self.notes.send(DriverMessage::Drain(is_draining));
    }

    /// Called when a space has ended and is saved.
    pub(super) fn ended(&self, space: SpaceId, epoch: Epoch, ending: Ending) {
        tracing::debug!(%space, epoch, ?ending, "space ended");
        let mut open = self.open.lock();
        if open.get(&space).is_some_and(|open| open.epoch == epoch) {
            open.remove(&space);
        }
        drop(open);
        match (ending, self.destination(space)) {
            (Ending::Moved, _) => drop(self.moving.lock().remove(&space)),
            (Ending::Leaves, Some(to)) => self.happened(Event::Left { space, epoch, to }),
            (Ending::Leaves, None)
            | (
                Ending::Unloaded
                | Ending::Restarts
                | Ending::Deleted
                | Ending::Stopped
                | Ending::Resized,
                _,
            ) => {
                self.moving.lock().remove(&space);
                self.happened(Event::Ended(space, epoch));
            }
        }
        self.endings.send_modify(|count| *count += 1);
    }
}

/// A space that was loaded.
pub(super) struct TakenSpace {
    pub(super) world: Space,
    pub(super) scene: Scene,
    pub(super) keeps_chat: bool,
}

pub(super) struct OpenedSpace {
    pub(super) handle: SpaceHandle,
    pub(super) scene: Scene,
    pub(super) epoch: Epoch,
    pub(super) jobs: UnboundedSender<PersistJob>,
    /// Whom it was told that moderators muted; `None` before.
    pub(super) silence: Option<ToldSilence>,
    /// Whether it was asked to end because it was empty.
    pub(super) is_unloading: bool,
}

/// What a hosted space was told of mutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ToldSilence {
    /// Version of the memberships that it is of.
    pub(super) version: i64,
    /// When the first of the mutes ends, in Unix milliseconds.
    pub(super) until: i64,
    /// Whether anyone is muted.
    pub(super) is_any: bool,
}

/// A message to the driver.
pub(super) enum DriverMessage {
    /// An event of the ownership.
    Happened(Event),
    /// Start or stop draining.
    Drain(bool),
    /// Every space has ended and is saved: stop the driver.
    Stop,
}

/// Spaces to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeedQuery {
    /// One space.
    At(SpaceId),
    /// All spaces that run here.
    AtAll,
}

/// A space that is being handed over.
pub(super) struct Moving {
    pub(super) to: Node,
    pub(super) began: MonotonicTime,
    /// Told when the other process has the space.
    pub(super) followers: Vec<mpsc::Sender<SpaceUpdate>>,
}

/// A job of the persister.
pub(super) enum PersistJob {
    /// Save a checkpoint.
    Checkpoint(Box<Checkpoint>),
    /// Save the durable events of a tick.
    Events(Tick, Vec<DurableEvent>),
    /// The space ended; no job follows.
    Ended(Ending),
}
