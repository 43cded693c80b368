//! Zones: private zones with locks and limits, and portals. `proximity` handles what zones do to
//! voices.
//!
//! A private zone is closed while it is locked or full. No player can enter a closed zone from
//! outside; players inside stay, and leave when they like. `docs/movement.md` states the rule for
//! clients that predict.

mod portals;
mod private;

use std::borrow::Cow;

use bevy_ecs::prelude::*;

use self::private::PrivateZone;
pub(super) use self::private::{admit, apply};
use super::roster::{self, Roster};
use super::{SimulateSystems, SpaceBuilder, movement, tell};
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::layout::SpaceLayout;
use crate::components::player::{Body, Card};
use crate::components::tile_rect::TileRect;
use crate::components::unit::{Tick, Tile};
use crate::components::zone::{PrivateZoneState, Zone, ZoneFact, ZoneKind, ZoneOccupancy};

/// Most stages of one map that are heard.
pub const MOST_STAGES: usize = 64;

/// Zones of a space, and the state of its private zones.
#[derive(Debug, Clone, Default, Resource)]
pub struct Zones {
    all: Vec<Zone>,
    private: Vec<PrivateZone>,
    stages: Vec<StageZone>,
    has_closed: bool,
}

/// A stage and its audience zones.
#[derive(Debug, Clone)]
struct StageZone {
    area: TileRect,
    /// Empty for the whole space.
    audience: Vec<TileRect>,
}

/// Effect of the zones at one tile on voices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sound {
    /// Whether players there do not hear and are not heard.
    pub is_silent: bool,
    /// Number of the private zone.
    pub private_zone: Option<u16>,
    /// Stages the tile is on, one bit each.
    pub stages: u64,
    /// Stages heard there, one bit each.
    pub listens: u64,
    /// Range of voices in tiles; `None` for that of the space.
    pub reach: Option<u8>,
}

/// Adds the layout's zones, and the systems that track players in them.
pub fn plugin(space: &mut SpaceBuilder, layout: &SpaceLayout) {
    space.add(Zones::new(&layout.zones));
    space.tick.add_systems(
        (portals::step_through, private::publish_states)
            .chain()
            .in_set(SimulateSystems::Settle),
    );
}

/// Replaces the zones by those of this layout. Private zones keep their lock when one of the same
/// name remains.
pub(super) fn replace(world: &mut World, layout: &SpaceLayout) {
    let entities: Vec<Entity> = world.resource::<Roster>().entities().collect();
    world.resource_scope(|world, mut zones: Mut<Zones>| {
        let before = std::mem::replace(&mut *zones, Zones::new(&layout.zones));
        zones.keep_locks(&before);
        for entity in entities {
            let Some((card, body)) = world.get::<Card>(entity).zip(world.get::<Body>(entity))
            else {
                continue;
            };
            // A player who stands on a new portal did not step onto it.
            let here = enter_zones(&mut zones, card.player, body.position.tile());
            world.entity_mut(entity).insert(here);
        }
        zones
            .private
            .iter_mut()
            .filter(|private| private.people == 0)
            .for_each(PrivateZone::open);
        zones.update_closed();
        let now = *world.resource::<Tick>();
        // Numbers may mean other zones than before, so every state is published.
        for private in &mut zones.private {
            private.shown = private.state();
            private.shown_at = now;
            tell(world, Fact::Zone(ZoneFact::Changed(private.shown)));
        }
    });
}

impl Zones {
    /// Locks the private zones that were locked under the same name.
    fn keep_locks(&mut self, before: &Self) {
        let mut known: Vec<&PrivateZone> = before.private.iter().collect();
        for private in &mut self.private {
            let name = |zones: &[Zone], zone: u16| {
                zones.get(usize::from(zone)).map(|zone| zone.name.clone())
            };
            let same = known
                .iter()
                .position(|old| name(&before.all, old.zone) == name(&self.all, private.zone));
            if let Some(old) = same.map(|index| known.remove(index)) {
                (private.locked, private.locked_by) = (old.locked, old.locked_by);
                private.admitted.clone_from(&old.admitted);
                private.knocked.clone_from(&old.knocked);
            }
        }
    }

    /// Whether any private zone is closed.
    pub const fn has_closed(&self) -> bool {
        self.has_closed
    }

    /// Whether a tile is in a spawn zone or on a portal.
    pub fn leads_out_at(&self, tile: Tile) -> bool {
        let leads_out = |kind| matches!(kind, ZoneKind::Spawn | ZoneKind::Portal);
        let mut zones = self.all.iter();
        zones.any(|zone| leads_out(zone.kind) && zone.area.contains(tile))
    }

    fn new(zones: &[Zone]) -> Self {
        let private = zones
            .iter()
            .zip(0..)
            .filter(|(zone, _)| zone.kind == ZoneKind::Private);
        let stages = zones.iter().filter(|zone| zone.kind == ZoneKind::Stage);
        Self {
            private: private
                .map(|(zone, number)| PrivateZone::new(zone, number))
                .collect(),
            stages: stages
                .take(MOST_STAGES)
                .map(|stage| {
                    let is_audience = |zone: &&Zone| stage.audience.contains(&zone.name);
                    StageZone {
                        area: stage.area,
                        audience: zones
                            .iter()
                            .filter(is_audience)
                            .map(|zone| zone.area)
                            .collect(),
                    }
                })
                .collect(),
            all: zones.to_vec(),
            has_closed: false,
        }
    }

    /// Effect of the zones at a tile on voices.
    pub fn sound_at(&self, tile: Tile) -> Sound {
        let first = |kind| {
            let mut zones = self.all.iter();
            zones.find(|zone| zone.kind == kind && zone.area.contains(tile))
        };
        let mut sound = Sound {
            is_silent: first(ZoneKind::Silent).is_some(),
            private_zone: self.private_zone_at(tile),
            reach: first(ZoneKind::Voices).and_then(|zone| zone.reach),
            ..Sound::default()
        };
        for (stage, index) in self.stages.iter().zip(0..) {
            let is_on = stage.area.contains(tile);
            let hears = is_on
                || stage.audience.is_empty()
                || stage.audience.iter().any(|area| area.contains(tile));
            sound.stages |= u64::from(is_on) << index;
            sound.listens |= u64::from(hears) << index;
        }
        sound
    }

    /// Private zone at a tile: the first of several.
    pub fn private_zone_at(&self, tile: Tile) -> Option<u16> {
        let private = self
            .private
            .iter()
            .find(|private| private.area.contains(tile))?;
        Some(private.zone)
    }

    /// Whether the map has no private zones and no portals.
    pub fn is_plain(&self) -> bool {
        self.private.is_empty() && self.all.iter().all(|zone| zone.kind != ZoneKind::Portal)
    }

    /// States of all private zones that are occupied or locked.
    pub fn states(&self) -> Vec<PrivateZoneState> {
        let states = self.private.iter().map(PrivateZone::state);
        states
            .filter(|state| state.locked || state.people > 0)
            .collect()
    }

    /// Locked zones, and the players who may enter them anyway.
    pub fn locked(&self) -> impl Iterator<Item = (u16, Vec<PlayerId>)> {
        let locked = self.private.iter().filter(|private| private.locked);
        locked.map(|private| (private.zone, private.admitted.iter().copied().collect()))
    }

    /// Locks a zone again, if it is private and occupied.
    pub fn lock_again(&mut self, zone: u16, admitted: impl IntoIterator<Item = PlayerId>) {
        if let Some(private) = self.private_zone(zone).filter(|private| private.people > 0) {
            private.locked = true;
            private.admitted.extend(admitted);
        }
        self.update_closed();
    }

    /// Whether the current state of all private zones was published.
    pub fn is_told(&self) -> bool {
        self.private
            .iter()
            .all(|private| private.shown == private.state())
    }

    /// Whether a player may move from one tile onto the other.
    pub fn lets_through(&self, player: PlayerId, from: Tile, to: Tile) -> bool {
        if !self.has_closed || from == to {
            return true;
        }
        match self.private_zone_at(to) {
            Some(zone) if self.private_zone_at(from) != Some(zone) => {
                !self.is_closed_to(player, zone)
            }
            _ => true,
        }
    }

    /// Whether a private zone is closed to a player outside.
    pub fn is_closed_to(&self, player: PlayerId, zone: u16) -> bool {
        let private = self.private.iter().find(|private| private.zone == zone);
        private.is_some_and(|private| private.is_closed_to(player))
    }

    /// Whether a player who arrives may stand on the tile, as far as zones are concerned.
    pub fn is_open_to(&self, player: PlayerId, tile: Tile) -> bool {
        self.private_zone_at(tile)
            .is_none_or(|zone| !self.is_closed_to(player, zone))
    }

    /// Grid on which a player who stands there may walk: zones closed to them are solid.
    pub fn ground_for<'a>(&self, grid: &'a Grid, player: PlayerId, from: Tile) -> Cow<'a, Grid> {
        if !self.has_closed {
            return Cow::Borrowed(grid);
        }
        let inside = self.private_zone_at(from);
        let mut ground = Cow::Borrowed(grid);
        for private in &self.private {
            if inside == Some(private.zone) || !private.is_closed_to(player) {
                continue;
            }
            for tile in private
                .area
                .tiles()
                .filter(|tile| self.private_zone_at(*tile) == Some(private.zone))
            {
                ground.to_mut().block(tile);
            }
        }
        ground
    }

    /// Updates private zones and portals after a player moved to this tile.
    pub fn move_to(&mut self, player: PlayerId, occupancy: &mut ZoneOccupancy, tile: Tile) {
        let after = self.private_zone_at(tile);
        let before = std::mem::replace(&mut occupancy.private_zone, after);
        if before == after {
            return;
        }
        if let Some(private) = before.and_then(|zone| self.private_zone(zone)) {
            private.lose();
        }
        if let Some(private) = after.and_then(|zone| self.private_zone(zone)) {
            private.people = private.people.saturating_add(1);
            // An admission counts once.
            private.admitted.remove(&player);
            private.knocked.remove(&player);
        }
        self.update_closed();
    }

    /// Portal at a tile.
    pub fn portal_at(&self, tile: Tile) -> Option<u16> {
        let is_here = |zone: &Zone| zone.kind == ZoneKind::Portal && zone.area.contains(tile);
        let index = self.all.iter().position(is_here)?;
        u16::try_from(index).ok()
    }

    fn private_zone(&mut self, zone: u16) -> Option<&mut PrivateZone> {
        self.private.iter_mut().find(|private| private.zone == zone)
    }

    fn update_closed(&mut self) {
        self.has_closed = self
            .private
            .iter()
            .any(|private| private.state().is_closed());
    }

    /// Area of the first zone of that name in which players may arrive from elsewhere.
    pub fn arrival(&self, name: &str) -> Option<TileRect> {
        let may_arrive = |zone: &&Zone| matches!(zone.kind, ZoneKind::Spawn | ZoneKind::Portal);
        let mut zones = self.all.iter().filter(may_arrive);
        zones.find(|zone| zone.name == name).map(|zone| zone.area)
    }
}

/// Closed zones of a space, as barriers for one of its players.
pub(super) struct Doors<'a> {
    zones: &'a Zones,
    player: PlayerId,
}

impl<'a> Doors<'a> {
    /// Barriers for that player.
    pub const fn of(zones: &'a Zones, player: PlayerId) -> Self {
        Self { zones, player }
    }
}

impl movement::Barriers for Doors<'_> {
    fn let_through(&self, from: Tile, to: Tile) -> bool {
        self.zones.lets_through(self.player, from, to)
    }
}

/// Occupancy of a player who just arrived.
pub(super) fn enter_zones(zones: &mut Zones, player: PlayerId, tile: Tile) -> ZoneOccupancy {
    let mut occupancy = ZoneOccupancy::default();
    zones.move_to(player, &mut occupancy, tile);
    occupancy.portal = zones.portal_at(tile);
    occupancy
}

/// Removes a player who left.
pub(super) fn forget(world: &mut World, player: PlayerId, occupancy: ZoneOccupancy) {
    let mut zones = world.resource_mut::<Zones>();
    if let Some(private) = occupancy
        .private_zone
        .and_then(|zone| zones.private_zone(zone))
    {
        private.lose();
    }
    for private in &mut zones.private {
        private.admitted.remove(&player);
        private.knocked.remove(&player);
    }
    zones.update_closed();
}

/// Whether a player who arrives may stand on the tile.
pub(super) fn is_open(world: &World, player: PlayerId, tile: Tile) -> bool {
    let (grid, zones) = (world.resource::<Grid>(), world.resource::<Zones>());
    grid.is_walkable(tile) && zones.is_open_to(player, tile)
}

/// Private zone in which a player stands.
pub(super) fn private_zone_of(world: &World, player: PlayerId) -> Option<u16> {
    world
        .get::<ZoneOccupancy>(roster::entity(world, player)?)?
        .private_zone
}
