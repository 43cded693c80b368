//! Home: no one stays where they cannot walk. People are moved out of what was put on them, to
//! where they might have walked themselves, and may ask to be taken to where people arrive.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bevy_ecs::prelude::*;

use super::arrival::Arrivals;
use super::elements::Elements;
use super::zones::{self, Zones};
use super::{SimulateSystems, SpaceBuilder, arrival, movement, presence};
use crate::components::direction::Motion;
use crate::components::fact::Denial;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::player::{Body, Card, Carry};
use crate::components::steering::Steering;
use crate::components::unit::{Position, SUBTILES, Tick, TickRate, Tile};
use crate::components::walking::{Errand, Walk};
use crate::components::zone::ZoneOccupancy;

/// From a place that leads out one gets to that many tiles, or to where people arrive.
const ROOMY: usize = 32;

/// Tiles that are looked at for the nearest way out of something solid.
const LOOKED_AT: usize = 4_096;

/// Seconds until someone is taken home again.
const HOME_AGAIN: u64 = 10;

/// When people were taken home last.
#[derive(Debug, Clone, Default, Resource)]
pub struct Homings(BTreeMap<PlayerId, Tick>);

/// Adds what keeps people out of solid things.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(Homings::default());
    space
        .tick
        .add_systems(free_bodies.in_set(SimulateSystems::Free));
}

/// Takes someone to where people arrive.
pub(super) fn go_home(world: &mut World, player: PlayerId) {
    let Some(entity) = presence::entity(world, player) else {
        return;
    };
    let now = *world.resource::<Tick>();
    let patience = HOME_AGAIN * u64::from(world.resource::<TickRate>().per_second());
    let homings = &mut world.resource_mut::<Homings>().0;
    homings.retain(|_, at| now.0 < at.0.saturating_add(patience));
    if homings.contains_key(&player) {
        return zones::deny(world, player, Denial::HomeTooSoon);
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
    // Coming there is no step onto a portal.
    let Some(mut whereabouts) = world.get::<ZoneOccupancy>(entity).copied() else {
        return;
    };
    let mut zones = world.resource_mut::<Zones>();
    zones.note(player, &mut whereabouts, position.tile());
    whereabouts.portal = zones.portal_at(position.tile());
    world.entity_mut(entity).insert(whereabouts);
}

/// Moves everybody who got caught in something solid, and lets walks look for another way.
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

/// Where someone stands after a restart who would stand in something solid. What stood there before
/// is not known: the way leads over everything but what the map itself blocks.
pub fn restored(world: &mut World, map: &Grid, player: PlayerId, from: Position) -> Position {
    world.resource_scope(|world, mut arrivals: Mut<Arrivals>| {
        let ground = Ground::of(world, player);
        let version = world.resource::<Elements>().ground;
        ground.freed(map, from, || {
            arrivals.choose(ground.grid, version, ground.zones, player, &BTreeSet::new())
        })
    })
}

/// Where someone may walk.
pub(super) struct Ground<'a> {
    grid: &'a Grid,
    zones: &'a Zones,
    player: PlayerId,
}

impl<'a> Ground<'a> {
    /// As it is now.
    pub fn of(world: &'a World, player: PlayerId) -> Self {
        Self {
            grid: world.resource::<Grid>(),
            zones: world.resource::<Zones>(),
            player,
        }
    }

    /// Whether one gets anywhere from a tile.
    pub fn leads_out(&self, from: Tile) -> bool {
        let mut seen = BTreeSet::from([from]);
        let mut border = VecDeque::from([from]);
        while let Some(tile) = border.pop_front() {
            if self.zones.leads_out_at(tile) {
                return true;
            }
            for next in neighbours(self.grid, tile) {
                if self.grid.is_walkable(next)
                    && self.zones.lets_through(self.player, tile, next)
                    && seen.insert(next)
                {
                    border.push_back(next);
                }
            }
            if seen.len() >= ROOMY {
                return true;
            }
        }
        false
    }

    /// Where someone stands next who is in something solid: the nearest place that they could have
    /// walked to on the ground as it was, that leads anywhere. Where people arrive when there is
    /// none.
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

    /// The nearest place that leads out, and the nearest of all.
    fn way_out(&self, before: &Grid, from: Position) -> (Option<Tile>, Option<Tile>) {
        let start = clamped(self.grid, from);
        let own = self.zones.area_at(start);
        let (mut seen, mut nearest) = (BTreeSet::from([start]), None);
        let mut ring = vec![start];
        while !ring.is_empty() && seen.len() < LOOKED_AT {
            let mut free: Vec<Tile> = ring
                .iter()
                .copied()
                .filter(|tile| self.may_stand(own, *tile))
                .collect();
            free.sort_unstable_by_key(|tile| (squared(tile.middle(), from), tile.y, tile.x));
            nearest = nearest.or_else(|| free.first().copied());
            if let Some(found) = free.into_iter().find(|tile| self.leads_out(*tile)) {
                return (Some(found), nearest);
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

    /// Never in another private area than before, and not on a portal.
    fn may_stand(&self, own: Option<u16>, tile: Tile) -> bool {
        let area = self.zones.area_at(tile);
        self.grid.is_walkable(tile)
            && (area.is_none() || area == own)
            && self.zones.portal_at(tile).is_none()
    }
}

fn clamped(grid: &Grid, position: Position) -> Tile {
    let along =
        |at: i32, length: u16| at.div_euclid(SUBTILES).clamp(0, i32::from(length) - 1) as u16;
    Tile::new(
        along(position.x, grid.width()),
        along(position.y, grid.height()),
    )
}

fn squared(a: Position, b: Position) -> i64 {
    i64::from(a.x - b.x).pow(2) + i64::from(a.y - b.y).pow(2)
}

/// The four tiles around one, as far as they are on the map.
fn neighbours(grid: &Grid, tile: Tile) -> impl Iterator<Item = Tile> + use<> {
    let (width, height) = (i32::from(grid.width()), i32::from(grid.height()));
    let around = [(0, -1), (-1, 0), (1, 0), (0, 1)]
        .map(|(x, y)| (i32::from(tile.x) + x, i32::from(tile.y) + y));
    let inside = move |&(x, y): &(i32, i32)| x >= 0 && y >= 0 && x < width && y < height;
    around
        .into_iter()
        .filter(inside)
        .map(|(x, y)| Tile::new(x as u16, y as u16))
}
