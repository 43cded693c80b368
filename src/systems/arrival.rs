//! Arrival: where players appear when they join for the first time.

use std::collections::{BTreeSet, VecDeque};

use bevy_ecs::prelude::*;

use super::SpaceBuilder;
use super::elements::{Elements, ring};
use super::roster::Roster;
use super::scatter::{clipped, scattered};
use super::zones::{Zones, is_open};
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::layout::SpaceLayout;
use crate::components::player::Body;
use crate::components::tile_rect::TileRect;
use crate::components::unit::{Position, Tile};
use crate::components::zone::ZoneKind;

/// Number of tiles that players are scattered over when the map has no spawn zone.
const MIDDLE_TILES: usize = 64;

/// Tiles on which players may arrive.
#[derive(Debug, Clone, Resource)]
pub struct Arrivals {
    zones: Vec<TileRect>,
    /// Version of the ground the tiles were computed for; `None` before the first arrival.
    ground: Option<u32>,
    tiles: Vec<Tile>,
}

/// Adds the spawn zones of the layout.
pub fn plugin(space: &mut SpaceBuilder, layout: &SpaceLayout) {
    space.add(Arrivals::new(layout));
}

/// Replaces the spawn zones by those of this layout.
pub(super) fn replace(world: &mut World, layout: &SpaceLayout) {
    world.insert_resource(Arrivals::new(layout));
}

impl Arrivals {
    fn new(layout: &SpaceLayout) -> Self {
        let zones = layout
            .zones
            .iter()
            .filter(|zone| zone.kind == ZoneKind::Spawn);
        Self {
            zones: zones.map(|zone| zone.area).collect(),
            ground: None,
            tiles: Vec::new(),
        }
    }

    /// Tile on which a player arrives. Each number gets another one: a free tile while there is
    /// one, and never one in a private zone that is closed to the player. `None` when there is no
    /// such tile.
    pub(super) fn choose(
        &mut self,
        grid: &Grid,
        ground: u32,
        zones: &Zones,
        player: PlayerId,
        taken: &BTreeSet<Tile>,
    ) -> Option<Tile> {
        if self.ground != Some(ground) {
            self.ground = Some(ground);
            self.tiles = tiles(grid, &self.zones);
        }
        let is_open = |tile: &Tile| zones.is_open_to(player, *tile);
        if !zones.has_closed() {
            return scattered(&self.tiles, taken, player);
        }
        let open: Vec<Tile> = self.tiles.iter().copied().filter(is_open).collect();
        scattered(&open, taken, player).or_else(|| {
            let mut others = around(grid, middle(grid).tile());
            others.find(|tile| grid.is_walkable(*tile) && is_open(tile))
        })
    }
}

/// Position where this player starts.
pub(super) fn position(world: &mut World, player: PlayerId) -> Position {
    let taken = taken_tiles(world);
    let ground = world.resource::<Elements>().ground;
    world.resource_scope(|world, mut arrivals: Mut<Arrivals>| {
        let (grid, zones) = (world.resource::<Grid>(), world.resource::<Zones>());
        let tile = arrivals.choose(grid, ground, zones, player, &taken);
        tile.map_or_else(|| middle(grid), Tile::middle)
    })
}

/// Position where this player starts in the zone of that name. `None` when players do not arrive
/// there or it has no room.
pub(super) fn in_zone(world: &World, player: PlayerId, name: &str) -> Option<Position> {
    let grid = world.resource::<Grid>();
    let area = world.resource::<Zones>().arrival(name)?;
    let tiles: Vec<Tile> = clipped(grid, area)
        .tiles()
        .filter(|tile| is_open(world, player, *tile))
        .collect();
    scattered(&tiles, &taken_tiles(world), player).map(Tile::middle)
}

/// Position for arrivals when the whole map is solid, so that players at least see it.
pub fn middle(grid: &Grid) -> Position {
    Tile::new(grid.width() / 2, grid.height() / 2).middle()
}

fn taken_tiles(world: &World) -> BTreeSet<Tile> {
    let entities = world.resource::<Roster>().entities();
    let bodies = entities.filter_map(|entity| world.get::<Body>(entity));
    bodies.map(|body| body.position.tile()).collect()
}

fn tiles(grid: &Grid, zones: &[TileRect]) -> Vec<Tile> {
    let mut seen = BTreeSet::new();
    let inside = zones.iter().map(|&zone| clipped(grid, zone));
    let found: Vec<Tile> = inside
        .flat_map(TileRect::tiles)
        .filter(|&tile| grid.is_walkable(tile) && seen.insert(tile))
        .collect();
    if found.is_empty() {
        around_middle(grid)
    } else {
        found
    }
}

/// Tiles around the one nearest to the map's middle that has a free tile to its right, and
/// reachable from it.
fn around_middle(grid: &Grid) -> Vec<Tile> {
    let Some(first) = nearest_to_middle(grid, 1).or_else(|| nearest_to_middle(grid, 0)) else {
        return Vec::new();
    };
    let mut seen = BTreeSet::from([first]);
    let mut border = VecDeque::from([first]);
    let mut found = Vec::new();
    while let Some(tile) = border.pop_front() {
        if tile == first || !grid.is_solid(i32::from(tile.x) + 1, i32::from(tile.y)) {
            found.push(tile);
        }
        if found.len() == MIDDLE_TILES {
            break;
        }
        for (right, down) in [(1, 0), (0, 1), (-1, 0), (0, -1)] {
            let (x, y) = (i32::from(tile.x) + right, i32::from(tile.y) + down);
            let open = Tile::at(x, y).filter(|tile| grid.is_walkable(*tile));
            border.extend(open.filter(|tile| seen.insert(*tile)));
        }
    }
    found
}

/// Tiles of the map, outward in squares.
fn around(grid: &Grid, from: Tile) -> impl Iterator<Item = Tile> {
    let (width, height) = (i32::from(grid.width()), i32::from(grid.height()));
    let tiles = (0..=width.max(height))
        .flat_map(move |radius| ring(i32::from(from.x), i32::from(from.y), radius));
    tiles
        .filter(move |&(x, y)| x < width && y < height)
        .filter_map(|(x, y)| Tile::at(x, y))
}

/// Nearest walkable tile, outward in squares, with that many walkable tiles to its right.
fn nearest_to_middle(grid: &Grid, to_the_right: i32) -> Option<Tile> {
    let (column, row) = (i32::from(grid.width()) / 2, i32::from(grid.height()) / 2);
    (0..=i32::from(grid.width().max(grid.height())))
        .flat_map(|radius| ring(column, row, radius))
        .find(|&(x, y)| (x..=x + to_the_right).all(|x| !grid.is_solid(x, y)))
        .and_then(|(x, y)| Tile::at(x, y))
}
