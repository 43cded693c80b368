//! Home: frees players who cannot walk. Players are moved out of elements that were placed on them,
//! to a place they could have walked to. A player may ask to be moved to the spawn point.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bevy_ecs::prelude::*;

use super::arrival::Arrivals;
use super::elements::Elements;
use super::zones::Zones;
use super::{SimulateSystems, SpaceBuilder, arrival, deny, movement, roster};
use crate::components::denial::Denial;
use crate::components::direction::Motion;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::player::{Body, Card, Carry};
use crate::components::steering::Steering;
use crate::components::unit::{Position, Tick, TickRate, Tile};
use crate::components::walking::{Errand, Walk};
use crate::components::zone::ZoneOccupancy;

/// A place leads out when this many tiles, or a spawn zone, can be reached from it.
const MIN_REACHABLE: usize = 32;

/// Most tiles searched for the nearest way out of something solid.
const MAX_SEARCHED_TILES: usize = 4_096;

/// Seconds until a player may be moved home again.
const HOME_AGAIN: u64 = 10;

/// Tick in which each player was moved home last.
#[derive(Debug, Clone, Default, Resource)]
pub struct Homings(BTreeMap<PlayerId, Tick>);

/// Adds the system that moves players out of solid tiles.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(Homings::default());
    space
        .tick
        .add_systems(free_bodies.in_set(SimulateSystems::Free));
}

/// Moves a player to the spawn point.
pub(super) fn go_home(world: &mut World, player: PlayerId) {
    let Some(entity) = roster::entity(world, player) else {
        return;
    };
    let now = *world.resource::<Tick>();
    let patience = HOME_AGAIN * u64::from(world.resource::<TickRate>().per_second());
    let homings = &mut world.resource_mut::<Homings>().0;
    homings.retain(|_, at| now.0 < at.0.saturating_add(patience));
    if homings.contains_key(&player) {
        return deny(world, player, Denial::HomeTooSoon);
    }
    homings.insert(player, now);
    let position = arrival::position(world, player);
    let mut person = world.entity_mut(entity);
    let Ok((mut body, mut motion, mut steering, mut walk)) =
        person.get_components_mut::<(&mut Body, &mut Motion, &mut Steering, &mut Walk)>()
    else {
        return;
    };
    *body = Body {
        facing: body.facing,
        ..Body::at(position)
    };
    *motion = Motion::Standing;
    steering.give_up();
    walk.end();
    // Arriving there is not a step onto a portal.
    let Some(mut occupancy) = world.get::<ZoneOccupancy>(entity).copied() else {
        return;
    };
    let mut zones = world.resource_mut::<Zones>();
    zones.move_to(player, &mut occupancy, position.tile());
    occupancy.portal = zones.portal_at(position.tile());
    world.entity_mut(entity).insert(occupancy);
}

/// Moves all players out of solid tiles, and lets walks search another way.
fn free_bodies(
    grid: Res<Grid>,
    zones: Res<Zones>,
    mut elements: ResMut<Elements>,
    mut arrivals: ResMut<Arrivals>,
    mut bodies: Query<(&Card, &mut Body, &mut Motion, &mut Walk)>,
) {
    let Some(before) = elements.take_before() else {
        return;
    };
    for (card, mut body, mut motion, mut walk) in &mut bodies {
        if let Some(Errand::Goal(_)) = walk.errand {
            walk.aim = None;
        }
        if movement::is_free(&grid, body.position) {
            continue;
        }
        let ground = Ground {
            grid: &grid,
            zones: &zones,
            player: card.player,
        };
        body.position = ground.freed(&before, body.position, || {
            arrivals.choose(
                &grid,
                elements.ground,
                &zones,
                card.player,
                &BTreeSet::new(),
            )
        });
        body.carry = Carry::default();
        *motion = Motion::Standing;
    }
}

/// Free position for a player who would stand in something solid after a restart. The earlier
/// elements are unknown, so the way may lead over everything that the map itself does not block.
pub fn restored(world: &mut World, map: &Grid, player: PlayerId, from: Position) -> Position {
    world.resource_scope(|world, mut arrivals: Mut<Arrivals>| {
        let ground = Ground::of(world, player);
        let version = world.resource::<Elements>().ground;
        ground.freed(map, from, || {
            arrivals.choose(ground.grid, version, ground.zones, player, &BTreeSet::new())
        })
    })
}

/// Tiles on which a player may walk.
pub(super) struct Ground<'a> {
    grid: &'a Grid,
    zones: &'a Zones,
    player: PlayerId,
}

impl<'a> Ground<'a> {
    /// The current ground.
    pub fn of(world: &'a World, player: PlayerId) -> Self {
        Self {
            grid: world.resource::<Grid>(),
            zones: world.resource::<Zones>(),
            player,
        }
    }

    /// Whether a tile leads out.
    pub fn leads_out(&self, from: Tile) -> bool {
        self.enclosed(from).is_none()
    }

    /// The tiles that can be reached from one that does not lead out; `None` when it does.
    fn enclosed(&self, from: Tile) -> Option<BTreeSet<Tile>> {
        let mut seen = BTreeSet::from([from]);
        let mut border = VecDeque::from([from]);
        while let Some(tile) = border.pop_front() {
            if self.zones.leads_out_at(tile) {
                return None;
            }
            for next in neighbours(self.grid, tile) {
                if self.grid.is_walkable(next)
                    && self.zones.lets_through(self.player, tile, next)
                    && seen.insert(next)
                {
                    border.push_back(next);
                }
            }
            if seen.len() >= MIN_REACHABLE {
                return None;
            }
        }
        Some(seen)
    }

    /// Position for a player who is in something solid: the nearest place that leads out and that
    /// they could have walked to on the earlier grid. The spawn point when there is none.
    fn freed(
        &self,
        before: &Grid,
        from: Position,
        arrival: impl FnOnce() -> Option<Tile>,
    ) -> Position {
        let (found, nearest) = self.way_out(before, from);
        let tile = found.or_else(|| {
            let arrival = arrival();
            arrival
                .filter(|tile| nearest.is_none() || self.leads_out(*tile))
                .or(nearest)
                .or(arrival)
        });
        tile.map_or_else(|| arrival::middle(self.grid), Tile::middle)
    }

    /// The nearest tile that leads out, and the nearest of all.
    fn way_out(&self, before: &Grid, from: Position) -> (Option<Tile>, Option<Tile>) {
        let start = clamped(self.grid, from);
        let own = self.zones.private_zone_at(start);
        let (mut seen, mut nearest) = (BTreeSet::from([start]), None);
        let mut ring = vec![start];
        // Each enclosed part is walked through once, however many of its tiles are looked at.
        let mut enclosed = BTreeSet::new();
        while !ring.is_empty() && seen.len() < MAX_SEARCHED_TILES {
            let mut free: Vec<Tile> = ring
                .iter()
                .copied()
                .filter(|tile| self.may_stand(own, *tile))
                .collect();
            free.sort_unstable_by_key(|tile| (squared(tile.middle(), from), tile.y, tile.x));
            nearest = nearest.or_else(|| free.first().copied());
            for tile in free {
                if enclosed.contains(&tile) {
                    continue;
                }
                match self.enclosed(tile) {
                    None => return (Some(tile), nearest),
                    Some(part) => enclosed.extend(part),
                }
            }
            let mut next = Vec::new();
            for tile in ring {
                for other in neighbours(self.grid, tile) {
                    if before.is_walkable(other)
                        && self.zones.lets_through(self.player, tile, other)
                        && seen.insert(other)
                    {
                        next.push(other);
                    }
                }
            }
            ring = next;
        }
        (None, nearest)
    }

    /// Never in another private zone than before, and not on a portal.
    fn may_stand(&self, own: Option<u16>, tile: Tile) -> bool {
        let zone = self.zones.private_zone_at(tile);
        self.grid.is_walkable(tile)
            && (zone.is_none() || zone == own)
            && self.zones.portal_at(tile).is_none()
    }
}

fn clamped(grid: &Grid, position: Position) -> Tile {
    let Tile { x, y } = position.tile();
    Tile::new(x.min(grid.width() - 1), y.min(grid.height() - 1))
}

fn squared(a: Position, b: Position) -> i64 {
    i64::from(a.x - b.x).pow(2) + i64::from(a.y - b.y).pow(2)
}

/// The four neighbours of a tile that are on the map.
fn neighbours(grid: &Grid, tile: Tile) -> impl Iterator<Item = Tile> + use<> {
    let (width, height) = (i32::from(grid.width()), i32::from(grid.height()));
    let around = [(0, -1), (-1, 0), (1, 0), (0, 1)]
        .map(|(x, y)| (i32::from(tile.x) + x, i32::from(tile.y) + y));
    let inside = move |&(x, y): &(i32, i32)| x >= 0 && y >= 0 && x < width && y < height;
    around
        .into_iter()
        .filter(inside)
        .filter_map(|(x, y)| Tile::at(x, y))
}
