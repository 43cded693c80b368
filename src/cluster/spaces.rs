//! Spaces: finds the process that runs a space and enters it there; starts and stops running spaces
//! in this process.
//!
//! One task, the `driver`, feeds events to the ownership and carries out its actions, among them
//! the `takeover` of a space; each open space has a `persister` task that writes its checkpoints
//! and durable events in order. What processes tell each other is in `hosting`.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::SpaceAccess;
pub use super::capacity::{AtCapacity, Requester};
use super::connections::Connections;
use super::directory::Directory;
use super::driver::Driver;
use super::mailboxes::Mailboxes;
use super::node::{Node, NodeId};
use super::orders::Orders;
use super::ownership::{Epoch, Event, LOOK_EVERY, SpaceRoute};
pub use super::shared::Spaces;
use super::shared::SpacesState;
use super::vault::Vault;
use crate::components::fact::Snapshot;
use crate::components::id::SpaceId;
use crate::components::peers::SfuEndpoint;
use crate::components::scene::Scene;
use crate::components::unit::TickRate;
use crate::host::{Ending, Host, SpaceHandle, SpaceUpdate};
use crate::link::Links;
use crate::media::sfu::Sfu;
use crate::store::{Store, StoreError};

/// How long a caller waits for a space to be found or taken.
const ENTER_WITHIN: Duration = Duration::from_secs(10);

/// How long a caller waits for the next tick of a space.
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(1);

/// Why a space cannot be entered.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// No space has that id.
    #[error("there is no such space")]
    Unknown,
    /// It is not running, and cannot be taken now.
    #[error("the space cannot be run right now")]
    Unavailable,
    /// The limit of open spaces is reached.
    #[error(transparent)]
    AtCapacity(#[from] AtCapacity),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A space that runs in this process or in another one.
#[derive(Clone)]
pub struct OpenSpace {
    /// Sends commands and receives updates.
    pub access: SpaceAccess,
    /// Immutable properties of the space.
    pub scene: Scene,
}

/// What spaces run with.
pub struct SpacesConfig {
    /// Database.
    pub store: Store,
    /// Live processes and owners of spaces.
    pub directory: Directory,
    /// Where the state of spaces is saved.
    pub vault: Vault,
    /// This process.
    pub node: Node,
    /// Links to other processes; `None` when this process is the only one.
    pub links: Option<Links>,
    /// SFU for large calls.
    pub sfu: Option<Sfu>,
    /// Which SFU clients are told to use.
    pub forwarder: SfuEndpoint,
    /// Ticks per second.
    pub rate: TickRate,
    /// Number of threads that tick spaces.
    pub threads: usize,
    /// Most spaces that players may open; 0 for no limit.
    pub max_open: usize,
}

impl Spaces {
    /// Starts the driver, without open spaces.
    pub fn start(parts: SpacesConfig) -> std::io::Result<Self> {
        let (reports, host_events) = unbounded_channel();
        let (notes, messages) = unbounded_channel();
        let (looks, asked) = unbounded_channel();
        let inner = Arc::new(SpacesState {
            store: parts.store,
            directory: parts.directory,
            vault: parts.vault,
            links: parts.links,
            sfu: parts.sfu,
            forwarder: parts.forwarder,
            rate: parts.rate,
            max_open: parts.max_open,
            host: Mutex::new(Host::start(parts.threads, &reports)?),
            node: Mutex::new(parts.node),
            notes,
            looks,
            open: Mutex::default(),
            requested: Mutex::default(),
            taken: Mutex::default(),
            unreadable: Mutex::default(),
            waiting: Mutex::default(),
            moving: Mutex::default(),
            mailboxes: Mailboxes::default(),
            connections: Connections::default(),
            census: Mutex::default(),
            over: CancellationToken::new(),
            endings: watch::Sender::new(0),
            tasks: TaskTracker::new(),
            driver: Mutex::default(),
        });
        drop(reports);
        let driver = Driver::new(Arc::clone(&inner));
        *inner.driver.lock() = Some(tokio::spawn(driver.run(messages, host_events)));
        tokio::spawn(Arc::clone(&inner).feed(asked));
        let spaces = Self(inner);
        if spaces.0.directory.is_shared() {
            tokio::spawn(spaces.clone().look_around());
        }
        Ok(spaces)
    }

    /// Access to a space, which is opened from its layout and saved state when it is not running.
    pub async fn enter(&self, space: SpaceId) -> Result<OpenSpace, EnterError> {
        self.enter_as(space, Event::Wanted).await
    }

    /// `request` makes the event, which says whether the space may run elsewhere.
    pub(super) async fn enter_as(
        &self,
        space: SpaceId,
        request: fn(SpaceId) -> Event,
    ) -> Result<OpenSpace, EnterError> {
        timeout(ENTER_WITHIN, self.find(space, request))
            .await
            .unwrap_or(Err(EnterError::Unavailable))
    }

    /// As [`enter`](Self::enter), for players: refused at the limit of open spaces. A space that is
    /// open counts once; one that runs in another process, or ran there, is not refused.
    pub async fn come_in(&self, space: SpaceId, by: Requester) -> Result<OpenSpace, EnterError> {
        let is_open = self
            .opened(space)
            .is_some_and(|(handle, _)| !handle.has_ended())
            || self.0.census.lock().home_of(space).is_some();
        let _opening = if is_open || self.0.max_open == 0 {
            None
        } else {
            let row = self.0.store.space(space).await?;
            let row = row.ok_or(EnterError::Unknown)?;
            let tiles = usize::from(row.width) * usize::from(row.height);
            self.0.admit(space, by, tiles)?
        };
        self.enter(space).await
    }

    /// Requests the space until it can be reached.
    async fn find(
        &self,
        space: SpaceId,
        request: fn(SpaceId) -> Event,
    ) -> Result<OpenSpace, EnterError> {
        loop {
            let mut endings = self.0.endings.subscribe();
            match self.opened(space) {
                Some((handle, scene)) if !handle.has_ended() => {
                    let access = SpaceAccess::Here(handle);
                    return Ok(OpenSpace { access, scene });
                }
                // It has ended and is being saved.
                Some(_) => drop(endings.changed().await),
                None if self.is_moving(space) => drop(endings.changed().await),
                None => {
                    self.0
                        .store
                        .space(space)
                        .await?
                        .ok_or(EnterError::Unknown)?;
                    match (self.route(space, request).await, &self.0.links) {
                        (Some(SpaceRoute::Here(_)), _) => {}
                        (Some(SpaceRoute::At(node)), Some(links)) => {
                            match links.open(&node.link, space).await {
                                Ok((remote, scene)) => {
                                    let access = SpaceAccess::There(remote);
                                    return Ok(OpenSpace { access, scene });
                                }
                                Err(error) => {
                                    tracing::debug!(
                                        %space,
                                        node = %node.member.node,
                                        %error,
                                        "failed to reach a space"
                                    );
                                    tokio::time::sleep(LOOK_EVERY).await;
                                }
                            }
                        }
                        (Some(SpaceRoute::At(_)), None)
                        | (Some(SpaceRoute::Unavailable) | None, _) => {
                            return Err(EnterError::Unavailable);
                        }
                    }
                }
            }
        }
    }

    /// Requests the space; returns where it runs.
    async fn route(&self, space: SpaceId, request: fn(SpaceId) -> Event) -> Option<SpaceRoute> {
        let (sender, answer) = oneshot::channel();
        self.0.waiting.lock().entry(space).or_default().push(sender);
        self.0.happened(request(space));
        answer.await.ok()
    }

    /// Players in the space, in any process; 0 when it is not open.
    pub fn people(&self, space: SpaceId) -> usize {
        match self.opened(space) {
            Some((handle, _)) => handle.people(),
            None => self.0.census.lock().people(space),
        }
    }

    /// The visible state of a space at its next tick; `None` unless it runs in this process.
    pub async fn snapshot_here(&self, space: SpaceId) -> Option<Arc<Snapshot>> {
        let (handle, _) = self.opened(space)?;
        let mut updates = handle.follow();
        match timeout(SNAPSHOT_WITHIN, updates.recv()).await {
            Ok(Some(SpaceUpdate::Snapshot { snapshot, .. })) => Some(snapshot),
            _ => None,
        }
    }

    /// Spaces that are open in this process.
    pub fn open(&self) -> Vec<SpaceId> {
        self.0.open.lock().keys().copied().collect()
    }

    pub(super) fn open_with_epochs(&self) -> Vec<(SpaceHandle, Scene, Epoch)> {
        let open = self.0.open.lock();
        let open = open.values().filter(|open| !open.handle.has_ended());
        open.map(|open| (open.handle.clone(), open.scene.clone(), open.epoch))
            .collect()
    }

    /// Name of this process.
    pub fn name(&self) -> NodeId {
        self.0.node.lock().member.node.clone()
    }

    /// Sends an operator's orders to this process or another one.
    pub fn orders(&self) -> Orders {
        Orders {
            redis: self.0.directory.redis().cloned(),
            links: self.0.links.clone(),
        }
    }

    /// Delivers direct messages to connections.
    pub fn mailboxes(&self) -> &Mailboxes {
        &self.0.mailboxes
    }

    /// Session of each connection of this process.
    pub fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// Ends every space with a last checkpoint. No space can be entered afterwards.
    pub async fn stop(&self) {
        self.0.over.cancel();
        let inner = Arc::clone(&self.0);
        let stopped = tokio::task::spawn_blocking(move || inner.host.lock().stop()).await;
        if stopped.is_err() {
            tracing::error!("stopping the host threads panicked");
        }
        let driver = self.0.driver.lock().take();
        if let Some(driver) = driver
            && driver.await.is_err()
        {
            tracing::error!("the task that owns spaces panicked");
        }
        let member = self.0.node.lock().member.clone();
        self.0.directory.release_lease(&member).await;
    }

    pub(super) fn opened(&self, space: SpaceId) -> Option<(SpaceHandle, Scene)> {
        self.0.opened(space)
    }

    /// Ends a space and waits until its state is saved.
    pub(super) async fn close(&self, space: SpaceId, ending: Ending) {
        let mut endings = self.0.endings.subscribe();
        let Some((handle, _)) = self.opened(space) else {
            return;
        };
        handle.close(ending);
        while self.opened(space).is_some() && endings.changed().await.is_ok() {}
    }
}
