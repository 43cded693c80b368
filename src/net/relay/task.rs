//! Task: runs one relay between the host's outputs and the edge's orders, for as long as the space is open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::{Arrival, ClientId, Departure, Ladder, Relay, Step, close};
use crate::cluster::spaces::{EnterError, OpenSpace, Spaces};
use crate::components::command::Command;
use crate::components::id::SpaceId;
use crate::host::{Ending, Seen, SpaceHandle};

/// Orders waiting for one relay at most; joining waits beyond that.
const ORDERS: usize = 256;

/// What the edge asks of a relay.
pub enum Order {
    /// Somebody wants in.
    Join(Arrival),
    /// A connection ended.
    Detach(ClientId, Departure),
    /// A window shows that many tiles now.
    Resize(ClientId, u16, u16),
}

/// One running relay, and the space behind it.
#[derive(Clone)]
pub struct RelayHandle {
    orders: mpsc::Sender<Order>,
    /// Takes what players want.
    pub space: SpaceHandle,
}

impl RelayHandle {
    /// Hands over an order; `false` when the relay has ended.
    pub async fn order(&self, order: Order) -> bool {
        self.orders.send(order).await.is_ok()
    }
}

/// The relays of this edge, one for each open space somebody here is in.
#[derive(Clone)]
pub struct Relays {
    spaces: Spaces,
    running: Arc<Mutex<HashMap<SpaceId, RelayHandle>>>,
    tasks: TaskTracker,
}

impl Relays {
    /// No relays yet; the tracker knows when all have ended.
    pub fn new(spaces: Spaces, tasks: TaskTracker) -> Self {
        Self {
            spaces,
            running: Arc::default(),
            tasks,
        }
    }

    /// The relay of a space, started when there is none.
    pub async fn of(&self, space: SpaceId) -> Result<RelayHandle, EnterError> {
        if let Some(handle) = self.running.lock().get(&space)
            && !handle.orders.is_closed()
        {
            return Ok(handle.clone());
        }
        let OpenSpace { handle, scene } = self.spaces.enter(space).await?;
        let mut running = self.running.lock();
        if let Some(other) = running.get(&space)
            && !other.orders.is_closed()
        {
            return Ok(other.clone());
        }
        let (orders, inbox) = mpsc::channel(ORDERS);
        let started = RelayHandle {
            orders,
            space: handle.clone(),
        };
        running.insert(space, started.clone());
        self.tasks
            .spawn(run(Relay::new(scene), handle, inbox, Arc::clone(&self.running)));
        Ok(started)
    }
}

async fn run(
    mut relay: Relay,
    space: SpaceHandle,
    mut orders: mpsc::Receiver<Order>,
    running: Arc<Mutex<HashMap<SpaceId, RelayHandle>>>,
) {
    let mut seen = space.follow();
    let mut ladder = Ladder::default();
    let (code, reason) = loop {
        let commands = tokio::select! {
            biased;
            what = seen.recv() => match what {
                Some(Seen::Picture { picture, epoch, missed }) => {
                    let mut commands = relay.rebase(&picture, epoch);
                    commands.extend(relay.catch_up(&missed));
                    commands
                }
                Some(Seen::Tick(output)) => {
                    let began = now();
                    let commands = relay.tick(&output);
                    let took = began.elapsed();
                    // Ticks that wait already are time that showing this one did not have.
                    ladder.observe(took * (seen.len() as u32 + 1), relay.tick_period());
                    climb(&mut relay, ladder.step(), space.id());
                    metrics::histogram!("plaza_relay_seconds").record(took.as_secs_f64());
                    metrics::counter!("plaza_frames_skipped_total").increment(relay.take_skipped());
                    commands
                }
                Some(Seen::Ended(Ending::Deleted)) => break (close::DELETED, "the space was deleted"),
                Some(Seen::Ended(Ending::Stopped)) => break (close::AWAY, "the server stops; reconnect"),
                Some(Seen::Ended(Ending::Restarts | Ending::Unloaded)) | None => {
                    break (close::AWAY, "the space starts again; reconnect");
                }
            },
            Some(order) = orders.recv() => obey(&mut relay, order),
        };
        for command in commands {
            // When the space has ended, the follower says so next.
            let _ = space.send(command);
        }
    };
    orders.close();
    relay.close(code, reason);
    let mut running = running.lock();
    if running.get(&space.id()).is_some_and(|handle| handle.orders.is_closed()) {
        running.remove(&space.id());
    }
}

fn obey(relay: &mut Relay, order: Order) -> Vec<Command> {
    match order {
        Order::Join(arrival) => relay.join(arrival).into_iter().collect(),
        Order::Detach(client, how) => relay.detach(client, how).into_iter().collect(),
        Order::Resize(client, width, height) => {
            relay.resize(client, width, height);
            Vec::new()
        }
    }
}

/// Gives up or takes back what the ladder says.
fn climb(relay: &mut Relay, step: Step, space: SpaceId) {
    if relay.step() != step {
        tracing::warn!(%space, step = ?step, "the space takes longer to show than it has: a step of the overload ladder");
        metrics::gauge!("plaza_overload_step", "space" => space.to_string()).set(step as u8);
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
