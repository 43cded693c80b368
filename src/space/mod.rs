//! Space: one room that people share: its world, its tick, its checkpoint.
//!
//! May use `components` and `systems`. Never: clocks, chance, I/O, threads, wire types. Given the
//! same commands it does the same, always. When it ticks is the business of `host`, who sees it
//! that of `net::relay`.

mod awake;
pub mod checkpoint;
mod sleep;

use bevy_ecs::prelude::*;

use self::awake::AwakeSpace;
pub use self::checkpoint::{Checkpoint, CheckpointError, DurableEvent, SavedPlayer};
use self::sleep::Asleep;
use crate::components::command::Command;
use crate::components::fact::{Snapshot, TickOutput};
use crate::components::layout::SpaceLayout;
use crate::components::peers::SfuEndpoint;
use crate::components::searching::SearchBudget;
use crate::components::unit::{Tick, TickRate};
use crate::systems::chat::{History, IsForgetful, SlowMode};
use crate::systems::elements::Elements;
use crate::systems::presence::Roster;
use crate::systems::proximity::{ForwardedBy, Peers, Proximity};

/// One space.
pub struct Space {
    rate: TickRate,
    state: SpaceState,
    /// Ticks in which nobody asked for anything and nothing happened.
    quiet: u64,
    /// What searches for ways may take; as much as they like without.
    searching: Option<SearchBudget>,
    /// Tiles that were looked at in the last tick.
    searched: usize,
}

/// Most spaces are at rest most of the time, and a world is large beside what is in it.
enum SpaceState {
    Awake(Box<AwakeSpace>),
    Asleep(Box<Asleep>),
}

/// After so many quiet ticks everything has come to rest: steps are used up, walks ended, what may
/// be made up for forgotten.
const REST: u64 = 64;

/// After so many quiet ticks it sleeps; building a world again costs half a millisecond, whoever
/// comes, goes or walks.
const SLEEP: u64 = 200;

impl Space {
    /// A space as planned, with nobody in it.
    pub fn new(plan: &SpaceLayout, rate: TickRate) -> Self {
        Self::of(AwakeSpace::new(plan, rate), rate)
    }

    /// A space as it was: the plan says what stands there, the checkpoint who was there. Everybody
    /// counts as vanished until they join again, and whoever would stand in something solid is
    /// moved out of it.
    pub fn restore(plan: &SpaceLayout, rate: TickRate, checkpoint: &Checkpoint) -> Self {
        Self::of(AwakeSpace::restore(plan, rate, checkpoint), rate)
    }

    fn of(room: AwakeSpace, rate: TickRate) -> Self {
        Self {
            rate,
            state: SpaceState::Awake(Box::new(room)),
            quiet: 0,
            searching: None,
            searched: 0,
        }
    }

    /// From now on searches for ways take from that budget; what is not searched for waits.
    pub fn lend_searching(&mut self, budget: SearchBudget) {
        self.searching = Some(budget);
    }

    /// What is left of the budget that was lent.
    pub fn take_searching(&mut self) -> Option<SearchBudget> {
        self.searching.take()
    }

    /// Tiles that were looked at in searches for ways in the last tick.
    pub const fn searched(&self) -> usize {
        self.searched
    }

    /// Runs one tick with the commands that came since the last one.
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
        let room = self.room();
        let (output, is_settled) = room.run(commands, &mut searching);
        self.searched = room.searched();
        self.searching = searching;
        self.quiet = if output.is_quiet() && is_settled {
            self.quiet + 1
        } else {
            0
        };
        output
    }

    /// One more tick.
    fn pass(&mut self) -> Tick {
        let tick = match &mut self.state {
            SpaceState::Awake(room) => &mut *room.world.resource_mut::<Tick>(),
            SpaceState::Asleep(asleep) => &mut asleep.tick,
        };
        tick.0 += 1;
        *tick
    }

    /// Whether nothing will happen until somebody asks for something.
    pub const fn is_still(&self) -> bool {
        self.quiet >= REST
    }

    /// Gives up the world, and keeps what is in it; whatever is asked of the space next wakes it.
    pub fn sleep(&mut self) {
        if let SpaceState::Awake(room) = &self.state {
            self.state = SpaceState::Asleep(Box::new(Asleep::of(room)));
        }
    }

    fn room(&mut self) -> &mut AwakeSpace {
        if let SpaceState::Asleep(asleep) = &mut self.state {
            let room = std::mem::take(&mut **asleep).wake(self.rate);
            self.state = SpaceState::Awake(Box::new(room));
        }
        match &mut self.state {
            SpaceState::Awake(room) => room,
            SpaceState::Asleep(_) => unreachable!("it was woken"),
        }
    }

    /// From now on what is said is forgotten when nobody is here any more.
    pub fn forget_when_empty(&mut self) {
        self.room().world.insert_resource(IsForgetful(true));
    }

    /// From now on circles that are too large to talk directly are told to talk through this
    /// forwarder.
    pub fn forward_calls(&mut self, by: SfuEndpoint) {
        let world = &mut self.room().world;
        world.insert_resource(ForwardedBy(by));
        world.resource_mut::<Proximity>().look_again();
    }

    /// Whether anybody talks through the forwarding unit.
    pub fn is_forwarding(&self) -> bool {
        match &self.state {
            SpaceState::Awake(room) => room.world.resource::<Proximity>().is_forwarding(),
            SpaceState::Asleep(asleep) => asleep.is_forwarding,
        }
    }

    /// The version of the plan that it is run with.
    pub fn version(&self) -> u32 {
        match &self.state {
            SpaceState::Awake(room) => room.world.resource::<Elements>().version,
            SpaceState::Asleep(asleep) => asleep.version,
        }
    }

    /// Whether it heard of a change of its plan, and not of one before that.
    pub fn is_behind(&self) -> bool {
        match &self.state {
            SpaceState::Awake(room) => room.world.resource::<Elements>().is_behind(),
            SpaceState::Asleep(asleep) => asleep.is_behind,
        }
    }

    /// Who hears and sees whom right now.
    pub fn peers(&mut self) -> &Peers {
        self.room().world.resource::<Peers>()
    }

    /// From now on everybody says at most one line in so many seconds.
    pub fn slow_down(&mut self, seconds: u32) {
        self.room()
            .world
            .resource_scope(|world, mut slow: Mut<SlowMode>| {
                slow.set(seconds, world.resource::<History>());
            });
    }

    /// Everything visible right now.
    pub fn picture(&mut self) -> Snapshot {
        self.room().picture()
    }

    /// Everything that shall outlive this process.
    pub fn checkpoint(&mut self) -> Checkpoint {
        self.room().checkpoint()
    }

    /// How many are here, vanished ones too.
    pub fn people(&self) -> usize {
        match &self.state {
            SpaceState::Awake(room) => room.world.resource::<Roster>().people(),
            SpaceState::Asleep(asleep) => asleep.everybody.len(),
        }
    }

    /// Whether nobody is here at all: then a tick changes nothing but its number.
    pub fn is_resting(&self) -> bool {
        self.people() == 0
    }

    /// Steps per second.
    pub const fn rate(&self) -> TickRate {
        self.rate
    }

    /// The last tick that was run.
    pub fn tick(&self) -> Tick {
        match &self.state {
            SpaceState::Awake(room) => *room.world.resource::<Tick>(),
            SpaceState::Asleep(asleep) => asleep.tick,
        }
    }
}
