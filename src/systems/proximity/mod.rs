//! Proximity: which players hear and see each other, by their positions and the zones they stand
//! in.
//!
//! The rules and their numbers are in `docs/proximity.md`. [`field`] handles distance, [`people`]
//! zones, [`peers`] what follows for each player, and [`routes`] who needs the SFU. Clients send
//! the audio and video.

mod blocks;
mod bubbles;
mod field;
mod joining;
mod peers;
mod people;
mod routes;
mod sight;
mod signals;
mod silence;
mod slot;
mod stages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;

pub(super) use self::blocks::{block, block_only};
use self::bubbles::Bubbles;
pub use self::field::{Field, Rules};
pub(super) use self::joining::{admit, bubble};
pub use self::peers::Peers;
pub use self::people::ProximitySlot;
use self::people::{CallPreference, People};
pub use self::routes::ForwardedBy;
pub(super) use self::signals::signal;
use self::slot::PersonSlot;
use super::blocked::Blocked;
use super::zones::Zones;
use super::{Outbox, SimulateSystems, SpaceBuilder};
use crate::components::bubble::{BubbleFact, BubbleState};
use crate::components::direction::Motion;
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::{PlayerId, UserId};
use crate::components::layout::SpaceLayout;
use crate::components::peers::{
    ProximityCommand, ProximityFact, ProximityRules, SfuEndpoint, Silence,
};
use crate::components::player::{Body, Card};
use crate::components::presence::Disconnected;
use crate::components::status::Status;
use crate::components::unit::{Tick, TickRate};

/// Proximity state that is kept from tick to tick.
#[derive(Debug, Clone, Resource)]
pub struct Proximity {
    // Boxed because it is large: the world reserves space for 64 of each resource.
    field: Box<Field>,
    /// Tiles blocked by the map. Placed elements do not count: people talk across desks.
    blocked: Grid,
    /// Whether blocked tiles stop voices when the rules follow the map.
    has_walls: bool,
    people: People,
    /// Slots in each occupied private zone.
    private_zones: BTreeMap<u16, BTreeSet<PersonSlot>>,
    /// Slots on each stage, in order of arrival.
    stages: BTreeMap<u8, Vec<PersonSlot>>,
    bubbles: Box<Bubbles>,
    dirty: BTreeSet<PersonSlot>,
    /// Slots that use the SFU.
    forwarded: BTreeSet<PersonSlot>,
    /// Users blocked by each user.
    blocks: BTreeMap<UserId, BTreeSet<UserId>>,
    /// Users that moderators muted.
    silenced: BTreeMap<UserId, Silence>,
}

/// Adds the table of peers and the system that updates it.
pub fn plugin(space: &mut SpaceBuilder, layout: &SpaceLayout) {
    let rate = *space.world.resource::<TickRate>();
    let grid = space.world.resource::<Grid>();
    let mut blocked = Grid::open(grid.width(), grid.height());
    for tile in &layout.blocked {
        blocked.block(*tile);
    }
    let mut field = Field::new(
        grid.width(),
        grid.height(),
        Rules::at(rate, layout.proximity),
    );
    field.walls = layout
        .proximity
        .walls_block
        .unwrap_or(layout.has_walls)
        .then(|| blocked.clone());
    space.add(Proximity {
        field: Box::new(field),
        blocked,
        has_walls: layout.has_walls,
        people: People::default(),
        private_zones: BTreeMap::new(),
        stages: BTreeMap::new(),
        bubbles: Box::default(),
        dirty: BTreeSet::new(),
        forwarded: BTreeSet::new(),
        blocks: BTreeMap::new(),
        silenced: BTreeMap::new(),
    });
    space.add(Peers::default());
    space.add(ForwardedBy::default());
    space
        .tick
        .add_systems(connect.in_set(SimulateSystems::Connect));
}

/// Carries out a request about the proximity rules.
pub(super) fn apply(world: &mut World, command: ProximityCommand) {
    match command {
        ProximityCommand::SetRules { rules } => set_rules(world, rules),
        ProximityCommand::Silence { silenced } => silence::set(world, silenced),
    }
}

/// Sets the proximity rules of the space.
fn set_rules(world: &mut World, rules: ProximityRules) {
    let now = *world.resource::<Tick>();
    let mut proximity = world.resource_mut::<Proximity>();
    if proximity.field.proximity_rules() != rules {
        let has_walls = proximity.set_rules(rules, now);
        let fact = Fact::Proximity(ProximityFact::RulesChanged { rules, has_walls });
        world.resource_mut::<Outbox>().0.facts.push(fact);
    }
}

/// Replaces zones and walls by those of this layout.
pub(super) fn replace(world: &mut World, layout: &SpaceLayout) {
    let now = *world.resource::<Tick>();
    let mut blocked = Grid::open(layout.width, layout.height);
    for tile in &layout.blocked {
        blocked.block(*tile);
    }
    let mut proximity = world.resource_mut::<Proximity>();
    let (rules, were_walls_up) = (
        proximity.field.proximity_rules(),
        proximity.field.walls.is_some(),
    );
    let has_walls = layout.proximity.walls_block.unwrap_or(layout.has_walls);
    let has_others = (were_walls_up || has_walls) && proximity.blocked != blocked;
    (proximity.blocked, proximity.has_walls) = (blocked, layout.has_walls);
    if rules != layout.proximity || were_walls_up != has_walls || has_others {
        proximity.set_rules(layout.proximity, now);
    }
    proximity.people.forget_tiles();
    proximity.mark_all_dirty();
    if rules != layout.proximity || were_walls_up != has_walls {
        let rules = layout.proximity;
        let fact = Fact::Proximity(ProximityFact::RulesChanged { rules, has_walls });
        world.resource_mut::<Outbox>().0.facts.push(fact);
    }
}

type ProximityQuery<'a> = (
    &'a Card,
    &'a Body,
    &'a Motion,
    &'a Disconnected,
    &'a Blocked,
    &'a mut ProximitySlot,
);

/// Updates positions and connections, and states whose peers changed.
pub fn connect(
    now: Res<Tick>,
    zones: Res<Zones>,
    forwarded_by: Res<ForwardedBy>,
    mut proximity: ResMut<Proximity>,
    mut peers: ResMut<Peers>,
    mut outbox: ResMut<Outbox>,
    mut players: Query<ProximityQuery>,
) {
    let mut resumed = Vec::new();
    for (card, body, motion, disconnected, blocked, mut proximity_slot) in &mut players {
        let slot = *proximity_slot
            .slot
            .get_or_insert_with(|| proximity.enroll(card, blocked));
        if std::mem::take(&mut proximity_slot.resumes) {
            resumed.push(slot);
        }
        let is_here = disconnected.0.is_none() || now.0 < proximity_slot.expected_until.0;
        let preference = match card.status {
            _ if !is_here => CallPreference::Nothing,
            Status::DoNotDisturb => CallPreference::Nothing,
            Status::Quiet => CallPreference::Quiet,
            Status::Available | Status::Busy | Status::Away => CallPreference::Everything,
        };
        proximity.set_position(slot, &zones, body, *motion, preference, *now);
    }
    proximity.remove_strays();
    for state in proximity.bubbles.take_changed() {
        outbox
            .0
            .facts
            .push(Fact::Bubble(BubbleFact::Changed(state)));
    }
    if !resumed.is_empty() {
        proximity.field.resume(resumed, now.0);
    }
    proximity.field.update(now.0);
    if proximity.dirty.is_empty() && !proximity.field.is_told(now.0) {
        return;
    }
    let dirty = proximity.field.take_dirty();
    proximity.dirty.extend(dirty);
    if proximity.dirty.is_empty() {
        return;
    }
    if forwarded_by.0 != SfuEndpoint::Nobody {
        proximity.find_routes();
    }
    proximity.publish(&mut peers, &mut outbox);
}

impl Proximity {
    /// Recomputes the peers of all players in the next tick.
    pub fn mark_all_dirty(&mut self) {
        self.dirty.extend(self.people.iter().map(|(slot, _)| slot));
    }

    /// Sets the rules. Returns whether walls stop voices now.
    fn set_rules(&mut self, rules: ProximityRules, now: Tick) -> bool {
        let has_walls = rules.walls_block.unwrap_or(self.has_walls);
        let walls = has_walls.then(|| self.blocked.clone());
        self.field.set_rules(rules, walls, now.0);
        has_walls
    }

    /// Tiles blocked by the map itself.
    pub const fn map_ground(&self) -> &Grid {
        &self.blocked
    }

    /// Whether any player uses the SFU.
    pub fn is_forwarding(&self) -> bool {
        !self.forwarded.is_empty()
    }

    /// Whether nothing will change until a player moves.
    pub fn is_settled(&self, now: Tick) -> bool {
        self.field.is_settled(now.0)
    }

    /// States of all bubbles.
    pub fn bubbles(&self) -> Vec<BubbleState> {
        self.bubbles.states()
    }
}

/// Removes a player and their connections.
pub(super) fn forget(world: &mut World, player: PlayerId) {
    let now = *world.resource::<Tick>();
    world.resource_mut::<Proximity>().forget(player, now);
    world.resource_mut::<Peers>().forget(player);
}
