//! Systems: what changes in a space each tick.
//!
//! May use `components`. Never: clocks, randomness, I/O, wire types, the order of a hash map. The
//! module `space` runs the tick; `net` shows its result to clients.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their parameters by value"
)]

pub mod arrival;
pub mod blocked;
pub mod chat;
pub mod elements;
mod emotes;
pub mod following;
pub mod home;
pub mod locks;
pub mod movement;
pub mod path;
pub mod player;
pub mod presence;
pub mod proximity;
pub mod publish;
pub mod remembered;
pub mod replacing;
pub mod roster;
pub mod saving;
mod scatter;
pub mod slow_mode;
pub mod status;
pub mod steering;
mod terms;
mod typed_vec;
pub mod walking;
pub mod zones;

use std::any::Any;

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

use self::saving::{LoadSection, SaveSection, Saver, UnknownSections};
use crate::components::command::Command;
use crate::components::denial::Denial;
use crate::components::fact::{Fact, TickOutput};
use crate::components::follow::Follow;
use crate::components::id::PlayerId;
use crate::components::unit::{Tick, TickRate};
use crate::components::zone::Admit;

/// Phases of a tick, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
pub enum TickSystems {
    /// Commands take effect at once. Everything later sees their result.
    ApplyCommands,
    /// Time passes and bodies move. Commands must be applied before, or input would wait for
    /// another tick.
    Simulate,
    /// Changes are written to the output. Nothing may change afterwards, or clients would not be
    /// told.
    Publish,
}

/// Phases of the simulation, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
pub enum SimulateSystems {
    /// Disconnected players are removed. First, so that no one walks up to a player who is gone.
    LetGo,
    /// Bodies are moved out of elements placed on them, or they would start to move inside a wall.
    Free,
    /// Steps of held directions are applied. Before walks: a walk that ends in this tick has used
    /// the tick up.
    Steer,
    /// Walks continue.
    Walk,
    /// Players who came onto a portal are moved through it. After everything that moves bodies.
    Settle,
    /// Connections are updated from the final positions of this tick.
    Connect,
}

/// Schedule of one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ScheduleLabel)]
pub struct TickSchedule;

/// Commands of the coming tick, in order of arrival.
#[derive(Debug, Clone, Default, Resource)]
pub struct Inbox(pub Vec<Command>);

/// Output of the running tick.
#[derive(Debug, Clone, Default, Resource)]
pub struct Outbox(pub Box<TickOutput>);

/// A space under construction. Each system file adds its data and systems.
pub struct SpaceBuilder {
    /// World with the data.
    pub world: World,
    /// Schedule with the systems.
    pub tick: Schedule,
    /// Functions that copy each resource.
    pub copiers: Vec<Copier>,
    /// Sections of the checkpoint, in the order in which they are saved and loaded.
    pub savers: Vec<Saver>,
}

/// Functions that copy one resource out of a world, and insert it into another.
pub struct Copier {
    /// Copies the resource, if it exists.
    pub copy: fn(&World) -> Option<Box<dyn Any + Send>>,
    /// Inserts a copy, if it is of this type.
    pub put: fn(&mut World, Box<dyn Any + Send>),
}

impl SpaceBuilder {
    /// A world with nothing but time.
    pub fn new(rate: TickRate) -> Self {
        let mut tick = Schedule::new(TickSchedule);
        tick.set_executor(SingleThreadedExecutor::new());
        tick.set_build_settings(ScheduleBuildSettings {
            ambiguity_detection: LogLevel::Error,
            ..ScheduleBuildSettings::default()
        });
        tick.configure_sets(
            (
                TickSystems::ApplyCommands,
                TickSystems::Simulate,
                TickSystems::Publish,
            )
                .chain(),
        );
        tick.configure_sets(
            (
                SimulateSystems::LetGo,
                SimulateSystems::Free,
                SimulateSystems::Steer,
                SimulateSystems::Walk,
                SimulateSystems::Settle,
                SimulateSystems::Connect,
            )
                .chain()
                .in_set(TickSystems::Simulate),
        );
        tick.add_systems(apply_commands.in_set(TickSystems::ApplyCommands));
        let mut space = Self {
            world: World::new(),
            tick,
            copiers: Vec::new(),
            savers: Vec::new(),
        };
        space.add(rate);
        space.add(Tick::default());
        space.add(Inbox::default());
        space.add(Outbox::default());
        space.add(UnknownSections::default());
        space
    }

    /// Adds a resource. It is copied along when the space gets another world.
    pub fn add<Data: Resource + Clone>(&mut self, data: Data) {
        self.world.insert_resource(data);
        self.copiers.push(Copier {
            copy: |world| Some(Box::new(world.get_resource::<Data>()?.clone())),
            put: |world, data| {
                if let Ok(data) = data.downcast::<Data>() {
                    world.insert_resource(*data);
                }
            },
        });
    }

    /// Adds a section to the checkpoint. It is loaded after those of plugins that were added
    /// before.
    pub fn save(&mut self, name: &'static str, version: u16, save: SaveSection, load: LoadSection) {
        debug_assert!(
            self.savers.iter().all(|saver| saver.name != name),
            "each section has a name of its own"
        );
        self.savers.push(Saver {
            name,
            version,
            save,
            load,
        });
    }
}

/// One after the other, because each may depend on the one before.
fn apply_commands(world: &mut World) {
    let mut commands = std::mem::take(&mut world.resource_mut::<Inbox>().0);
    for command in commands.drain(..) {
        apply(world, command);
    }
    world.resource_mut::<Inbox>().0 = commands;
}

fn apply(world: &mut World, command: Command) {
    match command {
        Command::Presence(command) => presence::apply(world, command),
        Command::Movement(command) => walking::apply(world, command),
        Command::Chat(command) => chat::apply(world, command),
        Command::Emote(emote) => emotes::apply(world, emote),
        Command::Element(command) => replacing::apply(world, command),
        Command::Call(command) => proximity::signal(world, command),
        Command::Status(command) => status::apply(world, command),
        Command::Zone(command) => zones::apply(world, command),
        Command::Admit(Admit { player, guest }) => {
            if !proximity::admit(world, player, guest) {
                zones::admit(world, player, guest);
            }
        }
        Command::Follow(Follow { player, leader }) => following::follow(world, player, leader),
        Command::Bubble(command) => proximity::bubble(world, command),
        Command::Proximity(command) => proximity::apply(world, command),
        Command::Block(change) => proximity::block(world, change),
    }
}

impl Outbox {
    /// Adds a fact to the output of the running tick.
    fn tell(&mut self, fact: Fact) {
        self.0.facts.push(fact);
    }
}

/// Adds a fact to the output of the running tick.
fn tell(world: &mut World, fact: Fact) {
    world.resource_mut::<Outbox>().tell(fact);
}

/// Tells a player that a request was refused.
fn deny(world: &mut World, player: PlayerId, why: Denial) {
    tell(world, Fact::Denied { player, why });
}
