//! Driver: the task that feeds events to the [`Ownership`] and carries out its actions, and passes
//! events of host threads on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::calls;
use super::ownership::{Epoch, Event, LISTEN, Ownership, OwnershipAction};
use super::persister::Persister;
use super::shared::{DriverMessage, FeedQuery, OpenedSpace, PersistJob, SpacesState, TakenSpace};
use crate::components::id::SpaceId;
use crate::host::monotonic::MonotonicTime;
use crate::host::{Ending, HostEvent};

/// The driver. It runs until the process stops running spaces.
pub(super) struct Driver {
    inner: Arc<SpacesState>,
    ownership: Ownership,
}

impl Driver {
    pub(super) fn new(inner: Arc<SpacesState>) -> Self {
        let listen = if inner.directory.is_shared() {
            LISTEN
        } else {
            Duration::ZERO
        };
        let me = inner.node.lock().member.clone();
        let ownership = Ownership::new(me, MonotonicTime::now(), listen);
        Self { inner, ownership }
    }

    pub(super) async fn run(
        mut self,
        mut notes: UnboundedReceiver<DriverMessage>,
        mut reports: UnboundedReceiver<HostEvent>,
    ) {
        self.handle_event(Event::Wake);
        let mut is_hosting = true;
        loop {
            let wait = self.ownership.wake_at().since(MonotonicTime::now());
            tokio::select! {
                note = notes.recv() => match note {
                    Some(DriverMessage::Happened(event)) => self.handle_event(event),
                    Some(DriverMessage::Drain(is_draining)) => self.ownership.drain(is_draining),
                    Some(DriverMessage::Stop) | None => break,
                },
                report = reports.recv(), if is_hosting => if let Some(report) = report {
                    self.report(report);
                } else {
                    // The host threads have ended. The persisters save the last states, then the
                    // driver stops.
                    is_hosting = false;
                    let inner = Arc::clone(&self.inner);
                    self.inner.tasks.close();
                    tokio::spawn(async move {
                        inner.tasks.wait().await;
                        let _ = inner.notes.send(DriverMessage::Stop);
                    });
                },
                // A timer cannot count many years.
                () = tokio::time::sleep(wait.min(Duration::from_hours(1))) => {
                    self.handle_event(Event::Wake);
                }
            }
        }
        self.inner.open.lock().clear();
        self.inner.waiting.lock().clear();
    }

    fn handle_event(&mut self, event: Event) {
        let actions: Vec<OwnershipAction> =
            self.ownership.handle(MonotonicTime::now(), event).collect();
        for action in actions {
            self.carry_out(action);
        }
    }

    fn carry_out(&mut self, action: OwnershipAction) {
        match action {
            OwnershipAction::Ask(ask) => {
                let answer = Arc::clone(&self.inner).answer(ask, self.ownership.me().clone());
                self.inner.tasks.spawn(answer);
            }
            OwnershipAction::ServeUntil(until) => self.inner.host.lock().tick_until(until),
            OwnershipAction::Serve(space, epoch) => self.serve(space, epoch),
            OwnershipAction::Drop(space, epoch) => {
                let open = self.inner.open.lock();
                if let Some(open) = open.get(&space).filter(|open| open.epoch == epoch) {
                    tracing::warn!(%space, epoch, "another process owns a space that ran here");
                    open.handle.close(Ending::Moved);
                }
            }
            OwnershipAction::Route(space, route) => {
                for sender in self.inner.waiting.lock().remove(&space).unwrap_or_default() {
                    // The receiver may be gone.
                    let _ = sender.send(route.clone());
                }
            }
        }
    }

    fn serve(&self, space: SpaceId, epoch: Epoch) {
        let taken = self.inner.taken.lock().remove(&(space, epoch));
        let Some(TakenSpace {
            world,
            scene,
            keeps_chat,
        }) = taken
        else {
            return;
        };
        let handle = self.inner.host.lock().open(space, world, epoch);
        if handle.has_ended() {
            // The process is stopping: release the space, so that others may take it.
            return self.inner.happened(Event::Ended(space, epoch));
        }
        tracing::debug!(%space, epoch, "space opened");
        let (jobs, inbox) = unbounded_channel();
        let persister = Persister {
            inner: Arc::clone(&self.inner),
            space,
            epoch,
            me: self.ownership.me().clone(),
            handle: handle.clone(),
            keeps_chat,
        };
        self.inner.tasks.spawn(persister.run(inbox));
        let open = OpenedSpace {
            handle,
            scene,
            epoch,
            jobs,
            silence: None,
            is_unloading: false,
        };
        self.inner.open.lock().insert(space, open);
        // Edits that were committed after the layout was read were not sent here.
        self.inner.look(FeedQuery::At(space));
    }

    /// Passes an event of a host thread to the persister of its space.
    fn report(&self, report: HostEvent) {
        let (space, job) = match report {
            HostEvent::Checkpoint { space, checkpoint } => {
                (space, PersistJob::Checkpoint(checkpoint))
            }
            HostEvent::Durable {
                space,
                tick,
                events,
            } => (space, PersistJob::Events(tick, events)),
            HostEvent::Behind(space) => return self.inner.look(FeedQuery::At(space)),
            HostEvent::Crowded(space) => {
                if let (Some(sfu), Some(open)) =
                    (&self.inner.sfu, self.inner.open.lock().get(&space))
                {
                    let following = calls::follow(sfu.clone(), open.handle.clone());
                    self.inner.tasks.spawn(following);
                }
                return;
            }
            HostEvent::Resting(space) => {
                if let Some(open) = self.inner.open.lock().get(&space) {
                    open.handle.close(Ending::Unloaded);
                }
                return;
            }
            HostEvent::Ended {
                space,
                ending,
                followers,
            } => {
                self.inner.hold(space, followers);
                (space, PersistJob::Ended(ending))
            }
        };
        if let Some(open) = self.inner.open.lock().get(&space) {
            // The persister ends only after its space.
            let _ = open.jobs.send(job);
        }
    }
}
