//! Zones: private areas with locks and limits, and portals. What zones do to voices is the business
//! of `proximity`.
//!
//! A private area is closed while it is locked or full. Nobody's middle gets into a closed area
//! from outside; whoever is inside stays, and goes when they like. `docs/protocol.md` states the
//! rule for clients that predict.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;

use super::following::Following;
use super::presence::Roster;
use super::{Outbox, SimulateSystems, SpaceBuilder, arrival, movement, presence, proximity};
use crate::components::direction::Motion;
use crate::components::fact::{Denial, Fact};
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::layout::{SpaceLayout, TileRect};
use crate::components::player::{Body, Card};
use crate::components::steering::Steering;
use crate::components::unit::{Tick, TickRate, Tile};
use crate::components::walking::Walk;
use crate::components::zone::{
    MOST_IN_AREA, PortalTarget, PrivateZoneState, Zone, ZoneKind, ZoneOccupancy,
};

/// Stages of one map at most that are heard.
pub const MOST_STAGES: usize = 64;

/// Seconds until somebody's second knock at the same door is heard.
const KNOCK_AGAIN: u64 = 2;

/// The zones of a space, and how its private areas are.
#[derive(Debug, Clone, Default, Resource)]
pub struct Zones {
    all: Vec<Zone>,
    rooms: Vec<PrivateArea>,
    stages: Vec<StageZone>,
    has_closed: bool,
}

/// A private area.
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

/// A stage, and where it is heard.
#[derive(Debug, Clone)]
struct StageZone {
    area: TileRect,
    /// Empty for everywhere.
    audience: Vec<TileRect>,
}

/// What the zones at one place do to voices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sound {
    /// Whether nobody hears and nobody is heard.
    pub is_silent: bool,
    /// The private area.
    pub area: Option<u16>,
    /// Stages that it is on, a bit each.
    pub stages: u64,
    /// Stages that are heard, a bit each.
    pub listens: u64,
    /// How far voices carry, in tiles; as in the whole space when nothing.
    pub reach: Option<u8>,
}

/// Adds the plan's zones, and what watches who goes in and out.
pub fn plugin(space: &mut SpaceBuilder, plan: &SpaceLayout) {
    space.add(Zones::new(&plan.zones));
    space.tick.add_systems(
        (step_through_portals, tell_of_areas)
            .chain()
            .in_set(SimulateSystems::Settle),
    );
}

/// The zones are those of that plan from now on. Private areas of the same name stay locked as they
/// are.
pub(super) fn replace(world: &mut World, plan: &SpaceLayout) {
    let entities: Vec<Entity> = world.resource::<Roster>().entities().collect();
    world.resource_scope(|world, mut zones: Mut<Zones>| {
        let before = std::mem::replace(&mut *zones, Zones::new(&plan.zones));
        zones.keep_locks(&before);
        for entity in entities {
            let Some((card, body)) = world.get::<Card>(entity).zip(world.get::<Body>(entity))
            else {
                continue;
            };
            // Who stands on what is a portal now did not step onto it.
            let here = whereabouts(&mut zones, card.player, body.position.tile());
            world.entity_mut(entity).insert(here);
        }
        zones
            .rooms
            .iter_mut()
            .filter(|room| room.people == 0)
            .for_each(PrivateArea::open);
        zones.note_closed();
        let now = *world.resource::<Tick>();
        // Numbers may mean other zones than before: how each is now is told.
        for room in &mut zones.rooms {
            room.shown = room.state();
            room.shown_at = now;
            world
                .resource_mut::<Outbox>()
                .0
                .facts
                .push(Fact::ZoneChanged(room.shown));
        }
    });
}

impl Zones {
    /// Locks those private areas that were locked under the same name.
    fn keep_locks(&mut self, before: &Self) {
        let mut known: Vec<&PrivateArea> = before.rooms.iter().collect();
        for room in &mut self.rooms {
            let name = |zones: &[Zone], zone: u16| {
                zones.get(usize::from(zone)).map(|zone| zone.name.clone())
            };
            let same = known
                .iter()
                .position(|old| name(&before.all, old.zone) == name(&self.all, room.zone));
            if let Some(old) = same.map(|index| known.remove(index)) {
                (room.locked, room.locked_by) = (old.locked, old.locked_by);
                room.admitted.clone_from(&old.admitted);
                room.knocked.clone_from(&old.knocked);
            }
        }
    }

    /// Whether any area is closed to anyone.
    pub const fn has_closed(&self) -> bool {
        self.has_closed
    }

    /// Whether people arrive at a tile, or leave from it through a portal.
    pub fn leads_out_at(&self, tile: Tile) -> bool {
        let leads_out = |kind| matches!(kind, ZoneKind::Spawn | ZoneKind::Portal);
        let mut zones = self.all.iter();
        zones.any(|zone| leads_out(zone.kind) && zone.area.contains(tile))
    }

    fn new(zones: &[Zone]) -> Self {
        let rooms = zones
            .iter()
            .zip(0..)
            .filter(|(zone, _)| zone.kind == ZoneKind::Private);
        let stages = zones.iter().filter(|zone| zone.kind == ZoneKind::Stage);
        Self {
            rooms: rooms
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

    /// What the zones at a tile do to voices.
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

    /// The private area at a tile: the first of several.
    pub fn area_at(&self, tile: Tile) -> Option<u16> {
        let room = self.rooms.iter().find(|room| room.area.contains(tile))?;
        Some(room.zone)
    }

    /// Whether a map has private areas or portals at all.
    pub fn is_plain(&self) -> bool {
        self.rooms.is_empty() && self.all.iter().all(|zone| zone.kind != ZoneKind::Portal)
    }

    /// Every area in which somebody is, or that is locked.
    pub fn states(&self) -> Vec<PrivateZoneState> {
        let states = self.rooms.iter().map(PrivateArea::state);
        states
            .filter(|state| state.locked || state.people > 0)
            .collect()
    }

    /// Areas that are locked, and who may come in all the same.
    pub fn locked(&self) -> impl Iterator<Item = (u16, Vec<PlayerId>)> {
        let locked = self.rooms.iter().filter(|room| room.locked);
        locked.map(|room| (room.zone, room.admitted.iter().copied().collect()))
    }

    /// Locks an area as it was, if it is one.
    pub fn lock_again(&mut self, zone: u16, admitted: impl IntoIterator<Item = PlayerId>) {
        if let Some(room) = self.room(zone).filter(|room| room.people > 0) {
            room.locked = true;
            room.admitted.extend(admitted);
        }
        self.note_closed();
    }

    /// Whether everybody was told how the areas are.
    pub fn is_told(&self) -> bool {
        self.rooms.iter().all(|room| room.shown == room.state())
    }

    /// Whether somebody whose middle is on the one tile may step onto the other.
    pub fn lets_through(&self, player: PlayerId, from: Tile, to: Tile) -> bool {
        if !self.has_closed || from == to {
            return true;
        }
        match self.area_at(to) {
            Some(zone) if self.area_at(from) != Some(zone) => !self.is_closed_to(player, zone),
            _ => true,
        }
    }

    /// Whether an area keeps somebody out who stands outside.
    pub fn is_closed_to(&self, player: PlayerId, zone: u16) -> bool {
        let room = self.rooms.iter().find(|room| room.zone == zone);
        room.is_some_and(|room| room.is_closed_to(player))
    }

    /// The ground as somebody may walk on it who stands there: what is closed to them is solid.
    pub fn ground_for<'a>(&self, grid: &'a Grid, player: PlayerId, from: Tile) -> Cow<'a, Grid> {
        if !self.has_closed {
            return Cow::Borrowed(grid);
        }
        let inside = self.area_at(from);
        let mut ground = Cow::Borrowed(grid);
        for room in &self.rooms {
            if inside == Some(room.zone) || !room.is_closed_to(player) {
                continue;
            }
            for tile in room
                .area
                .tiles()
                .filter(|tile| self.area_at(*tile) == Some(room.zone))
            {
                ground.to_mut().block(tile);
            }
        }
        ground
    }

    /// Somebody's middle is on that tile now.
    pub fn note(&mut self, player: PlayerId, whereabouts: &mut ZoneOccupancy, tile: Tile) {
        let area = self.area_at(tile);
        let before = std::mem::replace(&mut whereabouts.area, area);
        if before == area {
            return;
        }
        if let Some(room) = before.and_then(|zone| self.room(zone)) {
            room.lose();
        }
        if let Some(room) = area.and_then(|zone| self.room(zone)) {
            room.people = room.people.saturating_add(1);
            // Being let in counts once.
            room.admitted.remove(&player);
            room.knocked.remove(&player);
        }
        self.note_closed();
    }

    /// The portal at a tile.
    pub fn portal_at(&self, tile: Tile) -> Option<u16> {
        let is_here = |zone: &Zone| zone.kind == ZoneKind::Portal && zone.area.contains(tile);
        self.all.iter().position(is_here).map(|index| index as u16)
    }

    fn room(&mut self, zone: u16) -> Option<&mut PrivateArea> {
        self.rooms.iter_mut().find(|room| room.zone == zone)
    }

    fn note_closed(&mut self) {
        self.has_closed = self.rooms.iter().any(|room| room.state().is_closed());
    }

    /// The area of the first zone of that name that people may arrive in from elsewhere.
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

    /// The lock opens when the last one leaves.
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

/// The doors of a space, for one of its players.
pub(super) struct Doors<'a> {
    zones: &'a Zones,
    player: PlayerId,
}

impl<'a> Doors<'a> {
    /// Those that player stands before.
    pub const fn of(zones: &'a Zones, player: PlayerId) -> Self {
        Self { zones, player }
    }
}

impl movement::Barriers for Doors<'_> {
    fn let_through(&self, from: Tile, to: Tile) -> bool {
        self.zones.lets_through(self.player, from, to)
    }
}

/// Where somebody stands who just came.
pub(super) fn whereabouts(zones: &mut Zones, player: PlayerId, tile: Tile) -> ZoneOccupancy {
    let mut whereabouts = ZoneOccupancy::default();
    zones.note(player, &mut whereabouts, tile);
    whereabouts.portal = zones.portal_at(tile);
    whereabouts
}

/// A player is no longer here.
pub(super) fn forget(world: &mut World, player: PlayerId, whereabouts: ZoneOccupancy) {
    let mut zones = world.resource_mut::<Zones>();
    if let Some(room) = whereabouts.area.and_then(|zone| zones.room(zone)) {
        room.lose();
    }
    for room in &mut zones.rooms {
        room.admitted.remove(&player);
        room.knocked.remove(&player);
    }
    zones.note_closed();
}

pub(super) fn lock(world: &mut World, player: PlayerId, zone: u16, locked: bool) {
    if area_of(world, player) != Some(zone) {
        return deny(world, player, Denial::NotInside);
    }
    let mut zones = world.resource_mut::<Zones>();
    if let Some(room) = zones.room(zone) {
        if locked {
            room.locked = true;
            room.locked_by = Some(player);
        } else {
            room.open();
        }
    }
    zones.note_closed();
}

pub(super) fn knock(world: &mut World, player: PlayerId, zone: u16) {
    if presence::entity(world, player).is_none() || area_of(world, player) == Some(zone) {
        return;
    }
    let now = *world.resource::<Tick>();
    let patience = KNOCK_AGAIN * u64::from(world.resource::<TickRate>().per_second());
    let mut zones = world.resource_mut::<Zones>();
    let Some(room) = zones.room(zone).filter(|room| room.is_closed_to(player)) else {
        return;
    };
    let heard = room.knocked.get(&player);
    if heard.is_some_and(|heard| now.0 < heard.0 + patience) {
        return;
    }
    room.knocked.insert(player, now);
    let mut to = people_in(world, zone);
    to.retain(|inside| !proximity::keeps_away(world, *inside, player));
    tell(world, Fact::Knocked { player, zone, to });
}

pub(super) fn admit(world: &mut World, player: PlayerId, guest: PlayerId) {
    let Some(zone) = area_of(world, player) else {
        return deny(world, player, Denial::NotInside);
    };
    if presence::entity(world, guest).is_none() {
        return deny(world, player, Denial::NotHere);
    }
    if area_of(world, guest) == Some(zone) {
        return;
    }
    let mut zones = world.resource_mut::<Zones>();
    let Some(room) = zones.room(zone) else {
        return;
    };
    room.knocked.remove(&guest);
    if room.locked {
        room.admitted.insert(guest);
    }
    tell(
        world,
        Fact::Admitted {
            player: guest,
            zone,
        },
    );
}

/// The private area somebody stands in.
pub(super) fn area_of(world: &World, player: PlayerId) -> Option<u16> {
    world
        .get::<ZoneOccupancy>(presence::entity(world, player)?)?
        .area
}

fn people_in(world: &World, zone: u16) -> Vec<PlayerId> {
    let entities = world.resource::<Roster>().entities();
    let inside = entities.filter(|entity| {
        let whereabouts = world.get::<ZoneOccupancy>(*entity);
        whereabouts.is_some_and(|whereabouts| whereabouts.area == Some(zone))
    });
    inside
        .filter_map(|entity| world.get::<Card>(entity).map(|card| card.player))
        .collect()
}

/// Tells somebody that what they asked for cannot be.
pub(super) fn deny(world: &mut World, player: PlayerId, why: Denial) {
    tell(world, Fact::Denied { player, why });
}

fn tell(world: &mut World, fact: Fact) {
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

/// Whoever came onto a portal comes out at its other end. Arriving on one is no step onto it.
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
    for (card, body, _, _, _, mut whereabouts) in &mut players {
        let tile = body.position.tile();
        zones.note(card.player, &mut whereabouts, tile);
        let portal = zones.portal_at(tile);
        if std::mem::replace(&mut whereabouts.portal, portal) != portal
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
            outbox.0.facts.push(Fact::Stepped {
                player,
                space,
                arrive,
            });
            continue;
        }
        let Some(entity) = roster.entity(player) else {
            continue;
        };
        let Ok((_, mut body, mut motion, mut steering, mut walk, mut whereabouts)) =
            players.get_mut(entity)
        else {
            continue;
        };
        let Some(tile) = zones.end_of(&grid, player, &zone) else {
            continue;
        };
        *body = Body {
            facing: body.facing,
            ..Body::at(tile.middle())
        };
        *motion = Motion::Standing;
        steering.give_up();
        walk.end();
        zones.note(player, &mut whereabouts, tile);
        whereabouts.portal = zones.portal_at(tile);
    }
}

impl Zones {
    /// A tile at the other end of a portal, another for every player; `None` when there is no room
    /// or it is closed.
    fn end_of(&self, grid: &Grid, player: PlayerId, name: &str) -> Option<Tile> {
        let end = self.all.iter().find(|zone| zone.name == name)?;
        let is_open = |tile: &Tile| {
            grid.is_walkable(*tile)
                && self
                    .area_at(*tile)
                    .is_none_or(|zone| !self.is_closed_to(player, zone))
        };
        let tiles: Vec<Tile> = arrival::clipped(grid, end.area)
            .tiles()
            .filter(is_open)
            .collect();
        arrival::scattered(&tiles, &BTreeSet::new(), player)
    }
}

/// Says how areas are: at once when one opens or closes, else once a second.
fn tell_of_areas(
    now: Res<Tick>,
    rate: Res<TickRate>,
    mut zones: ResMut<Zones>,
    mut outbox: ResMut<Outbox>,
) {
    for room in &mut zones.rooms {
        let state = room.state();
        if state == room.shown {
            continue;
        }
        let is_due = now.0 >= room.shown_at.0 + u64::from(rate.per_second());
        if state.locked != room.shown.locked
            || state.is_closed() != room.shown.is_closed()
            || is_due
        {
            room.shown = state;
            room.shown_at = *now;
            outbox.0.facts.push(Fact::ZoneChanged(state));
        }
    }
}
