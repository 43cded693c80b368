//! Awake: a space with a running world and its systems.

use bevy_ecs::prelude::*;

use super::checkpoint::Checkpoint;
use super::checkpoint_error::CheckpointError;
use super::durable::DurableEvent;
use crate::components::command::Command;
use crate::components::direction::Motion;
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::grid::Grid;
use crate::components::history::History;
use crate::components::layout::SpaceLayout;
use crate::components::player::{Body, Card};
use crate::components::presence::Disconnected;
use crate::components::searching::SearchBudget;
use crate::components::steering::Steering;
use crate::components::unit::{Tick, TickRate};
use crate::components::walking::Walk;
use crate::systems::chat::{self, Typists};
use crate::systems::elements::{self, Elements};
use crate::systems::path::PathSearch;
use crate::systems::proximity::{self, Peers, Proximity};
use crate::systems::publish::{self, PublishedQuery, PublishedState};
use crate::systems::roster::{self, Roster};
use crate::systems::saving::{self, Saver};
use crate::systems::zones::{self, Zones};
use crate::systems::{
    Copier, Inbox, Outbox, SpaceBuilder, arrival, blocked, following, home, locks, presence,
    remembered, steering, walking,
};

/// World of a space, and its systems.
pub(super) struct AwakeSpace {
    pub world: World,
    pub copiers: Vec<Copier>,
    savers: Vec<Saver>,
    schedule: Schedule,
    visible: QueryState<PublishedQuery>,
    vanished: QueryState<&'static Disconnected>,
    /// Players with a connection after the last tick.
    pub connected: usize,
}

impl AwakeSpace {
    /// A space with this layout and no players.
    pub fn new(layout: &SpaceLayout, rate: TickRate) -> Self {
        let mut builder = SpaceBuilder::new(rate);
        roster::plugin(&mut builder);
        presence::plugin(&mut builder);
        remembered::plugin(&mut builder);
        blocked::plugin(&mut builder);
        arrival::plugin(&mut builder, layout);
        elements::plugin(&mut builder, layout);
        zones::plugin(&mut builder, layout);
        locks::plugin(&mut builder);
        home::plugin(&mut builder);
        following::plugin(&mut builder);
        steering::plugin(&mut builder);
        walking::plugin(&mut builder);
        chat::plugin(&mut builder);
        proximity::plugin(&mut builder, layout);
        publish::plugin(&mut builder);
        let SpaceBuilder {
            mut world,
            tick,
            copiers,
            savers,
        } = builder;
        Self {
            visible: world.query(),
            vanished: world.query(),
            connected: 0,
            world,
            copiers,
            savers,
            schedule: tick,
        }
    }

    /// Tiles searched for paths in the last tick.
    pub fn searched(&self) -> usize {
        self.world.resource::<PathSearch>().spent()
    }

    /// Restores a space: elements come from the layout, everything else from the checkpoint, and
    /// the events happened after it.
    pub fn restore(
        layout: &SpaceLayout,
        rate: TickRate,
        checkpoint: &Checkpoint,
        events: &[(Tick, DurableEvent)],
    ) -> Result<Self, CheckpointError> {
        let mut awake = Self::new(layout, rate);
        let world = &mut awake.world;
        let ticks = events.iter().map(|(tick, _)| *tick);
        world.insert_resource(ticks.fold(checkpoint.tick, Tick::max));
        saving::load(world, &awake.savers, &checkpoint.sections)?;
        let mut history = world.resource_mut::<History>();
        for (_, event) in events {
            event.apply_to(&mut history);
        }
        let players: Vec<Entity> = world.resource::<Roster>().entities().collect();
        for player in players {
            mark_published(world, player);
        }
        // Peers follow from the positions. A client that follows the space starts with them, so
        // they are not stated as changes.
        let connected = world.run_system_cached(proximity::connect);
        debug_assert!(connected.is_ok(), "a system of plain resources always runs");
        world.resource_mut::<Outbox>().0.facts.clear();
        Ok(awake)
    }

    /// Runs one tick. Returns its output, and whether only commands can change anything from here
    /// on. Path searches use the budget; `None` means no limit.
    pub fn run(
        &mut self,
        commands: &[Command],
        searching: &mut Option<SearchBudget>,
    ) -> (TickOutput, bool) {
        let world = &mut self.world;
        world
            .resource_mut::<PathSearch>()
            .begin_tick(searching.take());
        world.resource_mut::<Inbox>().0.extend_from_slice(commands);
        self.schedule.run(world);
        world.clear_trackers();
        *searching = world.resource_mut::<PathSearch>().take_budget();
        let mut output = std::mem::take(&mut *world.resource_mut::<Outbox>().0);
        if output
            .facts
            .iter()
            .any(|fact| matches!(fact, Fact::Element(_)))
        {
            output.grid_hash = Some(world.resource::<Grid>().hash());
        }
        let people = world.resource::<Roster>().people();
        let connected = self.vanished.iter(world).filter(|one| one.0.is_none());
        self.connected = connected.count();
        let is_waited_for = self.connected < people
            || !world.resource::<Typists>().0.is_empty()
            || world.resource::<PathSearch>().is_waited_for();
        let tick = *world.resource::<Tick>();
        let is_settled =
            world.resource::<Proximity>().is_settled(tick) && world.resource::<Zones>().is_told();
        (output, is_settled && !is_waited_for)
    }

    /// The full visible state of the space.
    pub fn snapshot(&mut self) -> Snapshot {
        let proximity = self.world.resource::<Proximity>();
        let mut players: Vec<_> = self
            .visible
            .iter(&self.world)
            .map(|(card, body, motion, steering, walk)| {
                let (stance, own) = publish::observe(card, body, *motion, steering, walk);
                (proximity.shown(card), stance, own)
            })
            .collect();
        players.sort_unstable_by_key(|(card, ..)| card.player);
        Snapshot {
            tick: *self.world.resource::<Tick>(),
            version: self.world.resource::<Elements>().version,
            grid_hash: self.world.resource::<Grid>().hash(),
            players,
            history: self.world.resource::<History>().0.iter().cloned().collect(),
            peers: self.world.resource::<Peers>().all(),
            private_zones: self.world.resource::<Zones>().states(),
            bubbles: self.world.resource::<Proximity>().bubbles(),
        }
    }

    /// Everything that must outlive this process.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            tick: *self.world.resource::<Tick>(),
            sections: saving::save(&self.world, &self.savers),
        }
    }
}

/// Marks a player as published: a client that follows a restored space starts with its snapshot.
fn mark_published(world: &mut World, entity: Entity) {
    let mut player = world.entity_mut(entity);
    let Ok((card, body, motion, steering, walk)) =
        player.get_components::<(&Card, &Body, &Motion, &Steering, &Walk)>()
    else {
        return;
    };
    let (stance, own) = publish::observe(card, body, *motion, steering, walk);
    player.insert(PublishedState {
        card: true,
        stance: Some(stance),
        own: Some(own),
    });
}
