//! Host: threads that tick the spaces of this process by absolute deadlines.
//!
//! May use `space` and below, and channels. Never: SQL, sockets, HTTP; a tick thread never waits
//! for anybody. Loading and keeping spaces is the business of `cluster`; showing them that of
//! `net::relay`.

pub mod balance;
mod intake;
pub mod monotonic;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use bincode::{Decode, Encode};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use self::monotonic::MonotonicTime;
use crate::components::command::Command;
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::id::SpaceId;
use crate::components::unit::Tick;
use crate::space::Space;
use crate::space::checkpoint::{Checkpoint, DurableEvent};

/// Commands waiting for one space at most; at 20 Hz a thousand people send it about a thousand a
/// tick.
const COMMANDS: usize = 4_096;

/// Ticks that a follower may be behind before it is given a picture instead.
const FOLLOW_BACKLOG: usize = 32;

/// The threads of this process.
pub struct Host {
    desks: Workers,
    until: Arc<Until>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

/// Until when spaces are ticked, in nanoseconds of [`MonotonicTime`].
#[derive(Default)]
struct Until(AtomicU64);

impl Until {
    fn is_over(&self) -> bool {
        MonotonicTime::now().0 >= self.0.load(Ordering::Acquire)
    }
}

/// What everybody may know of every thread: how to order something, and how much it has to do.
type Workers = Arc<[WorkerHandle]>;

struct WorkerHandle {
    orders: Sender<WorkerCommand>,
    load: Load,
    /// Whether spaces may still be handed to it.
    is_closed: Mutex<bool>,
}

/// So many desks, and where their orders arrive.
fn desks(count: usize) -> (Workers, Vec<Receiver<WorkerCommand>>) {
    let (desks, inboxes): (Vec<_>, Vec<_>) = (0..count)
        .map(|_| {
            let (orders, inbox) = channel();
            let desk = WorkerHandle {
                orders,
                load: Load::default(),
                is_closed: Mutex::new(false),
            };
            (desk, inbox)
        })
        .unzip();
    (desks.into(), inboxes)
}

impl WorkerHandle {
    /// Hands a space over; gives it back when the thread has stopped.
    fn take(&self, running: Box<worker::HostedSpace>) -> Result<(), Box<worker::HostedSpace>> {
        let is_closed = self.is_closed.lock();
        if *is_closed {
            return Err(running);
        }
        self.load.spaces.fetch_add(1, Ordering::Relaxed);
        // While it is open its thread reads what it is sent.
        let _ = self.orders.send(WorkerCommand::Open(running));
        Ok(())
    }
}

/// What a thread has to do, as it measures it.
#[derive(Default)]
struct Load {
    spaces: AtomicUsize,
    busy_nanos_per_second: AtomicU64,
}

/// What the host tells the cluster.
pub enum HostEvent {
    /// Once a second when something changed, and at the end.
    Checkpoint {
        /// Of which space.
        space: SpaceId,
        /// What must survive.
        checkpoint: Box<Checkpoint>,
    },
    /// Something happened that is shown only after it was kept: [`SpaceHandle::kept`].
    Durable {
        /// In which space.
        space: SpaceId,
        /// When.
        tick: Tick,
        /// What, in order.
        events: Vec<DurableEvent>,
    },
    /// It heard of a change of its plan, and not of one before that: it needs the whole plan.
    Behind(SpaceId),
    /// People there talk through the forwarding unit, for the first time.
    Crowded(SpaceId),
    /// Nobody has been in the space for a while.
    Resting(SpaceId),
    /// A space is no longer ticked. Every checkpoint of it came before.
    Ended {
        /// Which.
        space: SpaceId,
        /// Why.
        ending: Ending,
        /// Who follows a space that leaves: told when the other process has it.
        followers: Vec<mpsc::Sender<SpaceUpdate>>,
    },
}

/// Why a space is no longer ticked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Ending {
    /// Nobody was in it.
    Unloaded,
    /// It is handed to another process: kept, and shown to its followers until that process has it.
    Leaves,
    /// Another process runs it from now on.
    Moved,
    /// Its tick failed; it starts again from its checkpoint when somebody comes.
    Restarts,
    /// It was deleted.
    Deleted,
    /// The process stops.
    Stopped,
    /// Its map has another size: it is kept, and begins again when someone comes.
    Resized,
}

/// What a follower of a space sees.
#[derive(Debug, Clone, Encode, Decode)]
pub enum SpaceUpdate {
    /// Everything: first of all, and whenever the follower fell behind.
    Snapshot {
        /// Everything visible.
        picture: Arc<Snapshot>,
        /// Which life of the space.
        epoch: u64,
        /// What happened in ticks that were left out.
        missed: Vec<Fact>,
    },
    /// One tick.
    Tick(Arc<TickOutput>),
    /// No more will come.
    Ended(Ending),
}

/// Why a command was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too many are waiting.
    #[error("the space is overloaded")]
    Overloaded,
    /// The space is no longer ticked here.
    #[error("the space has ended")]
    Ended,
}

enum WorkerCommand {
    Open(Box<worker::HostedSpace>),
    Follow(SpaceId, mpsc::Sender<SpaceUpdate>),
    Kept(SpaceId, Tick),
    Checkpoint(SpaceId),
    Close { space: SpaceId, ending: Ending },
    Stop,
}

/// A space that is ticked by some thread of this process. Cheap to clone.
#[derive(Clone)]
pub struct SpaceHandle {
    id: SpaceId,
    commands: Sender<Command>,
    desks: Workers,
    status: Arc<SpaceStatus>,
}

/// What anybody may know of a space without asking its thread.
#[derive(Default)]
struct SpaceStatus {
    people: AtomicUsize,
    /// What its ticks took lately, in nanoseconds a second.
    cost: AtomicU64,
    /// Commands for the next tick.
    waiting: AtomicUsize,
    /// Bytes of what people write and signal among them, and among what waits for later ticks.
    waiting_bytes: AtomicUsize,
    ended: AtomicBool,
    /// The version of the plan that it is run with.
    version: AtomicU32,
    /// The thread that ticks it now. An order to one that no longer does is passed on.
    home: AtomicUsize,
}

impl SpaceHandle {
    /// Which space.
    pub const fn id(&self) -> SpaceId {
        self.id
    }

    /// How many people are in it.
    pub fn people(&self) -> usize {
        self.status.people.load(Ordering::Relaxed)
    }

    /// The version of the plan that it is run with.
    pub fn version(&self) -> u32 {
        self.status.version.load(Ordering::Acquire)
    }

    /// What its ticks took lately, in nanoseconds a second.
    pub fn cost(&self) -> u64 {
        self.status.cost.load(Ordering::Relaxed)
    }

    /// Whether it is no longer ticked.
    pub fn has_ended(&self) -> bool {
        self.status.ended.load(Ordering::Acquire)
    }

    /// Applied at the next tick.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        // A bounded channel of the standard library would hold room for all of them, in every
        // space.
        if self.status.waiting.fetch_add(1, Ordering::Relaxed) >= COMMANDS {
            self.status.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(SendError::Overloaded);
        }
        let bytes = intake::weight(&command);
        if bytes > 0
            && self
                .status
                .waiting_bytes
                .fetch_add(bytes, Ordering::Relaxed)
                >= intake::WAITING_BYTES
        {
            self.status
                .waiting_bytes
                .fetch_sub(bytes, Ordering::Relaxed);
            self.status.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(SendError::Overloaded);
        }
        self.commands.send(command).map_err(|_| SendError::Ended)
    }

    /// Everything that happens from now on, beginning with a picture.
    pub fn follow(&self) -> mpsc::Receiver<SpaceUpdate> {
        let (sender, receiver) = mpsc::channel(FOLLOW_BACKLOG);
        // When the thread is gone the sender is dropped with the order, which ends the receiver.
        self.order(WorkerCommand::Follow(self.id, sender));
        receiver
    }

    /// What happened up to that tick was kept and can be shown.
    pub fn kept(&self, tick: Tick) {
        self.order(WorkerCommand::Kept(self.id, tick));
    }

    /// Its state is reported now, whether it changed or not.
    pub fn checkpoint(&self) {
        self.order(WorkerCommand::Checkpoint(self.id));
    }

    /// Ends the ticking. For [`Ending::Unloaded`] only when nobody is in the space and nothing
    /// waits for it.
    pub fn close(&self, ending: Ending) {
        self.order(WorkerCommand::Close {
            space: self.id,
            ending,
        });
    }

    /// The thread that ticks it now, by its number.
    pub fn home(&self) -> usize {
        self.status.home.load(Ordering::Acquire)
    }

    fn order(&self, order: WorkerCommand) {
        // The thread ends only with the process.
        let _ = self.desks[self.home()].orders.send(order);
    }
}

impl Host {
    /// Starts that many threads, at least one.
    pub fn start(
        threads: usize,
        reports: &mpsc::UnboundedSender<HostEvent>,
    ) -> std::io::Result<Self> {
        let (desks, inboxes) = desks(threads.max(1));
        let until = Arc::new(Until::default());
        let threads = inboxes
            .into_iter()
            .enumerate()
            .map(|(number, inbox)| {
                let run = worker::run_on(
                    number,
                    inbox,
                    reports.clone(),
                    Arc::clone(&desks),
                    Arc::clone(&until),
                );
                std::thread::Builder::new()
                    .name(format!("host-{number}"))
                    .spawn(run)
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self {
            desks,
            until,
            threads,
        })
    }

    /// Spaces are ticked until then. Nothing is ticked before this was said for the first time.
    pub fn tick_until(&self, until: MonotonicTime) {
        self.until.0.store(until.0, Ordering::Release);
    }

    /// How much there is to do: nanoseconds a second, over all threads.
    pub fn load(&self) -> u64 {
        let loads = self
            .desks
            .iter()
            .map(|desk| desk.load.busy_nanos_per_second.load(Ordering::Relaxed));
        loads.sum()
    }

    /// Ticks a space on the thread that has the least to do.
    pub fn open(&self, id: SpaceId, space: Space, epoch: u64) -> SpaceHandle {
        let (home, desk) = self
            .desks
            .iter()
            .enumerate()
            .min_by_key(|(_, desk)| {
                let load = &desk.load;
                (
                    load.busy_nanos_per_second.load(Ordering::Relaxed),
                    load.spaces.load(Ordering::Relaxed),
                )
            })
            .expect("a host has at least one thread");
        let (commands, inbox) = channel();
        let status = Arc::<SpaceStatus>::default();
        status.home.store(home, Ordering::Release);
        let running = worker::HostedSpace::new(id, space, epoch, inbox, Arc::clone(&status));
        if desk.take(Box::new(running)).is_err() {
            // After the host has stopped nothing ticks, and nobody will say that the space ended.
            status.ended.store(true, Ordering::Release);
        }
        SpaceHandle {
            id,
            commands,
            desks: Arc::clone(&self.desks),
            status,
        }
    }

    /// Ends every space with a last checkpoint, then the threads.
    pub fn stop(&mut self) {
        for desk in self.desks.iter() {
            let _ = desk.orders.send(WorkerCommand::Stop);
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a host thread ended by a panic outside of any space");
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop();
    }
}
