//! Spaces: opens a space when somebody comes, keeps its checkpoints, and unloads it when nobody is left.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::task::JoinHandle;

use crate::components::command::Command;
use crate::components::id::SpaceId;
use crate::components::unit::TickRate;
use crate::host::{Ending, Host, Report, SpaceHandle};
use crate::space::Space;
use crate::space::checkpoint::Checkpoint;
use crate::store::{Store, StoreError};

/// Why nobody can enter.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// No space has that id.
    #[error("there is no such space")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What does not change while a space is open.
#[derive(Debug, Clone)]
pub struct Scene {
    /// What the space is called.
    pub name: String,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Ticks per second.
    pub tick_rate: u8,
}

/// A space that is ticked in this process.
#[derive(Clone)]
pub struct OpenSpace {
    /// Takes commands and shows what happens.
    pub handle: SpaceHandle,
    /// What does not change.
    pub scene: Scene,
}

/// The open spaces of this process. Cheap to clone.
#[derive(Clone)]
pub struct Spaces(Arc<Inner>);

struct Inner {
    store: Store,
    rate: TickRate,
    host: Mutex<Host>,
    slots: Mutex<HashMap<SpaceId, Arc<Slot>>>,
    /// Counts endings, so that whoever waits for one looks again.
    endings: watch::Sender<u64>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

/// One space's place: opening it is done by one task at a time.
#[derive(Default)]
struct Slot {
    opening: AsyncMutex<()>,
    open: Mutex<Option<OpenSpace>>,
}

impl Spaces {
    /// No open spaces yet, ticked on that many threads.
    pub fn start(store: Store, rate: TickRate, threads: usize) -> std::io::Result<Self> {
        let (reports, inbox) = unbounded_channel();
        let inner = Arc::new(Inner {
            store,
            rate,
            host: Mutex::new(Host::start(threads, &reports)?),
            slots: Mutex::default(),
            endings: watch::Sender::new(0),
            keeper: Mutex::default(),
        });
        drop(reports);
        let keeper = tokio::spawn(keep(Arc::clone(&inner), inbox));
        *inner.keeper.lock() = Some(keeper);
        Ok(Self(inner))
    }

    /// The space, opened from its plan and its last checkpoint when it was not.
    pub async fn enter(&self, space: SpaceId) -> Result<OpenSpace, EnterError> {
        loop {
            let mut endings = self.0.endings.subscribe();
            let slot = Arc::clone(self.0.slots.lock().entry(space).or_default());
            let _opening = slot.opening.lock().await;
            if !self
                .0
                .slots
                .lock()
                .get(&space)
                .is_some_and(|current| Arc::ptr_eq(current, &slot))
            {
                continue;
            }
            let before = slot.open.lock().clone();
            match before {
                Some(open) if !open.handle.has_ended() => return Ok(open),
                // Its last checkpoint is being kept.
                Some(_) => drop(endings.changed().await),
                None => {
                    let opened = self.open_from_store(space).await;
                    match &opened {
                        Ok(open) => *slot.open.lock() = Some(open.clone()),
                        Err(_) => drop(self.0.slots.lock().remove(&space)),
                    }
                    return opened;
                }
            }
        }
    }

    /// How many people are in the space now; 0 when it is not open.
    pub fn people(&self, space: SpaceId) -> usize {
        self.opened(space).map_or(0, |open| open.handle.people())
    }

    /// The spaces that are open now.
    pub fn open(&self) -> Vec<SpaceId> {
        let slots = self.0.slots.lock();
        slots
            .iter()
            .filter(|(_, slot)| slot.open.lock().is_some())
            .map(|(space, _)| *space)
            .collect()
    }

    /// Tells an open space that what people made of it changed; a closed one reads it when it opens.
    pub fn tell(&self, space: SpaceId, command: Command) {
        if let Some(open) = self.opened(space)
            && open.handle.send(command).is_err()
        {
            tracing::warn!(%space, "an overloaded space missed a change of its plan; it sees it when it opens again");
        }
    }

    /// A user changed: every open space is told.
    pub fn tell_all(&self, command: &Command) {
        for space in self.open() {
            self.tell(space, command.clone());
        }
    }

    /// Closes a space that was deleted: everybody inside is told and let go, its checkpoint is removed.
    pub async fn delete(&self, space: SpaceId) {
        self.close(space, Ending::Deleted).await;
        if let Err(error) = self.0.store.delete_checkpoint(space).await {
            tracing::warn!(%space, %error, "the checkpoint of a deleted space was not removed");
        }
    }

    /// Ends every space with a last checkpoint. Nothing can be entered afterwards.
    pub async fn stop(&self) {
        let inner = Arc::clone(&self.0);
        let stopped = tokio::task::spawn_blocking(move || inner.host.lock().stop()).await;
        if stopped.is_err() {
            tracing::error!("stopping the host threads panicked");
        }
        let keeper = self.0.keeper.lock().take();
        if let Some(keeper) = keeper
            && keeper.await.is_err()
        {
            tracing::error!("keeping the last checkpoints panicked");
        }
    }

    fn opened(&self, space: SpaceId) -> Option<OpenSpace> {
        self.0.slots.lock().get(&space)?.open.lock().clone()
    }

    async fn open_from_store(&self, space: SpaceId) -> Result<OpenSpace, EnterError> {
        let store = &self.0.store;
        let row = store.space(space).await?.ok_or(EnterError::Unknown)?;
        let plan = store.plan(space).await?.ok_or(EnterError::Unknown)?;
        let kept = store.load_checkpoint(space).await?;
        let epoch = kept.as_ref().map_or(0, |kept| kept.epoch) + 1;
        let rate = self.0.rate;
        let world = match kept.map(|kept| Checkpoint::decode(&kept.blob)) {
            None => Space::new(&plan, rate),
            Some(Ok(checkpoint)) => Space::restore(&plan, rate, &checkpoint),
            Some(Err(error)) => {
                tracing::error!(%space, %error, "a checkpoint cannot be read; the space starts fresh");
                Space::new(&plan, rate)
            }
        };
        let scene = Scene {
            name: row.name,
            width: plan.width,
            height: plan.height,
            tick_rate: rate.per_second(),
        };
        let handle = self.0.host.lock().open(space, world, epoch);
        tracing::info!(%space, epoch, "space opened");
        Ok(OpenSpace { handle, scene })
    }

    /// Ends a space and waits until its last checkpoint is kept.
    async fn close(&self, space: SpaceId, ending: Ending) {
        let mut endings = self.0.endings.subscribe();
        let Some(open) = self.opened(space) else { return };
        open.handle.close(ending);
        while self.opened(space).is_some() && endings.changed().await.is_ok() {}
    }
}

/// Keeps what the host reports: checkpoints go to the store, newest only; what ended is forgotten.
async fn keep(inner: Arc<Inner>, mut reports: UnboundedReceiver<Report>) {
    let mut batch = Vec::new();
    while reports.recv_many(&mut batch, usize::MAX).await > 0 {
        let mut newest = BTreeMap::new();
        let mut ended = Vec::new();
        for report in batch.drain(..) {
            match report {
                Report::Checkpoint {
                    space,
                    epoch,
                    checkpoint,
                } => drop(newest.insert(space, (epoch, checkpoint))),
                Report::Resting(space) => {
                    if let Some(slot) = inner.slots.lock().get(&space)
                        && let Some(open) = slot.open.lock().as_ref()
                    {
                        open.handle.close(Ending::Unloaded);
                    }
                }
                Report::Ended(space, ending) => ended.push((space, ending)),
            }
        }
        for (space, (epoch, checkpoint)) in newest {
            let (tick, blob) = (checkpoint.tick, checkpoint.encode());
            if let Err(error) = inner.store.save_checkpoint(space, epoch, tick.0, &blob).await {
                tracing::warn!(%space, %error, "a checkpoint was not kept; the next one follows in a second");
            }
        }
        for (space, ending) in ended {
            tracing::info!(%space, ?ending, "space ended");
            inner.slots.lock().remove(&space);
        }
        inner.endings.send_modify(|count| *count += 1);
    }
}
