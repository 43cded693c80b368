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
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::sync::mpsc::channel;

    use tokio::sync::mpsc;
    use uuid::Uuid;

    use super::super::hosted_space::DEADLINE_GRID;
    use super::super::monotonic::MonotonicTime;
    use super::super::{SpaceUpdate, worker_handles};
    use super::*;
    use crate::components::command::Command;
    use crate::components::id::{PlayerId, RelayId, UserId};
    use crate::components::layout::SpaceLayout;
    use crate::components::movement::MovementCommand;
    use crate::components::peers::ProximityRules;
    use crate::components::player::Goal;
    use crate::components::presence::PresenceCommand;
    use crate::components::unit::{TickRate, Tile};
    use crate::space::Space;

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
                relay: RelayId::default(),
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
        assert!(here.successor(space).is_none());
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
            relay: RelayId::default(),
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
