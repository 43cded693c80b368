//! Host: threads that tick the spaces of this process by absolute deadlines.
//!
//! May use `space` and below, and channels. Never: SQL, sockets, HTTP; a tick thread never waits for anybody.
//! Loading and keeping spaces is the business of `cluster`; showing them that of `net::relay`.

mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};

use tokio::sync::mpsc;

use crate::components::command::Command;
use crate::components::fact::{Fact, Picture, TickOutput};
use crate::components::id::SpaceId;
use crate::space::Space;
use crate::space::checkpoint::Checkpoint;

/// Commands waiting for one space at most; at 20 Hz a thousand people send it about a thousand a tick.
const COMMANDS: usize = 4_096;

/// Ticks that a follower may be behind before it is given a picture instead.
const FOLLOW_BACKLOG: usize = 32;

/// The threads of this process.
pub struct Host {
    threads: Vec<ThreadHandle>,
}

struct ThreadHandle {
    orders: Sender<Order>,
    load: Arc<Load>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What a thread has to do, as it measures it.
#[derive(Default)]
struct Load {
    spaces: AtomicUsize,
    busy_nanos_per_second: AtomicU64,
}

/// What the host tells the cluster.
pub enum Report {
    /// Once a second when something changed, and at the end.
    Checkpoint {
        /// Of which space.
        space: SpaceId,
        /// Its life.
        epoch: u64,
        /// What must survive.
        checkpoint: Box<Checkpoint>,
    },
    /// Nobody has been in the space for a while.
    Resting(SpaceId),
    /// A space is no longer ticked. Every checkpoint of it came before.
    Ended(SpaceId, Ending),
}

/// Why a space is no longer ticked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nobody was in it.
    Unloaded,
    /// Its tick failed; it starts again from its checkpoint when somebody comes.
    Restarts,
    /// It was deleted.
    Deleted,
    /// The process stops.
    Stopped,
}

/// What a follower of a space sees.
pub enum Seen {
    /// Everything: first of all, and whenever the follower fell behind.
    Picture {
        /// Everything visible.
        picture: Arc<Picture>,
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

enum Order {
    Open(Box<thread::Running>),
    Follow(SpaceId, mpsc::Sender<Seen>),
    Close { space: SpaceId, ending: Ending },
    Stop,
}

/// A space that is ticked by some thread of this process. Cheap to clone.
#[derive(Clone)]
pub struct SpaceHandle {
    id: SpaceId,
    commands: SyncSender<Command>,
    orders: Sender<Order>,
    status: Arc<Status>,
}

/// What anybody may know of a space without asking its thread.
#[derive(Default)]
struct Status {
    people: AtomicUsize,
    ended: AtomicBool,
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

    /// Whether it is no longer ticked.
    pub fn has_ended(&self) -> bool {
        self.status.ended.load(Ordering::Acquire)
    }

    /// Applied at the next tick.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => SendError::Overloaded,
            TrySendError::Disconnected(_) => SendError::Ended,
        })
    }

    /// Everything that happens from now on, beginning with a picture.
    pub fn follow(&self) -> mpsc::Receiver<Seen> {
        let (sender, receiver) = mpsc::channel(FOLLOW_BACKLOG);
        // When the thread is gone the sender is dropped with the order, which ends the receiver.
        let _ = self.orders.send(Order::Follow(self.id, sender));
        receiver
    }

    /// Ends the ticking. For [`Ending::Unloaded`] only when nobody is in the space and nothing waits for it.
    pub fn close(&self, ending: Ending) {
        let _ = self.orders.send(Order::Close { space: self.id, ending });
    }
}

impl Host {
    /// Starts that many threads, at least one.
    pub fn start(threads: usize, reports: &mpsc::UnboundedSender<Report>) -> std::io::Result<Self> {
        let threads = (0..threads.max(1))
            .map(|number| {
                let (orders, inbox) = channel();
                let load = Arc::<Load>::default();
                let run = thread::run_on(inbox, reports.clone(), Arc::clone(&load));
                let thread = std::thread::Builder::new().name(format!("host-{number}")).spawn(run)?;
                Ok(ThreadHandle {
                    orders,
                    load,
                    thread: Some(thread),
                })
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self { threads })
    }

    /// Ticks a space on the thread that has the least to do.
    pub fn open(&self, id: SpaceId, space: Space, epoch: u64) -> SpaceHandle {
        let thread = self
            .threads
            .iter()
            .min_by_key(|thread| {
                let load = &thread.load;
                (
                    load.busy_nanos_per_second.load(Ordering::Relaxed),
                    load.spaces.load(Ordering::Relaxed),
                )
            })
            .expect("a host has at least one thread");
        thread.load.spaces.fetch_add(1, Ordering::Relaxed);
        let (commands, inbox): (_, Receiver<Command>) = sync_channel(COMMANDS);
        let status = Arc::<Status>::default();
        let running = thread::Running::new(id, space, epoch, inbox, Arc::clone(&status));
        // The thread ends only when the host is dropped.
        let _ = thread.orders.send(Order::Open(Box::new(running)));
        SpaceHandle {
            id,
            commands,
            orders: thread.orders.clone(),
            status,
        }
    }

    /// Ends every space with a last checkpoint, then the threads.
    pub fn stop(&mut self) {
        for thread in &self.threads {
            let _ = thread.orders.send(Order::Stop);
        }
        for thread in &mut self.threads {
            if let Some(handle) = thread.thread.take()
                && handle.join().is_err()
            {
                tracing::error!("a host thread ended by a panic outside of any space");
            }
        }
    }
}
