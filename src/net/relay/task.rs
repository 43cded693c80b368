//! Task: runs one relay between the host's outputs and the edge's orders, for as long as the space
//! is open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ticket::Tickets;
use super::{Arrival, ClientId, Departure, Ladder, Relay, Step, close};
use crate::cluster::access::SpaceAccess;
use crate::cluster::spaces::{EnterError, OpenSpace, Spaces};
use crate::components::command::Command;
use crate::components::fact::TickOutput;
use crate::components::id::{ChatId, SpaceId};
use crate::host::{Ending, SendError, SpaceUpdate};

/// Orders waiting for one relay at most; joining waits beyond that.
const ORDERS: usize = 256;

/// How often a space may end in short succession before its clients are let go: one that fails at
/// every tick is not worth waiting for.
const RESTARTS: u32 = 3;

/// How long clients stand still while nobody runs their space, before they are let go.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a space that nobody runs is asked for.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// Clients draw and predict on a map of the size they were welcomed with.
const RESIZED: (u16, &str) = (close::AWAY, "the space has another size; reconnect");

/// What the edge asks of a relay.
pub enum RelayCommand {
    /// Somebody wants in.
    Join(Box<Arrival>),
    /// A connection ended.
    Detach(ClientId, Departure),
    /// A window shows that many tiles now.
    Resize(ClientId, u16, u16),
    /// A client asks what was said before that line.
    LookBack(ClientId, ChatId),
}

/// One running relay, and the space behind it.
#[derive(Clone)]
pub struct RelayHandle {
    orders: mpsc::Sender<RelayCommand>,
    /// Another one after the space started again.
    space: Arc<RwLock<SpaceAccess>>,
}

impl RelayHandle {
    /// Hands over an order; `false` when the relay has ended.
    pub async fn order(&self, order: RelayCommand) -> bool {
        self.orders.send(order).await.is_ok()
    }

    /// Hands over what a player wants.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        self.space.read().send(command)
    }
}

/// The relays of this edge, one for each open space somebody here is in.
#[derive(Clone)]
pub struct Relays {
    spaces: Spaces,
    running: Arc<Mutex<HashMap<SpaceId, RelayHandle>>>,
    tickets: Tickets,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Relays {
    /// No relays yet. They end with their spaces; the tracker knows when all have.
    pub fn new(
        spaces: Spaces,
        tickets: Tickets,
        stopping: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            spaces,
            tickets,
            running: Arc::default(),
            stopping,
            tasks,
        }
    }

    /// A user changed: every open space is told, wherever it is.
    pub fn tell_all(&self, command: &Command) {
        self.spaces.tell_all(command);
    }

    /// What shows who took a portal.
    pub const fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    /// The relay of a space, started when there is none.
    pub async fn of(&self, space: SpaceId) -> Result<RelayHandle, EnterError> {
        if let Some(handle) = self.running.lock().get(&space)
            && !handle.orders.is_closed()
        {
            return Ok(handle.clone());
        }
        let OpenSpace { access, scene } = self.spaces.come_in(space).await?;
        let mut running = self.running.lock();
        if let Some(other) = running.get(&space)
            && !other.orders.is_closed()
        {
            return Ok(other.clone());
        }
        let (orders, inbox) = mpsc::channel(ORDERS);
        let started = RelayHandle {
            orders,
            space: Arc::new(RwLock::new(access)),
        };
        running.insert(space, started.clone());
        let mut relay = Relay::new(scene);
        relay.give_tickets(self.tickets.clone());
        let task = Task {
            id: space,
            relay,
            ladder: Ladder::default(),
            relays: self.clone(),
            space: Arc::clone(&started.space),
        };
        self.tasks.spawn(task.run(inbox));
        Ok(started)
    }
}

/// One relay at work.
struct Task {
    id: SpaceId,
    relay: Relay,
    ladder: Ladder,
    relays: Relays,
    space: Arc<RwLock<SpaceAccess>>,
}

impl Task {
    async fn run(mut self, mut orders: mpsc::Receiver<RelayCommand>) {
        let mut seen = self.space.read().follow();
        let mut restarts = 0;
        let (code, reason) = loop {
            let commands = tokio::select! {
                biased;
                what = seen.recv() => match what {
                    Some(SpaceUpdate::Snapshot { picture, epoch, missed }) => {
                        let mut commands = self.relay.rebase(&picture, epoch);
                        commands.extend(self.relay.catch_up(&missed));
                        commands
                    }
                    Some(SpaceUpdate::Tick(output)) => self.show(&output, seen.len()),
                    Some(SpaceUpdate::Ended(Ending::Deleted)) => break (close::DELETED, "the space \
                        was deleted"),
                    Some(SpaceUpdate::Ended(Ending::Stopped)) if self.relays.stopping.is_cancelled() => {
                        break (close::AWAY, "the server stops; reconnect");
                    }
                    Some(SpaceUpdate::Ended(Ending::Unloaded)) => break (close::AWAY, "the space \
                        starts again; reconnect"),
                    Some(SpaceUpdate::Ended(Ending::Resized)) => break RESIZED,
                    Some(SpaceUpdate::Ended(ending)) if restarts < RESTARTS => {
                        restarts += u32::from(ending == Ending::Restarts);
                        match self.find_again().await {
                            Ok(again) => seen = again,
                            Err(goodbye) => break goodbye,
                        }
                        Vec::new()
                    }
                    Some(SpaceUpdate::Ended(_)) => {
                        break (close::AWAY, "the space starts again; reconnect");
                    }
                    // Whoever ran it is gone without a word.
                    None => {
                        match self.find_again().await {
                            Ok(again) => seen = again,
                            Err(goodbye) => break goodbye,
                        }
                        Vec::new()
                    }
                },
                Some(order) = orders.recv() => obey(&mut self.relay, order),
            };
            let space = self.space.read();
            for command in commands {
                // When the space has ended, the follower says so next.
                let _ = space.send(command);
            }
        };
        orders.close();
        self.relay.close(code, reason);
        let mut running = self.relays.running.lock();
        if running
            .get(&self.id)
            .is_some_and(|handle| handle.orders.is_closed())
        {
            running.remove(&self.id);
        }
    }

    /// Shows a tick to everybody, and watches how long that takes while `waiting` more ticks wait
    /// already.
    fn show(&mut self, output: &TickOutput, waiting: usize) -> Vec<Command> {
        let began = now();
        let commands = self.relay.tick(output);
        let took = began.elapsed();
        // Ticks that wait are time that showing this one did not have.
        self.ladder
            .observe(took * (waiting as u32 + 1), self.relay.tick_period());
        climb(&mut self.relay, self.ladder.step(), self.id);
        metrics::histogram!("plaza_relay_seconds").record(took.as_secs_f64());
        metrics::counter!("plaza_frames_skipped_total").increment(self.relay.take_skipped());
        commands
    }

    /// Nobody runs the space any more: finds or takes it, and follows it there. The clients see it
    /// stand still meanwhile.
    async fn find_again(&self) -> Result<mpsc::Receiver<SpaceUpdate>, (u16, &'static str)> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if self.relays.stopping.is_cancelled() {
                return Err((close::AWAY, "the server stops; reconnect"));
            }
            match self.relays.spaces.enter(self.id).await {
                Ok(OpenSpace { scene, .. }) if !self.relay.has_size_of(&scene) => {
                    return Err(RESIZED);
                }
                Ok(OpenSpace { access, .. }) => {
                    let seen = access.follow();
                    *self.space.write() = access;
                    return Ok(seen);
                }
                Err(EnterError::Unknown) => return Err((close::DELETED, "the space was deleted")),
                Err(EnterError::Unavailable | EnterError::Full(_) | EnterError::Store(_)) => {}
            }
            if tokio::time::Instant::now() >= deadline {
                return Err((close::AWAY, "the space cannot be run right now; reconnect"));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

fn obey(relay: &mut Relay, order: RelayCommand) -> Vec<Command> {
    match order {
        RelayCommand::Join(arrival) => relay.join(*arrival).into_iter().collect(),
        RelayCommand::Detach(client, how) => relay.detach(client, how).into_iter().collect(),
        RelayCommand::Resize(client, width, height) => {
            relay.resize(client, width, height);
            Vec::new()
        }
        RelayCommand::LookBack(client, before) => {
            relay.look_back(client, before);
            Vec::new()
        }
    }
}

/// Gives up or takes back what the ladder says.
fn climb(relay: &mut Relay, step: Step, space: SpaceId) {
    if relay.step() != step {
        tracing::warn!(%space, step = ?step, "the space takes longer to show than it has: a step of the overload ladder");
        metrics::counter!("plaza_overload_steps_total", "step" => step.label()).increment(1);
        relay.take_step(step);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long showing a tick takes is measured where it is run"
)]
fn now() -> Instant {
    Instant::now()
}
