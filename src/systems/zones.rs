//! Zones: private zones with locks and limits, and portals. `proximity` handles what zones do to
//! voices.
//!
//! A private zone is closed while it is locked or full. No player can enter a closed zone from
//! outside; players inside stay, and leave when they like. `docs/movement.md` states the rule for
//! clients that predict.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;

use super::following::Following;
use super::roster::{self, Roster};
use super::scatter::{clipped, scattered};
use super::{Outbox, SimulateSystems, SpaceBuilder, blocked, deny, movement};
use crate::components::denial::Denial;
use crate::components::direction::Motion;
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::layout::SpaceLayout;
use crate::components::player::{Body, Card};
use crate::components::steering::Steering;
use crate::components::tile_rect::TileRect;
use crate::components::unit::{Tick, TickRate, Tile};
use crate::components::walking::Walk;
use crate::components::zone::{
    MOST_IN_AREA, PortalTarget, PrivateZoneState, Zone, ZoneCommand, ZoneFact, ZoneKind,
    ZoneOccupancy,
};

/// Most stages of one map that are heard.
pub const MOST_STAGES: usize = 64;

/// Seconds between two knocks of a player at the same zone.
const KNOCK_AGAIN: u64 = 2;

/// Zones of a space, and the state of its private zones.
#[derive(Debug, Clone, Default, Resource)]
pub struct Zones {
    all: Vec<Zone>,
    private_areas: Vec<PrivateArea>,
    stages: Vec<StageZone>,
    has_closed: bool,
}

/// A private zone.
#[derive(Debug, Clone)]
struct PrivateArea {
    zone: u16,
    area: TileRect,
    cap: u16,
    locked: bool,
    locked_by: Option<PlayerId>,
    people: u16,
    admitted: BTreeSet<PlayerId>,
    knocked: BTreeMap<PlayerId, Tick>,
    shown: PrivateZoneState,
    shown_at: Tick,
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
    pub area: Option<u16>,
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
        (step_through_portals, publish_areas)
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
            .private_areas
            .iter_mut()
            .filter(|private| private.people == 0)
            .for_each(PrivateArea::open);
        zones.update_closed();
        let now = *world.resource::<Tick>();
        // Numbers may mean other zones than before, so every state is published.
        for private in &mut zones.private_areas {
            private.shown = private.state();
            private.shown_at = now;
            world
                .resource_mut::<Outbox>()
                .0
                .facts
                .push(Fact::Zone(ZoneFact::Changed(private.shown)));
        }
    });
}

impl Zones {
    /// Locks the private zones that were locked under the same name.
    fn keep_locks(&mut self, before: &Self) {
        let mut known: Vec<&PrivateArea> = before.private_areas.iter().collect();
        for private in &mut self.private_areas {
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
        let private_areas = zones
            .iter()
            .zip(0..)
            .filter(|(zone, _)| zone.kind == ZoneKind::Private);
        let stages = zones.iter().filter(|zone| zone.kind == ZoneKind::Stage);
        Self {
            private_areas: private_areas
                .map(|(zone, number)| PrivateArea::new(zone, number))
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
            area: self.area_at(tile),
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
    pub fn area_at(&self, tile: Tile) -> Option<u16> {
        let private = self
            .private_areas
            .iter()
            .find(|private| private.area.contains(tile))?;
        Some(private.zone)
    }

    /// Whether the map has no private zones and no portals.
    pub fn is_plain(&self) -> bool {
        self.private_areas.is_empty() && self.all.iter().all(|zone| zone.kind != ZoneKind::Portal)
    }

    /// States of all private zones that are occupied or locked.
    pub fn states(&self) -> Vec<PrivateZoneState> {
        let states = self.private_areas.iter().map(PrivateArea::state);
        states
            .filter(|state| state.locked || state.people > 0)
            .collect()
    }

    /// Locked zones, and the players who may enter them anyway.
    pub fn locked(&self) -> impl Iterator<Item = (u16, Vec<PlayerId>)> {
        let locked = self.private_areas.iter().filter(|private| private.locked);
        locked.map(|private| (private.zone, private.admitted.iter().copied().collect()))
    }

    /// Locks a zone again, if it is private and occupied.
    pub fn lock_again(&mut self, zone: u16, admitted: impl IntoIterator<Item = PlayerId>) {
        if let Some(private) = self.private_area(zone).filter(|private| private.people > 0) {
            private.locked = true;
            private.admitted.extend(admitted);
        }
        self.update_closed();
    }

    /// Whether the current state of all private zones was published.
    pub fn is_told(&self) -> bool {
        self.private_areas
            .iter()
            .all(|private| private.shown == private.state())
    }

    /// Whether a player may move from one tile onto the other.
    pub fn lets_through(&self, player: PlayerId, from: Tile, to: Tile) -> bool {
        if !self.has_closed || from == to {
            return true;
        }
        match self.area_at(to) {
            Some(zone) if self.area_at(from) != Some(zone) => !self.is_closed_to(player, zone),
            _ => true,
        }
    }

    /// Whether a private zone is closed to a player outside.
    pub fn is_closed_to(&self, player: PlayerId, zone: u16) -> bool {
        let private = self
            .private_areas
            .iter()
            .find(|private| private.zone == zone);
        private.is_some_and(|private| private.is_closed_to(player))
    }

    /// Grid on which a player who stands there may walk: zones closed to them are solid.
    pub fn ground_for<'a>(&self, grid: &'a Grid, player: PlayerId, from: Tile) -> Cow<'a, Grid> {
        if !self.has_closed {
            return Cow::Borrowed(grid);
        }
        let inside = self.area_at(from);
        let mut ground = Cow::Borrowed(grid);
        for private in &self.private_areas {
            if inside == Some(private.zone) || !private.is_closed_to(player) {
                continue;
            }
            for tile in private
                .area
                .tiles()
                .filter(|tile| self.area_at(*tile) == Some(private.zone))
            {
                ground.to_mut().block(tile);
            }
        }
        ground
    }

    /// Updates private zones and portals after a player moved to this tile.
    pub fn move_to(&mut self, player: PlayerId, occupancy: &mut ZoneOccupancy, tile: Tile) {
        let area = self.area_at(tile);
        let before = std::mem::replace(&mut occupancy.area, area);
        if before == area {
            return;
        }
        if let Some(private) = before.and_then(|zone| self.private_area(zone)) {
            private.lose();
        }
        if let Some(private) = area.and_then(|zone| self.private_area(zone)) {
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
        self.all.iter().position(is_here).map(|index| index as u16)
    }

    fn private_area(&mut self, zone: u16) -> Option<&mut PrivateArea> {
        self.private_areas
            .iter_mut()
            .find(|private| private.zone == zone)
    }

    fn update_closed(&mut self) {
        self.has_closed = self
            .private_areas
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

impl PrivateArea {
    fn new(zone: &Zone, number: u16) -> Self {
        let cap = zone.cap.unwrap_or(MOST_IN_AREA).clamp(1, MOST_IN_AREA);
        Self {
            zone: number,
            area: zone.area,
            cap,
            locked: false,
            locked_by: None,
            people: 0,
            admitted: BTreeSet::new(),
            knocked: BTreeMap::new(),
            shown: PrivateZoneState {
                zone: number,
                locked: false,
                people: 0,
                cap,
                locked_by: None,
            },
            shown_at: Tick(0),
        }
    }

    const fn state(&self) -> PrivateZoneState {
        PrivateZoneState {
            zone: self.zone,
            locked: self.locked,
            people: self.people,
            cap: self.cap,
            locked_by: self.locked_by,
        }
    }

    fn is_closed_to(&self, player: PlayerId) -> bool {
        self.state().is_full() || self.locked && !self.admitted.contains(&player)
    }

    /// One player leaves. The lock opens when the last one does.
    fn lose(&mut self) {
        self.people = self.people.saturating_sub(1);
        if self.people == 0 {
            self.open();
        }
    }

    fn open(&mut self) {
        self.locked = false;
        self.locked_by = None;
        self.admitted.clear();
        self.knocked.clear();
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
    if let Some(private) = occupancy.area.and_then(|zone| zones.private_area(zone)) {
        private.lose();
    }
    for private in &mut zones.private_areas {
        private.admitted.remove(&player);
        private.knocked.remove(&player);
    }
    zones.update_closed();
}

/// Carries out a request about private zones.
pub(super) fn apply(world: &mut World, command: ZoneCommand) {
    match command {
        ZoneCommand::Lock {
            player,
            zone,
            locked,
        } => lock(world, player, zone, locked),
        ZoneCommand::Knock { player, zone } => knock(world, player, zone),
    }
}

fn lock(world: &mut World, player: PlayerId, zone: u16, locked: bool) {
    if area_of(world, player) != Some(zone) {
        return deny(world, player, Denial::NotInside);
    }
    let mut zones = world.resource_mut::<Zones>();
    if let Some(private) = zones.private_area(zone) {
        if locked {
            private.locked = true;
            private.locked_by = Some(player);
        } else {
            private.open();
        }
    }
    zones.update_closed();
}

fn knock(world: &mut World, player: PlayerId, zone: u16) {
    if roster::entity(world, player).is_none() || area_of(world, player) == Some(zone) {
        return;
    }
    let now = *world.resource::<Tick>();
    let patience = KNOCK_AGAIN * u64::from(world.resource::<TickRate>().per_second());
    let mut zones = world.resource_mut::<Zones>();
    let Some(private) = zones
        .private_area(zone)
        .filter(|private| private.is_closed_to(player))
    else {
        return;
    };
    let heard = private.knocked.get(&player);
    if heard.is_some_and(|heard| now.0 < heard.0 + patience) {
        return;
    }
    private.knocked.insert(player, now);
    let mut to = people_in(world, zone);
    to.retain(|inside| !blocked::has_blocked(world, *inside, player));
    publish(world, Fact::Zone(ZoneFact::Knocked { player, zone, to }));
}

pub(super) fn admit(world: &mut World, player: PlayerId, guest: PlayerId) {
    let Some(zone) = area_of(world, player) else {
        return deny(world, player, Denial::NotInside);
    };
    if roster::entity(world, guest).is_none() {
        return deny(world, player, Denial::NotHere);
    }
    if area_of(world, guest) == Some(zone) {
        return;
    }
    let mut zones = world.resource_mut::<Zones>();
    let Some(private) = zones.private_area(zone) else {
        return;
    };
    let has_knocked = private.knocked.remove(&guest).is_some();
    if private.locked {
        private.admitted.insert(guest);
    }
    // Only a player who asked is told, once, and not by someone they blocked.
    if has_knocked && !blocked::has_blocked(world, guest, player) {
        let player = guest;
        publish(world, Fact::Zone(ZoneFact::Admitted { player, zone }));
    }
}

/// Whether a player who arrives may stand on the tile.
pub(super) fn is_open(world: &World, player: PlayerId, tile: Tile) -> bool {
    let zones = world.resource::<Zones>();
    let is_closed = zones
        .area_at(tile)
        .is_some_and(|zone| zones.is_closed_to(player, zone));
    world.resource::<Grid>().is_walkable(tile) && !is_closed
}

/// Private zone in which a player stands.
pub(super) fn area_of(world: &World, player: PlayerId) -> Option<u16> {
    world
        .get::<ZoneOccupancy>(roster::entity(world, player)?)?
        .area
}

fn people_in(world: &World, zone: u16) -> Vec<PlayerId> {
    let entities = world.resource::<Roster>().entities();
    let inside = entities.filter(|entity| {
        let occupancy = world.get::<ZoneOccupancy>(*entity);
        occupancy.is_some_and(|occupancy| occupancy.area == Some(zone))
    });
    inside
        .filter_map(|entity| world.get::<Card>(entity).map(|card| card.player))
        .collect()
}

fn publish(world: &mut World, fact: Fact) {
    world.resource_mut::<Outbox>().0.facts.push(fact);
}

type Steps<'a> = (
    &'a Card,
    &'a mut Body,
    &'a mut Motion,
    &'a mut Steering,
    &'a mut Walk,
    &'a mut ZoneOccupancy,
);

/// Moves players who came onto a portal to its other end. Arriving on a portal is not a step onto
/// it.
fn step_through_portals(
    grid: Res<Grid>,
    roster: Res<Roster>,
    following: Res<Following>,
    mut zones: ResMut<Zones>,
    mut outbox: ResMut<Outbox>,
    mut players: Query<Steps>,
) {
    if zones.is_plain() {
        return;
    }
    let mut stepped = Vec::new();
    for (card, body, _, _, _, mut occupancy) in &mut players {
        let tile = body.position.tile();
        zones.move_to(card.player, &mut occupancy, tile);
        let portal = zones.portal_at(tile);
        if std::mem::replace(&mut occupancy.portal, portal) != portal
            && let Some(portal) = portal
        {
            stepped.push((card.player, portal));
        }
    }
    stepped.sort_unstable();
    following.add_followers(&mut stepped);
    for (player, portal) in stepped {
        let Some(PortalTarget { space, zone }) = zones
            .all
            .get(usize::from(portal))
            .and_then(|zone| zone.target.clone())
        else {
            continue;
        };
        if let Some(space) = space {
            let arrive = zone;
            outbox.0.facts.push(Fact::Zone(ZoneFact::TookPortal {
                player,
                space,
                arrive,
            }));
            continue;
        }
        let Some(entity) = roster.entity(player) else {
            continue;
        };
        let Ok((_, mut body, mut motion, mut steering, mut walk, mut occupancy)) =
            players.get_mut(entity)
        else {
            continue;
        };
        let Some(tile) = zones.exit_of(&grid, player, &zone) else {
            continue;
        };
        *body = Body {
            facing: body.facing,
            ..Body::at(tile.middle())
        };
        *motion = Motion::Standing;
        steering.give_up();
        walk.end();
        zones.move_to(player, &mut occupancy, tile);
        occupancy.portal = zones.portal_at(tile);
    }
}

impl Zones {
    /// Tile at the other end of a portal, another one for each player. `None` when there is no room
    /// or it is closed.
    fn exit_of(&self, grid: &Grid, player: PlayerId, name: &str) -> Option<Tile> {
        let end = self.all.iter().find(|zone| zone.name == name)?;
        let is_open = |tile: &Tile| {
            grid.is_walkable(*tile)
                && self
                    .area_at(*tile)
                    .is_none_or(|zone| !self.is_closed_to(player, zone))
        };
        let tiles: Vec<Tile> = clipped(grid, end.area).tiles().filter(is_open).collect();
        scattered(&tiles, &BTreeSet::new(), player)
    }
}

/// Publishes states of private zones: at once when one opens or closes, otherwise once a second.
fn publish_areas(
    now: Res<Tick>,
    rate: Res<TickRate>,
    mut zones: ResMut<Zones>,
    mut outbox: ResMut<Outbox>,
) {
    for private in &mut zones.private_areas {
        let state = private.state();
        if state == private.shown {
            continue;
        }
        let is_due = now.0 >= private.shown_at.0 + u64::from(rate.per_second());
        if state.locked != private.shown.locked
            || state.is_closed() != private.shown.is_closed()
            || is_due
        {
            private.shown = state;
            private.shown_at = *now;
            outbox.0.facts.push(Fact::Zone(ZoneFact::Changed(state)));
        }
    }
}
