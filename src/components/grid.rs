//! Grid: which tiles of a space block movement.

use bevy_ecs::prelude::Resource;

use super::unit::Tile;

/// Collision grid: the number of blockers on each tile. Map tiles and placed elements add one each.
#[derive(Debug, Clone, PartialEq, Eq, Resource)]
pub struct Grid {
    width: u16,
    height: u16,
    blockers: Vec<u16>,
}

impl Grid {
    /// A grid on which every tile is walkable.
    pub fn open(width: u16, height: u16) -> Self {
        Self {
            width,
            height,
            blockers: vec![0; usize::from(width) * usize::from(height)],
        }
    }

    /// Width in tiles.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Height in tiles.
    pub const fn height(&self) -> u16 {
        self.height
    }

    /// Whether the tile blocks movement. Everything outside of the map does.
    pub fn is_solid(&self, x: i32, y: i32) -> bool {
        let count = Tile::at(x, y).and_then(|tile| self.blockers.get(self.index(tile)?));
        count.is_none_or(|count| *count > 0)
    }

    /// Whether each tile blocks movement, row by row.
    pub fn solid_tiles(&self) -> impl Iterator<Item = bool> {
        self.blockers.iter().map(|count| *count > 0)
    }

    /// Whether a player can stand on the tile.
    pub fn is_walkable(&self, tile: Tile) -> bool {
        !self.is_solid(i32::from(tile.x), i32::from(tile.y))
    }

    /// Adds one blocker to the tile.
    pub fn block(&mut self, tile: Tile) {
        if let Some(count) = self.count_mut(tile) {
            *count = count.saturating_add(1);
        }
    }

    /// Removes one blocker from the tile.
    pub fn unblock(&mut self, tile: Tile) {
        if let Some(count) = self.count_mut(tile) {
            *count = count.saturating_sub(1);
        }
    }

    /// FNV-1a hash over one byte per tile, row by row, 1 where solid. Client and server compare it
    /// to check that they predict on the same grid.
    pub fn hash(&self) -> u32 {
        self.blockers.iter().fold(0x811c_9dc5, |hash, &count| {
            (hash ^ u32::from(count > 0)).wrapping_mul(0x0100_0193)
        })
    }

    /// Number of a tile, row by row; `None` outside of the map.
    fn index(&self, tile: Tile) -> Option<usize> {
        let is_inside = tile.x < self.width && tile.y < self.height;
        is_inside.then(|| usize::from(tile.y) * usize::from(self.width) + usize::from(tile.x))
    }

    fn count_mut(&mut self, tile: Tile) -> Option<&mut u16> {
        let index = self.index(tile)?;
        self.blockers.get_mut(index)
    }
}
