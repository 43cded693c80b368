//! Space: one room that people share: its world, its tick, its checkpoint.
//!
//! May use `components` and `systems`. Never: clocks, chance, I/O, threads, wire types. Given the same commands it
//! does the same, always. When it ticks is the business of `host`, who sees it that of `net::relay`.

pub mod checkpoint;

use std::collections::VecDeque;

use bevy_ecs::prelude::*;

pub use self::checkpoint::{Checkpoint, CheckpointError, DurableEvent, SavedPlayer};
use crate::components::chat::HISTORY;
use crate::components::command::Command;
use crate::components::direction::Motion;
use crate::components::fact::{Fact, Picture, TickOutput};
use crate::components::grid::Grid;
use crate::components::plan::Plan;
use crate::components::player::{Body, Card, Carry};
use crate::components::presence::Vanished;
use crate::components::steering::{MAKE_UP, Steering};
use crate::components::unit::{Tick, TickRate};
use crate::components::walking::Walk;
use crate::systems::chat::{self, History, IsForgetful, SlowMode, Typists};
use crate::systems::elements::{self, Elements};
use crate::systems::presence::{self, Remembered, Roster};
use crate::systems::proximity::{self, Blocked, Ear, HasForwardingUnit, Peers, Proximity};
use crate::systems::publish::{self, Shown, Visible};
use crate::systems::zones::{self, Zones};
use crate::systems::{Inbox, Outbox, SpaceBuilder, arrival, movement, steering, walking};

/// One space.
pub struct Space {
    world: World,
    schedule: Schedule,
    visible: QueryState<Visible>,
    saved: QueryState<Saved>,
    vanished: QueryState<&'static Vanished>,
    /// Ticks in which nobody asked for anything and nothing happened.
    quiet: u64,
}

/// Everything of a player that is kept.
type Saved = (
    &'static Card,
    &'static Body,
    &'static Steering,
    &'static Vanished,
    &'static Blocked,
);

/// After so many quiet ticks everything has come to rest: steps are used up, walks ended, what may be made up for forgotten.
const REST: u64 = 64;

impl Space {
    /// A space as planned, with nobody in it.
    pub fn new(plan: &Plan, rate: TickRate) -> Self {
        let mut builder = SpaceBuilder::new(rate);
        presence::plugin(&mut builder);
        arrival::plugin(&mut builder, plan);
        elements::plugin(&mut builder, plan);
        zones::plugin(&mut builder, plan);
        steering::plugin(&mut builder);
        walking::plugin(&mut builder);
        chat::plugin(&mut builder);
        proximity::plugin(&mut builder, plan);
        publish::plugin(&mut builder);
        let SpaceBuilder { mut world, tick } = builder;
        Self {
            visible: world.query(),
            saved: world.query(),
            vanished: world.query(),
            world,
            schedule: tick,
            quiet: 0,
        }
    }

    /// A space as it was: the plan says what stands there, the checkpoint who was there. Everybody counts as vanished
    /// until they join again, and whoever would stand in something solid is moved out of it.
    pub fn restore(plan: &Plan, rate: TickRate, checkpoint: &Checkpoint) -> Self {
        let mut space = Self::new(plan, rate);
        let world = &mut space.world;
        world.insert_resource(checkpoint.tick);
        let skipped = checkpoint
            .remembered
            .len()
            .saturating_sub(crate::components::presence::REMEMBERED);
        world.resource_mut::<Remembered>().0 = checkpoint.remembered.iter().skip(skipped).copied().collect();
        let skipped = checkpoint.history.len().saturating_sub(HISTORY);
        world.resource_mut::<History>().0 = checkpoint.history.iter().skip(skipped).cloned().collect();
        for player in &checkpoint.players {
            admit_saved(world, rate, checkpoint.tick, player);
        }
        let mut roster = world.resource_mut::<Roster>();
        roster.next = roster.next.max(checkpoint.next_player);
        let mut zones = world.resource_mut::<Zones>();
        for (zone, admitted) in &checkpoint.locked {
            zones.lock_again(*zone, admitted.iter().copied());
        }
        // Who is connected to whom follows from where they stand. Whoever follows begins with it, so it is no news.
        let connected = world.run_system_cached(proximity::connect);
        debug_assert!(connected.is_ok(), "a system of plain resources always runs");
        world.resource_mut::<Outbox>().0.facts.clear();
        space
    }

    /// Runs one tick with the commands that came since the last one.
    pub fn step(&mut self, commands: &[Command]) -> TickOutput {
        self.world.resource_mut::<Inbox>().0.extend_from_slice(commands);
        self.world.resource_mut::<Tick>().0 += 1;
        if !commands.is_empty() {
            self.quiet = 0;
        } else if self.is_still() {
            // Time alone changes nothing.
            return TickOutput {
                tick: self.tick(),
                ..TickOutput::default()
            };
        }
        self.schedule.run(&mut self.world);
        self.world.clear_trackers();
        let mut output = std::mem::take(&mut self.world.resource_mut::<Outbox>().0);
        if output.facts.iter().any(Fact::is_about_elements) {
            output.grid_hash = Some(self.world.resource::<Grid>().hash());
        }
        let is_waited_for = self.vanished.iter(&self.world).any(|vanished| vanished.0.is_some())
            || !self.world.resource::<Typists>().0.is_empty();
        let tick = self.tick();
        let is_settled =
            self.world.resource::<Proximity>().is_settled(tick) && self.world.resource::<Zones>().is_told();
        self.quiet = if output.is_quiet() && !is_waited_for && is_settled {
            self.quiet + 1
        } else {
            0
        };
        output
    }

    /// Whether nothing will happen until somebody asks for something.
    pub const fn is_still(&self) -> bool {
        self.quiet >= REST
    }

    /// From now on what is said is forgotten when nobody is here any more.
    pub fn forget_when_empty(&mut self) {
        self.world.insert_resource(IsForgetful(true));
    }

    /// From now on circles that are too large to talk directly are told to talk through a forwarding unit.
    pub fn forward_calls(&mut self) {
        self.world.insert_resource(HasForwardingUnit(true));
        self.world.resource_mut::<Proximity>().look_again();
    }

    /// Whether anybody talks through the forwarding unit.
    pub fn is_forwarding(&self) -> bool {
        self.world.resource::<Proximity>().is_forwarding()
    }

    /// Who hears and sees whom right now.
    pub fn peers(&self) -> &Peers {
        self.world.resource::<Peers>()
    }

    /// From now on everybody says at most one line in so many seconds.
    pub fn slow_down(&mut self, seconds: u32) {
        self.world.resource_scope(|world, mut slow: Mut<SlowMode>| {
            slow.set(seconds, world.resource::<History>());
        });
    }

    /// From now on voices carry so far, in tiles.
    pub fn reach(&mut self, tiles: u8) {
        let now = self.tick();
        self.world.resource_mut::<Proximity>().set_reach(tiles, now);
    }

    /// Everything visible right now.
    pub fn picture(&mut self) -> Picture {
        let mut players: Vec<_> = self
            .visible
            .iter(&self.world)
            .map(|(card, body, motion, steering, walk)| {
                let (stance, own) = publish::look(card, body, *motion, steering, walk);
                (card.clone(), stance, own)
            })
            .collect();
        players.sort_unstable_by_key(|(card, ..)| card.player);
        Picture {
            tick: self.tick(),
            version: self.world.resource::<Elements>().version,
            grid_hash: self.world.resource::<Grid>().hash(),
            players,
            history: self.world.resource::<History>().0.iter().cloned().collect(),
            peers: self.world.resource::<Peers>().all(),
            areas: self.world.resource::<Zones>().states(),
            bubbles: self.world.resource::<Proximity>().bubbles(),
        }
    }

    /// Everything that shall outlive this process.
    pub fn checkpoint(&mut self) -> Checkpoint {
        let mut players: Vec<_> = self
            .saved
            .iter(&self.world)
            .map(|(card, body, steering, vanished, blocked)| SavedPlayer {
                card: card.clone(),
                body: *body,
                ack: steering.ack,
                make_up: steering.make_up,
                vanished: vanished.0.is_some(),
                blocked: blocked.0.iter().copied().collect(),
            })
            .collect();
        players.sort_unstable_by_key(|saved| saved.card.player);
        Checkpoint {
            tick: self.tick(),
            next_player: self.world.resource::<Roster>().next,
            players,
            remembered: self.world.resource::<Remembered>().0.iter().copied().collect(),
            history: self.world.resource::<History>().0.iter().cloned().collect(),
            locked: self.world.resource::<Zones>().locked().collect(),
        }
    }

    /// How many are here, vanished ones too.
    pub fn people(&self) -> usize {
        self.world.resource::<Roster>().people()
    }

    /// Whether nobody is here at all: then a tick changes nothing but its number.
    pub fn is_resting(&self) -> bool {
        self.people() == 0
    }

    /// Steps per second.
    pub fn rate(&self) -> TickRate {
        *self.world.resource::<TickRate>()
    }

    /// The last tick that was run.
    pub fn tick(&self) -> Tick {
        *self.world.resource::<Tick>()
    }
}

fn admit_saved(world: &mut World, rate: TickRate, now: Tick, saved: &SavedPlayer) {
    let grid = world.resource::<Grid>();
    let mut body = saved.body;
    if !movement::is_free(grid, body.position) {
        body = Body {
            facing: body.facing,
            ..Body::at(elements::nearest_free(grid, body.position).unwrap_or_else(|| arrival::middle(grid)))
        };
    }
    // The rate may be another than when the carry was saved.
    let most = i16::from(rate.per_second());
    if [body.carry.x, body.carry.y]
        .iter()
        .any(|&carry| i16::from(carry).abs() >= most)
    {
        body.carry = Carry::default();
    }
    let steering = Steering {
        held: VecDeque::new(),
        make_up: saved.make_up.min(MAKE_UP),
        missed: MAKE_UP,
        seen: saved.ack,
        ack: saved.ack,
    };
    let ear = if saved.vanished {
        Ear::default()
    } else {
        Ear::expected(now, rate)
    };
    let blocked = Blocked(saved.blocked.iter().copied().collect());
    let entity = presence::admit(
        world,
        saved.card.clone(),
        body,
        steering,
        Vanished(Some(now)),
        ear,
        blocked,
    );
    if let Some(entity) = entity {
        know(world, entity);
    }
}

/// Whoever follows a restored space begins with its picture, so nothing of it is news.
fn know(world: &mut World, entity: Entity) {
    let mut player = world.entity_mut(entity);
    let Ok((card, body, motion, steering, walk)) = player.get_components::<(&Card, &Body, &Motion, &Steering, &Walk)>()
    else {
        return;
    };
    let (stance, own) = publish::look(card, body, *motion, steering, walk);
    player.insert(Shown {
        card: true,
        stance: Some(stance),
        own: Some(own),
    });
}
