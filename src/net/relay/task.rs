//! Task: runs one relay between the host's outputs and the edge's commands, as long as the space is
//! open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ticket::Tickets;
use super::{Arrival, ClientId, Departure, Ladder, OverloadLevel, Relay, close};
use crate::cluster::access::SpaceAccess;
use crate::cluster::spaces::{EnterError, OpenSpace, Requester, Spaces};
use crate::components::command::Command;
use crate::components::fact::TickOutput;
use crate::components::id::{ChatId, RelayId, SpaceId};
use crate::host::{Ending, SendError, SpaceUpdate};
use crate::store::server_key::{MessageKey, ServerKey};

/// Maximum number of commands waiting for one relay; joining waits beyond that.
const WAITING: usize = 256;

/// Number of restarts of a space in short succession before its clients are disconnected: a space
/// that fails at every tick is not worth waiting for.
const RESTARTS: u32 = 3;

/// How long clients wait for a new host of their space before they are disconnected.
const PATIENCE: Duration = Duration::from_secs(30);

/// Interval at which a space without a host is requested.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// Clients draw and predict on a map of the size in their welcome.
const RESIZED: (u16, &str) = (close::AWAY, "the space has another size; reconnect");

/// A command from the edge to a relay.
pub enum RelayCommand {
    /// A client joins.
    Join(Box<Arrival>),
    /// A connection ended.
    Detach(ClientId, Departure),
    /// The number of tiles that a client sees changed.
    Resize(ClientId, u16, u16),
    /// A client asks for the chat messages before that one.
    LookBack(ClientId, ChatId),
}

/// Handle of a running relay and its space.
#[derive(Clone)]
pub struct RelayHandle {
    commands: mpsc::Sender<RelayCommand>,
    /// Replaced when the space is hosted again.
    space: Arc<RwLock<SpaceAccess>>,
}

impl RelayHandle {
    /// Sends the relay a command; `false` if the relay has ended.
    pub async fn command(&self, command: RelayCommand) -> bool {
        self.commands.send(command).await.is_ok()
    }

    /// Sends the space a command of a player.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        self.space.read().send(command)
    }
}

/// What relays sign with.
#[derive(Clone)]
pub struct RelayKeys {
    /// Issues and checks portal tickets.
    pub tickets: Tickets,
    /// Signs chat messages.
    pub messages: Option<ServerKey>,
}

/// The relays of this edge, one for each space with clients here.
#[derive(Clone)]
pub struct Relays {
    /// Id of each of them: there is one for each space.
    id: RelayId,
    spaces: Spaces,
    running: Arc<Mutex<HashMap<SpaceId, RelayHandle>>>,
    keys: RelayKeys,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Relays {
    /// No relays yet. They end with their spaces; `tasks` tracks them.
    pub fn new(
        id: RelayId,
        spaces: Spaces,
        keys: RelayKeys,
        stopping: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            id,
            spaces,
            keys,
            running: Arc::default(),
            stopping,
            tasks,
        }
    }

    /// Sends a command about a user to every open space of the cluster.
    pub fn tell_all(&self, command: &Command) {
        self.spaces.tell_all(command);
    }

    /// Issues and checks portal tickets.
    pub const fn tickets(&self) -> &Tickets {
        &self.keys.tickets
    }

    /// The relay of a space; starts it, and opens the space for `by`, if necessary.
    pub async fn of(&self, space: SpaceId, by: Requester) -> Result<RelayHandle, EnterError> {
        if let Some(handle) = self.running.lock().get(&space)
            && !handle.commands.is_closed()
        {
            return Ok(handle.clone());
        }
        let OpenSpace { access, scene } = self.spaces.come_in(space, by).await?;
        let mut running = self.running.lock();
        if let Some(other) = running.get(&space)
            && !other.commands.is_closed()
        {
            return Ok(other.clone());
        }
        let (commands, inbox) = mpsc::channel(WAITING);
        let started = RelayHandle {
            commands,
            space: Arc::new(RwLock::new(access)),
        };
        running.insert(space, started.clone());
        let mut relay = Relay::new(self.id, scene);
        relay.give_tickets(self.keys.tickets.clone());
        if let Some(key) = self.keys.messages.clone() {
            relay.give_message_key(MessageKey::new(key, space));
        }
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

/// A running relay.
struct Task {
    id: SpaceId,
    relay: Relay,
    ladder: Ladder,
    relays: Relays,
    space: Arc<RwLock<SpaceAccess>>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<RelayCommand>) {
        let mut seen = self.space.read().follow();
        let mut restarts = 0;
        let (code, reason) = loop {
            let commands = tokio::select! {
                biased;
                what = seen.recv() => match what {
                    Some(SpaceUpdate::Snapshot { snapshot, epoch, missed }) => {
                        let mut commands = self.relay.rebase(&snapshot, epoch);
                        commands.extend(self.relay.catch_up(&missed));
                        commands
                    }
                    Some(SpaceUpdate::Tick(output)) => self.show(&output, seen.len()),
                    Some(SpaceUpdate::Ended(Ending::Deleted)) => {
                        break (close::DELETED, "the space was deleted");
                    }
                    Some(SpaceUpdate::Ended(Ending::Stopped))
                        if self.relays.stopping.is_cancelled() =>
                    {
                        break (close::AWAY, "the server stops; reconnect");
                    }
                    Some(SpaceUpdate::Ended(Ending::Unloaded)) => {
                        break (close::AWAY, "the space restarts; reconnect");
                    }
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
                        break (close::AWAY, "the space restarts; reconnect");
                    }
                    // The host disappeared without a message.
                    None => {
                        match self.find_again().await {
                            Ok(again) => seen = again,
                            Err(goodbye) => break goodbye,
                        }
                        Vec::new()
                    }
                },
                Some(command) = inbox.recv() => obey(&mut self.relay, command),
            };
            let space = self.space.read();
            for command in commands {
                // If the space has ended, its updates say so next.
                let _ = space.send(command);
            }
            drop(space);
            // A space that runs in another process goes on without end.
            if self.relays.stopping.is_cancelled() && self.relay.is_empty() {
                break (close::AWAY, "the server stops; reconnect");
            }
        };
        inbox.close();
        self.relay.close(code, reason);
        let mut running = self.relays.running.lock();
        if running
            .get(&self.id)
            .is_some_and(|handle| handle.commands.is_closed())
        {
            running.remove(&self.id);
        }
    }

    /// Shows a tick to every client, and measures how long that takes while `waiting` more ticks
    /// wait.
    fn show(&mut self, output: &TickOutput, waiting: usize) -> Vec<Command> {
        let began = now();
        let commands = self.relay.tick(output);
        let took = began.elapsed();
        // Waiting ticks share the time, so they multiply the load.
        let ticks = u32::try_from(waiting + 1).unwrap_or(u32::MAX);
        self.ladder
            .observe(took.saturating_mul(ticks), self.relay.tick_period());
        climb(&mut self.relay, self.ladder.step(), self.id);
        metrics::histogram!("plaza_relay_seconds").record(took.as_secs_f64());
        metrics::counter!("plaza_frames_skipped_total").increment(self.relay.take_skipped());
        commands
    }

    /// The space has no host: finds or becomes its host, and follows the space again. Clients see
    /// the space stand still until then.
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
                Err(EnterError::Unavailable | EnterError::AtCapacity(_) | EnterError::Store(_)) => {
                }
            }
            if tokio::time::Instant::now() >= deadline {
                return Err((close::AWAY, "the space has no host right now; reconnect"));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

fn obey(relay: &mut Relay, command: RelayCommand) -> Vec<Command> {
    match command {
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

/// Applies the step of the overload ladder.
fn climb(relay: &mut Relay, step: OverloadLevel, space: SpaceId) {
    if relay.step() != step {
        tracing::warn!(%space, ?step, "showing the space takes too long: overload ladder step");
        metrics::counter!("plaza_overload_steps_total", "step" => step.label()).increment(1);
        relay.take_step(step);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time to show a tick is measured where it runs"
)]
fn now() -> Instant {
    Instant::now()
}
