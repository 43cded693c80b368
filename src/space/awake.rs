//! Awake: a space with a running world and its systems.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;

use super::checkpoint::{Checkpoint, SavedPlayer};
use crate::components::chat::HISTORY;
use crate::components::command::Command;
use crate::components::direction::Motion;
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::grid::Grid;
use crate::components::layout::SpaceLayout;
use crate::components::player::{Body, Card, Carry};
use crate::components::presence::{Disconnected, REMEMBERED};
use crate::components::searching::SearchBudget;
use crate::components::steering::{MAKE_UP, Steering};
use crate::components::unit::{Tick, TickRate};
use crate::components::walking::Walk;
use crate::systems::blocked::Blocked;
use crate::systems::chat::{self, History, Typists};
use crate::systems::elements::{self, Elements};
use crate::systems::path::PathSearch;
use crate::systems::presence::{self, Remembered};
use crate::systems::proximity::{self, Peers, Proximity, ProximitySlot};
use crate::systems::publish::{self, PublishedQuery, PublishedState};
use crate::systems::roster::{self, Roster};
use crate::systems::zones::{self, Zones};
use crate::systems::{
    Copier, Inbox, Outbox, SpaceBuilder, arrival, following, home, movement, steering, walking,
};

/// World of a space, and its systems.
pub(super) struct AwakeSpace {
    pub world: World,
    pub copiers: Vec<Copier>,
    schedule: Schedule,
    visible: QueryState<PublishedQuery>,
    saved: QueryState<Saved>,
    vanished: QueryState<&'static Disconnected>,
    /// Players with a connection after the last tick.
    pub connected: usize,
}

/// Components of a player that a checkpoint holds.
type Saved = (
    &'static Card,
    &'static Body,
    &'static Steering,
    &'static Disconnected,
    &'static Blocked,
);

impl AwakeSpace {
    /// A space with this layout and no players.
    pub fn new(layout: &SpaceLayout, rate: TickRate) -> Self {
        let mut builder = SpaceBuilder::new(rate);
        roster::plugin(&mut builder);
        presence::plugin(&mut builder);
        arrival::plugin(&mut builder, layout);
        elements::plugin(&mut builder, layout);
        zones::plugin(&mut builder, layout);
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
        } = builder;
        Self {
            visible: world.query(),
            saved: world.query(),
            vanished: world.query(),
            connected: 0,
            world,
            copiers,
            schedule: tick,
        }
    }

    /// Tiles searched for paths in the last tick.
    pub fn searched(&self) -> usize {
        self.world.resource::<PathSearch>().spent()
    }

    /// Restores a space: elements come from the layout, players from the checkpoint. All players
    /// count as disconnected until they join again. A player who would stand in something solid is
    /// moved out of it.
    pub fn restore(layout: &SpaceLayout, rate: TickRate, checkpoint: &Checkpoint) -> Self {
        let mut awake = Self::new(layout, rate);
        let world = &mut awake.world;
        world.insert_resource(checkpoint.tick);
        let skipped = checkpoint.remembered.len().saturating_sub(REMEMBERED);
        world.resource_mut::<Remembered>().0 = checkpoint
            .remembered
            .iter()
            .skip(skipped)
            .copied()
            .collect();
        let skipped = checkpoint.history.len().saturating_sub(HISTORY);
        world.resource_mut::<History>().0 =
            checkpoint.history.iter().skip(skipped).cloned().collect();
        for player in &checkpoint.players {
            admit_saved(world, rate, checkpoint.tick, player);
        }
        let mut roster = world.resource_mut::<Roster>();
        roster.next = roster.next.max(checkpoint.next_player);
        let mut zones = world.resource_mut::<Zones>();
        for (zone, admitted) in &checkpoint.locked {
            zones.lock_again(*zone, admitted.iter().copied());
        }
        // Peers follow from the positions. A client that follows the space starts with them, so
        // they are not stated as changes.
        let connected = world.run_system_cached(proximity::connect);
        debug_assert!(connected.is_ok(), "a system of plain resources always runs");
        world.resource_mut::<Outbox>().0.facts.clear();
        awake
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
        let mut players: Vec<_> = self
            .visible
            .iter(&self.world)
            .map(|(card, body, motion, steering, walk)| {
                let (stance, own) = publish::observe(card, body, *motion, steering, walk);
                (card.clone(), stance, own)
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
            areas: self.world.resource::<Zones>().states(),
            bubbles: self.world.resource::<Proximity>().bubbles(),
        }
    }

    /// Everything that must outlive this process.
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
            tick: *self.world.resource::<Tick>(),
            next_player: self.world.resource::<Roster>().next,
            players,
            remembered: self
                .world
                .resource::<Remembered>()
                .0
                .iter()
                .copied()
                .collect(),
            history: self.world.resource::<History>().0.iter().cloned().collect(),
            locked: self.world.resource::<Zones>().locked().collect(),
        }
    }
}

fn admit_saved(world: &mut World, rate: TickRate, now: Tick, saved: &SavedPlayer) {
    let mut body = saved.body;
    if !movement::is_free(world.resource::<Grid>(), body.position) {
        let map = world.resource::<Proximity>().map_ground().clone();
        body = Body {
            facing: body.facing,
            ..Body::at(home::restored(
                world,
                &map,
                saved.card.player,
                body.position,
            ))
        };
    }
    // The tick rate may differ from the one when the carry was saved.
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
        ProximitySlot::default()
    } else {
        ProximitySlot::expected(now, rate)
    };
    let blocked = Blocked(saved.blocked.iter().copied().collect());
    let entity = presence::admit(
        world,
        saved.card.clone(),
        body,
        steering,
        Disconnected(Some(now)),
        ear,
        blocked,
    );
    if let Some(entity) = entity {
        mark_published(world, entity);
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
