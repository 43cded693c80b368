//! Thread: ticks its spaces, each by its own absolute deadline.

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
use super::{Ending, HostEvent, SpaceStatus, SpaceUpdate, Until, WorkerCommand, Workers, balance};
use crate::components::command::Command;
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::id::SpaceId;
use crate::components::searching::SearchBudget;
use crate::components::unit::Tick;
use crate::space::Space;
use crate::space::checkpoint::DurableEvent;
use crate::systems::chat::History;

/// Ticks that a late space makes up for at once; what is older is skipped and counted.
const CATCH_UP: u32 = 3;

/// Deadlines of a thread's spaces fall together on such a grid: waking up costs more than the tick
/// of a space at rest.
const GRID: Duration = Duration::from_millis(5);

/// How long nobody must be in a space before it is reported as resting.
const REST: Duration = Duration::from_secs(30);

/// How often a thread measures what it has to do.
const MEASURE: Duration = Duration::from_secs(1);

/// How long an order for a space that moved may be on its way.
const REMEMBER_MOVES: Duration = Duration::from_secs(10);

/// How often what changed is checkpointed.
const CHECKPOINT: Duration = Duration::from_secs(1);

/// Facts kept for a follower that is behind; beyond that the oldest are lost to it (the space's
/// history still has the chat).
const MISSED: usize = 4_096;

/// One space that is ticked.
pub(super) struct HostedSpace {
    id: SpaceId,
    space: Space,
    epoch: u64,
    commands: Receiver<Command>,
    batch: Vec<Command>,
    intake: Intake,
    followers: Vec<Follower>,
    /// What happened and is not kept yet: not shown to anybody.
    unkept: VecDeque<(Tick, Vec<Fact>)>,
    /// What was kept since the last tick: shown with the next.
    kept: Vec<Fact>,
    /// What was said, as far as it was shown.
    said: History,
    status: Arc<SpaceStatus>,
    period: Duration,
    next: Instant,
    changed: bool,
    checkpointed: Instant,
    resting_since: Option<Instant>,
    reported: Reported,
    /// Time spent on it since the thread measured last.
    spent: Duration,
    #[cfg(test)]
    fails: bool,
}

/// What was reported, and need not be again.
#[derive(Default)]
struct Reported {
    /// That people there talk through the forwarding unit.
    is_crowded: bool,
    /// That the space is behind with its plan.
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
        let excess = missed.len().saturating_sub(MISSED);
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
        let said = History(space.picture().history.into());
        status.version.store(space.version(), Ordering::Release);
        // Its world is made anew on the thread that runs it: among what other threads hold, no page
        // of it could ever be given back.
        space.sleep();
        Self {
            id,
            space,
            epoch,
            commands,
            batch: Vec::new(),
            intake: Intake::default(),
            followers: Vec::new(),
            unkept: VecDeque::new(),
            kept: Vec::new(),
            said,
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

    /// Runs the tick that is due and shows it to the followers, unless the right to do so ended
    /// meanwhile.
    fn tick(&mut self, now: Instant, reports: &UnboundedSender<HostEvent>, until: &Until) {
        #[cfg(test)]
        assert!(!self.fails, "a test wants this tick to fail");
        self.take_commands();
        let mut output = self.space.step(&self.batch);
        if !self.batch.is_empty() {
            self.status
                .version
                .store(self.space.version(), Ordering::Release);
            let was_behind =
                std::mem::replace(&mut self.reported.is_behind, self.space.is_behind());
            if self.reported.is_behind && !was_behind {
                let _ = reports.send(HostEvent::Behind(self.id));
            }
        }
        self.batch.clear();
        self.hold_back(&mut output, reports);
        self.status
            .people
            .store(self.space.people(), Ordering::Relaxed);
        let is_news = !output.is_quiet();
        self.changed |= is_news;
        // Whoever was too busy for its frame gets it with one of the next; then once a second is
        // enough.
        let is_beat = output
            .tick
            .0
            .is_multiple_of(u64::from(self.space.rate().per_second()));
        if is_news || is_beat || !self.space.is_still() {
            self.show(&Arc::new(output), until.is_over());
        }
        if self.changed && now >= self.checkpointed + CHECKPOINT {
            self.checkpoint(now, reports);
        }
        if !self.reported.is_crowded && self.space.is_forwarding() {
            self.reported.is_crowded = true;
            let _ = reports.send(HostEvent::Crowded(self.id));
        }
        self.rest(now, reports);
        self.schedule(now);
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

    /// Takes what must be kept first out of a tick's output, and adds what was kept since the last
    /// one.
    fn hold_back(&mut self, output: &mut TickOutput, reports: &UnboundedSender<HostEvent>) {
        self.forget(output);
        let durable: Vec<Fact> = output
            .facts
            .extract_if(.., |fact| fact.is_durable())
            .collect();
        output.facts.splice(..0, self.kept.drain(..));
        let events: Vec<_> = durable.iter().filter_map(DurableEvent::of).collect();
        match self.unkept.back_mut() {
            // Nothing to keep, but it must not overtake what waits.
            Some((_, waiting)) if events.is_empty() => waiting.extend(durable),
            None if events.is_empty() => output.facts.extend(durable),
            _ => {
                self.unkept.push_back((output.tick, durable));
                // Nobody listens only while the process ends.
                let _ = reports.send(HostEvent::Durable {
                    space: self.id,
                    tick: output.tick,
                    events,
                });
            }
        }
        for fact in &output.facts {
            self.said.apply(fact);
        }
    }

    /// When what was said is forgotten nobody is left who waits for it.
    fn forget(&mut self, output: &mut TickOutput) {
        let Some(end) = output
            .facts
            .iter()
            .rposition(|fact| *fact == Fact::Forgotten)
        else {
            return;
        };
        self.kept.clear();
        for (_, waiting) in &mut self.unkept {
            waiting.clear();
        }
        let mut facts = 0..;
        output
            .facts
            .retain(|fact| facts.next() > Some(end) || !fact.is_durable());
    }

    fn release(&mut self, tick: Tick) {
        while self.unkept.front().is_some_and(|(at, _)| *at <= tick) {
            self.kept.extend(
                self.unkept
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
                    picture: Arc::clone(picture.get_or_insert_with(|| Arc::new(self.picture()))),
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

    /// Everything visible but what is not kept yet.
    fn picture(&mut self) -> Snapshot {
        Snapshot {
            history: self.said.0.iter().cloned().collect(),
            ..self.space.picture()
        }
    }

    fn follow(&mut self, sender: Sender<SpaceUpdate>) {
        let seen = SpaceUpdate::Snapshot {
            picture: Arc::new(self.picture()),
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

    fn checkpoint(&mut self, now: Instant, reports: &UnboundedSender<HostEvent>) {
        let checkpoint = Box::new(self.space.checkpoint());
        // Nobody listens only while the process ends.
        let _ = reports.send(HostEvent::Checkpoint {
            space: self.id,
            checkpoint,
        });
        self.changed = false;
        self.checkpointed = now;
    }

    fn rest(&mut self, now: Instant, reports: &UnboundedSender<HostEvent>) {
        if !self.space.is_resting() {
            self.resting_since = None;
            return;
        }
        let since = *self.resting_since.get_or_insert(now);
        if now >= since + REST {
            self.resting_since = Some(now);
            let _ = reports.send(HostEvent::Resting(self.id));
        }
    }

    /// Whether the space can be unloaded: nobody in it, and nobody about to come.
    fn is_idle(&mut self) -> bool {
        self.is_asked_nothing() && self.space.is_resting()
    }

    fn is_asked_nothing(&mut self) -> bool {
        self.take_commands();
        self.batch.is_empty() && self.intake.is_empty()
    }

    fn end(mut self, ending: Ending, reports: &UnboundedSender<HostEvent>) {
        let is_kept = !matches!(ending, Ending::Restarts | Ending::Deleted | Ending::Moved);
        if is_kept && self.changed {
            self.checkpoint(now(), reports);
        }
        self.status.ended.store(true, Ordering::Release);
        let mut followers = Vec::new();
        for Follower { sender, .. } in self.followers {
            if ending == Ending::Leaves {
                followers.push(sender);
            } else {
                // A full channel is dropped with its sender, which ends the follower too.
                let _ = sender.try_send(SpaceUpdate::Ended(ending));
            }
        }
        let _ = reports.send(HostEvent::Ended {
            space: self.id,
            ending,
            followers,
        });
    }
}

/// The body of a host thread.
pub(super) fn run_on(
    number: usize,
    orders: Receiver<WorkerCommand>,
    reports: UnboundedSender<HostEvent>,
    desks: Workers,
    until: Arc<Until>,
) -> impl FnOnce() + Send {
    move || {
        HostWorker {
            number,
            reports,
            desks,
            until,
            spaces: HashMap::new(),
            started: now(),
            searching: (now(), SearchBudget::default()),
            deadlines: BinaryHeap::new(),
            moved: Vec::new(),
        }
        .run(&orders);
    }
}

struct HostWorker {
    number: usize,
    reports: UnboundedSender<HostEvent>,
    desks: Workers,
    until: Arc<Until>,
    spaces: HashMap<SpaceId, HostedSpace>,
    started: Instant,
    /// What searches for ways may take, as of that moment.
    searching: (Instant, SearchBudget),
    deadlines: BinaryHeap<Reverse<(Instant, SpaceId)>>,
    /// Where spaces went, and when: an order that was on its way meanwhile is passed on.
    moved: Vec<(Instant, SpaceId, usize)>,
}

impl HostWorker {
    fn run(mut self, orders: &Receiver<WorkerCommand>) {
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
                Ok(WorkerCommand::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.tick_due();
            busy += now() - started;
            let since = now() - measured;
            if since >= MEASURE || self.spaces.is_empty() {
                self.measure(busy, since);
                busy = Duration::ZERO;
                measured = now();
            }
        }
        let mut is_closed = self.desks[self.number].is_closed.lock();
        *is_closed = true;
        // What was handed over in the last moment ends here too.
        while let Ok(order) = orders.try_recv() {
            if let WorkerCommand::Open(running) = order {
                self.spaces.insert(running.id, *running);
            }
        }
        drop(is_closed);
        for (_, running) in self.spaces.drain() {
            running.end(Ending::Stopped, &self.reports);
        }
    }

    /// Tells the others how much there is to do here, and hands a space over when that pays.
    fn measure(&mut self, busy: Duration, since: Duration) {
        let per_second =
            |spent: Duration| (spent.as_nanos() * 1_000_000_000 / since.as_nanos().max(1)) as u64;
        let own_load = if self.spaces.is_empty() {
            0
        } else {
            per_second(busy)
        };
        self.desks[self.number]
            .load
            .busy_nanos_per_second
            .store(own_load, Ordering::Relaxed);
        let loads: Vec<u64> = self
            .desks
            .iter()
            .map(|desk| desk.load.busy_nanos_per_second.load(Ordering::Relaxed))
            .collect();
        let costs = self.spaces.values_mut().map(|running| {
            let cost = per_second(std::mem::take(&mut running.spent));
            running.status.cost.store(cost, Ordering::Relaxed);
            (running.id, cost)
        });
        let costs: Vec<_> = costs.collect();
        if let Some((space, other)) = balance::choose(&loads, self.number, costs.into_iter()) {
            self.hand_over(space, other);
        }
    }

    fn hand_over(&mut self, space: SpaceId, other: usize) {
        let Some(running) = self.spaces.remove(&space) else {
            return;
        };
        let status = Arc::clone(&running.status);
        if let Err(running) = self.desks[other].take(Box::new(running)) {
            self.deadlines.push(Reverse((running.next, space)));
            self.spaces.insert(space, *running);
            return;
        }
        // Only now: an order for it must not come before the space itself.
        status.home.store(other, Ordering::Release);
        self.desks[self.number]
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

    /// Where a space that is not here went.
    fn successor(&self, space: SpaceId) -> Option<usize> {
        let is_here = self.spaces.contains_key(&space);
        let moved = self.moved.iter().find(|(_, moved, _)| *moved == space);
        moved.filter(|_| !is_here).map(|(_, _, other)| *other)
    }

    fn obey(&mut self, order: WorkerCommand) {
        if let WorkerCommand::Follow(space, _)
        | WorkerCommand::Kept(space, _)
        | WorkerCommand::Checkpoint(space)
        | WorkerCommand::Close { space, .. } = &order
            && let Some(other) = self.successor(*space)
        {
            let _ = self.desks[other].orders.send(order);
            return;
        }
        match order {
            WorkerCommand::Open(mut running) => {
                let off = running
                    .next
                    .saturating_duration_since(self.started)
                    .as_nanos()
                    % GRID.as_nanos();
                running.next += GRID.saturating_sub(Duration::from_nanos(off as u64));
                self.deadlines.push(Reverse((running.next, running.id)));
                self.spaces.insert(running.id, *running);
            }
            WorkerCommand::Follow(space, sender) => {
                if let Some(running) = self.spaces.get_mut(&space) {
                    running.follow(sender);
                }
            }
            WorkerCommand::Kept(space, tick) => {
                if let Some(running) = self.spaces.get_mut(&space) {
                    running.release(tick);
                }
            }
            WorkerCommand::Checkpoint(space) => {
                if let Some(running) = self.spaces.get_mut(&space) {
                    running.checkpoint(now(), &self.reports);
                }
            }
            WorkerCommand::Close { space, ending } => {
                let is_allowed =
                    |running: &mut HostedSpace| ending != Ending::Unloaded || running.is_idle();
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
            // A deadline of an earlier life of the space, or of one that ended.
            let Some(running) = self
                .spaces
                .get_mut(&space)
                .filter(|running| running.next == at)
            else {
                continue;
            };
            if self.until.is_over() {
                // The space stands still until this process may run it again, or must give it up.
                running.schedule(now);
                self.deadlines.push(Reverse((running.next, space)));
                counter!("plaza_ticks_frozen_total").increment(1);
                continue;
            }
            let (reports, until) = (&self.reports, &self.until);
            let (since, budget) = &mut self.searching;
            budget.pass(now.saturating_duration_since(*since).as_micros() as u64);
            *since = now;
            running.space.lend_searching(std::mem::take(budget));
            if catch_unwind(AssertUnwindSafe(|| running.tick(now, reports, until))).is_err() {
                tracing::error!(%space, "the tick of a space panicked; the space starts again from \
                    its checkpoint");
                counter!("plaza_space_panics_total").increment(1);
                self.end(space, Ending::Restarts);
                continue;
            }
            *budget = running.space.take_searching().unwrap_or_default();
            let spent = now.elapsed();
            running.spent += spent;
            histogram!("plaza_tick_seconds").record(spent.as_secs_f64());
            histogram!("plaza_tick_lateness_seconds").record((now - at).as_secs_f64());
            self.deadlines.push(Reverse((running.next, space)));
        }
    }

    /// What was asked of a space that leaves is done here: whoever runs it next does not know of
    /// it.
    fn finish(&mut self, space: SpaceId) {
        let now = now();
        if let Some(running) = self.spaces.get_mut(&space)
            && !self.until.is_over()
            && !running.is_asked_nothing()
        {
            let at = running.next;
            running.next = at.min(now);
            running.intake.finish();
            self.deadlines.push(Reverse((running.next, space)));
            self.tick_due();
        }
    }

    fn end(&mut self, space: SpaceId, ending: Ending) {
        if let Some(running) = self.spaces.remove(&space) {
            running.end(ending, &self.reports);
            self.desks[self.number]
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

    use tokio::sync::mpsc;
    use uuid::Uuid;

    use super::super::desks;
    use super::*;
    use crate::components::layout::SpaceLayout;
    use crate::components::peers::ProximityRules;
    use crate::components::unit::TickRate;

    /// Two threads that nobody runs: the test reads their orders.
    fn threads() -> [(HostWorker, Receiver<WorkerCommand>); 2] {
        let (reports, _) = mpsc::unbounded_channel();
        let (desks, inboxes) = desks(2);
        let mut inboxes = inboxes.into_iter();
        [0, 1].map(|number| {
            let thread = HostWorker {
                number,
                reports: reports.clone(),
                desks: Arc::clone(&desks),
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

    fn running(number: u128) -> Box<HostedSpace> {
        let plan = SpaceLayout {
            width: 8,
            height: 8,
            blocked: Vec::new(),
            has_walls: false,
            voices: ProximityRules::default(),
            zones: Vec::new(),
            elements: Vec::new(),
            version: 1,
        };
        let space = Space::new(&plan, TickRate::DEFAULT);
        let (_, commands) = std::sync::mpsc::channel();
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
        let running = running(1);
        let (space, status) = (running.id, Arc::clone(&running.status));
        here.obey(WorkerCommand::Open(running));
        let (sender, mut early) = mpsc::channel(8);
        here.obey(WorkerCommand::Follow(space, sender));
        here.hand_over(space, 1);
        assert_eq!(status.home.load(Ordering::Acquire), 1);
        let (sender, mut late) = mpsc::channel(8);
        here.obey(WorkerCommand::Follow(space, sender));
        while let Ok(order) = their_inbox.try_recv() {
            there.obey(order);
        }
        there
            .spaces
            .get_mut(&space)
            .unwrap()
            .tick(now(), &there.reports, &there.until);
        for follower in [&mut early, &mut late] {
            assert!(matches!(
                follower.try_recv(),
                Ok(SpaceUpdate::Snapshot { .. })
            ));
            assert!(matches!(follower.try_recv(), Ok(SpaceUpdate::Tick(_))));
        }
    }

    #[test]
    fn a_space_whose_tick_fails_ends_alone_and_says_so() {
        let [(mut thread, _inbox), _] = threads();
        let (reports, mut told) = mpsc::unbounded_channel();
        thread.reports = reports;
        let (sound, mut broken) = (running(1), running(2));
        broken.fails = true;
        let (due, broken_id) = (sound.next.max(broken.next) + GRID, broken.id);
        let mut followers = Vec::new();
        for running in [sound, broken] {
            let (sender, follower) = mpsc::channel(8);
            let space = running.id;
            thread.obey(WorkerCommand::Open(running));
            thread.obey(WorkerCommand::Follow(space, sender));
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
        assert!(
            matches!(told.try_recv(), Ok(HostEvent::Ended { space, ending: Ending::Restarts, .. }) if space == broken_id)
        );
        assert_eq!(thread.spaces.len(), 1);
    }

    #[test]
    fn a_thread_that_has_stopped_takes_nothing() {
        let [(mut here, _inbox), (there, _their_inbox)] = threads();
        let running = running(1);
        let space = running.id;
        here.obey(WorkerCommand::Open(running));
        *there.desks[1].is_closed.lock() = true;
        here.hand_over(space, 1);
        assert!(here.spaces.contains_key(&space));
        assert_eq!(here.successor(space), None);
    }
}
