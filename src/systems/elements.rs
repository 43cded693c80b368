//! Elements: what stands in a space, and the ground it leaves to walk on.
//!
//! Who may place what is decided before, in `api`; the plan in the store is the truth that a space
//! starts from. Edits come with the version that they make: each takes effect on the version before
//! it, so that none is ever left out unnoticed.

use bevy_ecs::prelude::*;

use super::{Outbox, SpaceBuilder};
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::PlacementId;
use crate::components::layout::{Placement, SpaceLayout, TileRect};
use crate::components::unit::Tile;

/// The elements of a space.
#[derive(Debug, Clone, Resource)]
pub struct Elements {
    /// By rising id.
    placements: Vec<Placement>,
    /// The plan's version that they show.
    pub version: u32,
    /// The highest version that was heard of.
    heard: u32,
    /// Rises whenever the grid may have changed.
    pub ground: u32,
    /// The ground as it was when everybody stood free, while it is not known that they still do.
    before: Option<Box<Grid>>,
}

/// Builds the ground of the plan.
pub fn plugin(space: &mut SpaceBuilder, plan: &SpaceLayout) {
    let (elements, grid) = built(plan);
    space.add(grid);
    space.add(elements);
}

/// What stands in a space as planned, and its ground.
fn built(plan: &SpaceLayout) -> (Elements, Grid) {
    let mut grid = Grid::open(plan.width, plan.height);
    for &tile in &plan.blocked {
        grid.block(tile);
    }
    let mut elements = Elements {
        placements: Vec::with_capacity(plan.elements.len()),
        version: plan.version,
        heard: plan.version,
        ground: 0,
        before: None,
    };
    let mut placements = plan.elements.clone();
    placements.sort_unstable_by_key(|placement| placement.id);
    for placement in placements {
        elements.put(&mut grid, placement);
    }
    (elements, grid)
}

impl Elements {
    /// Whether an edit was heard of that could not take effect, because one before it was not heard
    /// of.
    pub const fn is_behind(&self) -> bool {
        self.heard > self.version
    }

    /// The ground as it was before it changed, if it changed since this was asked last.
    pub fn take_before(&mut self) -> Option<Box<Grid>> {
        self.before.take()
    }

    /// Where a placement is, or belongs.
    fn index(&self, id: PlacementId) -> Result<usize, usize> {
        self.placements
            .binary_search_by_key(&id, |placement| placement.id)
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

    fn take(&mut self, grid: &mut Grid, id: PlacementId) {
        let Ok(index) = self.index(id) else {
            return;
        };
        let placement = self.placements.remove(index);
        for tile in solid_tiles(grid, &placement) {
            grid.unblock(tile);
        }
        self.ground += 1;
    }
}

pub(super) fn place(world: &mut World, placement: Placement, version: u32) {
    let fact = Fact::ElementPlaced {
        placement: placement.clone(),
        version,
    };
    edit(world, version, fact, |elements, grid| {
        elements.put(grid, placement)
    });
}

pub(super) fn remove(world: &mut World, id: PlacementId, version: u32) {
    let fact = Fact::ElementRemoved { id, version };
    edit(world, version, fact, |elements, grid| {
        elements.take(grid, id)
    });
}

/// Does what makes that version out of the one before it. What was done before is not done again;
/// what comes too early is only remembered as heard of.
fn edit(world: &mut World, version: u32, fact: Fact, work: impl FnOnce(&mut Elements, &mut Grid)) {
    world.resource_scope(|world, mut elements: Mut<Elements>| {
        elements.heard = elements.heard.max(version);
        if elements.version.checked_add(1) != Some(version) {
            return;
        }
        elements.version = version;
        let mut grid = world.resource_mut::<Grid>();
        if elements.before.is_none() {
            elements.before = Some(Box::new(grid.clone()));
        }
        work(&mut elements, &mut grid);
        world.resource_mut::<Outbox>().0.facts.push(fact);
    });
}

/// Everything stands as that plan says from now on.
pub(super) fn replace(world: &mut World, plan: &SpaceLayout) {
    let (elements, grid) = built(plan);
    let before = std::mem::replace(&mut *world.resource_mut::<Grid>(), grid);
    let mut now = world.resource_mut::<Elements>();
    *now = Elements {
        heard: now.heard.max(plan.version),
        ground: now.ground + elements.ground + 1,
        before: now.before.take().or_else(|| Some(Box::new(before))),
        ..elements
    };
}

/// The solid tiles of a placement that lie inside the map; a placement may claim any size.
fn solid_tiles(grid: &Grid, placement: &Placement) -> impl Iterator<Item = Tile> + use<> {
    let area = placement.solid.unwrap_or(TileRect {
        corner: placement.corner,
        width: 0,
        height: 0,
    });
    TileRect {
        corner: area.corner,
        width: area.width.min(grid.width().saturating_sub(area.corner.x)),
        height: area.height.min(grid.height().saturating_sub(area.corner.y)),
    }
    .tiles()
}

/// The border of a square around a tile, row by row.
pub(super) fn ring(column: i32, row: i32, radius: i32) -> impl Iterator<Item = (i32, i32)> {
    (row - radius..=row + radius).flat_map(move |y| {
        let edge = (y - row).abs() == radius;
        let step = if edge || radius == 0 {
            1
        } else {
            2 * radius as usize
        };
        (column - radius..=column + radius)
            .step_by(step)
            .map(move |x| (x, y))
    })
}
