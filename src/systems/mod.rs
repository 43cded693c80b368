//! Systems: what happens to a space each tick.
//!
//! May use `components`. Never: clocks, chance, I/O, wire types, the order of a hash map.
//! Running the tick is the business of `space`; showing what it brought about that of `net`.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their parameters by value"
)]

pub mod arrival;
pub mod chat;
pub mod elements;
pub mod following;
pub mod home;
pub mod movement;
pub mod path;
pub mod presence;
pub mod proximity;
pub mod publish;
pub mod replacing;
pub mod status;
pub mod steering;
pub mod walking;
pub mod zones;

use std::any::Any;

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

use crate::components::command::Command;
use crate::components::fact::TickOutput;
use crate::components::unit::{Tick, TickRate};

/// The phases of a tick, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
pub enum TickSystems {
    /// Commands change what they may change at once; everything later sees their result.
    ApplyCommands,
    /// Time passes: bodies move. Commands must be in, or input would wait for another tick.
    Simulate,
    /// What changed is written down. Nothing may change after it, or nobody would be told.
    Publish,
}

/// What happens while time passes, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
pub enum SimulateSystems {
    /// The vanished go. First, so that nobody walks up to somebody who is gone.
    LetGo,
    /// Bodies come out of what was placed on them, or they would start to move inside a wall.
    Free,
    /// Steps of held directions are taken. Before walks: a walk that ends in this tick has used it
    /// up.
    Steer,
    /// Walks go on.
    Walk,
    /// Whoever came onto a portal comes out of it. After everything that moves bodies.
    Settle,
    /// Who is near whom is looked at, where everybody ends up in this tick.
    Connect,
}

/// The schedule of one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ScheduleLabel)]
pub struct TickSchedule;

/// Commands of the coming tick, in the order they came.
#[derive(Debug, Clone, Default, Resource)]
pub struct Inbox(pub Vec<Command>);

/// What the running tick brought about so far.
#[derive(Debug, Clone, Default, Resource)]
pub struct Outbox(pub Box<TickOutput>);

/// A space under construction: each concern adds its data and systems.
pub struct SpaceBuilder {
    /// The data.
    pub world: World,
    /// The systems.
    pub tick: Schedule,
    /// How to copy each kind of data.
    pub copiers: Vec<Copier>,
}

/// How one kind of data is copied out of a world, and put into another.
pub struct Copier {
    /// Copies it, if it is there.
    pub copy: fn(&World) -> Option<Box<dyn Any + Send>>,
    /// Puts it in, if it is of that kind.
    pub put: fn(&mut World, Box<dyn Any + Send>),
}

impl SpaceBuilder {
    /// A world in which nothing exists but time.
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
        };
        space.add(rate);
        space.add(Tick::default());
        space.add(Inbox::default());
        space.add(Outbox::default());
        space
    }

    /// Adds data of which there is one in a space. It comes along when the space gets another
    /// world.
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
        Command::Join {
            user,
            name,
            avatar,
            arrive,
            blocked,
        } => presence::join(world, user, name, avatar, arrive, blocked),
        Command::Resume {
            card,
            position,
            facing,
            ack,
            blocked,
        } => presence::resume(world, card, position, facing, ack, blocked),
        Command::Stay { player } => presence::stay(world, player),
        Command::Disconnect { player } => presence::vanish(world, player),
        Command::Leave { player } => presence::leave(world, player),
        Command::ChangeAvatar { user, avatar } => presence::change_avatar(world, user, avatar),
        Command::Step { player, step } => steering::hold(world, player, step),
        Command::Walk { player, seq, goal } => walking::walk(world, player, seq, goal),
        Command::StepTile { player, tile } => walking::step_tile(world, player, tile),
        Command::GoHome { player } => home::go_home(world, player),
        Command::Chat { player, speech } => chat::say(world, player, speech),
        Command::Emote { player, kind } => chat::emote(world, player, kind),
        Command::PlaceElement { placement, version } => elements::place(world, placement, version),
        Command::RemoveElement { id, version } => elements::remove(world, id, version),
        Command::ReplaceLayout { plan } => replacing::replace(world, *plan),
        Command::Signal { player, to, body } => proximity::signal(world, player, to, body),
        Command::SfuRequest { player, body } => proximity::ask_unit(world, player, body),
        Command::SfuReply { player, body } => proximity::unit_says(world, player, body),
        Command::ChangeMedia { player, media } => status::change_media(world, player, media),
        Command::ChangeStatus { player, status } => status::change_status(world, player, status),
        Command::Wave { player, to, kind } => status::wave(world, player, to, kind),
        Command::Lock {
            player,
            zone,
            locked,
        } => zones::lock(world, player, zone, locked),
        Command::Knock { player, zone } => zones::knock(world, player, zone),
        Command::Admit { player, guest } => {
            if !proximity::admit(world, player, guest) {
                zones::admit(world, player, guest);
            }
        }
        Command::Follow { player, leader } => following::follow(world, player, leader),
        Command::Bubble { player, deed } => proximity::bubble(world, player, deed),
        Command::Block {
            user,
            other,
            blocked,
        } => proximity::block(world, user, other, blocked),
        Command::EditMessage {
            player,
            change,
            may_moderate,
        } => chat::change(world, player, change, may_moderate),
        Command::ApplyEdit { change, author } => chat::changed(world, change, author),
        Command::React {
            player,
            line,
            emoji,
            on,
        } => chat::react(world, player, line, emoji, on),
        Command::Typing { player, on } => chat::type_on(world, player, on),
        Command::SlowDown { seconds } => chat::slow_down(world, seconds),
        Command::SetProximityRules { rules } => proximity::rule(world, rules),
        Command::ClearChat { by } => chat::clear(world, by),
    }
}
