//! Elements: what stands in a space, and the ground it leaves to walk on.
//!
//! Who may place what is decided before, in `api`; the plan in the store is the truth that a space starts from.

use bevy_ecs::prelude::*;

use super::{Outbox, SimulateSystems, SpaceBuilder, movement};
use crate::components::direction::Motion;
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::{ElementId, PlacementId};
use crate::components::plan::{Area, Placement, Plan};
use crate::components::player::{Body, Carry};
use crate::components::unit::{Position, SUBTILES, Tile};
use crate::components::walking::{Errand, Walk};

/// The elements of a space.
#[derive(Debug, Clone, Resource)]
pub struct Elements {
    /// By rising id.
    placements: Vec<Placement>,
    /// The plan's version that they show.
    pub version: u32,
    /// Rises whenever the grid may have changed.
    pub ground: u32,
    /// The ground on which everybody is known to stand free.
    settled: u32,
}

/// Builds the ground of the plan and adds what keeps people out of solid things.
pub fn plugin(space: &mut SpaceBuilder, plan: &Plan) {
    let mut grid = Grid::open(plan.width, plan.height);
    for &tile in &plan.blocked {
        grid.block(tile);
    }
    let mut elements = Elements {
        placements: Vec::with_capacity(plan.elements.len()),
        version: plan.version,
        ground: 0,
        settled: 0,
    };
    let mut placements = plan.elements.clone();
    placements.sort_unstable_by_key(|placement| placement.id);
    for placement in placements {
        elements.put(&mut grid, placement);
    }
    elements.settled = elements.ground;
    space.add(grid);
    space.add(elements);
    space.tick.add_systems(free_bodies.in_set(SimulateSystems::Free));
}

impl Elements {
    /// Where a placement is, or belongs.
    fn index(&self, id: PlacementId) -> Result<usize, usize> {
        self.placements.binary_search_by_key(&id, |placement| placement.id)
    }

    fn put(&mut self, grid: &mut Grid, placement: Placement) {
        self.take(grid, placement.id);
        for tile in solid_tiles(grid, &placement) {
            grid.block(tile);
        }
        if let Err(index) = self.index(placement.id) {
            self.placements.insert(index, placement);
        }
        self.ground += 1;
    }

    fn take(&mut self, grid: &mut Grid, id: PlacementId) -> bool {
        let Ok(index) = self.index(id) else {
            return false;
        };
        let placement = self.placements.remove(index);
        for tile in solid_tiles(grid, &placement) {
            grid.unblock(tile);
        }
        self.ground += 1;
        true
    }
}

pub(super) fn place(world: &mut World, placement: Placement, version: u32) {
    let fact = Fact::ElementPlaced {
        placement: placement.clone(),
        version,
    };
    edit(world, version, |elements, grid| elements.put(grid, placement));
    world.resource_mut::<Outbox>().0.facts.push(fact);
}

pub(super) fn remove(world: &mut World, id: PlacementId, version: u32) {
    if edit(world, version, |elements, grid| elements.take(grid, id)) {
        let fact = Fact::ElementRemoved { id, version };
        world.resource_mut::<Outbox>().0.facts.push(fact);
    }
}

pub(super) fn change(world: &mut World, element: ElementId, placements: Vec<Placement>, version: u32) {
    edit(world, version, |elements, grid| {
        let before: Vec<_> = elements
            .placements
            .iter()
            .filter(|old| old.element == element)
            .map(|old| old.id)
            .collect();
        for id in before {
            elements.take(grid, id);
        }
        for placement in placements {
            elements.put(grid, placement);
        }
    });
    world
        .resource_mut::<Outbox>()
        .0
        .facts
        .push(Fact::ElementChanged { element, version });
}

fn edit<T>(world: &mut World, version: u32, work: impl FnOnce(&mut Elements, &mut Grid) -> T) -> T {
    world.resource_scope(|world, mut elements: Mut<Elements>| {
        elements.version = version;
        work(&mut elements, &mut world.resource_mut::<Grid>())
    })
}

/// The solid tiles of a placement that lie inside the map; a placement may claim any size.
fn solid_tiles(grid: &Grid, placement: &Placement) -> impl Iterator<Item = Tile> + use<> {
    let area = placement.solid.unwrap_or(Area {
        corner: placement.corner,
        width: 0,
        height: 0,
    });
    Area {
        corner: area.corner,
        width: area.width.min(grid.width().saturating_sub(area.corner.x)),
        height: area.height.min(grid.height().saturating_sub(area.corner.y)),
    }
    .tiles()
}

/// Moves everybody who got caught in something solid, and lets walks look for another way.
fn free_bodies(
    grid: Res<Grid>,
    mut elements: ResMut<Elements>,
    mut bodies: Query<(&mut Body, &mut Motion, &mut Walk)>,
) {
    if elements.settled == elements.ground {
        return;
    }
    elements.settled = elements.ground;
    for (mut body, mut motion, mut walk) in &mut bodies {
        if let Some(Errand::Goal(_)) = walk.errand {
            walk.aim = None;
        }
        if movement::is_free(&grid, body.position) {
            continue;
        }
        let Some(position) = nearest_free(&grid, body.position) else {
            return;
        };
        body.position = position;
        body.carry = Carry::default();
        *motion = Motion::Standing;
    }
}

/// The middle of the nearest walkable tile, the upper left one of several; `None` when the whole map is solid.
pub fn nearest_free(grid: &Grid, from: Position) -> Option<Position> {
    let column = from.x.div_euclid(SUBTILES).clamp(0, i32::from(grid.width()) - 1);
    let row = from.y.div_euclid(SUBTILES).clamp(0, i32::from(grid.height()) - 1);
    let mut best: Option<(i64, i32, i32)> = None;
    for radius in 0..i32::from(grid.width().max(grid.height())) {
        // Everything on this ring or beyond is farther than what was found.
        let at_least = i64::from(((radius - 1) * SUBTILES).max(0)).pow(2);
        if best.is_some_and(|(distance, ..)| distance < at_least) {
            break;
        }
        for (x, y) in ring(column, row, radius) {
            if !grid.is_solid(x, y) {
                let middle = Tile::new(x as u16, y as u16).middle();
                let distance = i64::from(middle.x - from.x).pow(2) + i64::from(middle.y - from.y).pow(2);
                best = Some(best.map_or((distance, y, x), |best| best.min((distance, y, x))));
            }
        }
    }
    best.map(|(_, y, x)| Tile::new(x as u16, y as u16).middle())
}

/// The border of a square around a tile, row by row.
pub(super) fn ring(column: i32, row: i32, radius: i32) -> impl Iterator<Item = (i32, i32)> {
    (row - radius..=row + radius).flat_map(move |y| {
        let edge = (y - row).abs() == radius;
        let step = if edge || radius == 0 { 1 } else { 2 * radius as usize };
        (column - radius..=column + radius).step_by(step).map(move |x| (x, y))
    })
}
