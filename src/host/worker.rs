//! Worker: a thread that ticks its spaces, each by its own absolute deadline, and hands them over
//! to other threads to even out the load.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tokio::sync::mpsc::UnboundedSender;

use super::hosted_space::{HostedSpace, now};
use super::{Ending, HostEvent, Until, WorkerCommand, WorkerHandle, Workers, balance};
use crate::components::id::SpaceId;
use crate::components::searching::SearchBudget;

/// Interval in which a thread measures its load.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// Time for which commands for a space that moved may still arrive.
const REMEMBER_MOVES: Duration = Duration::from_secs(10);

/// Main function of a host thread.
pub(super) fn run_on(
    number: usize,
    inbox: Receiver<WorkerCommand>,
    host_events: UnboundedSender<HostEvent>,
    workers: Workers,
    until: Arc<Until>,
) -> impl FnOnce() + Send {
    move || {
        HostWorker {
            number,
            host_events,
            workers,
            until,
            spaces: HashMap::new(),
            started: now(),
            searching: (now(), SearchBudget::default()),
            deadlines: BinaryHeap::new(),
            moved: Vec::new(),
        }
        .run(&inbox);
    }
}

struct HostWorker {
    number: usize,
    host_events: UnboundedSender<HostEvent>,
    workers: Workers,
    until: Arc<Until>,
    spaces: HashMap<SpaceId, HostedSpace>,
    started: Instant,
    /// Budget of path searches, and the time it was last refilled.
    searching: (Instant, SearchBudget),
    deadlines: BinaryHeap<Reverse<(Instant, SpaceId)>>,
    /// Spaces that moved: when, and to which thread. Commands that arrive late are passed on.
    moved: Vec<(Instant, SpaceId, usize)>,
}

impl HostWorker {
    fn run(mut self, inbox: &Receiver<WorkerCommand>) {
        let mut busy = Duration::ZERO;
        let mut measured = now();
        loop {
            let wait = self
                .deadlines
                .peek()
                .map(|Reverse((at, _))| at.saturating_duration_since(now()));
            let command = match wait {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => inbox.recv_timeout(wait),
            };
            let started = now();
            match command {
                Ok(WorkerCommand::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(command) => self.apply(command),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.tick_due();
            busy += now() - started;
            let since = now() - measured;
            if since >= MEASURE_EVERY || self.spaces.is_empty() {
                self.measure(busy, since);
                busy = Duration::ZERO;
                measured = now();
            }
        }
        let mut is_closed = self.workers[self.number].is_closed.lock();
        *is_closed = true;
        // A space that was handed over in the last moment ends here, too.
        while let Ok(command) = inbox.try_recv() {
            if let WorkerCommand::Open(hosted) = command {
                self.spaces.insert(hosted.id, *hosted);
            }
        }
        drop(is_closed);
        for (_, hosted) in self.spaces.drain() {
            hosted.end(Ending::Stopped, &self.host_events);
        }
    }

    /// Handle of this thread.
    fn handle(&self) -> &WorkerHandle {
        &self.workers[self.number]
    }

    /// Publishes the load of this thread, and hands a space over when that pays off.
    fn measure(&mut self, busy: Duration, since: Duration) {
        let per_second = |spent: Duration| {
            let nanos = spent.as_nanos() * 1_000_000_000 / since.as_nanos().max(1);
            u64::try_from(nanos).unwrap_or(u64::MAX)
        };
        let own_load = if self.spaces.is_empty() {
            0
        } else {
            per_second(busy)
        };
        let own = &self.handle().load;
        own.busy_nanos_per_second.store(own_load, Ordering::Relaxed);
        let loads: Vec<u64> = self
            .workers
            .iter()
            .map(|worker| worker.load.busy_nanos_per_second.load(Ordering::Relaxed))
            .collect();
        let costs = self.spaces.values_mut().map(|hosted| {
            let cost = per_second(std::mem::take(&mut hosted.spent));
            hosted.status.cost.store(cost, Ordering::Relaxed);
            (hosted.id, cost)
        });
        let costs: Vec<_> = costs.collect();
        if let Some((space, other)) = balance::choose(&loads, self.number, costs.into_iter()) {
            self.hand_over(space, other);
        }
    }

    fn hand_over(&mut self, space: SpaceId, other: usize) {
        let Some(receiver) = self.workers.get(other) else {
            return;
        };
        let Some(hosted) = self.spaces.remove(&space) else {
            return;
        };
        let status = Arc::clone(&hosted.status);
        if let Err(hosted) = receiver.open(Box::new(hosted)) {
            self.deadlines.push(Reverse((hosted.next, space)));
            self.spaces.insert(space, *hosted);
            return;
        }
        // Only now: a command must not arrive at the other thread before the space itself.
        status.home.store(other, Ordering::Release);
        self.handle().load.spaces.fetch_sub(1, Ordering::Relaxed);
        tracing::debug!(%space, from = self.number, to = other, "a space moved to another thread");
        counter!("plaza_spaces_moved_total").increment(1);
        let now = now();
        self.moved
            .retain(|(at, moved, _)| *moved != space && now < *at + REMEMBER_MOVES);
        self.moved.push((now, space, other));
    }

    /// Thread to which a space that is not here moved.
    fn successor(&self, space: SpaceId) -> Option<&WorkerHandle> {
        if self.spaces.contains_key(&space) {
            return None;
        }
        let (_, _, other) = self.moved.iter().find(|(_, moved, _)| *moved == space)?;
        self.workers.get(*other)
    }

    fn apply(&mut self, command: WorkerCommand) {
        if let WorkerCommand::Follow(space, _)
        | WorkerCommand::Committed(space, _)
        | WorkerCommand::Checkpoint(space)
        | WorkerCommand::Close { space, .. } = &command
            && let Some(other) = self.successor(*space)
        {
            let _ = other.queue.send(command);
            return;
        }
        match command {
            WorkerCommand::Open(mut hosted) => {
                hosted.align(self.started);
                self.deadlines.push(Reverse((hosted.next, hosted.id)));
                self.spaces.insert(hosted.id, *hosted);
            }
            WorkerCommand::Follow(space, sender) => {
                if let Some(hosted) = self.spaces.get_mut(&space) {
                    hosted.follow(sender);
                }
            }
            WorkerCommand::Committed(space, tick) => {
                if let Some(hosted) = self.spaces.get_mut(&space) {
                    hosted.commit(tick);
                }
            }
            WorkerCommand::Checkpoint(space) => {
                if let Some(hosted) = self.spaces.get_mut(&space) {
                    hosted.checkpoint(now(), &self.host_events);
                }
            }
            WorkerCommand::Close { space, ending } => {
                let is_allowed =
                    |hosted: &mut HostedSpace| ending != Ending::Unloaded || hosted.is_idle();
                if self.spaces.get_mut(&space).is_some_and(is_allowed) {
                    if ending == Ending::Leaves {
                        self.finish(space);
                    }
                    self.end(space, ending);
                }
            }
            WorkerCommand::Stop => {}
        }
    }

    fn tick_due(&mut self) {
        while let Some(Reverse((at, space))) = self.deadlines.peek().copied() {
            let now = now();
            if at > now {
                break;
            }
            self.deadlines.pop();
            // The deadline may be of an earlier epoch of the space, or of a space that ended.
            let Some(hosted) = self
                .spaces
                .get_mut(&space)
                .filter(|hosted| hosted.next == at)
            else {
                continue;
            };
            if self.until.is_over() {
                // The space is frozen until this process may run it again, or must release it.
                hosted.schedule(now);
                self.deadlines.push(Reverse((hosted.next, space)));
                counter!("plaza_ticks_frozen_total").increment(1);
                continue;
            }
            let (host_events, until) = (&self.host_events, &self.until);
            let (since, budget) = &mut self.searching;
            let passed = now.saturating_duration_since(*since).as_micros();
            budget.pass(u64::try_from(passed).unwrap_or(u64::MAX));
            *since = now;
            hosted.lend_searching(std::mem::take(budget));
            if catch_unwind(AssertUnwindSafe(|| hosted.tick(now, host_events, until))).is_err() {
                tracing::error!(%space, "the tick of a space panicked; the space starts again from \
                    its checkpoint");
                counter!("plaza_space_panics_total").increment(1);
                self.end(space, Ending::Restarts);
                continue;
            }
            *budget = hosted.take_searching();
            let spent = now.elapsed();
            hosted.spent += spent;
            histogram!("plaza_tick_seconds").record(spent.as_secs_f64());
            histogram!("plaza_tick_lateness_seconds").record((now - at).as_secs_f64());
            self.deadlines.push(Reverse((hosted.next, space)));
        }
    }

    /// Applies waiting commands of a space that leaves. The next process does not know of them.
    fn finish(&mut self, space: SpaceId) {
        let now = now();
        if let Some(hosted) = self.spaces.get_mut(&space)
            && !self.until.is_over()
            && !hosted.has_no_commands()
        {
            hosted.finish(now);
            self.deadlines.push(Reverse((hosted.next, space)));
            self.tick_due();
        }
    }

    fn end(&mut self, space: SpaceId, ending: Ending) {
        if let Some(hosted) = self.spaces.remove(&space) {
            hosted.end(ending, &self.host_events);
            self.handle().load.spaces.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
