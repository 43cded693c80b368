//! Host: threads that tick the spaces of this process by absolute deadlines.
//!
//! May use `space` and below, and channels. Never: SQL, sockets, HTTP; a tick thread never waits
//! for another part. `cluster` loads and stores spaces; `net::relay` shows them to clients.

pub mod balance;
mod hosted_space;
mod intake;
pub mod monotonic;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use bincode::{Decode, Encode};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use self::hosted_space::HostedSpace;
use self::monotonic::MonotonicTime;
use crate::components::command::Command;
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::id::SpaceId;
use crate::components::unit::Tick;
use crate::space::{Checkpoint, DurableEvent, Space};

/// Most commands that wait for one space. At 20 Hz a thousand players send about a thousand per
/// tick.
const COMMANDS: usize = 4_096;

/// Ticks that a follower may be behind before it gets a snapshot instead.
const FOLLOW_BACKLOG: usize = 32;

/// Time that a player has to join a space that was opened for them. Until then the space does not
/// count as empty.
const JOIN_WITHIN: Duration = Duration::from_secs(10);

/// The host threads of this process.
pub struct Host {
    workers: Workers,
    until: Arc<Until>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

/// Time until which spaces are ticked, in nanoseconds of [`MonotonicTime`].
#[derive(Default)]
struct Until(AtomicU64);

impl Until {
    fn is_over(&self) -> bool {
        MonotonicTime::now().0 >= self.0.load(Ordering::Acquire)
    }
}

/// Handles of all threads, shared by all threads: their command queues and loads.
type Workers = Arc<[WorkerHandle]>;

struct WorkerHandle {
    queue: Sender<WorkerCommand>,
    load: Load,
    /// Whether the thread takes no further spaces.
    is_closed: Mutex<bool>,
}

/// Handles for this many threads, and the receivers of their commands.
fn worker_handles(count: usize) -> (Workers, Vec<Receiver<WorkerCommand>>) {
    let (workers, inboxes): (Vec<_>, Vec<_>) = (0..count)
        .map(|_| {
            let (queue, inbox) = channel();
            let worker = WorkerHandle {
                queue,
                load: Load::default(),
                is_closed: Mutex::new(false),
            };
            (worker, inbox)
        })
        .unzip();
    (workers.into(), inboxes)
}

impl WorkerHandle {
    /// Hands a space over. Gives it back when the thread has stopped.
    fn open(&self, hosted: Box<HostedSpace>) -> Result<(), Box<HostedSpace>> {
        let is_closed = self.is_closed.lock();
        if *is_closed {
            return Err(hosted);
        }
        self.load.spaces.fetch_add(1, Ordering::Relaxed);
        // While the handle is open, its thread reads the queue.
        let _ = self.queue.send(WorkerCommand::Open(hosted));
        Ok(())
    }
}

/// Load of a thread, measured by itself.
#[derive(Default)]
struct Load {
    spaces: AtomicUsize,
    busy_nanos_per_second: AtomicU64,
}

/// An event that the host reports to the cluster.
pub enum HostEvent {
    /// State of a space: once a second when something changed, and at the end.
    Checkpoint {
        /// Space that was saved.
        space: SpaceId,
        /// State to store.
        checkpoint: Box<Checkpoint>,
    },
    /// Durable events. Clients see them only after they were committed: [`SpaceHandle::committed`].
    Durable {
        /// Space of the events.
        space: SpaceId,
        /// Tick of the events.
        tick: Tick,
        /// The events, in order.
        events: Vec<DurableEvent>,
    },
    /// The space received a change of its layout without the one before it, and needs the whole
    /// layout.
    Behind(SpaceId),
    /// Players in the space use the SFU for the first time.
    Crowded(SpaceId),
    /// The space has been empty for a while.
    Resting(SpaceId),
    /// A space is no longer ticked. All its checkpoints were sent before.
    Ended {
        /// Space that ended.
        space: SpaceId,
        /// Reason of the end.
        ending: Ending,
        /// Followers of a space that leaves. They are told when the other process has it.
        followers: Vec<mpsc::Sender<SpaceUpdate>>,
    },
}

/// Reason why a space is no longer ticked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum Ending {
    /// It was empty.
    Unloaded,
    /// It is handed over to another process: stored, and shown to its followers until that process
    /// has it.
    Leaves,
    /// Another process runs it from now on.
    Moved,
    /// Its tick failed. It restarts from its checkpoint when a player joins.
    Restarts,
    /// It was deleted.
    Deleted,
    /// The process stops.
    Stopped,
    /// Its map has another size. It is stored, and restarts when a player joins.
    Resized,
}

/// An update that a follower of a space receives.
#[derive(Debug, Clone, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum SpaceUpdate {
    /// The full state: first of all, and after the follower fell behind.
    Snapshot {
        /// Full visible state of the space.
        snapshot: Arc<Snapshot>,
        /// Epoch of the space.
        epoch: u64,
        /// Facts of the ticks that were left out.
        missed: Vec<Fact>,
    },
    /// Output of one tick.
    Tick(Arc<TickOutput>),
    /// The space ended. No further updates follow.
    Ended(Ending),
}

/// Why a command was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too many commands are waiting.
    #[error("the space is overloaded")]
    Overloaded,
    /// The space is no longer ticked here.
    #[error("the space has ended")]
    Ended,
}

enum WorkerCommand {
    Open(Box<HostedSpace>),
    Follow(SpaceId, mpsc::Sender<SpaceUpdate>),
    Committed(SpaceId, Tick),
    Checkpoint(SpaceId),
    Close { space: SpaceId, ending: Ending },
    Stop,
}

/// Handle of a space that a thread of this process ticks. Cheap to clone.
#[derive(Clone)]
pub struct SpaceHandle {
    id: SpaceId,
    commands: Sender<Command>,
    workers: Workers,
    status: Arc<SpaceStatus>,
}

/// Status of a space that can be read without asking its thread.
#[derive(Default)]
struct SpaceStatus {
    people: AtomicUsize,
    /// Since when no player has been connected, as nanoseconds of [`MonotonicTime`]; `u64::MAX`
    /// while one is.
    empty_since: AtomicU64,
    /// Recent cost of its ticks, in nanoseconds per second.
    cost: AtomicU64,
    /// Commands for the next tick.
    waiting: AtomicUsize,
    /// Bytes of texts and signals among them, and among commands that wait for later ticks.
    waiting_bytes: AtomicUsize,
    ended: AtomicBool,
    /// Version of the layout in use.
    version: AtomicU32,
    /// Index of the thread that ticks it now. A thread that no longer does passes commands on.
    home: AtomicUsize,
}

impl SpaceHandle {
    /// Id of the space.
    pub const fn id(&self) -> SpaceId {
        self.id
    }

    /// Number of players in it.
    pub fn people(&self) -> usize {
        self.status.people.load(Ordering::Relaxed)
    }

    /// Since when no player has been connected to it; `None` if one is, or is about to.
    pub fn empty_since(&self, now: MonotonicTime) -> Option<MonotonicTime> {
        let since = MonotonicTime(self.status.empty_since.load(Ordering::Relaxed));
        (since <= now).then_some(since)
    }

    /// Version of the layout in use.
    pub fn version(&self) -> u32 {
        self.status.version.load(Ordering::Acquire)
    }

    /// Recent cost of its ticks, in nanoseconds per second.
    pub fn cost(&self) -> u64 {
        self.status.cost.load(Ordering::Relaxed)
    }

    /// Whether it is no longer ticked.
    pub fn has_ended(&self) -> bool {
        self.status.ended.load(Ordering::Acquire)
    }

    /// Sends a command, which is applied at the next tick.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        // A bounded channel of the standard library would reserve memory for all of them, in every
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

    /// Follows the space. The first update is a snapshot.
    pub fn follow(&self) -> mpsc::Receiver<SpaceUpdate> {
        let (sender, receiver) = mpsc::channel(FOLLOW_BACKLOG);
        // When the thread is gone, the sender is dropped with the command, which ends the receiver.
        self.command(WorkerCommand::Follow(self.id, sender));
        receiver
    }

    /// Marks durable events up to that tick as committed, so that they may be shown.
    pub fn committed(&self, tick: Tick) {
        self.command(WorkerCommand::Committed(self.id, tick));
    }

    /// Requests a checkpoint now, even if nothing changed.
    pub fn checkpoint(&self) {
        self.command(WorkerCommand::Checkpoint(self.id));
    }

    /// Ends the space. For [`Ending::Unloaded`] only when no player is connected and no command
    /// waits.
    pub fn close(&self, ending: Ending) {
        self.command(WorkerCommand::Close {
            space: self.id,
            ending,
        });
    }

    /// Index of the thread that ticks it now.
    pub fn home(&self) -> usize {
        self.status.home.load(Ordering::Acquire)
    }

    fn command(&self, command: WorkerCommand) {
        if let Some(worker) = self.workers.get(self.home()) {
            // The thread ends only with the process.
            let _ = worker.queue.send(command);
        }
    }
}

impl Host {
    /// Starts this many threads, at least one.
    pub fn start(
        threads: usize,
        host_events: &mpsc::UnboundedSender<HostEvent>,
    ) -> std::io::Result<Self> {
        let (workers, inboxes) = worker_handles(threads.max(1));
        let until = Arc::new(Until::default());
        let threads = inboxes
            .into_iter()
            .enumerate()
            .map(|(number, inbox)| {
                let run = worker::run_on(
                    number,
                    inbox,
                    host_events.clone(),
                    Arc::clone(&workers),
                    Arc::clone(&until),
                );
                std::thread::Builder::new()
                    .name(format!("host-{number}"))
                    .spawn(run)
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self {
            workers,
            until,
            threads,
        })
    }

    /// Sets the time until which spaces are ticked. No space is ticked before the first call.
    pub fn tick_until(&self, until: MonotonicTime) {
        self.until.0.store(until.0, Ordering::Release);
    }

    /// Load in nanoseconds per second, summed over all threads.
    pub fn load(&self) -> u64 {
        let loads = self
            .workers
            .iter()
            .map(|worker| worker.load.busy_nanos_per_second.load(Ordering::Relaxed));
        loads.sum()
    }

    /// Opens a space on the least busy thread.
    pub fn open(&self, id: SpaceId, space: Space, epoch: u64) -> SpaceHandle {
        let (home, worker) = self
            .workers
            .iter()
            .enumerate()
            .min_by_key(|(_, worker)| {
                let load = &worker.load;
                (
                    load.busy_nanos_per_second.load(Ordering::Relaxed),
                    load.spaces.load(Ordering::Relaxed),
                )
            })
            .expect("a host has at least one thread");
        let (commands, inbox) = channel();
        let status = Arc::<SpaceStatus>::default();
        status.home.store(home, Ordering::Release);
        let may_join_until = MonotonicTime::now() + JOIN_WITHIN;
        status
            .empty_since
            .store(may_join_until.0, Ordering::Relaxed);
        let hosted = HostedSpace::new(id, space, epoch, inbox, Arc::clone(&status));
        if worker.open(Box::new(hosted)).is_err() {
            // After the host stopped no thread ticks, and no event reports the end of the space.
            status.ended.store(true, Ordering::Release);
        }
        SpaceHandle {
            id,
            commands,
            workers: Arc::clone(&self.workers),
            status,
        }
    }

    /// Ends every space with a last checkpoint, then the threads.
    pub fn stop(&mut self) {
        for worker in self.workers.iter() {
            let _ = worker.queue.send(WorkerCommand::Stop);
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
