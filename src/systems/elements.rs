//! Elements: the elements placed in a space, and the collision grid they result in.
//!
//! Permission to place is checked before, in `api`. The layout in the store is the truth that a
//! space starts from. Each edit comes with the version that it makes, and takes effect only on the
//! version before it, so that a missed edit is noticed.

use bevy_ecs::prelude::*;

use super::{SpaceBuilder, tell};
use crate::components::element::ElementFact;
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::PlacementId;
use crate::components::layout::{Placement, SpaceLayout};
use crate::components::tile_rect::TileRect;
use crate::components::unit::Tile;

/// Elements of a space.
#[derive(Debug, Clone, Resource)]
pub struct Elements {
    /// Sorted by id.
    placements: Vec<Placement>,
    /// Version of the layout that they show.
    pub version: u32,
    /// Highest version that was heard of.
    heard: u32,
    /// Number that rises whenever the grid may have changed.
    pub ground: u32,
    /// Grid as it was when all players stood free; `None` once it is known that they still do.
    before: Option<Box<Grid>>,
}

/// Builds elements and grid of the layout.
pub fn plugin(space: &mut SpaceBuilder, layout: &SpaceLayout) {
    let (elements, grid) = built(layout);
    space.add(grid);
    space.add(elements);
}

/// Elements and grid of a layout.
fn built(layout: &SpaceLayout) -> (Elements, Grid) {
    let mut grid = Grid::open(layout.width, layout.height);
    for &tile in &layout.blocked {
        grid.block(tile);
    }
    let mut elements = Elements {
        placements: Vec::with_capacity(layout.elements.len()),
        version: layout.version,
        heard: layout.version,
        ground: 0,
        before: None,
    };
    let mut placements = layout.elements.clone();
    placements.sort_unstable_by_key(|placement| placement.id);
    for placement in placements {
        elements.insert(&mut grid, placement);
    }
    (elements, grid)
}

impl Elements {
    /// Whether an edit arrived that could not take effect because an earlier one is missing.
    pub const fn is_behind(&self) -> bool {
        self.heard > self.version
    }

    /// Takes the grid as it was before it changed, if it changed since the last call.
    pub fn take_before(&mut self) -> Option<Box<Grid>> {
        self.before.take()
    }

    /// Index of a placement, or the index at which it belongs.
    fn index(&self, id: PlacementId) -> Result<usize, usize> {
        self.placements
            .binary_search_by_key(&id, |placement| placement.id)
    }

    fn insert(&mut self, grid: &mut Grid, placement: Placement) {
        self.remove(grid, placement.id);
        for tile in solid_tiles(grid, &placement) {
            grid.block(tile);
        }
        if let Err(index) = self.index(placement.id) {
            self.placements.insert(index, placement);
        }
    }

    fn remove(&mut self, grid: &mut Grid, id: PlacementId) {
        let Ok(index) = self.index(id) else {
            return;
        };
        let placement = self.placements.remove(index);
        for tile in solid_tiles(grid, &placement) {
            grid.unblock(tile);
        }
    }

    /// Whether the placement with this id makes tiles solid.
    fn is_solid(&self, grid: &Grid, id: PlacementId) -> bool {
        let placement = self.index(id).ok();
        let placement = placement.and_then(|index| self.placements.get(index));
        placement.is_some_and(|placement| solid_tiles(grid, placement).next().is_some())
    }
}

pub(super) fn place(world: &mut World, placement: Placement, version: u32) {
    let fact = Fact::Element(ElementFact::Placed {
        placement: placement.clone(),
        version,
    });
    edit(world, version, fact, placement.id, Some(placement));
}

pub(super) fn remove(world: &mut World, id: PlacementId, version: u32) {
    let fact = Fact::Element(ElementFact::Removed { id, version });
    edit(world, version, fact, id, None);
}

/// Applies the edit that makes this version out of the one before it. A known edit is not applied
/// again; one that comes too early is only noted as heard of.
fn edit(
    world: &mut World,
    version: u32,
    fact: Fact,
    id: PlacementId,
    placement: Option<Placement>,
) {
    world.resource_scope(|world, mut elements: Mut<Elements>| {
        elements.heard = elements.heard.max(version);
        if elements.version.checked_add(1) != Some(version) {
            return;
        }
        elements.version = version;
        let mut grid = world.resource_mut::<Grid>();
        let mut blocks = placement.iter().map(|new| solid_tiles(&grid, new));
        // What blocks no tile leaves ways and places as they are.
        if elements.is_solid(&grid, id) || blocks.any(|mut tiles| tiles.next().is_some()) {
            if elements.before.is_none() {
                elements.before = Some(Box::new(grid.clone()));
            }
            elements.ground += 1;
        }
        match placement {
            Some(placement) => elements.insert(&mut grid, placement),
            None => elements.remove(&mut grid, id),
        }
        tell(world, fact);
    });
}

/// Replaces elements and grid by those of this layout.
pub(super) fn replace(world: &mut World, layout: &SpaceLayout) {
    let (elements, grid) = built(layout);
    let before = std::mem::replace(&mut *world.resource_mut::<Grid>(), grid);
    let mut now = world.resource_mut::<Elements>();
    *now = Elements {
        heard: now.heard.max(layout.version),
        ground: now.ground + 1,
        before: now.before.take().or_else(|| Some(Box::new(before))),
        ..elements
    };
}

/// Solid tiles of a placement inside of the map. A placement may claim any size.
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

/// Border of a square around a tile, row by row.
pub(super) fn ring(column: i32, row: i32, radius: i32) -> impl Iterator<Item = (i32, i32)> {
    (row - radius..=row + radius).flat_map(move |y| {
        let is_full = (y - row).abs() == radius;
        let step = if is_full { 1 } else { 2 * radius };
        let step = usize::try_from(step).unwrap_or(1);
        (column - radius..=column + radius)
            .step_by(step)
            .map(move |x| (x, y))
    })
}
