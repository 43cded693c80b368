//! Space: one space that players share: its world, its tick, its checkpoint.
//!
//! May use `components` and `systems`. Never: clocks, randomness, I/O, threads, wire types. The
//! same commands always give the same result. `host` decides when a space ticks, and `net::relay`
//! which clients see it.

mod awake;
mod checkpoint;
mod checkpoint_error;
mod durable;
mod legacy;
mod sealed;
mod sleep;

use bevy_ecs::prelude::*;

use self::awake::AwakeSpace;
pub use self::checkpoint::Checkpoint;
pub use self::checkpoint_error::CheckpointError;
pub use self::durable::DurableEvent;
use self::sleep::Asleep;
use crate::components::command::Command;
use crate::components::fact::{Snapshot, TickOutput};
use crate::components::history::History;
use crate::components::layout::SpaceLayout;
use crate::components::peers::SfuEndpoint;
use crate::components::searching::SearchBudget;
use crate::components::unit::{Tick, TickRate};
use crate::systems::chat::IsForgetful;
use crate::systems::elements::Elements;
use crate::systems::proximity::{ForwardedBy, Peers, Proximity};
use crate::systems::roster::Roster;
use crate::systems::slow_mode::SlowMode;

/// A simulated space.
pub struct Space {
    rate: TickRate,
    state: SpaceState,
    /// Ticks in a row without commands and changes.
    quiet: u64,
    /// Budget of path searches; `None` for no limit.
    searching: Option<SearchBudget>,
    /// Tiles searched in the last tick.
    searched: usize,
    /// Players with a connection.
    connected: usize,
}

/// A world is large compared to its contents, and most spaces are at rest most of the time.
enum SpaceState {
    Awake(Box<AwakeSpace>),
    Asleep(Box<Asleep>),
}

/// Quiet ticks after which everything has come to rest: steps are used up, walks ended, and missed
/// steps can no longer be made up for.
const REST: u64 = 64;

/// Quiet ticks after which a space sleeps. Building its world again takes 0.4 ms.
const SLEEP: u64 = 200;

impl Space {
    /// A space with this layout and no players.
    pub fn new(layout: &SpaceLayout, rate: TickRate) -> Self {
        Self::of(AwakeSpace::new(layout, rate), rate)
    }

    /// Restores a space: elements come from the layout, players from the checkpoint, and the events
    /// happened after it. All players count as disconnected until they join again. A player who
    /// would stand in something solid is moved out of it.
    pub fn restore(
        layout: &SpaceLayout,
        rate: TickRate,
        checkpoint: &Checkpoint,
        events: &[(Tick, DurableEvent)],
    ) -> Result<Self, CheckpointError> {
        let awake = AwakeSpace::restore(layout, rate, checkpoint, events)?;
        Ok(Self::of(awake, rate))
    }

    fn of(awake: AwakeSpace, rate: TickRate) -> Self {
        Self {
            rate,
            state: SpaceState::Awake(Box::new(awake)),
            quiet: 0,
            searching: None,
            searched: 0,
            connected: 0,
        }
    }

    /// Sets the budget of path searches. Searches beyond it wait.
    pub fn lend_searching(&mut self, budget: SearchBudget) {
        self.searching = Some(budget);
    }

    /// Takes back what is left of the budget.
    pub fn take_searching(&mut self) -> Option<SearchBudget> {
        self.searching.take()
    }

    /// Tiles searched for paths in the last tick.
    pub const fn searched(&self) -> usize {
        self.searched
    }

    /// Runs one tick with the commands that arrived since the last one.
    pub fn step(&mut self, commands: &[Command]) -> TickOutput {
        self.searched = 0;
        if !commands.is_empty() {
            self.quiet = 0;
        } else if self.is_still() {
            // Time alone changes nothing.
            self.quiet += 1;
            if self.quiet >= SLEEP {
                self.sleep();
            }
            return TickOutput {
                tick: self.pass(),
                ..TickOutput::default()
            };
        }
        self.pass();
        let mut searching = self.searching.take();
        let awake = self.awake();
        let (output, is_settled) = awake.run(commands, &mut searching);
        let (searched, connected) = (awake.searched(), awake.connected);
        self.searched = searched;
        self.connected = connected;
        self.searching = searching;
        self.quiet = if output.is_quiet() && is_settled {
            self.quiet + 1
        } else {
            0
        };
        output
    }

    /// Advances the tick number without a world.
    fn pass(&mut self) -> Tick {
        let tick = match &mut self.state {
            SpaceState::Awake(awake) => &mut *awake.world.resource_mut::<Tick>(),
            SpaceState::Asleep(asleep) => &mut asleep.tick,
        };
        tick.0 += 1;
        *tick
    }

    /// Whether nothing will change until a command arrives.
    pub const fn is_still(&self) -> bool {
        self.quiet >= REST
    }

    /// Drops the world and keeps a copy of its contents. The next use of the space wakes it.
    pub fn sleep(&mut self) {
        if let SpaceState::Awake(awake) = &self.state {
            self.state = SpaceState::Asleep(Box::new(Asleep::of(awake)));
        }
    }

    fn awake(&mut self) -> &mut AwakeSpace {
        if let SpaceState::Asleep(asleep) = &mut self.state {
            let awake = std::mem::take(&mut **asleep).wake(self.rate);
            self.state = SpaceState::Awake(Box::new(awake));
        }
        match &mut self.state {
            SpaceState::Awake(awake) => awake,
            SpaceState::Asleep(_) => unreachable!("the space was woken above"),
        }
    }

    /// Forgets chat messages from before this time, in Unix milliseconds.
    pub fn forget_before(&mut self, at: u64) {
        let mut history = self.awake().world.resource_mut::<History>();
        history.0.retain(|message| message.at >= at);
    }

    /// Makes the space forget its chat history when the last player leaves.
    pub fn forget_when_empty(&mut self) {
        self.awake().world.insert_resource(IsForgetful(true));
    }

    /// Sets the server that forwards calls. Groups too large to connect directly are told to use
    /// it.
    pub fn forward_calls(&mut self, by: SfuEndpoint) {
        let world = &mut self.awake().world;
        world.insert_resource(ForwardedBy(by));
        world.resource_mut::<Proximity>().mark_all_dirty();
    }

    /// Whether any player uses the SFU.
    pub fn is_forwarding(&self) -> bool {
        match &self.state {
            SpaceState::Awake(awake) => awake.world.resource::<Proximity>().is_forwarding(),
            SpaceState::Asleep(asleep) => asleep.is_forwarding,
        }
    }

    /// Version of the layout in use.
    pub fn version(&self) -> u32 {
        match &self.state {
            SpaceState::Awake(awake) => awake.world.resource::<Elements>().version,
            SpaceState::Asleep(asleep) => asleep.version,
        }
    }

    /// Whether the space received a change of its layout without the one before it.
    pub fn is_behind(&self) -> bool {
        match &self.state {
            SpaceState::Awake(awake) => awake.world.resource::<Elements>().is_behind(),
            SpaceState::Asleep(asleep) => asleep.is_behind,
        }
    }

    /// Peers of all players.
    pub fn peers(&mut self) -> &Peers {
        self.awake().world.resource::<Peers>()
    }

    /// Sets slow mode: the seconds between two messages of a player.
    pub fn slow_down(&mut self, seconds: u32) {
        self.awake()
            .world
            .resource_scope(|world, mut slow: Mut<SlowMode>| {
                slow.set(seconds, world.resource::<History>());
            });
    }

    /// The full visible state of the space.
    pub fn snapshot(&mut self) -> Snapshot {
        self.awake().snapshot()
    }

    /// Everything that must outlive this process.
    pub fn checkpoint(&mut self) -> Checkpoint {
        self.awake().checkpoint()
    }

    /// Number of players, including disconnected ones.
    pub fn people(&self) -> usize {
        match &self.state {
            SpaceState::Awake(awake) => awake.world.resource::<Roster>().people(),
            SpaceState::Asleep(asleep) => asleep.players.len(),
        }
    }

    /// Number of players with a connection, at the last tick.
    pub const fn connected(&self) -> usize {
        self.connected
    }

    /// Whether the space has no players. Then a tick changes only its number.
    pub fn is_resting(&self) -> bool {
        self.people() == 0
    }

    /// Ticks per second.
    pub const fn rate(&self) -> TickRate {
        self.rate
    }

    /// Last tick that was run.
    pub fn tick(&self) -> Tick {
        match &self.state {
            SpaceState::Awake(awake) => *awake.world.resource::<Tick>(),
            SpaceState::Asleep(asleep) => asleep.tick,
        }
    }
}
