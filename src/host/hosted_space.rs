//! Hosted space: a space that a thread ticks, with the commands that wait for it, the followers
//! that see it, and the durable facts that are not committed yet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use metrics::counter;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, UnboundedSender};

use super::intake::Intake;
use super::monotonic::MonotonicTime;
use super::{Ending, HostEvent, SpaceStatus, SpaceUpdate, Until};
use crate::components::chat::ChatFact;
use crate::components::command::Command;
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::history::History;
use crate::components::id::SpaceId;
use crate::components::searching::SearchBudget;
use crate::components::unit::Tick;
use crate::space::{DurableEvent, Space};

/// Ticks that a late space makes up for at once. Older ones are skipped and counted.
const CATCH_UP: u32 = 3;

/// Grid to which deadlines of a thread's spaces are rounded: waking up costs more than the tick of
/// a space at rest.
pub(super) const DEADLINE_GRID: Duration = Duration::from_millis(5);

/// Time for which a space must be empty before it is reported as resting.
const RESTING_AFTER: Duration = Duration::from_secs(30);

/// Interval of checkpoints of a space that changes.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// Most facts stored for a follower that is behind. Older ones are lost to it; the chat is still in
/// the history of the space.
const MAX_MISSED: usize = 4_096;

/// A space that is ticked.
pub(super) struct HostedSpace {
    pub(super) id: SpaceId,
    pub(super) space: Space,
    epoch: u64,
    pub(super) commands: Receiver<Command>,
    batch: Vec<Command>,
    intake: Intake,
    followers: Vec<Follower>,
    /// Durable facts that are not committed yet. Followers do not see them.
    uncommitted: VecDeque<(Tick, Vec<Fact>)>,
    /// Facts committed since the last tick. They are shown with the next.
    committed: Vec<Fact>,
    /// Chat history as far as followers have seen it.
    shown_history: History,
    pub(super) status: Arc<SpaceStatus>,
    period: Duration,
    pub(super) next: Instant,
    changed: bool,
    checkpointed: Instant,
    resting_since: Option<Instant>,
    reported: Reported,
    /// Time spent on the space since the last measurement.
    pub(super) spent: Duration,
    #[cfg(test)]
    pub(super) fails: bool,
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
        let shown_history = History(space.snapshot().history.into());
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
    pub(super) fn tick(
        &mut self,
        now: Instant,
        host_events: &UnboundedSender<HostEvent>,
        until: &Until,
    ) {
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

    /// Moves the deadline to the grid on which those of a thread lie, which began at `origin`.
    pub(super) fn align(&mut self, origin: Instant) {
        let since = self.next.saturating_duration_since(origin).as_nanos();
        let off = u64::try_from(since % DEADLINE_GRID.as_nanos()).unwrap_or(0);
        self.next += DEADLINE_GRID.saturating_sub(Duration::from_nanos(off));
    }

    /// Makes the next tick due, which then applies every command that waits.
    pub(super) fn finish(&mut self, now: Instant) {
        self.next = self.next.min(now);
        self.intake.finish();
    }

    /// Lends the space the thread's budget of path searches for one tick.
    pub(super) fn lend_searching(&mut self, budget: SearchBudget) {
        self.space.lend_searching(budget);
    }

    /// Takes back what is left of the budget.
    pub(super) fn take_searching(&mut self) -> SearchBudget {
        self.space.take_searching().unwrap_or_default()
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

    pub(super) fn schedule(&mut self, now: Instant) {
        self.next += self.period;
        let late = now.saturating_duration_since(self.next);
        if late > self.period * CATCH_UP {
            let skipped = late.as_nanos() / self.period.as_nanos();
            let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
            self.next += self.period.saturating_mul(skipped);
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

    pub(super) fn commit(&mut self, tick: Tick) {
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
        let mut snapshot: Option<Arc<Snapshot>> = None;
        let mut followers = std::mem::take(&mut self.followers);
        followers.retain_mut(|follower| {
            if is_over {
                follower.miss(output);
                return !follower.sender.is_closed();
            }
            let seen = match follower.missed.as_mut() {
                None => SpaceUpdate::Tick(Arc::clone(output)),
                Some(missed) => SpaceUpdate::Snapshot {
                    snapshot: Arc::clone(snapshot.get_or_insert_with(|| Arc::new(self.snapshot()))),
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
            ..self.space.snapshot()
        }
    }

    pub(super) fn follow(&mut self, sender: Sender<SpaceUpdate>) {
        let seen = SpaceUpdate::Snapshot {
            snapshot: Arc::new(self.snapshot()),
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

    pub(super) fn checkpoint(&mut self, now: Instant, host_events: &UnboundedSender<HostEvent>) {
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
    pub(super) fn is_idle(&mut self) -> bool {
        self.has_no_commands() && self.space.connected() == 0
    }

    pub(super) fn has_no_commands(&mut self) -> bool {
        self.take_commands();
        self.batch.is_empty() && self.intake.is_empty()
    }

    pub(super) fn end(mut self, ending: Ending, host_events: &UnboundedSender<HostEvent>) {
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

#[expect(
    clippy::disallowed_methods,
    reason = "a host thread keeps real deadlines"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
