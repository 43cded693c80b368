//! Worker: a thread that ticks its spaces, each by its own absolute deadline.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, UnboundedSender};

use super::intake::Intake;
use super::monotonic::MonotonicTime;
use super::{Ending, HostEvent, SpaceStatus, SpaceUpdate, Until, WorkerCommand, Workers, balance};
use crate::components::chat::ChatFact;
use crate::components::command::Command;
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::id::SpaceId;
use crate::components::searching::SearchBudget;
use crate::components::unit::Tick;
use crate::space::{DurableEvent, Space};
use crate::systems::chat::History;

/// Ticks that a late space makes up for at once. Older ones are skipped and counted.
const CATCH_UP: u32 = 3;

/// Grid to which deadlines of a thread's spaces are rounded: waking up costs more than the tick of
/// a space at rest.
const DEADLINE_GRID: Duration = Duration::from_millis(5);

/// Time for which a space must be empty before it is reported as resting.
const RESTING_AFTER: Duration = Duration::from_secs(30);

/// Interval in which a thread measures its load.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// Time for which commands for a space that moved may still arrive.
const REMEMBER_MOVES: Duration = Duration::from_secs(10);

/// Interval of checkpoints of a space that changes.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// Most facts stored for a follower that is behind. Older ones are lost to it; the chat is still in
/// the history of the space.
const MAX_MISSED: usize = 4_096;

/// A space that is ticked.
pub(super) struct HostedSpace {
    id: SpaceId,
    space: Space,
    epoch: u64,
    commands: Receiver<Command>,
    batch: Vec<Command>,
    intake: Intake,
    followers: Vec<Follower>,
    /// Durable facts that are not committed yet. Followers do not see them.
    uncommitted: VecDeque<(Tick, Vec<Fact>)>,
    /// Facts committed since the last tick. They are shown with the next.
    committed: Vec<Fact>,
    /// Chat history as far as followers have seen it.
    shown_history: History,
    status: Arc<SpaceStatus>,
    period: Duration,
    next: Instant,
    changed: bool,
    checkpointed: Instant,
    resting_since: Option<Instant>,
    reported: Reported,
    /// Time spent on the space since the last measurement.
    spent: Duration,
    #[cfg(test)]
    fails: bool,
}

/// Events that were reported and need not be reported again.
#[derive(Default)]
struct Reported {
    /// Players in the space use the SFU.
    is_crowded: bool,
    /// The space is behind with its layout.
    is_behind: bool,
}

struct Follower {
    sender: Sender<SpaceUpdate>,
    missed: Option<Vec<Fact>>,
}

impl Follower {
    fn miss(&mut self, output: &TickOutput) {
        let missed = self.missed.get_or_insert_default();
        missed.extend(output.facts.iter().cloned());
        let excess = missed.len().saturating_sub(MAX_MISSED);
        missed.drain(..excess);
    }
}

impl HostedSpace {
    pub(super) fn new(
        id: SpaceId,
        mut space: Space,
        epoch: u64,
        commands: Receiver<Command>,
        status: Arc<SpaceStatus>,
    ) -> Self {
        let now = now();
        let period = Duration::from_secs(1) / u32::from(space.rate().per_second());
        let shown_history = History(space.picture().history.into());
        status.version.store(space.version(), Ordering::Release);
        // The world is rebuilt on the thread that runs it. Allocated here, its pages could never be
        // freed, because they are shared with data of other threads.
        space.sleep();
        Self {
            id,
            space,
            epoch,
            commands,
            batch: Vec::new(),
            intake: Intake::default(),
            followers: Vec::new(),
            uncommitted: VecDeque::new(),
            committed: Vec::new(),
            shown_history,
            status,
            period,
            next: now + period,
            changed: true,
            checkpointed: now,
            resting_since: None,
            reported: Reported::default(),
            spent: Duration::ZERO,
            #[cfg(test)]
            fails: false,
        }
    }

    /// Runs the tick that is due and shows it to the followers, unless the right to run the space
    /// ended in the meantime.
    fn tick(&mut self, now: Instant, host_events: &UnboundedSender<HostEvent>, until: &Until) {
        #[cfg(test)]
        assert!(!self.fails, "a test makes this tick fail");
        self.take_commands();
        let mut output = self.space.step(&self.batch);
        if !self.batch.is_empty() {
            self.status
                .version
                .store(self.space.version(), Ordering::Release);
            let was_behind =
                std::mem::replace(&mut self.reported.is_behind, self.space.is_behind());
            if self.reported.is_behind && !was_behind {
                let _ = host_events.send(HostEvent::Behind(self.id));
            }
        }
        self.batch.clear();
        self.hold_back(&mut output, host_events);
        self.count_people();
        let is_news = !output.is_quiet();
        self.changed |= is_news;
        // A follower whose queue was full gets the frame with one of the next ticks. Afterwards
        // once per second is enough.
        let is_beat = output
            .tick
            .0
            .is_multiple_of(u64::from(self.space.rate().per_second()));
        if is_news || is_beat || !self.space.is_still() {
            self.show(&Arc::new(output), until.is_over());
        }
        if self.changed && now >= self.checkpointed + CHECKPOINT_EVERY {
            self.checkpoint(now, host_events);
        }
        if !self.reported.is_crowded && self.space.is_forwarding() {
            self.reported.is_crowded = true;
            let _ = host_events.send(HostEvent::Crowded(self.id));
        }
        self.rest(now, host_events);
        self.schedule(now);
    }

    fn count_people(&self) {
        let empty_since = &self.status.empty_since;
        if self.space.connected() > 0 {
            empty_since.store(u64::MAX, Ordering::Relaxed);
        } else if empty_since.load(Ordering::Relaxed) == u64::MAX {
            empty_since.store(MonotonicTime::now().0, Ordering::Relaxed);
        }
        self.status
            .people
            .store(self.space.people(), Ordering::Relaxed);
    }

    fn take_commands(&mut self) {
        let mut arrived = 0;
        let commands = self.commands.try_iter().inspect(|_| arrived += 1);
        let bytes = self.intake.take(commands, &mut self.batch);
        self.status.waiting.fetch_sub(arrived, Ordering::Relaxed);
        self.status
            .waiting_bytes
            .fetch_sub(bytes, Ordering::Relaxed);
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

    /// Takes durable facts out of a tick's output until they are committed, and adds those
    /// committed since the last tick.
    fn hold_back(&mut self, output: &mut TickOutput, host_events: &UnboundedSender<HostEvent>) {
        self.forget(output);
        let durable: Vec<Fact> = output
            .facts
            .extract_if(.., |fact| fact.is_durable())
            .collect();
        output.facts.splice(..0, self.committed.drain(..));
        let events: Vec<_> = durable.iter().filter_map(DurableEvent::of).collect();
        match self.uncommitted.back_mut() {
            // Nothing to commit, but it must not overtake what waits.
            Some((_, waiting)) if events.is_empty() => waiting.extend(durable),
            None if events.is_empty() => output.facts.extend(durable),
            _ => {
                self.uncommitted.push_back((output.tick, durable));
                // The receiver is gone only while the process ends.
                let _ = host_events.send(HostEvent::Durable {
                    space: self.id,
                    tick: output.tick,
                    events,
                });
            }
        }
        for fact in &output.facts {
            self.shown_history.apply(fact);
        }
    }

    /// Drops waiting facts when the history is forgotten: no player is left who waits for them.
    fn forget(&mut self, output: &mut TickOutput) {
        let Some(end) = output
            .facts
            .iter()
            .rposition(|fact| *fact == Fact::Chat(ChatFact::Forgotten))
        else {
            return;
        };
        self.committed.clear();
        for (_, waiting) in &mut self.uncommitted {
            waiting.clear();
        }
        let mut facts = 0..;
        output
            .facts
            .retain(|fact| facts.next() > Some(end) || !fact.is_durable());
    }

    fn commit(&mut self, tick: Tick) {
        while self.uncommitted.front().is_some_and(|(at, _)| *at <= tick) {
            self.committed.extend(
                self.uncommitted
                    .pop_front()
                    .into_iter()
                    .flat_map(|(_, facts)| facts),
            );
        }
    }

    fn show(&mut self, output: &Arc<TickOutput>, is_over: bool) {
        let epoch = self.epoch;
        let mut picture: Option<Arc<Snapshot>> = None;
        let mut followers = std::mem::take(&mut self.followers);
        followers.retain_mut(|follower| {
            if is_over {
                follower.miss(output);
                return !follower.sender.is_closed();
            }
            let seen = match follower.missed.as_mut() {
                None => SpaceUpdate::Tick(Arc::clone(output)),
                Some(missed) => SpaceUpdate::Snapshot {
                    picture: Arc::clone(picture.get_or_insert_with(|| Arc::new(self.snapshot()))),
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
                    follower.miss(output);
                    true
                }
                Err(TrySendError::Closed(_)) => false,
            }
        });
        self.followers = followers;
    }

    /// The full visible state without what is not committed yet.
    fn snapshot(&mut self) -> Snapshot {
        Snapshot {
            history: self.shown_history.0.iter().cloned().collect(),
            ..self.space.picture()
        }
    }

    fn follow(&mut self, sender: Sender<SpaceUpdate>) {
        let seen = SpaceUpdate::Snapshot {
            picture: Arc::new(self.snapshot()),
            epoch: self.epoch,
            missed: Vec::new(),
        };
        if sender.try_send(seen).is_ok() {
            self.followers.push(Follower {
                sender,
                missed: None,
            });
        }
    }

    fn checkpoint(&mut self, now: Instant, host_events: &UnboundedSender<HostEvent>) {
        let checkpoint = Box::new(self.space.checkpoint());
        // The receiver is gone only while the process ends.
        let _ = host_events.send(HostEvent::Checkpoint {
            space: self.id,
            checkpoint,
        });
        self.changed = false;
        self.checkpointed = now;
    }

    fn rest(&mut self, now: Instant, host_events: &UnboundedSender<HostEvent>) {
        if !self.space.is_resting() {
            self.resting_since = None;
            return;
        }
        let since = *self.resting_since.get_or_insert(now);
        if now >= since + RESTING_AFTER {
            self.resting_since = Some(now);
            let _ = host_events.send(HostEvent::Resting(self.id));
        }
    }

    /// Whether the space can be unloaded: no player is connected, and no join waits.
    fn is_idle(&mut self) -> bool {
        self.has_no_commands() && self.space.connected() == 0
    }

    fn has_no_commands(&mut self) -> bool {
        self.take_commands();
        self.batch.is_empty() && self.intake.is_empty()
    }

    fn end(mut self, ending: Ending, host_events: &UnboundedSender<HostEvent>) {
        let is_saved = !matches!(ending, Ending::Restarts | Ending::Deleted | Ending::Moved);
        if is_saved && self.changed {
            self.checkpoint(now(), host_events);
        }
        self.status.ended.store(true, Ordering::Release);
        let mut followers = Vec::new();
        for Follower { sender, .. } in self.followers {
            if ending == Ending::Leaves {
                followers.push(sender);
            } else {
                // A full channel is dropped with its sender, which ends the follower, too.
                let _ = sender.try_send(SpaceUpdate::Ended(ending));
            }
        }
        let _ = host_events.send(HostEvent::Ended {
            space: self.id,
            ending,
            followers,
        });
    }
}

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

    /// Publishes the load of this thread, and hands a space over when that pays off.
    fn measure(&mut self, busy: Duration, since: Duration) {
        let per_second =
            |spent: Duration| (spent.as_nanos() * 1_000_000_000 / since.as_nanos().max(1)) as u64;
        let own_load = if self.spaces.is_empty() {
            0
        } else {
            per_second(busy)
        };
        self.workers[self.number]
            .load
            .busy_nanos_per_second
            .store(own_load, Ordering::Relaxed);
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
        let Some(hosted) = self.spaces.remove(&space) else {
            return;
        };
        let status = Arc::clone(&hosted.status);
        if let Err(hosted) = self.workers[other].open(Box::new(hosted)) {
            self.deadlines.push(Reverse((hosted.next, space)));
            self.spaces.insert(space, *hosted);
            return;
        }
        // Only now: a command must not arrive at the other thread before the space itself.
        status.home.store(other, Ordering::Release);
        self.workers[self.number]
            .load
            .spaces
            .fetch_sub(1, Ordering::Relaxed);
        tracing::debug!(%space, from = self.number, to = other, "a space moved to another thread");
        counter!("plaza_spaces_moved_total").increment(1);
        let now = now();
        self.moved
            .retain(|(at, moved, _)| *moved != space && now < *at + REMEMBER_MOVES);
        self.moved.push((now, space, other));
    }

    /// Thread to which a space that is not here moved.
    fn successor(&self, space: SpaceId) -> Option<usize> {
        let is_here = self.spaces.contains_key(&space);
        let moved = self.moved.iter().find(|(_, moved, _)| *moved == space);
        moved.filter(|_| !is_here).map(|(_, _, other)| *other)
    }

    fn apply(&mut self, command: WorkerCommand) {
        if let WorkerCommand::Follow(space, _)
        | WorkerCommand::Committed(space, _)
        | WorkerCommand::Checkpoint(space)
        | WorkerCommand::Close { space, .. } = &command
            && let Some(other) = self.successor(*space)
        {
            let _ = self.workers[other].queue.send(command);
            return;
        }
        match command {
            WorkerCommand::Open(mut hosted) => {
                let off = hosted
                    .next
                    .saturating_duration_since(self.started)
                    .as_nanos()
                    % DEADLINE_GRID.as_nanos();
                hosted.next += DEADLINE_GRID.saturating_sub(Duration::from_nanos(off as u64));
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
            budget.pass(now.saturating_duration_since(*since).as_micros() as u64);
            *since = now;
            hosted.space.lend_searching(std::mem::take(budget));
            if catch_unwind(AssertUnwindSafe(|| hosted.tick(now, host_events, until))).is_err() {
                tracing::error!(%space, "the tick of a space panicked; the space starts again from \
                    its checkpoint");
                counter!("plaza_space_panics_total").increment(1);
                self.end(space, Ending::Restarts);
                continue;
            }
            *budget = hosted.space.take_searching().unwrap_or_default();
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
            let at = hosted.next;
            hosted.next = at.min(now);
            hosted.intake.finish();
            self.deadlines.push(Reverse((hosted.next, space)));
            self.tick_due();
        }
    }

    fn end(&mut self, space: SpaceId, ending: Ending) {
        if let Some(hosted) = self.spaces.remove(&space) {
            hosted.end(ending, &self.host_events);
            self.workers[self.number]
                .load
                .spaces
                .fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a host thread keeps real deadlines"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::sync::mpsc::channel;

    use tokio::sync::mpsc;
    use uuid::Uuid;

    use super::super::worker_handles;
    use super::*;
    use crate::components::id::{PlayerId, UserId};
    use crate::components::layout::SpaceLayout;
    use crate::components::movement::MovementCommand;
    use crate::components::peers::ProximityRules;
    use crate::components::player::Goal;
    use crate::components::presence::PresenceCommand;
    use crate::components::unit::{TickRate, Tile};

    /// Two threads that are not started. The test reads their commands.
    fn threads() -> [(HostWorker, Receiver<WorkerCommand>); 2] {
        let (host_events, _) = mpsc::unbounded_channel();
        let (workers, inboxes) = worker_handles(2);
        let mut inboxes = inboxes.into_iter();
        [0, 1].map(|number| {
            let thread = HostWorker {
                number,
                host_events: host_events.clone(),
                workers: Arc::clone(&workers),
                until: endless(),
                spaces: HashMap::new(),
                started: now(),
                searching: (now(), SearchBudget::default()),
                deadlines: BinaryHeap::new(),
                moved: Vec::new(),
            };
            (thread, inboxes.next().unwrap())
        })
    }

    fn endless() -> Arc<Until> {
        Arc::new(Until(AtomicU64::new(u64::MAX)))
    }

    fn hosted(number: u128) -> Box<HostedSpace> {
        let layout = SpaceLayout {
            width: 8,
            height: 8,
            blocked: Vec::new(),
            has_walls: false,
            voices: ProximityRules::default(),
            zones: Vec::new(),
            elements: Vec::new(),
            version: 1,
        };
        let space = Space::new(&layout, TickRate::DEFAULT);
        let (_, commands) = channel();
        Box::new(HostedSpace::new(
            SpaceId(Uuid::from_u128(number)),
            space,
            1,
            commands,
            Arc::default(),
        ))
    }

    #[test]
    fn a_space_that_moves_keeps_its_followers_and_late_orders_find_it() {
        let [(mut here, _inbox), (mut there, their_inbox)] = threads();
        let hosted = hosted(1);
        let (space, status) = (hosted.id, Arc::clone(&hosted.status));
        here.apply(WorkerCommand::Open(hosted));
        let (sender, mut early) = mpsc::channel(8);
        here.apply(WorkerCommand::Follow(space, sender));
        here.hand_over(space, 1);
        assert_eq!(status.home.load(Ordering::Acquire), 1);
        let (sender, mut late) = mpsc::channel(8);
        here.apply(WorkerCommand::Follow(space, sender));
        while let Ok(command) = their_inbox.try_recv() {
            there.apply(command);
        }
        there
            .spaces
            .get_mut(&space)
            .unwrap()
            .tick(now(), &there.host_events, &there.until);
        for follower in [&mut early, &mut late] {
            assert!(matches!(
                follower.try_recv(),
                Ok(SpaceUpdate::Snapshot { .. })
            ));
            assert!(matches!(follower.try_recv(), Ok(SpaceUpdate::Tick(_))));
        }
    }

    #[test]
    fn a_space_whose_tick_fails_ends_alone_and_is_reported() {
        let [(mut thread, _inbox), _] = threads();
        let (host_events, mut told) = mpsc::unbounded_channel();
        thread.host_events = host_events;
        let (sound, mut broken) = (hosted(1), hosted(2));
        broken.fails = true;
        let (due, broken_id) = (sound.next.max(broken.next) + DEADLINE_GRID, broken.id);
        let mut followers = Vec::new();
        for hosted in [sound, broken] {
            let (sender, follower) = mpsc::channel(8);
            let space = hosted.id;
            thread.apply(WorkerCommand::Open(hosted));
            thread.apply(WorkerCommand::Follow(space, sender));
            followers.push(follower);
        }
        while now() <= due {
            std::thread::yield_now();
        }
        thread.tick_due();
        let [sound, broken] = &mut followers[..] else {
            panic!("two follow")
        };
        assert!(matches!(sound.try_recv(), Ok(SpaceUpdate::Snapshot { .. })));
        assert!(matches!(sound.try_recv(), Ok(SpaceUpdate::Tick(_))));
        assert!(matches!(
            broken.try_recv(),
            Ok(SpaceUpdate::Snapshot { .. })
        ));
        assert!(matches!(
            broken.try_recv(),
            Ok(SpaceUpdate::Ended(Ending::Restarts))
        ));
        assert!(matches!(
            told.try_recv(),
            Ok(HostEvent::Ended { space, ending: Ending::Restarts, .. }) if space == broken_id
        ));
        assert_eq!(thread.spaces.len(), 1);
    }

    #[test]
    fn the_spaces_of_a_thread_share_one_search_budget() {
        let [(mut thread, _inbox), _] = threads();
        let user = |number| UserId(Uuid::from_u128(number));
        // The first user has searched far too much, and time enough has passed for all others.
        thread.searching.1.spend(user(1), usize::MAX);
        thread.searching.0 -= Duration::from_secs(1);
        let mut senders = Vec::new();
        for number in 1..=2 {
            let mut hosted = hosted(number);
            let (commands, inbox) = channel();
            hosted.commands = inbox;
            senders.push((commands, hosted.id, Arc::clone(&hosted.status)));
            thread.apply(WorkerCommand::Open(hosted));
        }
        let searched = |thread: &mut HostWorker, command: &dyn Fn(u32) -> Command| {
            for (sender, _, status) in &senders {
                for player in 1..=2 {
                    status.waiting.fetch_add(1, Ordering::Relaxed);
                    sender.send(command(player)).unwrap();
                }
            }
            let due = thread.spaces.values().map(|hosted| hosted.next).max();
            while due.is_some_and(|due| now() <= due) {
                std::thread::yield_now();
            }
            thread.tick_due();
            let of = |(_, space, _): &(_, SpaceId, _)| thread.spaces[space].space.searched();
            senders.iter().map(of).collect::<Vec<_>>()
        };
        let join = |player: u32| {
            Command::Presence(PresenceCommand::Join {
                user: user(player.into()),
                name: "ada".into(),
                avatar: None,
                arrive: None,
                blocked: Vec::new(),
            })
        };
        searched(&mut thread, &join);
        let walk = |player, seq| {
            Command::Movement(MovementCommand::Walk {
                player: PlayerId(player),
                seq,
                goal: Goal::Tile(Tile::new(7, 7)),
            })
        };
        assert_eq!(searched(&mut thread, &|_| walk(1, 1)), [0, 0]);
        let tiles = searched(&mut thread, &|_| walk(2, 1));
        assert!(tiles.iter().all(|tiles| *tiles > 0), "{tiles:?}");
    }

    #[test]
    fn a_stopped_thread_takes_no_spaces() {
        let [(mut here, _inbox), (there, _their_inbox)] = threads();
        let hosted = hosted(1);
        let space = hosted.id;
        here.apply(WorkerCommand::Open(hosted));
        *there.workers[1].is_closed.lock() = true;
        here.hand_over(space, 1);
        assert!(here.spaces.contains_key(&space));
        assert_eq!(here.successor(space), None);
    }

    #[test]
    fn a_space_is_unloaded_only_while_no_player_is_connected() {
        let [(mut thread, _inbox), _] = threads();
        let mut hosted = hosted(1);
        let (commands, inbox) = channel();
        hosted.commands = inbox;
        let (space, status) = (hosted.id, Arc::clone(&hosted.status));
        let send = |command| {
            status.waiting.fetch_add(1, Ordering::Relaxed);
            commands.send(command).unwrap();
        };
        let is_unloaded = |thread: &mut HostWorker| {
            let ending = Ending::Unloaded;
            thread.apply(WorkerCommand::Close { space, ending });
            !thread.spaces.contains_key(&space)
        };
        let tick = |thread: &mut HostWorker| {
            let hosted = thread.spaces.get_mut(&space).unwrap();
            hosted.tick(now(), &thread.host_events, &thread.until);
            status.empty_since.load(Ordering::Relaxed)
        };
        thread.apply(WorkerCommand::Open(hosted));
        send(Command::Presence(PresenceCommand::Join {
            user: UserId(Uuid::from_u128(1)),
            name: "ada".into(),
            avatar: None,
            arrive: None,
            blocked: Vec::new(),
        }));
        assert!(!is_unloaded(&mut thread), "a player is about to join");
        assert_eq!(tick(&mut thread), u64::MAX);
        assert!(!is_unloaded(&mut thread));
        let player = PlayerId(1);
        send(Command::Presence(PresenceCommand::Disconnect { player }));
        assert!(tick(&mut thread) <= MonotonicTime::now().0);
        assert_eq!(status.people.load(Ordering::Relaxed), 1);
        assert!(is_unloaded(&mut thread));
    }
}
