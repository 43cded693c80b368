//! Thread: ticks its spaces, each by its own absolute deadline.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, UnboundedSender};

use super::{Ending, Load, Order, Report, Seen, Status};
use crate::components::command::Command;
use crate::components::fact::{Fact, Picture, TickOutput};
use crate::components::id::SpaceId;
use crate::space::Space;

/// Ticks that a late space makes up for at once; what is older is skipped and counted.
const CATCH_UP: u32 = 3;

/// How long nobody must be in a space before it is reported as resting.
const REST: Duration = Duration::from_secs(30);

/// How often what changed is checkpointed.
const CHECKPOINT: Duration = Duration::from_secs(1);

/// Facts kept for a follower that is behind; beyond that the oldest are lost to it (the space's history still has the chat).
const MISSED: usize = 4_096;

/// One space that is ticked.
pub(super) struct Running {
    id: SpaceId,
    space: Space,
    epoch: u64,
    commands: Receiver<Command>,
    batch: Vec<Command>,
    followers: Vec<Follower>,
    status: Arc<Status>,
    period: Duration,
    next: Instant,
    changed: bool,
    checkpointed: Instant,
    resting_since: Option<Instant>,
}

struct Follower {
    sender: Sender<Seen>,
    missed: Option<Vec<Fact>>,
}

impl Running {
    pub(super) fn new(id: SpaceId, space: Space, epoch: u64, commands: Receiver<Command>, status: Arc<Status>) -> Self {
        let now = now();
        let period = Duration::from_secs(1) / u32::from(space.rate().per_second());
        Self {
            id,
            space,
            epoch,
            commands,
            batch: Vec::new(),
            followers: Vec::new(),
            status,
            period,
            next: now + period,
            changed: true,
            checkpointed: now,
            resting_since: None,
        }
    }

    /// Runs the tick that is due and shows it to the followers.
    fn tick(&mut self, now: Instant, reports: &UnboundedSender<Report>) {
        self.batch.extend(self.commands.try_iter());
        let output = self.space.step(&self.batch);
        self.batch.clear();
        self.status.people.store(self.space.people(), Ordering::Relaxed);
        let is_news = !(output.cards.is_empty()
            && output.stances.is_empty()
            && output.own.is_empty()
            && output.gone.is_empty()
            && output.facts.is_empty());
        self.changed |= is_news;
        self.show(&Arc::new(output));
        if self.changed && now >= self.checkpointed + CHECKPOINT {
            self.checkpoint(now, reports);
        }
        self.rest(now, reports);
        self.schedule(now);
    }

    fn schedule(&mut self, now: Instant) {
        self.next += self.period;
        let late = now.saturating_duration_since(self.next);
        if late > self.period * CATCH_UP {
            let skipped = (late.as_nanos() / self.period.as_nanos()) as u32;
            self.next += self.period * skipped;
            counter!("plaza_ticks_skipped_total").increment(u64::from(skipped));
        }
    }

    fn show(&mut self, output: &Arc<TickOutput>) {
        let (space, epoch) = (&mut self.space, self.epoch);
        let mut picture: Option<Arc<Picture>> = None;
        self.followers.retain_mut(|follower| {
            let seen = match follower.missed.as_mut() {
                None => Seen::Tick(Arc::clone(output)),
                Some(missed) => Seen::Picture {
                    picture: Arc::clone(picture.get_or_insert_with(|| Arc::new(space.picture()))),
                    epoch,
                    missed: missed.iter().chain(&output.facts).cloned().collect(),
                },
            };
            match follower.sender.try_send(seen) {
                Ok(()) => {
                    follower.missed = None;
                    true
                }
                Err(TrySendError::Full(_)) => {
                    let missed = follower.missed.get_or_insert_default();
                    missed.extend(output.facts.iter().cloned());
                    let excess = missed.len().saturating_sub(MISSED);
                    missed.drain(..excess);
                    true
                }
                Err(TrySendError::Closed(_)) => false,
            }
        });
    }

    fn follow(&mut self, sender: Sender<Seen>) {
        let seen = Seen::Picture {
            picture: Arc::new(self.space.picture()),
            epoch: self.epoch,
            missed: Vec::new(),
        };
        if sender.try_send(seen).is_ok() {
            self.followers.push(Follower { sender, missed: None });
        }
    }

    fn checkpoint(&mut self, now: Instant, reports: &UnboundedSender<Report>) {
        let checkpoint = Box::new(self.space.checkpoint());
        // Nobody listens only while the process ends.
        let _ = reports.send(Report::Checkpoint {
            space: self.id,
            epoch: self.epoch,
            checkpoint,
        });
        self.changed = false;
        self.checkpointed = now;
    }

    fn rest(&mut self, now: Instant, reports: &UnboundedSender<Report>) {
        if !self.space.is_resting() {
            self.resting_since = None;
            return;
        }
        let since = *self.resting_since.get_or_insert(now);
        if now >= since + REST {
            self.resting_since = Some(now);
            let _ = reports.send(Report::Resting(self.id));
        }
    }

    /// Whether the space can be unloaded: nobody in it, and nobody about to come.
    fn is_idle(&mut self) -> bool {
        self.batch.extend(self.commands.try_iter());
        self.batch.is_empty() && self.space.is_resting()
    }

    fn end(mut self, ending: Ending, reports: &UnboundedSender<Report>) {
        if self.changed && !matches!(ending, Ending::Restarts | Ending::Deleted) {
            self.checkpoint(now(), reports);
        }
        self.status.ended.store(true, Ordering::Release);
        for follower in &self.followers {
            // A full channel is dropped with its sender, which ends the follower too.
            let _ = follower.sender.try_send(Seen::Ended(ending));
        }
        let _ = reports.send(Report::Ended(self.id, ending));
    }
}

/// The body of a host thread.
pub(super) fn run_on(
    orders: Receiver<Order>,
    reports: UnboundedSender<Report>,
    load: Arc<Load>,
) -> impl FnOnce() + Send {
    move || {
        Thread {
            reports,
            load,
            spaces: HashMap::new(),
            deadlines: BinaryHeap::new(),
        }
        .run(&orders);
    }
}

struct Thread {
    reports: UnboundedSender<Report>,
    load: Arc<Load>,
    spaces: HashMap<SpaceId, Running>,
    deadlines: BinaryHeap<Reverse<(Instant, SpaceId)>>,
}

impl Thread {
    fn run(mut self, orders: &Receiver<Order>) {
        let mut busy = Duration::ZERO;
        let mut measured = now();
        loop {
            let wait = self
                .deadlines
                .peek()
                .map(|Reverse((at, _))| at.saturating_duration_since(now()));
            let order = match wait {
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => orders.recv_timeout(wait),
            };
            let started = now();
            match order {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.tick_due();
            busy += now() - started;
            if now() - measured >= Duration::from_secs(1) {
                self.load
                    .busy_nanos_per_second
                    .store(busy.as_nanos() as u64, Ordering::Relaxed);
                busy = Duration::ZERO;
                measured = now();
            }
        }
        for (_, running) in self.spaces.drain() {
            running.end(Ending::Stopped, &self.reports);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Open(running) => {
                self.deadlines.push(Reverse((running.next, running.id)));
                self.spaces.insert(running.id, *running);
            }
            Order::Follow(space, sender) => {
                if let Some(running) = self.spaces.get_mut(&space) {
                    running.follow(sender);
                }
            }
            Order::Close { space, ending } => {
                let is_allowed = |running: &mut Running| ending != Ending::Unloaded || running.is_idle();
                if self.spaces.get_mut(&space).is_some_and(is_allowed) {
                    self.end(space, ending);
                }
            }
            Order::Stop => {}
        }
    }

    fn tick_due(&mut self) {
        while let Some(Reverse((at, space))) = self.deadlines.peek().copied() {
            let now = now();
            if at > now {
                break;
            }
            self.deadlines.pop();
            // A deadline of an earlier life of the space, or of one that ended.
            let Some(running) = self.spaces.get_mut(&space).filter(|running| running.next == at) else {
                continue;
            };
            let reports = &self.reports;
            if catch_unwind(AssertUnwindSafe(|| running.tick(now, reports))).is_err() {
                tracing::error!(%space, "the tick of a space panicked; the space starts again from its checkpoint");
                counter!("plaza_space_panics_total").increment(1);
                self.end(space, Ending::Restarts);
                continue;
            }
            histogram!("plaza_tick_seconds").record(now.elapsed().as_secs_f64());
            histogram!("plaza_tick_lateness_seconds").record((now - at).as_secs_f64());
            self.deadlines.push(Reverse((running.next, space)));
        }
    }

    fn end(&mut self, space: SpaceId, ending: Ending) {
        if let Some(running) = self.spaces.remove(&space) {
            running.end(ending, &self.reports);
            self.load.spaces.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a host thread keeps real deadlines")]
fn now() -> Instant {
    Instant::now()
}
