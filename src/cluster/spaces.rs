//! Spaces: finds the process that runs a space, runs the spaces that this process owns, and saves
//! their durable state.
//!
//! One task, the driver, feeds events to [`Ownership`] and carries out its actions; each open space
//! has a persister task that writes its checkpoints and durable events in order.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::SpaceAccess;
use super::calls;
use super::connections::Connections;
use super::directory::Directory;
use super::mailboxes::Mailboxes;
use super::node::{Member, Node, NodeId};
use super::orders::Orders;
use super::ownership::{
    Epoch, Event, LISTEN, LOOK_EVERY, Ownership, OwnershipAction, OwnershipRequest, SpaceRoute,
    Taken, Unreachable,
};
use super::persister::Persister;
use super::record::{Committed, Write};
pub use super::shared::Spaces;
use super::shared::{DriverMessage, FeedQuery, OpenedSpace, PersistJob, SpacesState, TakenSpace};
pub use super::shares::{NoRoom, Opener};
use super::vault::Vault;
use crate::components::command::Command;
use crate::components::direct::DirectMessage;
use crate::components::id::{SpaceId, UserId};
use crate::components::layout::SpaceLayout;
use crate::components::peers::SfuEndpoint;
use crate::components::scene::Scene;
use crate::components::unit::{Tick, TickRate};
use crate::host::monotonic::MonotonicTime;
use crate::host::{Ending, Host, HostEvent, SpaceHandle};
use crate::link::{Hosting, LinkBroadcast, Links};
use crate::media::sfu::Sfu;
use crate::space::{Checkpoint, CheckpointError, DurableEvent, Space};
use crate::store::{Store, StoreError};

/// How long a caller waits for a space to be found or taken.
const ENTER_WITHIN: Duration = Duration::from_secs(10);

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
    NoRoom(#[from] NoRoom),
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
        let me = parts.node.member.clone();
        let listen = if parts.directory.is_shared() {
            LISTEN
        } else {
            Duration::ZERO
        };
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
            openers: Mutex::default(),
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
        let ownership = Ownership::new(me, MonotonicTime::now(), listen);
        let driver = Driver {
            inner: Arc::clone(&inner),
            ownership,
        };
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
        let entering = self.enter_as(space, Event::Wanted);
        timeout(ENTER_WITHIN, entering)
            .await
            .unwrap_or(Err(EnterError::Unavailable))
    }

    /// As [`enter`](Self::enter), for players: refused at the limit of open spaces. A space that is
    /// open counts once; one that runs in another process, or ran there, is not refused.
    pub async fn come_in(&self, space: SpaceId, by: Opener) -> Result<OpenSpace, EnterError> {
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
            self.0.make_room(space, by, tiles)?
        };
        self.enter(space).await
    }

    /// `request` makes the event, which says whether the space may run elsewhere.
    async fn enter_as(
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

    /// Announces a change of any number of spaces in SQL: each process compares its running spaces.
    pub fn look_everywhere(&self) {
        self.0.look(FeedQuery::AtAll);
        self.spread(LinkBroadcast::Look);
    }

    /// Sends a command to a space that runs in any process; a closed one reads the change from SQL
    /// when it opens.
    pub fn tell(&self, space: SpaceId, command: Command) {
        match self.opened(space) {
            Some(_) => self.tell_here(space, command),
            None => self.spread(LinkBroadcast::Space(space, command)),
        }
    }

    /// Sends a command about a user to every open space, in any process.
    pub fn tell_all(&self, command: &Command) {
        for space in self.open() {
            self.tell_here(space, command.clone());
        }
        self.spread(LinkBroadcast::All(command.clone()));
    }

    /// Delivers direct messages to connections.
    pub fn mailboxes(&self) -> &Mailboxes {
        &self.0.mailboxes
    }

    /// Hands a direct message to the connections of both users, in every process.
    pub fn deliver(&self, message: &DirectMessage) {
        self.0.mailboxes.deliver(message);
        self.spread(LinkBroadcast::Direct(message.clone()));
    }

    /// Session of each connection of this process.
    pub fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// Announces that sessions of a user ended: their connections close, in every process.
    pub fn sessions_ended(&self, user: UserId) {
        let inner = Arc::clone(&self.0);
        self.0
            .tasks
            .spawn(async move { inner.check_sessions(user).await });
        self.spread(LinkBroadcast::SessionsEnded(user));
    }

    fn tell_here(&self, space: SpaceId, command: Command) {
        if let Some((handle, _)) = self.opened(space)
            && handle.send(command).is_err()
        {
            tracing::debug!(%space, "an overloaded space missed a command; a change of its layout \
                is read from SQL");
        }
    }

    /// Sends a message to every other process. One that cannot be reached reads changed layouts
    /// from SQL.
    fn spread(&self, tell: LinkBroadcast) {
        let Some(links) = self.0.links.clone() else {
            return;
        };
        let inner = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let me = inner.node();
            let (_, alive) = inner.directory.alive(&me).await.unwrap_or_default();
            for node in alive {
                if node.member.node != me.member.node
                    && let Err(error) = links.tell(&node.link, tell.clone()).await
                {
                    tracing::warn!(node = %node.member.node, %error, "failed to tell another \
                        process of a change");
                }
            }
        });
    }

    /// Closes a deleted space: players are told and disconnected, and its saved state is removed.
    pub async fn delete(&self, space: SpaceId) {
        if self.opened(space).is_none() {
            self.spread(LinkBroadcast::Deleted(space));
        }
        self.end_deleted(space).await;
    }

    /// As [`delete`](Self::delete), for a space that runs in this process.
    pub(super) async fn end_deleted(&self, space: SpaceId) {
        self.close(space, Ending::Deleted).await;
        if let Err(error) = self.0.vault.forget(space).await {
            tracing::warn!(%space, %error, "failed to remove the saved state of a deleted space");
        }
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
    async fn close(&self, space: SpaceId, ending: Ending) {
        let mut endings = self.0.endings.subscribe();
        let Some((handle, _)) = self.opened(space) else {
            return;
        };
        handle.close(ending);
        while self.opened(space).is_some() && endings.changed().await.is_ok() {}
    }
}

impl Hosting for Spaces {
    async fn host(&self, space: SpaceId) -> Option<(SpaceHandle, Scene)> {
        let entering = self.enter_as(space, Event::Asked);
        match timeout(ENTER_WITHIN, entering).await {
            Ok(Ok(OpenSpace {
                access: SpaceAccess::Here(handle),
                scene,
            })) => Some((handle, scene)),
            _ => None,
        }
    }

    fn running(&self, space: SpaceId) -> Option<SpaceHandle> {
        self.opened(space).map(|(handle, _)| handle)
    }

    async fn told(&self, tell: LinkBroadcast) {
        match tell {
            LinkBroadcast::Space(space, command) => self.tell_here(space, command),
            LinkBroadcast::All(command) => {
                for space in self.open() {
                    self.tell_here(space, command.clone());
                }
            }
            LinkBroadcast::Deleted(space) => self.close(space, Ending::Deleted).await,
            LinkBroadcast::Drain(is_draining) => self.drain(is_draining),
            LinkBroadcast::Move(space, to) => self.move_to(space, &NodeId(to)).await,
            LinkBroadcast::Direct(message) => self.0.mailboxes.deliver(&message),
            LinkBroadcast::SessionsEnded(user) => self.0.check_sessions(user).await,
            LinkBroadcast::Look => self.0.look(FeedQuery::AtAll),
        }
    }
}

impl SpacesState {
    pub(super) fn happened(&self, event: Event) {
        // The receiver is gone only after the process has stopped running spaces.
        let _ = self.notes.send(DriverMessage::Happened(event));
    }

    async fn check_sessions(&self, user: UserId) {
        if let Err(error) = self.connections.check(&self.store, Some(user)).await {
            tracing::warn!(%error, "failed to check sessions; the next sweep will");
        }
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

    /// Carries out a request; the answer comes back as an event.
    async fn answer(self: Arc<Self>, ask: OwnershipRequest, me: Member) {
        let node = Node {
            member: me.clone(),
            ..self.node()
        };
        let sent = MonotonicTime::now();
        let event = match ask {
            OwnershipRequest::Renew => Event::Renewed {
                sent,
                answer: self.directory.renew(&node).await,
            },
            OwnershipRequest::Prove => Event::Proven {
                by: me.nonce,
                sent,
                answer: self.directory.prove(&me).await,
            },
            OwnershipRequest::Look(space) => {
                Event::Looked(space, self.directory.look(space, &node).await)
            }
            OwnershipRequest::Mint { space, seen, dead } => Event::Minted {
                space,
                by: me.nonce,
                answer: self.directory.mint(space, seen, dead.as_ref(), &me).await,
            },
            OwnershipRequest::Take { space, epoch } => {
                Event::Taken(space, epoch, self.take(space, epoch, &me).await)
            }
            OwnershipRequest::Assert { space, epoch } => {
                Event::Asserted(space, epoch, self.assert(space, epoch, &me).await)
            }
            OwnershipRequest::Release { space, epoch } => {
                self.directory.release(space, epoch, &me).await;
                return;
            }
            OwnershipRequest::HandOver { space, epoch, to } => {
                self.directory.release(space, epoch, &me).await;
                self.handed_over(space, &to).await;
                return;
            }
        };
        self.happened(event);
    }

    /// Claims a space, builds it from the saved state, and saves it under the new epoch.
    async fn take(&self, space: SpaceId, epoch: Epoch, me: &Member) -> Result<Taken, Unreachable> {
        let failed = |error: StoreError| {
            tracing::error!(%space, %error, "failed to read a space");
            Unreachable
        };
        let Some(row) = self.store.space(space).await.map_err(failed)? else {
            return Ok(Taken::Impossible);
        };
        let Some(plan) = self.store.plan(space).await.map_err(failed)? else {
            return Ok(Taken::Impossible);
        };
        let claimed = self.vault.claim(space, epoch, me).await?;
        if claimed != Taken::Ours {
            return Ok(claimed);
        }
        let kept = self.vault.load(space).await?;
        let is_new = kept.checkpoint.is_none() && kept.events.is_empty();
        let chat: Vec<DurableEvent> = kept.chat().collect();
        let restored = match restored(kept, &plan, self.rate) {
            Err(error) if error.is_newer() => {
                self.leave_to_a_later_version(space, &error);
                return Ok(Taken::Impossible);
            }
            restored => restored,
        };
        self.unreadable.lock().remove(&space);
        if row.keeps_chat {
            // The previous owner may not have saved its chat yet; the seal truncates the log.
            self.store
                .keep_chat_of(space, epoch, &chat)
                .await
                .map_err(failed)?;
        }
        let mut world = match restored {
            Ok(mut world) => {
                world.forget_before(row.chat_since());
                world
            }
            Err(error) => {
                tracing::error!(%space, %error, "a checkpoint cannot be read; the space starts \
                    fresh");
                Space::new(&plan, self.rate)
            }
        };
        if !row.keeps_chat {
            world.forget_when_empty();
        }
        world.slow_down(row.slow_seconds);
        world.forward_calls(self.forwarder);
        if !is_new {
            let seal = Write {
                checkpoint: Some((world.tick().0, world.checkpoint().encode())),
                events: Vec::new(),
            };
            if self.vault.commit(space, epoch, me, &seal).await? != Committed::Kept {
                return Ok(Taken::Fenced);
            }
        }
        let scene = Scene {
            name: row.name,
            width: plan.width,
            height: plan.height,
            tick_rate: self.rate.per_second(),
        };
        let taken = TakenSpace {
            world,
            scene,
            keeps_chat: row.keeps_chat,
        };
        self.taken.lock().insert((space, epoch), taken);
        Ok(Taken::Ours)
    }

    /// Logs once that a space cannot be read here: its clients ask for it several times a second.
    fn leave_to_a_later_version(&self, space: SpaceId, error: &CheckpointError) {
        if self.unreadable.lock().insert(space) {
            tracing::error!(%space, %error, "a later version of Plaza saved the space; this \
                process leaves it to one that can read it");
        }
    }

    /// Claims a space again in a directory that lost the claim, and has the whole state written
    /// again.
    async fn assert(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<Taken, Unreachable> {
        if !self.directory.is_owner(space, epoch, me).await? {
            return Ok(Taken::Fenced);
        }
        let claimed = self.vault.claim(space, epoch, me).await?;
        if claimed == Taken::Ours
            && let Some(open) = self.open.lock().get(&space)
        {
            open.handle.checkpoint();
        }
        Ok(claimed)
    }
}

/// The space as it was saved, with all later events applied. An event that is damaged is lost.
fn restored(
    kept: super::vault::SavedState,
    layout: &SpaceLayout,
    rate: TickRate,
) -> Result<Space, CheckpointError> {
    let checkpoint = match kept.checkpoint {
        Some(blob) => Checkpoint::decode(&blob)?,
        None => Checkpoint::default(),
    };
    let mut events = Vec::new();
    for (tick, event) in kept.events {
        match DurableEvent::decode(&event) {
            Ok(event) => events.push((Tick(tick), event)),
            Err(error) if error.is_newer() => return Err(error),
            Err(error) => {
                tracing::error!(%error, "an event of a space cannot be decoded and is lost");
            }
        }
    }
    Space::restore(layout, rate, &checkpoint, &events)
}

/// The task that feeds events to the ownership and carries out its actions.
struct Driver {
    inner: Arc<SpacesState>,
    ownership: Ownership,
}

impl Driver {
    async fn run(
        mut self,
        mut notes: UnboundedReceiver<DriverMessage>,
        mut reports: UnboundedReceiver<HostEvent>,
    ) {
        self.handle_event(Event::Wake);
        let mut is_hosting = true;
        loop {
            let wait = self.ownership.wake_at().since(MonotonicTime::now());
            tokio::select! {
                note = notes.recv() => match note {
                    Some(DriverMessage::Happened(event)) => self.handle_event(event),
                    Some(DriverMessage::Drain(is_draining)) => self.ownership.drain(is_draining),
                    Some(DriverMessage::Stop) | None => break,
                },
                report = reports.recv(), if is_hosting => if let Some(report) = report {
                    self.report(report);
                } else {
                    // The host threads have ended. The persisters save the last states, then the
                    // driver stops.
                    is_hosting = false;
                    let inner = Arc::clone(&self.inner);
                    self.inner.tasks.close();
                    tokio::spawn(async move {
                        inner.tasks.wait().await;
                        let _ = inner.notes.send(DriverMessage::Stop);
                    });
                },
                // A timer cannot count many years.
                () = tokio::time::sleep(wait.min(Duration::from_hours(1))) => {
                    self.handle_event(Event::Wake);
                }
            }
        }
        self.inner.open.lock().clear();
        self.inner.waiting.lock().clear();
    }

    fn handle_event(&mut self, event: Event) {
        let actions: Vec<OwnershipAction> =
            self.ownership.handle(MonotonicTime::now(), event).collect();
        for action in actions {
            self.carry_out(action);
        }
    }

    fn carry_out(&mut self, action: OwnershipAction) {
        match action {
            OwnershipAction::Ask(ask) => {
                let answer = Arc::clone(&self.inner).answer(ask, self.ownership.me().clone());
                self.inner.tasks.spawn(answer);
            }
            OwnershipAction::ServeUntil(until) => self.inner.host.lock().tick_until(until),
            OwnershipAction::Serve(space, epoch) => self.serve(space, epoch),
            OwnershipAction::Drop(space, epoch) => {
                let open = self.inner.open.lock();
                if let Some(open) = open.get(&space).filter(|open| open.epoch == epoch) {
                    tracing::warn!(%space, epoch, "another process owns a space that ran here");
                    open.handle.close(Ending::Moved);
                }
            }
            OwnershipAction::Route(space, route) => {
                for sender in self.inner.waiting.lock().remove(&space).unwrap_or_default() {
                    // The receiver may be gone.
                    let _ = sender.send(route.clone());
                }
            }
        }
    }

    fn serve(&self, space: SpaceId, epoch: Epoch) {
        let taken = self.inner.taken.lock().remove(&(space, epoch));
        let Some(TakenSpace {
            world,
            scene,
            keeps_chat,
        }) = taken
        else {
            return;
        };
        let handle = self.inner.host.lock().open(space, world, epoch);
        if handle.has_ended() {
            // The process is stopping: release the space, so that others may take it.
            return self.inner.happened(Event::Ended(space, epoch));
        }
        tracing::debug!(%space, epoch, "space opened");
        let (jobs, inbox) = unbounded_channel();
        let persister = Persister {
            inner: Arc::clone(&self.inner),
            space,
            epoch,
            me: self.ownership.me().clone(),
            handle: handle.clone(),
            keeps_chat,
        };
        self.inner.tasks.spawn(persister.run(inbox));
        let open = OpenedSpace {
            handle,
            scene,
            epoch,
            jobs,
            is_unloading: false,
        };
        self.inner.open.lock().insert(space, open);
        // Edits that were committed after the layout was read were not sent here.
        self.inner.look(FeedQuery::At(space));
    }

    /// Passes an event of a host thread to the persister of its space.
    fn report(&self, report: HostEvent) {
        let (space, job) = match report {
            HostEvent::Checkpoint { space, checkpoint } => {
                (space, PersistJob::Checkpoint(checkpoint))
            }
            HostEvent::Durable {
                space,
                tick,
                events,
            } => (space, PersistJob::Events(tick, events)),
            HostEvent::Behind(space) => return self.inner.look(FeedQuery::At(space)),
            HostEvent::Crowded(space) => {
                if let (Some(sfu), Some(open)) =
                    (&self.inner.sfu, self.inner.open.lock().get(&space))
                {
                    let following = calls::follow(sfu.clone(), open.handle.clone());
                    self.inner.tasks.spawn(following);
                }
                return;
            }
            HostEvent::Resting(space) => {
                if let Some(open) = self.inner.open.lock().get(&space) {
                    open.handle.close(Ending::Unloaded);
                }
                return;
            }
            HostEvent::Ended {
                space,
                ending,
                followers,
            } => {
                self.inner.hold(space, followers);
                (space, PersistJob::Ended(ending))
            }
        };
        if let Some(open) = self.inner.open.lock().get(&space) {
            // The persister ends only after its space.
            let _ = open.jobs.send(job);
        }
    }
}

impl SpacesState {
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
